#include "saithe/io/repeated_barcodes.h"

#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "saithe/core/temporary_file.h"
#include "saithe/core/text_io.h"

namespace saithe::io {
namespace {

using Hash = std::uint64_t;
constexpr std::int64_t kHashBytes = sizeof(Hash);

// Hashes of repeated names that are looked at by their names; more than that are believed.
constexpr std::size_t kMostLookedAt = 4096;

Hash hash_of(const std::string& name) {
  return std::hash<std::string_view>()(name);
}

/// Hashes in order, read back from a file in parts.
class SortedRun {
 public:
  SortedRun(const TemporaryFile& file, std::int64_t position, std::size_t n)
      : file_(&file), position_(position), n_left_(n) {
    next();
  }
  [[nodiscard]] bool has_hash() const { return at_ < part_.size(); }
  [[nodiscard]] Hash hash() const { return part_[at_]; }
  void next() {
    static constexpr std::size_t kPart = 4096;
    if (++at_ < part_.size()) return;
    part_.resize(std::min(kPart, n_left_));
    at_ = 0;
    file_->read_values(position_, std::span(part_));
    position_ += std::ssize(part_) * kHashBytes;
    n_left_ -= part_.size();
  }

 private:
  const TemporaryFile* file_;
  std::int64_t position_;
  std::size_t n_left_;
  std::vector<Hash> part_;
  std::size_t at_ = 0;
};

/// Hashes that are given in any order and come out sorted.
class HashSorter {
 public:
  explicit HashSorter(std::size_t n_in_memory) : n_in_memory_(n_in_memory) {}

  void add(Hash hash) {
    if (hashes_.size() == n_in_memory_) put_aside();
    hashes_.push_back(hash);
  }
  template <typename Visit>
  void visit_sorted(const Visit& visit) {
    if (runs_.empty()) {
      std::sort(hashes_.begin(), hashes_.end());
      for (const Hash hash : hashes_) visit(hash);
      return;
    }
    put_aside();
    const auto is_later = [](const SortedRun& a, const SortedRun& b) {
      return a.hash() > b.hash();
    };
    std::vector<SortedRun> heap;
    for (const auto& [position, n] : runs_) heap.emplace_back(*file_, position, n);
    std::make_heap(heap.begin(), heap.end(), is_later);
    while (!heap.empty()) {
      std::pop_heap(heap.begin(), heap.end(), is_later);
      SortedRun run = std::move(heap.back());
      heap.pop_back();
      // To the end of those that no other run has to come before.
      const Hash limit = heap.empty() ? ~Hash{0} : heap.front().hash();
      for (; run.has_hash() && run.hash() <= limit; run.next()) visit(run.hash());
      if (!run.has_hash()) continue;
      heap.push_back(std::move(run));
      std::push_heap(heap.begin(), heap.end(), is_later);
    }
  }

 private:
  void put_aside() {
    if (!file_) file_.emplace();
    std::sort(hashes_.begin(), hashes_.end());
    runs_.emplace_back(file_->append_values(std::span<const Hash>(hashes_)), hashes_.size());
    hashes_.clear();
  }

  std::size_t n_in_memory_;
  std::vector<Hash> hashes_;
  std::optional<TemporaryFile> file_;
  std::vector<std::pair<std::int64_t, std::size_t>> runs_;  // where each begins, its length
};

}  // namespace

RepeatedNames find_repeated_names(const Table& table, std::int64_t n_in_memory) {
  HashSorter sorter(as_size(n_in_memory));
  visit_names(table, [&](std::int64_t, const std::string& name) { sorter.add(hash_of(name)); });
  RepeatedNames repeated;
  std::vector<Hash> hashes;  // of the repeated names, each once
  bool has_more = false;
  std::optional<Hash> last;
  sorter.visit_sorted([&](Hash hash) {
    if (last == hash) {
      ++repeated.n_rows;
      const bool is_new = hashes.empty() || hashes.back() != hash;
      has_more = has_more || (is_new && hashes.size() == kMostLookedAt);
      if (is_new && hashes.size() < kMostLookedAt) hashes.push_back(hash);
    }
    last = hash;
  });
  if (repeated.n_rows == 0) return repeated;
  std::unordered_set<std::string> seen;
  std::int64_t n_rows = 0;
  visit_names(table, [&](std::int64_t, const std::string& name) {
    if (!std::binary_search(hashes.begin(), hashes.end(), hash_of(name))) return;
    if (seen.insert(name).second) return;
    if (n_rows++ == 0) repeated.example = name;
  });
  if (!has_more) repeated.n_rows = n_rows;  // different names may have the same hash
  return repeated;
}

void warn_of_repeated_barcodes(const Table& obs, const std::string& file, const Context& context) {
  const RepeatedNames repeated = find_repeated_names(obs);
  if (repeated.n_rows == 0) return;
  context.warn(fmt::format("{}: {} {} the barcode of an earlier one ('{}'); all cells are kept",
                           file, counted(repeated.n_rows, "cell"),
                           repeated.n_rows == 1 ? "has" : "have", repeated.example));
}

}  // namespace saithe::io
