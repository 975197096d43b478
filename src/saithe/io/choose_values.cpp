#include "saithe/io/choose_values.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <optional>
#include <ranges>

#include "saithe/core/text_io.h"

namespace saithe::io {

namespace {

class SourceOfMatrix final : public CellSource {
 public:
  SourceOfMatrix(std::string name, Table obs, Table var, std::unique_ptr<CellMatrix> matrix,
                 bool are_values_chosen)
      : name_(std::move(name)),
        obs_(std::move(obs)),
        var_(std::move(var)),
        matrix_(std::move(matrix)),
        are_values_chosen_(are_values_chosen) {}
  const std::string& name() const override { return name_; }
  const Table& obs() const override { return obs_; }
  const Table& var() const override { return var_; }
  bool holds_booleans() const override { return matrix_->is_boolean(); }
  bool are_values_chosen() const override { return are_values_chosen_; }
  CsrMatrix read_cells(CellIndex begin, CellIndex end, const Context& context) override {
    return matrix_->read(begin, end, context);
  }
  std::int64_t most_stored(CellIndex begin, CellIndex end) const override {
    return matrix_->most_stored(begin, end);
  }

 private:
  std::string name_;
  Table obs_;
  Table var_;
  std::unique_ptr<CellMatrix> matrix_;
  bool are_values_chosen_;
};

}  // namespace

std::unique_ptr<CellSource> source_of_matrix(std::string name, Table obs, Table var,
                                             std::unique_ptr<CellMatrix> matrix,
                                             bool are_values_chosen) {
  return std::make_unique<SourceOfMatrix>(std::move(name), std::move(obs), std::move(var),
                                          std::move(matrix), are_values_chosen);
}

std::string layers_not_looked_at(std::vector<std::string> layers) {
  std::erase_if(layers, [](const std::string& name) {
    return std::ranges::find(kLayersOfCounts, name) != std::end(kLayersOfCounts);
  });
  return printable(fmt::format("{}", fmt::join(layers, ", ")));
}

void fail_shape(const std::string& where, std::span<const std::int64_t> found,
                std::span<const std::int64_t> expected) {
  const bool is_turned = std::ranges::equal(found, expected | std::views::reverse);
  fail(ErrorKind::BadFormat, "{}: has {}, but obs has {} and var {}. {}", where,
       found.empty() ? "no shape" : fmt::format("the shape {}", fmt::join(found, " x ")),
       counted(expected[0], "cell"), counted(expected[1], "gene"),
       is_turned ? "It lies the other way round: write the file again with cells in rows."
                 : "The file is not whole: copy it again, or write it again with AnnData.");
}

namespace {

constexpr CellIndex kSampleBlocks = 8;
constexpr CellIndex kSampleBlockCells = 32;

/// What a sample of the cells holds.
ValueKindFinder look_at_sample(CellMatrix& matrix, CellIndex n_cells, const Context& context) {
  ValueKindFinder finder;
  // Blocks begin where chunks of dense rows often do, so that few chunks are unpacked.
  const CellIndex n_blocks_of_file = (n_cells + kSampleBlockCells - 1) / kSampleBlockCells;
  const CellIndex n_blocks = std::min(kSampleBlocks, n_blocks_of_file);
  for (CellIndex i = 0; i < n_blocks; ++i) {
    context.throw_if_cancelled();
    // The first of the file is one, and its last.
    const CellIndex block = n_blocks == 1 ? 0 : (n_blocks_of_file - 1) * i / (n_blocks - 1);
    const CellIndex begin = block * kSampleBlockCells;
    const CellIndex end = std::min(n_cells, begin + kSampleBlockCells);
    finder.add(matrix.read(begin, end, context).view(), begin);
  }
  return finder;
}

/// "X holds z-scored values (cell 'c' (row 3) has the value -0.4 for gene 'g')"
std::string finding(const ValuePlace& place, const ValueKindFinder& found, const Table& obs) {
  if (!found.has_values()) return place.name + " holds zeros only";
  const ValueKind kind = found.kind();
  std::string text = fmt::format("{} holds {}", place.name,
                                 kind == ValueKind::Unknown    ? "values of no known kind"
                                 : kind == ValueKind::OtherLog ? "logarithms of another kind"
                                                               : to_text(kind));
  if (kind == ValueKind::ZScored) text += " values";
  const float first_odd = found.first_no_count().value;
  if (kind == ValueKind::Unknown && std::isfinite(first_odd) && first_odd < 0 &&
      first_odd == std::floor(first_odd)) {
    text += ", a negative whole number among them";
  }
  if (const std::string doubt = found.doubt(); !doubt.empty()) {
    text += (kind == ValueKind::LogNormalized ? ", or another logarithm: " : ", as ") + doubt;
  }
  if (kind == ValueKind::Counts || kind == ValueKind::LogNormalized) return text;
  return text + " (" + found.text_of_first_no_count(obs, *place.var) + ")";
}

std::string joined(const std::vector<std::string>& findings) {
  return fmt::format("{}", fmt::join(findings, ", "));
}

/// "; layers/counts has 2000 genes, raw/X holds log1p(CP10k) of 32738 (--use-raw reads it)" where
/// another place that could be used has more.
std::string of_more_genes(const Table& obs, std::span<const ValuePlace> places, std::size_t chosen,
                          const Context& context) {
  const auto n_genes = [](const ValuePlace& place) { return place.var->n_rows(); };
  const auto most = std::ranges::max_element(places, {}, n_genes);
  if (n_genes(*most) == n_genes(places[chosen])) return {};
  ValueKindFinder found;
  try {
    found = look_at_sample(*most->open(), obs.n_rows(), context);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::BadFormat) throw;
    return {};  // nobody asked for it
  }
  const bool is_usable =
      found.kind() == ValueKind::Counts || found.kind() == ValueKind::LogNormalized;
  if (!found.has_values() || !is_usable) return {};
  const bool is_raw = most->name == "raw/X" || most->name == "raw.X";
  return fmt::format(
      "; {} has {}, {} holds {} of {} ({} reads it)", places[chosen].name,
      counted(n_genes(places[chosen]), "gene"), most->name, to_text(found.kind()), n_genes(*most),
      is_raw ? "--use-raw" : "--layer " + most->name.substr(most->name.rfind('/') + 1));
}

PlaceSummary survey_place(const Table& obs, const ValuePlace& place, const Context& context) {
  const auto matrix = place.open();
  const ValueKindFinder found = look_at_sample(*matrix, obs.n_rows(), context);
  std::string text = finding(place, found, obs);
  if (matrix->is_boolean()) text += " (booleans, as 0 and 1)";
  return {place.name, found.has_values() ? found.kind() : ValueKind::Unknown, std::move(text)};
}

}  // namespace

std::string advice_without_counts(const std::string& other_layers) {
  if (other_layers.empty()) return "Give a file that holds counts.";
  return fmt::format(
      "Name the counts with --layer NAME (not looked at: {}), or give a file that "
      "holds them.",
      other_layers);
}

ChosenValues choose_values(const std::string& file, const Table& obs,
                           std::span<const ValuePlace> places, bool accept_any,
                           const std::string& other_layers, const Context& context) {
  SAITHE_ASSERT(!places.empty());
  const std::size_t last = places.size() - 1;
  std::vector<std::string> findings;
  ChosenValues logs;
  ChosenValues rest;  // zeros only, or what accept_any takes
  bool is_all_empty = true;
  for (std::size_t i = 0; i < places.size(); ++i) {
    std::unique_ptr<CellMatrix> matrix = places[i].open();
    const ValueKindFinder found = look_at_sample(*matrix, obs.n_rows(), context);
    is_all_empty = is_all_empty && !found.has_values();
    const ValueKind kind = found.kind();
    if (found.has_values() && kind == ValueKind::Counts) {
      warn_of_booleans(file, places[i].name, *matrix, context);
      if (i == last && findings.empty()) return {i, std::move(matrix)};
      context.warn(fmt::format("{}: counts are read from {}{}{}", file, places[i].name,
                               findings.empty() ? "" : "; " + joined(findings),
                               of_more_genes(obs, places, i, context)));
      return {i, std::move(matrix)};
    }
    findings.push_back(finding(places[i], found, obs));
    matrix->let_go();  // the others are looked at before this one is read
    if (kind == ValueKind::LogNormalized && logs.matrix == nullptr) {
      logs = {i, std::move(matrix)};
    } else if (i == last) {
      rest = {i, std::move(matrix)};
    }
  }
  if (logs.matrix != nullptr) {
    context.warn(fmt::format(
        "{}: no counts were found: {}; {} is used as it is{}{}", file, joined(findings),
        places[logs.place].name, of_more_genes(obs, places, logs.place, context),
        other_layers.empty()
            ? ""
            : fmt::format("; not looked at: {} (--layer NAME reads one)", other_layers)));
    return logs;
  }
  if (is_all_empty) return rest;
  if (!accept_any) {
    fail(ErrorKind::BadFormat, "{}: neither counts nor log1p(CP10k) were found: {}. {}", file,
         joined(findings), advice_without_counts(other_layers));
  }
  context.warn(fmt::format("{}: neither counts nor log1p(CP10k) were found: {}; {} is looked at",
                           file, joined(findings), places[rest.place].name));
  return rest;
}

void warn_of_booleans(const std::string& file, const std::string& place, const CellMatrix& matrix,
                      const Context& context) {
  if (!matrix.is_boolean()) return;
  context.warn(fmt::format(
      "{}: {} holds booleans, which are read as counts of 0 and 1: they say which genes a cell "
      "expresses, not how much",
      file, place));
}

std::vector<PlaceSummary> survey_values(const Table& obs, std::span<const ValuePlace> places,
                                        const Context& context) {
  std::vector<PlaceSummary> summaries;
  for (const ValuePlace& place : places) {
    try {
      summaries.push_back(survey_place(obs, place, context));
    } catch (const Error& error) {
      // It may be one that nobody uses; whoever uses it meets the error.
      if (error.kind() != ErrorKind::BadFormat) throw;
      summaries.push_back({place.name, ValueKind::Unknown,
                           fmt::format("{} cannot be read: {}", place.name, error.what())});
    }
  }
  return summaries;
}

}  // namespace saithe::io
