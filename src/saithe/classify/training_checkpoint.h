#pragma once

// What of a training is finished, in a file, so that it can be stopped and resumed with the same
// result as one run: a safetensors file with the checksum of a model's (docs/model_format.md).

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "saithe/classify/suspects.h"
#include "saithe/core/context.h"
#include "saithe/matrix/dense_matrix.h"
#include "saithe/nn/mlp.h"
#include "saithe/nn/trainer.h"

namespace saithe {

/// What a result depends on: a checkpoint serves the training that has the same.
struct CheckpointKey {
  std::string input_sha256;                                  ///< of cells, genes, labels and donors
  std::vector<std::pair<std::string, std::string>> options;  ///< as text
  std::uint64_t seed = 0;
  std::string saithe_version;
  std::string hardware;  ///< may differ, with a warning: other instructions round differently
};

/// The finished units of one training. Every keep_*() writes the whole file, beside and renamed.
class TrainingCheckpoint {
 public:
  /// Whether an existing file is gone on with, refused or replaced.
  enum class Existing { Resume, Refuse, Replace };
  /// Nothing but its beginning is read yet. Throws Error(Output) if the file cannot be written, or
  /// exists and is to be refused, and whenever it is no checkpoint (Error(BadFormat) on Resume):
  /// such a file is never replaced.
  TrainingCheckpoint(std::filesystem::path path, Existing existing);

  /// Before all others: reads the file, if it is to be resumed; warns where there is none. Throws
  /// Error(Incompatible) naming what differs from `key`, Error(BadFormat) on a damaged file.
  void open(const CheckpointKey& key, const Context& context);

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  /// Whether the file holds anything of this training.
  [[nodiscard]] bool holds_anything() const { return !arrays_.empty(); }
  /// Deletes the file: the model is written.
  void remove();

  // Each restore_*() is false where the unit is not finished, and throws Error(BadFormat) if its
  // arrays are not of the sizes that it must have.

  /// A matrix of known sizes.
  [[nodiscard]] bool restore_matrix(const std::string& unit, DenseMatrix& matrix) const;
  void keep_matrix(const std::string& unit, const DenseMatrix& matrix);

  /// The suspects of a pass; keeping them forgets the matrices of its folds ("UNIT.*").
  [[nodiscard]] bool restore_suspects(const std::string& unit,
                                      std::vector<Suspect>& suspects) const;
  void keep_suspects(const std::string& unit, std::span<const Suspect> suspects);

  /// The rows of held-out predictions whose entry of `folds` is `fold`. `distances` may be empty.
  [[nodiscard]] bool restore_fold(int fold, std::span<const int> folds, DenseMatrix& probabilities,
                                  DenseMatrix& logits, std::vector<double>& distances) const;
  void keep_fold(int fold, std::span<const int> folds, const DenseMatrix& probabilities,
                 const DenseMatrix& logits, std::span<const double> distances);

  /// A trained member and the history of its training, which is empty for the linear one.
  [[nodiscard]] bool restore_member(const std::string& unit, const MlpShape& shape,
                                    MlpParameters& parameters, TrainHistory& history) const;
  void keep_member(const std::string& unit, const MlpShape& shape, const MlpParameters& parameters,
                   const TrainHistory& history);

  /// A network in training, after a full epoch; keep_member() forgets it.
  [[nodiscard]] bool restore_progress(const std::string& unit, const MlpShape& shape,
                                      MlpParameters& parameters, Mlp::Moments& moments,
                                      TrainHistory& history) const;
  void keep_progress(const std::string& unit, const Mlp& mlp, const TrainHistory& history);

 private:
  /// Values of one kind; the other vector is empty.
  struct Array {
    AlignedVector<float> floats;
    std::vector<double> doubles;
  };
  using Arrays = std::map<std::string, Array>;

  [[nodiscard]] const AlignedVector<float>* find_floats(const std::string& name,
                                                        std::size_t size) const;
  [[nodiscard]] const std::vector<double>* find_doubles(const std::string& name) const;
  [[nodiscard]] bool restore_parameters(const std::string& unit, const MlpShape& shape,
                                        MlpParameters& parameters) const;
  [[nodiscard]] bool restore_history(const std::string& unit, TrainHistory& history) const;
  void put_parameters(const std::string& unit, const MlpShape& shape,
                      const MlpParameters& parameters);
  void put_history(const std::string& unit, const TrainHistory& history);
  void forget(const std::string& prefix);
  [[noreturn]] void fail_size(const std::string& name, std::size_t found,
                              std::size_t expected) const;
  void read(const CheckpointKey& key, const Context& context);
  void save() const;

  std::filesystem::path path_;
  Existing existing_;
  std::string key_json_;
  Arrays arrays_;
};

}  // namespace saithe
