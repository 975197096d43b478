#include "saithe/io/dealt_entries.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "saithe/core/error.h"
#include "saithe/core/huge_pages.h"

namespace saithe::io {
namespace {

constexpr std::size_t kBytesOfSmallEntry = 2;  // cell and value
// Memory is taken from the system in slabs, and handed out in blocks: parts that all grow at once
// would leave holes otherwise.
constexpr std::size_t kSlabBytes = std::size_t{1} << 23;
constexpr std::int64_t kFewestBlockBytes = 512;
constexpr std::int64_t kMostBlockBytes = 32768;
// A run is cut where a block ends, unless so few entries of it would fit.
constexpr std::size_t kFewestEntries = 16;
constexpr std::size_t kMostEntryBytes = 1 + sizeof(float);
constexpr std::int64_t kBlocksShare = 16;  // of the memory a block of each part takes
// Of this share of the memory is what has not gone to the temporary file; as much as a block of
// each part at least.
constexpr std::int64_t kArrivingShare = 4;
// What is written to the temporary file at once.
constexpr std::size_t kWrittenBytes = std::size_t{1} << 20;

/// Writes `values` as bytes where each is a whole number up to 255; otherwise returns false.
bool write_small(std::span<const float> values, unsigned char* __restrict to) {
  // Added to 2^23, what is not a whole number is rounded to one, which the last bits then hold.
  // Without branches and conversions, the compiler does many at once.
  constexpr float kWholeFromHere = 8388608;
  constexpr auto kBitsOfIt = std::bit_cast<std::uint32_t>(kWholeFromHere);
  std::uint32_t are_all = 1;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const float sum = values[i] + kWholeFromHere;
    const std::uint32_t whole = std::bit_cast<std::uint32_t>(sum) - kBitsOfIt;
    are_all &= static_cast<std::uint32_t>(whole <= 255) &
               static_cast<std::uint32_t>(std::bit_cast<std::uint32_t>(sum - kWholeFromHere) ==
                                          std::bit_cast<std::uint32_t>(values[i]));
    to[i] = static_cast<unsigned char>(whole);
  }
  return are_all != 0;
}

}  // namespace

DealtEntries::DealtEntries(std::int64_t n_parts, std::int64_t n_entries, std::int64_t bytes)
    : parts_(as_size(n_parts)), bytes_(bytes) {
  block_bytes_ = as_size(std::clamp(bytes / kBlocksShare / std::max<std::int64_t>(1, n_parts),
                                    kFewestBlockBytes, kMostBlockBytes));
  const auto least = static_cast<std::int64_t>(kBytesOfSmallEntry);
  if (n_entries > bytes / least) file_ = std::make_unique<TemporaryFile>();
}

unsigned char* DealtEntries::take_block() {
  const std::lock_guard lock(pool_);
  if (free_blocks_.empty()) {
    slabs_.push_back(std::make_unique_for_overwrite<unsigned char[]>(kSlabBytes));
    ask_for_huge_pages(slabs_.back().get(), kSlabBytes);
    for (std::size_t at = kSlabBytes / block_bytes_; at > 0; --at) {
      free_blocks_.push_back(slabs_.back().get() + (at - 1) * block_bytes_);
    }
  }
  unsigned char* block = free_blocks_.back();
  free_blocks_.pop_back();
  ++n_taken_;
  return block;
}

void DealtEntries::add(std::int64_t part, GeneIndex gene, GeneIndex first_cell,
                       std::span<const GeneIndex> cells, std::span<const float> values) {
  SAITHE_ASSERT(cells.size() == values.size());
  Part& to = parts_[as_size(part)];
  while (!cells.empty()) {
    if (room_of(to) < sizeof(Run) + kMostEntryBytes * std::min(cells.size(), kFewestEntries)) {
      to.blocks.push_back({take_block()});
    }
    const std::size_t n = std::min(
        {cells.size(), (room_of(to) - sizeof(Run)) / kMostEntryBytes, as_size(kMostCells)});
    add_run(to, gene, first_cell, cells.first(n), values.first(n));
    cells = cells.subspan(n);
    values = values.subspan(n);
  }
}

/// Adds what the part's last block has room for.
void DealtEntries::add_run(Part& part, GeneIndex gene, GeneIndex first_cell,
                           std::span<const GeneIndex> cells, std::span<const float> values) {
  const std::size_t n = cells.size();
  Block& block = part.blocks.back();
  unsigned char* const at = block.begin + block.n_used;
  unsigned char* const cells_at = at + sizeof(Run);
  for (std::size_t i = 0; i < n; ++i) {
    cells_at[i] = static_cast<unsigned char>(cells[i] - first_cell);
  }
  const bool are_small = write_small(values, cells_at + n);
  if (!are_small) std::memcpy(cells_at + n, values.data(), values.size_bytes());
  const Run run{gene, static_cast<std::uint16_t>(n), are_small};
  std::memcpy(at, &run, sizeof(run));
  block.n_used += sizeof(run) + n * (are_small ? kBytesOfSmallEntry : kMostEntryBytes);
}

void DealtEntries::make_room() {
  const std::int64_t taken = n_taken_ * static_cast<std::int64_t>(block_bytes_);
  if (!file_) {
    if (taken <= bytes_) return;
    file_ = std::make_unique<TemporaryFile>();
  } else if (n_taken_ < std::ssize(parts_) || taken <= bytes_ / kArrivingShare) {
    return;
  }
  move_to_file();
}

void DealtEntries::finish() {
  if (!file_) return;
  move_to_file();
  free_blocks_.clear();
  slabs_.clear();
}

void DealtEntries::move_to_file() {
  std::vector<unsigned char> written;
  for (Part& part : parts_) {
    if (part.blocks.empty()) continue;
    Stretch stretch{file_->size() + std::ssize(written), 0};
    const auto* before = reinterpret_cast<const unsigned char*>(&part.last);
    written.insert(written.end(), before, before + sizeof(part.last));
    for (const Block& block : part.blocks) {
      written.insert(written.end(), block.begin, block.begin + block.n_used);
      stretch.n_bytes += static_cast<std::int64_t>(block.n_used);
      free_blocks_.push_back(block.begin);
      if (written.size() >= kWrittenBytes) {
        file_->append(written);
        written.clear();
      }
    }
    part.last = stretch;
    part.blocks.clear();
  }
  file_->append(written);
  n_taken_ = 0;
}

/// In the order in which they came.
std::vector<DealtEntries::Stretch> DealtEntries::stretches_of(const Part& part) const {
  std::vector<Stretch> stretches;
  for (Stretch at = part.last; at.position >= 0;) {
    stretches.push_back(at);
    file_->read(at.position, {reinterpret_cast<unsigned char*>(&at), sizeof(at)});
  }
  std::ranges::reverse(stretches);
  return stretches;
}

}  // namespace saithe::io
