// The container of models and checkpoints: what is written is read back, and any changed byte is
// found. What a model file refuses beyond that: model_file_damage_test.cpp.

#include "saithe/classify/checksummed_file.h"

#include <gtest/gtest.h>

#include "saithe/core/text_io.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using testing::contains;
using testing::FolderForTest;

const std::vector<float> kFloats = {1.5F, -2.0F, 3.25F};
const std::vector<double> kDoubles = {0.1, 1e300};

std::vector<TensorInfo> two_tensors() {
  return {{"a", "F32", {3}, 0, 12}, {"b", "F64", {2}, 12, 28}};
}

void write_two(const std::filesystem::path& path) {
  write_checksummed_file(path, true, {"what", "numbers"}, two_tensors(),
                         {{kFloats.data(), 12}, {kDoubles.data(), 16}});
}

/// Reads it as write_two() wrote it.
void read_two(const std::filesystem::path& path, std::vector<float>& floats,
              std::vector<double>& doubles) {
  ChecksummedReader reader(path, "thing", "make it anew");
  const std::string text = reader.read_header();
  const auto header = reader.parse_header(
      [&] { return parse_safetensors_header(text, reader.n_buffer_bytes(), reader.where()); });
  ASSERT_EQ(header.tensors.size(), 2U);
  reader.read_tensor(header.tensors[0], floats);
  reader.read_tensor(header.tensors[1], doubles);
  reader.require_digest();
}

TEST(ChecksummedFile, GivesBackWhatWasWritten) {
  const FolderForTest folder;
  const auto path = folder.path() / "x";
  write_two(path);
  std::vector<float> floats;
  std::vector<double> doubles;
  read_two(path, floats, doubles);
  EXPECT_EQ(floats, kFloats);
  EXPECT_EQ(doubles, kDoubles);
  EXPECT_TRUE(is_checksummed_file(path));
  EXPECT_TRUE(is_checksummed_file(path, "what"));
  EXPECT_FALSE(is_checksummed_file(path, "wha"));
  ChecksummedReader reader(path, "thing", "make it anew");
  const std::string text = reader.read_header();
  EXPECT_EQ(parse_safetensors_header(text, 28, "x").metadata.at("what"), "numbers");
}

TEST(ChecksummedFile, AnyChangedBitIsFound) {
  const FolderForTest folder;
  const auto path = folder.path() / "x";
  write_two(path);
  const std::string bytes = read_file(path, 10000);
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string damaged = bytes;
    damaged[at] = static_cast<char>(damaged[at] ^ 1);
    write_file(path, damaged, true);
    std::vector<float> floats;
    std::vector<double> doubles;
    try {
      read_two(path, floats, doubles);
      ADD_FAILURE() << at;
    } catch (const Error& error) {  // wherever the damage is, it says what to do
      EXPECT_TRUE(contains(error.what(), "opy it again, or make it anew.")) << error.what();
    }
  }
}

TEST(ChecksummedFile, ACutOneSaysWhatToDo) {
  const FolderForTest folder;
  const auto path = folder.path() / "x";
  write_two(path);
  const std::string bytes = read_file(path, 10000);
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    write_file(path, bytes.substr(0, n), true);
    std::vector<float> floats;
    std::vector<double> doubles;
    EXPECT_SAITHE_ERROR(read_two(path, floats, doubles), ErrorKind::BadFormat,
                        "opy it again, or make it anew.");
  }
}

TEST(ChecksummedFile, AHeaderOfAFittingChecksumIsNotDamaged) {
  const FolderForTest folder;
  const auto path = folder.path() / "x";
  write_two(path);
  ChecksummedReader reader(path, "thing", "make it anew");
  static_cast<void>(reader.read_header());
  try {
    reader.parse_header([]() -> int { fail(ErrorKind::BadFormat, "is of a newer version"); });
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "is of a newer version");
  }
}

TEST(ChecksummedFile, OtherFilesAreRefusedByName) {
  const FolderForTest folder;
  const auto path = folder.path() / "x";
  EXPECT_SAITHE_ERROR(ChecksummedReader(path, "thing", "make it anew"), ErrorKind::NotFound,
                      "no such thing file");
  std::filesystem::create_symlink("loop", folder.path() / "loop");
  EXPECT_SAITHE_ERROR(ChecksummedReader(folder.path() / "loop", "thing", "make it anew"),
                      ErrorKind::NotFound, "cannot be opened: Too many levels");
  write_file(path, "something else, and long enough to be looked at", false);
  EXPECT_FALSE(is_checksummed_file(path));
  EXPECT_SAITHE_ERROR(ChecksummedReader(path, "thing", "make it anew").read_header(),
                      ErrorKind::BadFormat, "is not a thing of saithe");
}

}  // namespace
}  // namespace saithe
