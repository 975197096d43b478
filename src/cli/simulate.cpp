#include <algorithm>

#include "output_plan.h"
#include "saithe/core/usable_memory.h"
#include "saithe/io/write_h5ad.h"
#include "saithe/prep/simulate.h"
#include "session.h"

namespace saithe::cli {
namespace {

constexpr CellIndex kBlockCells = 1024;
// In memory for each cell until it is written: its name and its columns of obs.
constexpr std::int64_t kBytesOfCell = 150;

int run(const CommonOptions& common, const OptionFlags& flags, const std::string& output) {
  Session session(common);
  SimulateOptions options;
  flags.apply(options);
  OutputPlan({}).add(output, OutputContent::H5ad);
  require_memory_for_cells(output + ": obs", options.n_cells, kBytesOfCell,
                           session.context().max_memory);
  const SimulatedCells cells(options, session.context());
  H5adStream stream(output, cells.var(), options.n_cells, common.overwrite);
  for (CellIndex begin = 0; begin < options.n_cells; begin += kBlockCells) {
    session.context().throw_if_cancelled();
    const CellIndex end = std::min(begin + kBlockCells, options.n_cells);
    const Dataset block = cells.draw(begin, end, session.context());
    stream.append(block.counts.view(), block.obs(), session.context());
    session.context().report("simulating", end, options.n_cells);
  }
  stream.finish(session.context());
  session.say(fmt::format("written: {}", output));
  session.finish(options.n_cells);
  return 0;
}

}  // namespace

void add_simulate(CLI::App& program) {
  const auto flags = std::make_shared<OptionFlags>();
  const auto output = std::make_shared<std::string>();
  CLI::App* app = add_subcommand(
      program,
      {"simulate", "Draw labelled counts of a PBMC-like mixture",
       "saithe simulate -o simulated.h5ad --cells 100000"},
      flags, [=](const CommonOptions& common) { return run(common, *flags, *output); });
  app->add_option("-o,--output", *output, "the h5ad to write")->required()->type_name("FILE");
  flags->add(*app, SimulateOptions{}, "Simulation");
}

}  // namespace saithe::cli
