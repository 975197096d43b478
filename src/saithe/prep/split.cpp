#include "saithe/prep/split.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "saithe/core/error.h"
#include "saithe/core/random.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

void require_fraction(double validation_fraction) {
  if (!(validation_fraction > 0 && validation_fraction < 1)) {
    fail(ErrorKind::InvalidArgument, "--validation-fraction: {} is not between 0 and 1",
         validation_fraction);
  }
}

/// int((1 - fraction) * n), where a product that misses a whole number by rounding counts as it:
/// 0.8 * 2 640 is 2 112 cells, not 2 111.
std::int64_t training_size(double validation_fraction, std::int64_t n) {
  const double exact = (1.0 - validation_fraction) * static_cast<double>(n);
  return static_cast<std::int64_t>(std::floor(exact + 1e-9 * static_cast<double>(n)));
}

void require_both_sets(const Split& split, double validation_fraction) {
  if (split.training.empty() || split.validation.empty()) {
    // Another number of cells would do: the data are at fault, not the option.
    fail(ErrorKind::BadFormat,
         "too few cells: of {} cells {} would train and {} validate (--validation-fraction {}); "
         "both sets need one",
         split.training.size() + split.validation.size(), split.training.size(),
         split.validation.size(), validation_fraction);
  }
}

/// Takes the cells that are not in the training set, ascending.
void fill_validation(Split& split, std::int64_t n_cells) {
  std::vector<bool> is_training(as_size(n_cells));
  for (const CellIndex cell : split.training) is_training[as_size(cell)] = true;
  for (CellIndex cell = 0; cell < n_cells; ++cell) {
    if (!is_training[as_size(cell)]) split.validation.push_back(cell);
  }
}

/// One warning however many they are, as where numbers were taken for labels.
void warn_of_types_of_one(std::span<const std::string> names, const Context& context) {
  if (names.empty()) return;
  if (names.size() == 1) {
    context.warn(fmt::format("'{}' has one cell, which trains: its accuracy cannot be judged",
                             names.front()));
    return;
  }
  constexpr std::size_t kMaxShown = 5;
  context.warn(fmt::format(
      "{} types have one cell each, which trains: their accuracy cannot be judged ('{}'{})",
      names.size(), fmt::join(names.first(std::min(kMaxShown, names.size())), "', '"),
      names.size() > kMaxShown ? ", ..." : ""));
}

}  // namespace

Split split_random(std::span<const LabelIndex> labels, const std::vector<std::string>& type_names,
                   double validation_fraction, const Context& context) {
  require_fraction(validation_fraction);
  const auto n = static_cast<std::int64_t>(labels.size());
  std::vector<CellIndex> order(labels.size());
  std::iota(order.begin(), order.end(), CellIndex{0});
  Random(context.seed(), stream::kSplit).shuffle(std::span<CellIndex>(order));
  Split split;
  split.training.assign(order.begin(), order.begin() + training_size(validation_fraction, n));
  fill_validation(split, n);
  require_both_sets(split, validation_fraction);

  std::vector<std::int64_t> n_training(type_names.size());
  std::vector<std::int64_t> n_all(type_names.size());
  std::vector<std::string> types_of_one;
  for (const LabelIndex label : labels) ++n_all[as_size(label)];
  for (const CellIndex cell : split.training) ++n_training[as_size(labels[as_size(cell)])];
  for (std::size_t type = 0; type < type_names.size(); ++type) {
    if (n_training[type] == 0 && n_all[type] > 0) {
      context.warn(
          fmt::format("no cell of '{}' is in the training set (the type has {}): the model "
                      "cannot learn it. --split stratified keeps one.",
                      type_names[type], n_all[type]));
    } else if (n_all[type] == 1) {
      types_of_one.push_back(type_names[type]);
    }
  }
  warn_of_types_of_one(types_of_one, context);
  return split;
}

Split split_stratified(std::span<const LabelIndex> labels,
                       const std::vector<std::string>& type_names, double validation_fraction,
                       const Context& context) {
  require_fraction(validation_fraction);
  std::vector<CellIndex> order(labels.size());
  std::iota(order.begin(), order.end(), CellIndex{0});
  Random(context.seed(), stream::kSplit).shuffle(std::span<CellIndex>(order));
  std::vector<std::vector<CellIndex>> by_type(type_names.size());
  for (const CellIndex cell : order) {
    by_type[as_size(labels[as_size(cell)])].push_back(cell);
  }
  std::vector<bool> validates(labels.size());
  std::vector<std::string> types_of_one;
  for (std::size_t type = 0; type < by_type.size(); ++type) {
    const auto n = static_cast<std::int64_t>(by_type[type].size());
    const auto share = std::llround(validation_fraction * static_cast<double>(n));
    const std::int64_t n_validation =
        std::clamp<std::int64_t>(share, 0, std::max<std::int64_t>(n - 1, 0));
    if (n == 1) types_of_one.push_back(type_names[type]);
    for (std::int64_t i = 0; i < n_validation; ++i) {
      validates[as_size(by_type[type][as_size(i)])] = true;
    }
  }
  warn_of_types_of_one(types_of_one, context);
  Split split;
  for (const CellIndex cell : order) {
    if (!validates[as_size(cell)]) split.training.push_back(cell);
  }
  fill_validation(split, static_cast<std::int64_t>(labels.size()));
  require_both_sets(split, validation_fraction);
  return split;
}

void require_donors(std::span<const std::string> donors, const char* option) {
  const auto n_without =
      std::ranges::count_if(donors, [](const std::string& donor) { return donor.empty(); });
  if (n_without == 0) return;
  fail(ErrorKind::BadFormat,
       "{}: the column of --donor-key has no donor for {} of the {} cells with label and counts; "
       "fill it in, or leave such cells out",
       option, n_without, donors.size());
}

Split split_by_donor(std::span<const std::string> donors, double validation_fraction,
                     const Context& context) {
  require_fraction(validation_fraction);
  require_donors(donors, "--split donor");
  std::map<std::string, std::int64_t> n_cells_of;
  for (const std::string& donor : donors) ++n_cells_of[donor];
  if (n_cells_of.size() < 2) {
    fail(ErrorKind::BadFormat,
         "--split donor: the column holds {}; whole donors can be held out from two on",
         counted(std::ssize(n_cells_of), "donor"));
  }
  std::vector<std::string> order;
  for (const auto& [donor, n] : n_cells_of) order.push_back(donor);
  Random(context.seed(), stream::kSplit).shuffle(std::span<std::string>(order));

  // Donors validate, in the order drawn, until the share is reached; one is left to train.
  const double wanted = validation_fraction * static_cast<double>(donors.size());
  std::map<std::string, bool> validates;
  double n_validation = 0;
  for (std::size_t i = 0; i + 1 < order.size() && n_validation < wanted; ++i) {
    validates[order[i]] = true;
    n_validation += static_cast<double>(n_cells_of[order[i]]);
  }
  Split split;
  for (std::size_t cell = 0; cell < donors.size(); ++cell) {
    auto& set = validates.contains(donors[cell]) ? split.validation : split.training;
    set.push_back(static_cast<CellIndex>(cell));
  }
  return split;
}

}  // namespace saithe
