#include "saithe/io/anndata_file.h"

#include <fmt/ranges.h>

#include "saithe/core/text_io.h"
#include "saithe/io/gene_table.h"
#include "saithe/io/repeated_barcodes.h"

namespace saithe::io {
namespace {

/// Where a file has no matrix at all.
class NoValues final : public CellMatrix {
 public:
  NoValues(CellIndex n_cells, GeneIndex n_genes) : n_cells_(n_cells), n_genes_(n_genes) {}
  CsrMatrix read(CellIndex begin, CellIndex end, const Context&) override {
    return {end - begin, n_genes_, std::vector<RowPointer>(as_size(end - begin) + 1), {}, {}};
  }
  std::int64_t most_stored(CellIndex, CellIndex) const override { return 0; }

 private:
  CellIndex n_cells_;
  GeneIndex n_genes_;
};

std::string joined(const std::vector<std::string>& names) {
  return printable(fmt::format("{}", fmt::join(names, ", ")));
}

ValuePlace named_place(AnnDataFile& file, const ReadOptions& options) {
  std::optional<ValuePlace> place = options.use_raw ? file.raw() : file.layer(options.layer);
  if (!place && options.use_raw) {
    fail(ErrorKind::BadFormat, "{}: --use-raw: the file has no raw", file.name());
  }
  if (!place && options.layer == "X") place = file.x();
  if (!place) {
    fail(ErrorKind::BadFormat, "{}: --layer {}: no such layer; the file has: {}", file.name(),
         options.layer, file.layers().empty() ? "none" : joined(file.layers()));
  }
  return std::move(*place);
}

}  // namespace

std::optional<ValuePlace> AnnDataFile::layer(const std::string& layer) {
  return place("layers/" + layer, false);
}
std::optional<ValuePlace> AnnDataFile::raw() {
  return place(raw_place(), true);
}
std::optional<ValuePlace> AnnDataFile::x() {
  return place("X", false);
}

std::optional<ValuePlace> AnnDataFile::place(const std::string& place, bool of_raw) {
  if (!has_matrix(place)) return std::nullopt;
  const Table& genes = var(of_raw);
  return ValuePlace{place, &genes, [this, place, &genes] {
                      return open_matrix(place,
                                         checked_cast<GeneIndex>(genes.n_rows(), name_.c_str()));
                    }};
}

ValuePlace AnnDataFile::nothing() {
  const Table& genes = var(false);
  return {"nothing", &genes, [this, &genes]() -> std::unique_ptr<CellMatrix> {
            return std::make_unique<NoValues>(
                obs_.n_rows(), checked_cast<GeneIndex>(genes.n_rows(), name_.c_str()));
          }};
}

std::vector<ValuePlace> AnnDataFile::places_of_counts() {
  std::vector<ValuePlace> places;
  const auto add = [&](std::optional<ValuePlace> place) {
    if (place) places.push_back(std::move(*place));
  };
  for (const char* name : kLayersOfCounts) add(layer(name));
  add(raw());
  add(x());
  return places;
}

const Table& AnnDataFile::var(bool of_raw) {
  std::optional<Table>& table = of_raw ? raw_var_ : var_;
  if (!table) {
    std::string where;
    table = read_var(of_raw, where);
    settle_gene_names(*table, where, context_);
  }
  return *table;
}

Table AnnDataFile::take_var(const ValuePlace& place) {
  return std::move(var_ && place.var == &*var_ ? *var_ : *raw_var_);
}

std::unique_ptr<CellSource> open_cells(AnnDataFile& file, const ReadOptions& options,
                                       const Context& context) {
  if (options.use_raw && !options.layer.empty()) {
    fail(ErrorKind::InvalidArgument, "--use-raw and --layer exclude each other");
  }
  warn_of_repeated_barcodes(file.obs(), file.name(), context);
  std::vector<ValuePlace> places;
  ChosenValues chosen;
  const bool are_named = options.use_raw || !options.layer.empty();
  if (are_named) {
    places.push_back(named_place(file, options));
    chosen.matrix = places.front().open();
    warn_of_booleans(file.name(), places.front().name, *chosen.matrix, context);
  } else {
    places = file.places_of_counts();
    const std::string other_layers = layers_not_looked_at(file.layers());
    if (places.empty() && options.no_values) {
      context.warn(fmt::format("{}: has no X, no raw and no layer of counts", file.name()));
      places.push_back(file.nothing());
    } else if (places.empty()) {
      fail(ErrorKind::BadFormat, "{}: has no X, no raw and no layer of counts. {}", file.name(),
           advice_without_counts(other_layers));
    }
    chosen =
        choose_values(file.name(), file.obs(), places, options.any_values, other_layers, context);
  }
  Table var = file.take_var(places[chosen.place]);
  return source_of_matrix(file.name(), file.take_obs(), std::move(var), std::move(chosen.matrix),
                          !are_named);
}

}  // namespace saithe::io
