#include "saithe/io/hdf5_check.h"

#include <malloc.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <deque>
#include <mutex>
#include <set>
#include <vector>

#include "saithe/core/child_process.h"
#include "saithe/io/chunk_filters.h"
#include "saithe/io/hdf5_file.h"

namespace saithe::io {
namespace {

// Of these only the names of their members are used.
constexpr const char* kOnlyNames[] = {"uns",    "obsm",      "varm",       "obsp",       "varp",
                                      "misc",   "tools",     "commands",   "reductions", "graphs",
                                      "images", "neighbors", "row_graphs", "col_graphs"};
// A column or a small matrix, which libhdf5 reads as a whole; what is larger is made of chunks that
// are unpacked by known filters, or lies in one piece.
constexpr std::int64_t kColumnBytes = std::int64_t{1} << 28;
constexpr std::int64_t kSmallMatrixBytes = std::int64_t{1} << 24;
// Chunks looked up one by one, as reading does, in an index that was walked over.
constexpr std::int64_t kLookedUp = 1024;
// A tenth of what libhdf5 takes for texts, the slowest it does, on a slow machine.
constexpr std::int64_t kBytesPerSecond = 20'000'000;
constexpr std::int64_t kLeastSeconds = 5;
constexpr std::int64_t kSecondsToChange = 300;
// A file up to this size is walked over a second time, in memory filled with traps.
constexpr std::int64_t kWalkedTwice = std::int64_t{1} << 26;
constexpr std::int64_t kMemory = std::int64_t{1} << 31;

struct Stamp {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  std::int64_t changed = 0;  // nanoseconds
  bool operator==(const Stamp&) const = default;
};

constexpr std::int64_t kNanoseconds = 1'000'000'000;

std::int64_t in_nanoseconds(const timespec& time) {
  return time.tv_sec * kNanoseconds + time.tv_nsec;
}

Stamp stamp_of(const std::filesystem::path& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino, status.st_size,
          std::max(in_nanoseconds(status.st_mtim), in_nanoseconds(status.st_ctim))};
}

/// The files that were looked at, each as it was.
class SeenFiles {
 public:
  bool holds(const Stamp& stamp) {
    const std::lock_guard lock(mutex_);
    return std::find(seen_.begin(), seen_.end(), stamp) != seen_.end();
  }
  void add(const Stamp& stamp) {
    static constexpr std::size_t kMost = 1024;
    // The clock of the file system ticks in milliseconds: what was changed just now may be changed
    // again and look the same.
    timespec now = {};
    clock_gettime(CLOCK_REALTIME, &now);
    if (in_nanoseconds(now) - stamp.changed < kNanoseconds) return;
    const std::lock_guard lock(mutex_);
    seen_.push_back(stamp);
    if (seen_.size() > kMost) seen_.pop_front();
  }

 private:
  std::mutex mutex_;
  std::deque<Stamp> seen_;
};

/// Whatever libhdf5 reports is met again by who reads.
template <typename Call>
void attempt(Call call) {
  try {
    call();
  } catch (const Error&) {
    return;
  }
}

std::vector<std::string> attribute_names(hid_t object) {
  std::vector<std::string> names;
  const auto collect = [](hid_t, const char* name, const H5A_info_t*, void* all) -> herr_t {
    static_cast<std::vector<std::string>*>(all)->emplace_back(name);
    return 0;
  };
  H5Aiterate2(object, H5_INDEX_NAME, H5_ITER_INC, nullptr, collect, &names);
  return names;
}

/// Walks over a file as those do who read it.
class Walk {
 public:
  explicit Walk(ChildNotes& notes) : notes_(notes) {}

  void visit(const Hdf5Group& group, int depth) {
    notes_.note(group.where());
    if (!is_new(group.id())) return;
    for (const std::string& name : attribute_names(group.id())) {
      notes_.note(group.where() + ", attribute " + name);
      attempt([&] { static_cast<void>(group.text_list_attribute(name)); });
      attempt([&] { static_cast<void>(group.integer_attribute(name)); });
    }
    notes_.note(group.where());
    bool is_sparse = false;
    attempt([&] {
      is_sparse =
          group.has_dataset("indptr") && group.has_dataset("indices") && group.has_dataset("data");
    });
    std::vector<std::string> names;
    attempt([&] { names = group.names(); });
    for (const std::string& name : names) {
      notes_.note(group.where(name));
      attempt([&] { visit_member(group, name, is_sparse, depth); });
    }
  }

 private:
  static constexpr int kDeepest = 32;

  void visit_member(const Hdf5Group& group, const std::string& name, bool is_sparse, int depth) {
    if (group.has_dataset(name)) return visit(group.dataset(name), is_sparse);
    if (!group.has_group(name) || depth == kDeepest) return;
    const Hdf5Group member = group.group(name);
    const bool only_names =
        std::find(std::begin(kOnlyNames), std::end(kOnlyNames), name) != std::end(kOnlyNames);
    if (only_names) {
      static_cast<void>(member.names());
    } else {
      visit(member, depth + 1);
    }
  }

  void visit(const Hdf5Dataset& dataset, bool is_sparse) {
    if (!is_new(dataset.id())) return;
    for (const std::string& name : attribute_names(dataset.id())) {
      notes_.note(dataset.where() + ", attribute " + name);
      attempt([&] { static_cast<void>(dataset.text_attribute(name)); });
      attempt([&] {
        if (const auto referred = dataset.referred_dataset(name)) visit(*referred, false);
      });
    }
    notes_.note(dataset.where());
    const Hdf5Id creation(H5Dget_create_plist(dataset.id()));
    const bool is_chunked = H5Pget_layout(creation.get()) == H5D_CHUNKED;
    if (is_chunked) walk_chunks(dataset, creation.get());
    const std::vector<int> filters = filters_of(creation.get());
    const bool are_own = std::all_of(filters.begin(), filters.end(), is_own_filter);
    const bool is_by_rows = dataset.shape().size() == 2 && !dataset.is_null();
    const std::int64_t bytes = checked_multiply(
        dataset.size(), static_cast<std::int64_t>(dataset.value_bytes()), dataset.where().c_str());
    if (is_by_rows && is_number(dataset)) {
      if (!are_own || bytes <= kSmallMatrixBytes) read_by_rows(dataset);
      return;
    }
    const bool is_unpacked_by_saithe = is_sparse && is_chunked && are_own;
    if (is_unpacked_by_saithe || (are_own && bytes > kColumnBytes && is_number(dataset))) return;
    read_column(dataset);
    for (const std::string& name : dataset.field_names()) {
      notes_.note(dataset.where() + "/" + name);
      attempt([&] { read_column(dataset.field(name)); });
    }
  }

  static bool is_number(const Hdf5Dataset& dataset) {
    return dataset.kind() == StoredKind::Integer || dataset.kind() == StoredKind::Float;
  }

  static void walk_chunks(const Hdf5Dataset& dataset, hid_t creation) {
    const auto n_axes = dataset.shape().size();
    std::vector<hsize_t> chunk(n_axes);
    if (H5Pget_chunk(creation, static_cast<int>(n_axes), chunk.data()) < 0) return;
    const Hdf5Id space(H5Dget_space(dataset.id()));
    hsize_t n_chunks = 0;
    if (H5Dget_num_chunks(dataset.id(), space.get(), &n_chunks) < 0 || n_axes == 0) return;
    const std::int64_t length = dataset.shape().front();
    const auto chunk_length = static_cast<std::int64_t>(std::max<hsize_t>(chunk.front(), 1));
    const std::int64_t n = length / chunk_length + 1;
    const std::int64_t step = std::max<std::int64_t>(1, n / kLookedUp);
    std::vector<hsize_t> at(n_axes);
    for (std::int64_t i = 0; i < n && i * chunk_length < length; i += step) {
      at.front() = static_cast<hsize_t>(i * chunk_length);
      hsize_t n_bytes = 0;
      H5Dget_chunk_storage_size(dataset.id(), at.data(), &n_bytes);
    }
  }

  static void read_by_rows(const Hdf5Dataset& dataset) {
    static constexpr std::int64_t kValuesAtOnce = std::int64_t{1} << 20;
    const std::int64_t n_rows = dataset.shape()[0];
    const std::int64_t n_columns = std::max<std::int64_t>(1, dataset.shape()[1]);
    const std::int64_t at_once = std::max<std::int64_t>(1, kValuesAtOnce / n_columns);
    dataset.require_plausible(std::min(at_once, n_rows) * n_columns);
    std::vector<float> values(as_size(std::min(at_once, n_rows) * n_columns));
    for (std::int64_t begin = 0; begin < n_rows; begin += at_once) {
      dataset.read_rows(begin, std::min(begin + at_once, n_rows), values.data());
    }
  }

  static void read_column(const Hdf5Dataset& dataset) {
    if (dataset.is_null()) return;
    if (dataset.kind() == StoredKind::Text) static_cast<void>(dataset.read_texts());
    if (dataset.kind() == StoredKind::Boolean) static_cast<void>(dataset.read_integers());
    if (is_number(dataset)) static_cast<void>(dataset.read_numbers());
  }

  /// Whether an object is met for the first time: links may lead in circles.
  bool is_new(hid_t object) {
    H5O_info_t info;
    if (H5Oget_info2(object, &info, H5O_INFO_BASIC) < 0) return false;
    return seen_.insert(info.addr).second;
  }

  ChildNotes& notes_;
  std::set<haddr_t> seen_;
};

/// Fills the memory that libhdf5 is going to get with words that are small as a size and nothing as
/// an address. libhdf5 1.10 looks up texts by an index that it does not check; what lies behind its
/// table must not happen to be harmless in the child and then kill the parent.
void make_heap_hostile() {
  static constexpr std::size_t kBlockWords = 8192;  // 64 KiB: not a mapping of its own
  static constexpr std::size_t kBlocks = 128;
  static constexpr std::uint64_t kWord = 64;
  mallopt(M_MMAP_THRESHOLD, 1 << 17);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);  // what is freed stays as it is
  H5garbage_collect();
  std::vector<std::vector<std::uint64_t>> blocks;
  blocks.reserve(kBlocks);
  for (std::size_t i = 0; i < kBlocks; ++i) {
    const auto& block = blocks.emplace_back(kBlockWords, kWord);
    asm volatile("" : : "r"(block.data()) : "memory");  // or the compiler leaves the writing out
  }
}

[[noreturn]] void fail_contained(const ChildReport& report, std::int64_t seconds) {
  const std::string& place = report.place;
  switch (report.end) {
    case ChildEnd::TooSlow:
      fail(ErrorKind::BadFormat,
           "{}: cannot be read: HDF5 came to no end in {} s; the file is damaged. Copy it again.",
           place, seconds);
    case ChildEnd::OutOfMemory:
      fail(ErrorKind::BadFormat,
           "{}: cannot be read: HDF5 asks for more memory than the file can need; it is damaged. "
           "Copy it again.",
           place);
    default:
      fail(ErrorKind::BadFormat,
           "{}: cannot be read: HDF5 crashed on it ({}); the file is damaged. Copy it again.",
           place, strsignal(report.signal));
  }
}

}  // namespace

void require_harmless(const std::filesystem::path& path) {
  static SeenFiles seen;
  const Stamp stamp = stamp_of(path);
  if (seen.holds(stamp)) return;
  const auto bytes = static_cast<std::int64_t>(stamp.size);
  const ChildLimits limits{kLeastSeconds + bytes / kBytesPerSecond, kMemory + 2 * bytes};
  const ChildReport report = run_in_child(
      [&](ChildNotes& notes) {
        notes.note(path.string());
        // As the parent will find its memory, and as it might.
        attempt([&] { Walk(notes).visit(Hdf5Group::open_unchecked(path), 0); });
        if (bytes > kWalkedTwice) return;
        make_heap_hostile();
        attempt([&] { Walk(notes).visit(Hdf5Group::open_unchecked(path), 0); });
      },
      limits);
  if (report.end != ChildEnd::Finished) fail_contained(report, limits.cpu_seconds);
  seen.add(stamp);
}

void change_in_child(const std::filesystem::path& path, const std::string& name,
                     const std::function<void()>& work) {
  const auto bytes = static_cast<std::int64_t>(stamp_of(path).size);
  const ChildLimits limits{kSecondsToChange + bytes / kBytesPerSecond, 0};
  ChildReport report = run_in_child([&](ChildNotes&) { work(); }, limits);
  if (report.end == ChildEnd::Finished) return;
  report.place = name;
  fail_contained(report, limits.cpu_seconds);
}

}  // namespace saithe::io
