// A training that is stopped at any point and resumed gives the bits of one run; a checkpoint of
// another training, or a damaged one, is refused.

#include "saithe/classify/training_checkpoint.h"

#include <gtest/gtest.h>

#include <atomic>
#include <fstream>

#include "saithe/classify/model_file.h"
#include "saithe/classify/train.h"
#include "saithe/core/text_io.h"
#include "support/folder_for_test.h"
#include "support/marker_cells.h"

namespace saithe {
namespace {

using Existing = TrainingCheckpoint::Existing;
using testing::FolderForTest;
using testing::marker_cells;

constexpr std::int64_t kMaxBytes = 100000000;

/// Every stage there is, each short: two passes of suspects, folds, a linear member, two networks.
TrainOptions all_stages() {
  TrainOptions options = TrainOptions::preset("standard");
  options.preprocessor.n_variable_genes = 20;
  options.hidden = {9};
  options.networks = 2;
  options.trainer.min_steps = 0;
  options.trainer.epochs = 3;
  options.trainer.minibatch_size = 32;
  return options;
}

TrainingData prepared(const TrainOptions& options, std::uint64_t stream = 0) {
  const Dataset dataset = marker_cells(90, 30, 3, stream);
  return prepare_training_data(dataset, dataset.obs().as_text("cell_type"), options, Context(1));
}

std::string bytes_of(const Model& model, const FolderForTest& folder) {
  const auto path = folder.path() / "model.saithe";
  save_model(model, path, true);
  return read_file(path, kMaxBytes);
}

/// Trains until the `n`-th report of progress; true if it came to its end before.
struct Attempt {
  bool is_finished = false;
  TrainResult result;
};

Attempt train_until(std::int64_t n, const TrainOptions& options, TrainingCheckpoint& checkpoint,
                    int n_threads) {
  std::atomic<bool> stop = false;
  std::int64_t n_reports = 0;
  Context context(n_threads, 11);
  context.cancelled = &stop;
  context.on_progress = [&](const ProgressUpdate&) {
    if (++n_reports >= n) stop = true;
  };
  Attempt attempt;
  try {
    attempt.result =
        train(prepared(options), options, kernels::Device::Cpu, context, {}, &checkpoint);
    attempt.is_finished = true;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Cancelled) << error.what();
  }
  return attempt;
}

TEST(TrainingCheckpoint, StoppedAnywhereTheModelIsThatOfOneRun) {
  const FolderForTest folder;
  const auto options = all_stages();
  Context plain(1, 11);
  std::int64_t n_reports = 0;
  plain.on_progress = [&](const ProgressUpdate&) { ++n_reports; };
  const std::string whole =
      bytes_of(train(prepared(options), options, kernels::Device::Cpu, plain).model, folder);
  ASSERT_GT(n_reports, 100);
  // One stop in each of nine parts of the run.
  for (std::int64_t part = 1; part < 10; ++part) {
    const auto path = folder.path() / fmt::format("part{}.checkpoint", part);
    TrainingCheckpoint begun(path, Existing::Refuse);
    ASSERT_FALSE(train_until(part * n_reports / 10, options, begun, 2).is_finished) << part;
    ASSERT_TRUE(begun.holds_anything());
    TrainingCheckpoint resumed(path, Existing::Resume);
    const Attempt rest = train_until(2 * n_reports, options, resumed, 3);
    ASSERT_TRUE(rest.is_finished) << part;
    EXPECT_EQ(bytes_of(rest.result.model, folder), whole) << part;
    resumed.remove();
    EXPECT_FALSE(std::filesystem::exists(path));
  }
}

TEST(TrainingCheckpoint, StoppedAgainAndAgainItComesToItsEnd) {
  const FolderForTest folder;
  const auto options = all_stages();
  const std::string whole = bytes_of(
      train(prepared(options), options, kernels::Device::Cpu, Context(1, 11)).model, folder);
  const auto path = folder.path() / "x.checkpoint";
  Attempt attempt;
  int n_attempts = 0;
  // A unit takes about ten reports: every attempt finishes one or more.
  while (!attempt.is_finished && n_attempts < 200) {
    TrainingCheckpoint checkpoint(path, n_attempts == 0 ? Existing::Refuse : Existing::Resume);
    attempt = train_until(25, options, checkpoint, 1);
    ++n_attempts;
  }
  ASSERT_TRUE(attempt.is_finished);
  EXPECT_GT(n_attempts, 5);
  EXPECT_EQ(bytes_of(attempt.result.model, folder), whole);
}

TEST(TrainingCheckpoint, TheHistoryIsWhole) {
  const FolderForTest folder;
  TrainOptions options = all_stages();
  options.suspects.find = false;
  options.validate = Validation::HeldOut;
  options.networks = 1;
  options.linear = false;
  const auto path = folder.path() / "x.checkpoint";
  TrainingCheckpoint begun(path, Existing::Refuse);
  // Three minibatches of 24 training cells each make an epoch of 72.
  ASSERT_FALSE(train_until(4, options, begun, 1).is_finished);
  TrainingCheckpoint resumed(path, Existing::Resume);
  const Attempt rest = train_until(1000, options, resumed, 1);
  const auto whole = train(prepared(options), options, kernels::Device::Cpu, Context(1, 11));
  ASSERT_EQ(rest.result.history.epochs.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(rest.result.history.epochs[i].train_loss, whole.history.epochs[i].train_loss);
    EXPECT_EQ(rest.result.history.epochs[i].validation_loss,
              whole.history.epochs[i].validation_loss);
  }
}

/// The message of a refusal to resume `path` with these options and cells.
std::string refusal(const std::filesystem::path& path, const TrainOptions& options,
                    std::uint64_t seed, std::uint64_t stream, ErrorKind kind) {
  try {
    TrainingCheckpoint checkpoint(path, Existing::Resume);
    train(prepared(options, stream), options, kernels::Device::Cpu, Context(1, seed), {},
          &checkpoint);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "no error";
  return "";
}

TEST(TrainingCheckpoint, AnotherTrainingIsRefusedAndTheDifferenceNamed) {
  const FolderForTest folder;
  const auto options = all_stages();
  const auto path = folder.path() / "x.checkpoint";
  TrainingCheckpoint begun(path, Existing::Refuse);
  ASSERT_FALSE(train_until(60, options, begun, 1).is_finished);
  const std::string before = read_file(path, kMaxBytes);

  TrainOptions more = options;
  more.trainer.epochs = 4;
  const std::string epochs = refusal(path, more, 11, 0, ErrorKind::Incompatible);
  EXPECT_NE(epochs.find("--epochs is '4' here and '3' there"), std::string::npos) << epochs;
  EXPECT_EQ(epochs.find("--seed"), std::string::npos);
  const std::string seed = refusal(path, options, 12, 0, ErrorKind::Incompatible);
  EXPECT_NE(seed.find("--seed is 12 here and 11 there"), std::string::npos) << seed;
  const std::string cells = refusal(path, options, 11, 1, ErrorKind::Incompatible);
  EXPECT_NE(cells.find("other cells"), std::string::npos) << cells;
  EXPECT_EQ(read_file(path, kMaxBytes), before);
}

TEST(TrainingCheckpoint, DamageIsRefused) {
  const FolderForTest folder;
  const auto options = all_stages();
  const auto path = folder.path() / "x.checkpoint";
  TrainingCheckpoint begun(path, Existing::Refuse);
  ASSERT_FALSE(train_until(60, options, begun, 1).is_finished);
  const std::string bytes = read_file(path, kMaxBytes);
  const auto write = [&](const std::string& content) { write_file(path, content, true); };
  for (std::size_t at = 0; at < bytes.size(); at += bytes.size() / 23) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x10);
    write(damaged);
    refusal(path, options, 11, 0, ErrorKind::BadFormat);
  }
  write(bytes.substr(0, bytes.size() - 5));
  refusal(path, options, 11, 0, ErrorKind::BadFormat);
  write("no checkpoint at all");
  EXPECT_NE(refusal(path, options, 11, 0, ErrorKind::BadFormat).find("not a checkpoint"),
            std::string::npos);
}

TEST(TrainingCheckpoint, AnExistingFileIsNotReplacedUnasked) {
  const FolderForTest folder;
  const auto options = all_stages();
  const auto path = folder.path() / "x.checkpoint";
  TrainingCheckpoint begun(path, Existing::Refuse);
  ASSERT_FALSE(train_until(60, options, begun, 1).is_finished);
  const std::string before = read_file(path, kMaxBytes);
  try {
    const TrainingCheckpoint checkpoint(path, Existing::Refuse);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Output);
    EXPECT_NE(std::string(error.what()).find("--resume"), std::string::npos);
  }
  EXPECT_NO_THROW(TrainingCheckpoint(path, Existing::Replace));
  EXPECT_EQ(read_file(path, kMaxBytes), before);
  // One that was cut off can be begun anew.
  write_file(path, before.substr(0, before.size() / 2), true);
  EXPECT_NO_THROW(TrainingCheckpoint(path, Existing::Replace));
}

// Neither text nor a model, which has the same container.
TEST(TrainingCheckpoint, AFileThatIsNoneIsNeverReplaced) {
  const FolderForTest folder;
  auto options = all_stages();
  options.validate = Validation::None;
  const TrainResult result = train(prepared(options), options, kernels::Device::Cpu, Context(1));
  const std::string model = bytes_of(result.model, folder);
  const auto path = folder.path() / "mine";
  for (const std::string& content : {std::string("mine"), std::string(), model}) {
    write_file(path, content, true);
    for (const auto& [existing, kind] : {std::pair(Existing::Refuse, ErrorKind::Output),
                                         std::pair(Existing::Replace, ErrorKind::Output),
                                         std::pair(Existing::Resume, ErrorKind::BadFormat)}) {
      try {
        const TrainingCheckpoint checkpoint(path, existing);
        ADD_FAILURE() << "no error";
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), kind);
        EXPECT_NE(std::string(error.what()).find("is not a checkpoint"), std::string::npos)
            << error.what();
        EXPECT_EQ(std::string(error.what()).find("--overwrite"), std::string::npos);
      }
      EXPECT_EQ(read_file(path, kMaxBytes), content);
    }
  }
}

TEST(TrainingCheckpoint, NothingToResumeIsSaidAndStartsAnew) {
  const FolderForTest folder;
  TrainingCheckpoint checkpoint(folder.path() / "x.checkpoint", Existing::Resume);
  Context context(1);
  std::string warning;
  context.on_warning = [&](const std::string& message) { warning = message; };
  checkpoint.open({}, context);
  EXPECT_NE(warning.find("there is no checkpoint yet"), std::string::npos);
  EXPECT_FALSE(checkpoint.holds_anything());
}

TEST(TrainingCheckpoint, OtherHardwareIsWarnedOf) {
  const FolderForTest folder;
  const auto path = folder.path() / "x.checkpoint";
  const CheckpointKey one{"00", {{"epochs", "3"}}, 1, "1.0", "cpu (A)"};
  TrainingCheckpoint begun(path, Existing::Refuse);
  begun.open(one, Context(1));
  begun.keep_matrix("m", DenseMatrix(2, 3));
  CheckpointKey other = one;
  other.hardware = "cpu (B)";
  Context context(1);
  std::string warning;
  context.on_warning = [&](const std::string& message) { warning = message; };
  TrainingCheckpoint resumed(path, Existing::Resume);
  resumed.open(other, context);
  EXPECT_NE(warning.find("cpu (B)"), std::string::npos);
  DenseMatrix wrong(3, 3);
  EXPECT_THROW(static_cast<void>(resumed.restore_matrix("m", wrong)), Error);
  DenseMatrix right(2, 3);
  EXPECT_TRUE(resumed.restore_matrix("m", right));
  EXPECT_FALSE(resumed.restore_matrix("other", right));
}

}  // namespace
}  // namespace saithe
