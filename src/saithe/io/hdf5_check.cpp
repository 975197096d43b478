#include "saithe/io/hdf5_check.h"

#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <deque>
#include <limits>
#include <mutex>
#include <set>
#include <vector>

#include "saithe/core/usable_memory.h"
#include "saithe/io/library_file.h"

namespace saithe::io {
namespace {

// Of these only the names of their members are used.
constexpr const char* kOnlyNames[] = {"uns",    "obsm",      "varm",       "obsp",       "varp",
                                      "misc",   "tools",     "commands",   "reductions", "graphs",
                                      "images", "neighbors", "row_graphs", "col_graphs"};
// A tenth of what libhdf5 takes for texts, the slowest it does, on a slow machine.
constexpr std::int64_t kBytesPerSecond = 20'000'000;
constexpr std::int64_t kLeastSeconds = 2;
constexpr std::int64_t kSecondsToChange = 300;
// What libhdf5 may ask for, and how many bytes one byte of a file may become (gzip; what packs
// better is rarely all of a file).
constexpr std::int64_t kMemory = std::int64_t{1} << 31;
constexpr std::int64_t kLargestRatio = 1100;

constexpr std::int64_t kNanoseconds = 1'000'000'000;

std::int64_t in_nanoseconds(const timespec& time) {
  return time.tv_sec * kNanoseconds + time.tv_nsec;
}

/// The files that were looked at, each as it was.
class SeenFiles {
 public:
  bool holds(const FileStamp& stamp) {
    const std::lock_guard lock(mutex_);
    return std::find(seen_.begin(), seen_.end(), stamp) != seen_.end();
  }
  void add(const FileStamp& stamp) {
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
  std::deque<FileStamp> seen_;
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

/// Walks over a file as those do who read it.
class Walk {
 public:
  explicit Walk(ChildNotes& notes) : notes_(notes) {}

  void visit(const LibraryGroup& group, int depth) {
    notes_.note(group.where());
    if (!is_new(group.id())) return;
    visit_attributes(group);
    std::vector<std::string> names;
    attempt([&] { names = group.names(); });
    for (const std::string& name : names) {
      notes_.note(group.where(name));
      attempt([&] { visit_member(group, name, depth); });
    }
  }

 private:
  static constexpr int kDeepest = 32;

  template <typename Object>
  void visit_attributes(const Object& object) {
    for (const std::string& name : object.attribute_names()) {
      notes_.note(object.where() + ", attribute " + name);
      attempt([&] { read_text_attribute(object.id(), name, object.where()); });
      attempt([&] { read_integer_attribute(object.id(), name, object.where()); });
    }
    notes_.note(object.where());
  }

  void visit_member(const LibraryGroup& group, const std::string& name, int depth) {
    const MemberKind kind = group.kind_of(name);
    if (kind == MemberKind::Dataset) return visit(group.dataset(name));
    if (kind != MemberKind::Group || depth == kDeepest) return;
    const LibraryGroup member = group.group(name);
    const bool only_names =
        std::find(std::begin(kOnlyNames), std::end(kOnlyNames), name) != std::end(kOnlyNames);
    if (only_names) {
      static_cast<void>(member.names());
    } else {
      visit(member, depth + 1);
    }
  }

  void visit(const LibraryDataset& dataset) {
    if (!is_new(dataset.id())) return;
    visit_attributes(dataset);
    for (const std::string& name : dataset.attribute_names()) {
      attempt([&] {
        if (const auto referred = dataset.referred_dataset(name)) visit(*referred);
      });
    }
    notes_.note(dataset.where());
    dataset.walk_chunks();
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

SeenFiles& seen_files() {
  static SeenFiles seen;
  return seen;
}

std::int64_t bytes_of(const std::filesystem::path& path) {
  return static_cast<std::int64_t>(FileStamp::of(path).size);
}

}  // namespace

FileStamp FileStamp::of(const std::filesystem::path& path) {
  struct stat status = {};
  if (stat(path.c_str(), &status) != 0) return {};
  return {status.st_dev, status.st_ino, status.st_size,
          std::max(in_nanoseconds(status.st_mtim), in_nanoseconds(status.st_ctim))};
}

bool was_walked_over(const FileStamp& stamp) {
  return seen_files().holds(stamp);
}

void note_walked_over(const FileStamp& stamp) {
  seen_files().add(stamp);
}

void walk_over(const std::filesystem::path& path, ChildNotes& notes) {
  attempt([&] { Walk(notes).visit(LibraryGroup::open_file(path), 0); });
}

ChildLimits limits_of_reading(const std::filesystem::path& path) {
  const std::int64_t bytes = bytes_of(path);
  const std::int64_t unpacked =
      std::min(bytes, std::numeric_limits<std::int64_t>::max() / 2 / kLargestRatio) * kLargestRatio;
  return {kLeastSeconds + bytes / kBytesPerSecond, kMemory + std::min(unpacked, usable_memory())};
}

void fail_contained(const ChildReport& report, std::int64_t seconds) {
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

void change_in_child(const std::filesystem::path& path, const std::string& name,
                     const std::function<void()>& work) {
  const std::int64_t bytes = bytes_of(path);
  const ChildLimits limits{kSecondsToChange + bytes / kBytesPerSecond, 0};
  ChildReport report = run_in_child([&](ChildNotes&) { work(); }, limits);
  if (report.end == ChildEnd::Finished) return;
  report.place = name;
  fail_contained(report, limits.cpu_seconds);
}

}  // namespace saithe::io
