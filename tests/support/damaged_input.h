#pragma once

// Reading what may be damaged, many times, in child processes, so that a crash names the damage
// that did it: open_damage_test.cpp, folder_damage_test.cpp.

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>

#include "saithe/core/child_process.h"
#include "saithe/core/random.h"
#include "saithe/io/open.h"
#include "support/folder_for_test.h"

namespace saithe::testing {

constexpr std::size_t kStep = 512;
// Files of a few kilobytes: more would be what a damaged size asks for.
constexpr std::int64_t kMemory = std::int64_t{1} << 29;
// Processor time of all trials of one file; the readers' own children have theirs.
constexpr std::int64_t kSeconds = 120;
constexpr std::int64_t kTrialsPerSecond = 50;

/// Trials with flipped bits of each kind of input: SAITHE_FLIPS, without it 1 000.
inline std::uint64_t flips_of_kind() {
  static constexpr std::uint64_t kFlipsOfKind = 1000;
  const char* wanted = std::getenv("SAITHE_FLIPS");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : kFlipsOfKind;
}

/// 1 to 4 bits turned round, which `trial` alone decides; `name` gets their places.
inline std::string with_flipped_bits(std::string bytes, std::size_t trial, std::string& name) {
  const Random random(11, 0);
  for (std::uint64_t flip = 0; flip < 1 + trial % 4; ++flip) {
    const std::uint64_t bit = random.below(trial * 4 + flip, bytes.size() * 8);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    name += fmt::format(", bit {}", bit);
  }
  return bytes;
}

/// Reads what may be damaged, in all ways. True if it was read; throws Error(Internal) unless the
/// outcome is a valid object or an error of one line that blames the file.
inline bool survives(const std::filesystem::path& path) {
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
inline void run_trials(std::size_t n, const std::function<void(ChildNotes&, std::size_t)>& trial) {
  static constexpr int kMostFailures = 10;
  const ChildLimits limits{kSeconds + static_cast<std::int64_t>(n) / kTrialsPerSecond, kMemory};
  const FolderForTest folder;
  std::size_t next = 0;
  for (int failures = 0; next < n && failures < kMostFailures; ++failures) {
    try {
      const ChildReport report = run_in_child(
          [&](ChildNotes& notes) {
            for (std::size_t i = next; i < n; ++i) {
              write_bytes(folder / "trial", std::to_string(i));
              trial(notes, i);
            }
          },
          limits);
      if (report.end == ChildEnd::Finished) return;
      ADD_FAILURE() << "signal " << report.signal << ", " << report.place;
    } catch (const Error& error) {
      ADD_FAILURE() << kind_name(error.kind()) << ": " << error.what();
    }
    next = std::stoull(read_bytes(folder / "trial")) + 1;
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

}  // namespace saithe::testing
