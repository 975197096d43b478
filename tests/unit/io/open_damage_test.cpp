// One small file of each kind that is read, cut off and with flipped bits: an Error of one line or
// a valid object; no crash, no hang, bounded memory. All of it runs in child processes, so that a
// crash names the damage that did it.
//
// SAITHE_FLIPS: flips of each kind, shared among its files; without it 1 000.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "saithe/core/child_process.h"
#include "saithe/core/random.h"
#include "saithe/io/open.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

constexpr const char* kFiles[] = {
    "csr.h5ad",        "csc.h5ad",        "dense.h5ad",          "anndata_07.h5ad",
    "tenx_v2.h5",      "tenx_v3.h5",      "cells.loom",          "cells.h5seurat",
    "store.zarr.zip",  "counts.mtx",      "counts.mtx.gz",       "counts.csv",
    "counts.tsv.gz",   "long.tsv",        "compound.h5ad",       "nullable.h5ad",
    "big_endian.h5ad", "blosc_zstd.h5ad", "v3_sharded.zarr.zip", "lzf.h5ad"};
constexpr std::uint64_t kFlipsOfKind = 1000;
constexpr std::size_t kStep = 512;
// Files of a few kilobytes: more would be what a damaged size asks for.
constexpr std::int64_t kMemory = std::int64_t{1} << 29;
// Processor time of all trials of one file; the readers' own children have theirs.
constexpr std::int64_t kSeconds = 120;
constexpr std::int64_t kTrialsPerSecond = 50;

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

/// Flips of each file of a kind.
std::uint64_t flips_of_file(const std::string& ending) {
  const char* wanted = std::getenv("SAITHE_FLIPS");
  const std::uint64_t of_kind =
      wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : kFlipsOfKind;
  const auto n_files = static_cast<std::uint64_t>(
      std::ranges::count_if(kFiles, [&](const char* name) { return ending_of(name) == ending; }));
  return (of_kind + n_files - 1) / n_files;
}

/// Reads what may be damaged, in all ways. True if it was read; throws Error(Internal) unless the
/// outcome is a valid object or an error of one line that blames the file.
bool survives(const std::filesystem::path& path) {
  const Context context(1);
  try {
    const FileSummary summary = inspect_file(path, {}, context);
    const Dataset cells = read_dataset(path, {}, context);
    validate(cells.counts.view(), "read");
    SAITHE_ASSERT(cells.counts.n_rows == cells.n_cells() && cells.n_cells() == summary.n_cells);
    SAITHE_ASSERT(cells.counts.n_cols == cells.n_genes() && cells.n_genes() == summary.n_genes);
    return true;
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::BadFormat) throw;
    SAITHE_ASSERT(std::strchr(error.what(), '\n') == nullptr);
    return false;
  }
}

/// Runs many trials in child processes, a new one after each that dies; what fails there fails
/// here, with the trial's name.
void run_trials(std::size_t n, const std::function<void(ChildNotes&, std::size_t)>& trial) {
  static constexpr int kMostFailures = 10;
  const ChildLimits limits{kSeconds + static_cast<std::int64_t>(n) / kTrialsPerSecond, kMemory};
  const testing::FolderForTest folder;
  std::size_t next = 0;
  for (int failures = 0; next < n && failures < kMostFailures; ++failures) {
    try {
      const ChildReport report = run_in_child(
          [&](ChildNotes& notes) {
            for (std::size_t i = next; i < n; ++i) {
              testing::write_bytes(folder / "trial", std::to_string(i));
              trial(notes, i);
            }
          },
          limits);
      if (report.end == ChildEnd::Finished) return;
      ADD_FAILURE() << "signal " << report.signal << ", " << report.place;
    } catch (const Error& error) {
      ADD_FAILURE() << kind_name(error.kind()) << ": " << error.what();
    }
    next = std::stoull(testing::read_bytes(folder / "trial")) + 1;
  }
}

/// Has the trial's name in the message of an error that is none of the file's.
template <typename Call>
bool named(ChildNotes& notes, const std::string& name, Call call) {
  notes.note(name);
  try {
    return call();
  } catch (const std::exception& error) {
    fail(ErrorKind::Internal, "{}: {}", name, error.what());
  }
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
  const Random random(11, 0);
  run_trials(n, [&](ChildNotes& notes, std::size_t i) {
    std::string damaged = bytes_;
    std::string name = GetParam();
    for (std::uint64_t flip = 0; flip < 1 + i % 4; ++flip) {
      const std::uint64_t bit = random.below(i * 4 + flip, damaged.size() * 8);
      damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
      name += fmt::format(", bit {}", bit);
    }
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
