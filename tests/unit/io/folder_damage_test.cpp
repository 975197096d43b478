// Inputs of several files (MTX with its tables, split-pipe's folder, Zarr stores), each of whose
// files is cut off and gets flipped bits while the others are whole: an Error of one line or a
// valid object; no crash, no hang, bounded memory. Inputs of one file: open_damage_test.cpp.
//
// SAITHE_FLIPS: trials with flipped bits of each kind, shared among its inputs; without it 1 000.

#include <gtest/gtest.h>

#include <algorithm>

#include "saithe/io/zip_archive.h"
#include "support/damaged_input.h"

namespace saithe {
namespace {

struct Input {
  const char* name;
  const char* kind;
};

constexpr Input kInputs[] = {{"tenx_mtx", "MTX"},          {"tenx_mtx_gz", "MTX"},
                             {"split_pipe", "split-pipe"}, {"v2", "Zarr folder"},
                             {"v3", "Zarr folder"},        {"v3_sharded", "Zarr folder"}};

struct Part {
  std::filesystem::path path;
  std::string bytes;
};

class FolderDamage : public ::testing::TestWithParam<Input> {
 protected:
  void SetUp() override {
    const std::filesystem::path tests = std::string(SAITHE_SOURCE_DIR) + "/tests";
    const std::string name = GetParam().name;
    if (std::filesystem::exists(tests / "fuzz" / "corpus" / name)) {
      std::filesystem::copy(tests / "fuzz" / "corpus" / name, root());
    } else {  // a store, without the archive's checksums
      const io::ZipArchive archive(tests / "golden" / "zarr" / (name + ".zarr.zip"));
      for (const std::string& entry : archive.names()) {
        std::filesystem::create_directories((root() / entry).parent_path());
        testing::write_bytes(root() / entry, archive.read(entry, 0, *archive.size(entry)));
      }
    }
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root())) {
      if (!entry.is_regular_file()) continue;
      std::string bytes = testing::read_bytes(entry.path());
      if (!bytes.empty()) parts_.push_back({entry.path(), std::move(bytes)});
    }
    std::ranges::sort(parts_, {}, &Part::path);
  }

  std::filesystem::path root() const { return folder_ / "input"; }

  /// What is opened: of v3 the store lies in a folder of the archive.
  std::filesystem::path input() const {
    const auto inner = root() / "inner.zarr";
    return std::filesystem::exists(inner) ? inner : root();
  }

  std::string name_of(const Part& part) const {
    return std::string(GetParam().name) + "/" + part.path.lexically_relative(root()).string();
  }

  /// Reads the input with that content in the place of the part's. True if it was read.
  bool survives_with(const Part& part, const std::string& bytes) const {
    testing::write_bytes(part.path, bytes);
    const bool is_read = testing::survives(input());
    testing::write_bytes(part.path, part.bytes);
    return is_read;
  }

  testing::FolderForTest folder_;
  std::vector<Part> parts_;
};

TEST_P(FolderDamage, TheWholeInputIsRead) {
  ASSERT_GE(parts_.size(), 3U);
  EXPECT_TRUE(testing::survives(input()));
}

TEST_P(FolderDamage, EveryCutOfEachFile) {
  struct Cut {
    const Part* part;
    std::size_t n;
  };
  std::vector<Cut> cuts;
  for (const Part& part : parts_) {
    for (std::size_t n = 0; n < part.bytes.size(); n += testing::kStep) cuts.push_back({&part, n});
    cuts.push_back({&part, part.bytes.size() - 1});
  }
  testing::run_trials(cuts.size(), [&](ChildNotes& notes, std::size_t i) {
    const auto& [part, n] = cuts[i];
    const std::string name = fmt::format("{} cut to {} bytes", name_of(*part), n);
    const bool is_read =
        testing::named(notes, name, [&] { return survives_with(*part, part->bytes.substr(0, n)); });
    // A matrix says how many entries it has; a table without its last letter may be one.
    const bool is_matrix = part->path.filename().string().find(".mtx") != std::string::npos;
    if (is_read && is_matrix && n + 1 < part->bytes.size()) {
      fail(ErrorKind::Internal, "{}: was read", name);
    }
  });
}

TEST_P(FolderDamage, FlippedBitsOfEachFile) {
  const std::string kind = GetParam().kind;
  const auto n_inputs = static_cast<std::uint64_t>(
      std::ranges::count_if(kInputs, [&](const Input& input) { return input.kind == kind; }));
  const std::uint64_t n = std::max<std::uint64_t>(
      (testing::flips_of_kind() + n_inputs - 1) / n_inputs, parts_.size());  // each file is met
  testing::run_trials(n, [&](ChildNotes& notes, std::size_t i) {
    const Part& part = parts_[i % parts_.size()];
    std::string name = name_of(part);
    const std::string damaged = testing::with_flipped_bits(part.bytes, i, name);
    testing::named(notes, name, [&] { return survives_with(part, damaged); });
  });
}

INSTANTIATE_TEST_SUITE_P(Inputs, FolderDamage, ::testing::ValuesIn(kInputs),
                         [](const auto& input) { return std::string(input.param.name); });

}  // namespace
}  // namespace saithe
