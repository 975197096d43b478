// One small file of each kind that is read, cut off and with flipped bits: an Error of one line or
// a valid object; no crash, no hang, bounded memory. All of it runs in child processes, so that a
// crash names the damage that did it.
//
// SAITHE_FLIPS: trials with flipped bits of each kind, which is the ending of the name, shared
// among its files; without it 1 000. Inputs of several files: folder_damage_test.cpp.

#include <gtest/gtest.h>

#include <algorithm>

#include "support/damaged_input.h"

namespace saithe {
namespace {

using testing::kStep;
using testing::named;
using testing::run_trials;
using testing::survives;

constexpr const char* kFiles[] = {
    "csr.h5ad",        "csc.h5ad",        "dense.h5ad",          "anndata_07.h5ad",
    "tenx_v2.h5",      "tenx_v3.h5",      "cells.loom",          "cells.h5seurat",
    "store.zarr.zip",  "counts.mtx",      "counts.mtx.gz",       "counts.csv",
    "counts.tsv.gz",   "long.tsv",        "compound.h5ad",       "nullable.h5ad",
    "big_endian.h5ad", "blosc_zstd.h5ad", "v3_sharded.zarr.zip", "lzf.h5ad",
    "blosc_lz4.h5ad",  "zstd.h5ad",       "tenx_probes.h5"};
std::filesystem::path path_of(const std::string& name) {
  const std::filesystem::path root = SAITHE_SOURCE_DIR;
  for (const char* folder : {"tests/fuzz/corpus", "tests/golden/h5ad/forms", "tests/golden/zarr"}) {
    if (std::filesystem::exists(root / folder / name)) return root / folder / name;
  }
  return root / name;
}

/// All endings of the file's name: what tells its kind.
std::string ending_of(const std::string& name) {
  return name.substr(name.find('.'));
}

/// Trials of each file of a kind.
std::uint64_t flips_of_file(const std::string& ending) {
  const auto n_files = static_cast<std::uint64_t>(
      std::ranges::count_if(kFiles, [&](const char* name) { return ending_of(name) == ending; }));
  return (testing::flips_of_kind() + n_files - 1) / n_files;
}

class OpenDamage : public ::testing::TestWithParam<const char*> {
 protected:
  const std::string bytes_ = testing::read_bytes(path_of(GetParam()));
  const std::string ending_ = ending_of(GetParam());
  testing::FolderForTest folder_;
};

TEST_P(OpenDamage, TheWholeFileIsRead) {
  EXPECT_TRUE(survives(path_of(GetParam())));
}

TEST_P(OpenDamage, EveryCut) {
  const auto cut = folder_ / ("cut" + ending_);
  // Of text without a count of lines a piece is a smaller table.
  const bool may_be_read = ending_ == ".csv" || ending_ == ".tsv";
  run_trials(bytes_.size() / kStep + 1, [&](ChildNotes& notes, std::size_t i) {
    const std::size_t n = std::min(i * kStep, bytes_.size() - 1);
    testing::write_bytes(cut, std::string_view(bytes_).substr(0, n));
    const std::string name = fmt::format("{} cut to {} bytes", GetParam(), n);
    const bool is_read = named(notes, name, [&] { return survives(cut); });
    if (is_read && !may_be_read && n + 1 < bytes_.size()) {
      fail(ErrorKind::Internal, "{}: was read", name);
    }
  });
}

TEST_P(OpenDamage, FlippedBits) {
  const std::uint64_t n = flips_of_file(ending_);
  ASSERT_GT(n, 0U);
  const auto flipped = folder_ / ("flipped" + ending_);
  run_trials(n, [&](ChildNotes& notes, std::size_t i) {
    std::string name = GetParam();
    const std::string damaged = testing::with_flipped_bits(bytes_, i, name);
    testing::write_bytes(flipped, damaged);
    named(notes, name, [&] { return survives(flipped); });
  });
}

INSTANTIATE_TEST_SUITE_P(Files, OpenDamage, ::testing::ValuesIn(kFiles), [](const auto& file) {
  std::string name = file.param;
  std::replace(name.begin(), name.end(), '.', '_');
  return name;
});

}  // namespace
}  // namespace saithe
