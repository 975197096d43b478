#include "saithe/classify/import_celltypist.h"

#include "output_plan.h"
#include "query_lines.h"
#include "saithe/classify/model_file.h"
#include "saithe/core/text_io.h"
#include "session.h"

namespace saithe::cli {
namespace {

int run(const CommonOptions& common, const std::string& input, const std::string& output) {
  Session session(common);
  if (is_model_file(input)) {
    fail(ErrorKind::BadFormat, "{}: is a model of saithe already; give it to saithe predict",
         input);
  }
  OutputPlan({input}).add(output, OutputContent::Other);
  { const OutputFile probe(output, common.overwrite); }
  const Model model = import_celltypist(input);
  save_model(model, output, common.overwrite);
  session.say(fmt::format("CellTypist model: {} types, {} genes", model.types.n_types(),
                          model.preprocessor.n_genes()));
  warn_of_words_as_types(model, session);
  session.say("written: " + output);
  return 0;
}

}  // namespace

void add_import_celltypist(CLI::App& program) {
  const auto flags = std::make_shared<OptionFlags>();
  const auto input = std::make_shared<std::string>();
  const auto output = std::make_shared<std::string>();
  CLI::App* app = add_subcommand(
      program,
      {"import-celltypist", "Turn a CellTypist model into one of saithe",
       "saithe import-celltypist Immune_All_Low.pkl -o immune.saithe"},
      flags, [=](const CommonOptions& common) { return run(common, *input, *output); });
  app->add_option("MODEL", *input, "a model of CellTypist (.pkl); nothing in it is executed")
      ->required();
  app->add_option("-o,--output", *output, "the model to write")->required()->type_name("FILE");
}

}  // namespace saithe::cli
