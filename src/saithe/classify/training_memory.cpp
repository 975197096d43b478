#include "saithe/classify/training_memory.h"

#include <algorithm>

#include "saithe/core/error.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

// Of each cell: while it is read its label as a text; then places of its values in the reference
// and in the inputs of two models, lists of cells and folds, scores on the novelty score's axes.
// Of each type: probabilities and logits, of the model and of those that judge.
constexpr std::int64_t kBytesOfCell = 350;
constexpr std::int64_t kBytesOfType = 16;
// What goes beyond --memory anyway.
constexpr std::int64_t kUncounted = std::int64_t{64} << 20;
// At least this share of max_memory is for values.
constexpr std::int64_t kLeastShare = 16;
constexpr std::int64_t kMegabyte = std::int64_t{1} << 20;

// What is advised before the types are known is enough for so many.
constexpr LabelIndex kManyTypes = 16;

/// What a --memory must be that holds so much beside values.
std::int64_t enough_megabytes(std::int64_t beyond) {
  return beyond / kMegabyte * 5 / 4 + 1;
}

}  // namespace

void require_memory_for_training(const std::string& name, CellIndex n_cells,
                                 const Context& context) {
  const std::int64_t bytes = checked_multiply(n_cells, kBytesOfCell, "memory for cells");
  if (bytes - kUncounted <= context.max_memory) return;
  fail(ErrorKind::InvalidArgument,
       "{}: training on {} takes {} MB or more beside their values; --memory allows {}. Give "
       "--memory {}M or more, or fewer cells.",
       name, counted(n_cells, "cell"), bytes / kMegabyte, context.max_memory / kMegabyte,
       enough_megabytes(n_cells * (kBytesOfCell + kBytesOfType * kManyTypes) - kUncounted));
}

Context context_for_values(const Context& context, const std::string& name, CellIndex n_cells,
                           LabelIndex n_types, const TrainOptions& options) {
  const bool keeps_hidden = options.keep_hidden && options.networks > 0 && !options.hidden.empty();
  const std::int64_t n_hidden = keeps_hidden ? options.hidden.back() : 0;
  const std::int64_t bytes_each =
      kBytesOfCell + kBytesOfType * n_types + n_hidden * static_cast<std::int64_t>(sizeof(float));
  const std::int64_t beyond =
      checked_multiply(n_cells, bytes_each, "memory for cells") - kUncounted;
  if (beyond > context.max_memory) {
    fail(ErrorKind::InvalidArgument,
         "{}: training on {} of {} types takes {} MB beside their values; --memory allows {}. Give "
         "--memory {}M or more, or fewer cells.",
         name, counted(n_cells, "cell"), n_types, (beyond + kUncounted) / kMegabyte,
         context.max_memory / kMegabyte, enough_megabytes(beyond));
  }
  Context rest = context;
  rest.max_memory = std::max(context.max_memory - std::max<std::int64_t>(0, beyond),
                             context.max_memory / kLeastShare);
  return rest;
}

}  // namespace saithe
