#include "gene_flags.h"

#include "bundled_data.h"

namespace saithe::cli {
namespace {

constexpr const char* kBundled = "bundled";

GeneMatchOptions defaults() {
  GeneMatchOptions options;
  options.gene_symbols = kBundled;
  return options;
}

}  // namespace

void add_gene_flags(CLI::App& app, OptionFlags& flags) {
  flags.add(app, defaults(), "Genes of the file");
}

GeneMatchOptions gene_match_options(const OptionFlags& flags) {
  GeneMatchOptions options = defaults();
  flags.apply(options);
  if (options.gene_symbols != kBundled) return options;
  try {
    options.gene_symbols = bundled_file(kBundledSymbols).string();
  } catch (const Error&) {
    // Few runs need the table: who does is told that this file is not there.
    options.gene_symbols = kBundledSymbols;
  }
  return options;
}

}  // namespace saithe::cli
