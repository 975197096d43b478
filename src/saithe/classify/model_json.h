#pragma once

// What the model file says in words: everything of a Model but its tensors, as JSON
// (docs/model_format.md). Private to classify.

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "saithe/classify/model.h"

namespace saithe {

inline constexpr std::uint64_t kModelFormatVersion = 8;
/// The oldest that is read: 4 came with "has_misfit", 5 with "type_offsets", 8 with "unseen_type".
inline constexpr std::uint64_t kOldestModelFormatVersion = 3;
inline constexpr std::uint64_t kMaxModelGenes = 1000000;

/// A Model without its tensors.
struct ModelDescription {
  std::vector<std::string> types;
  ReferenceGenes genes;  ///< without their shares
  bool has_count_share = false;
  ExpressionKind kind = ExpressionKind::Counts;
  PreprocessorOptions preprocessing;
  std::vector<MlpShape> members;
  double first_share = 1;  ///< of the first member in the mean, see share_out()
  OutputKind output = OutputKind::Softmax;
  Calibration calibration;
  bool has_novelty = false;
  std::int64_t n_novelty_axes = 0;
  bool has_misfit = false;
  UnseenTypeShape unseen_type;
  bool has_held_out_distances = false;
  bool has_one_vs_rest = false;
  kernels::Loss loss = kernels::Loss::CrossEntropy;
  ModelCard card;
  std::vector<std::pair<std::string, std::string>> options;
  std::string saithe_version;
  std::uint64_t seed = 0;
  bool was_interrupted = false;
};

/// What the words say of a model.
ModelDescription describe_model(const Model& model);

/// One line of JSON. Throws Error(BadFormat), beginning with `where`, if a name is no UTF-8.
std::string format_model_json(const ModelDescription& model, const std::string& where);

/// Reads and checks it: known version, sorted distinct types as many as outputs, unique genes,
/// inputs among them as many as every member has, sensible sizes. Throws Error(BadFormat) beginning
/// with `where`.
ModelDescription parse_model_json(std::string_view text, const std::string& where);

/// Throws Error(BadFormat) unless load_model() would accept these words: asked before a training,
/// not after it.
void require_storable(const ModelDescription& model, const std::string& where);

}  // namespace saithe
