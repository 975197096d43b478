#pragma once

// The child process in which libhdf5 reads a file, seen from its parent. Private to io/.

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "saithe/core/child_process.h"
#include "saithe/io/chunk_cache.h"
#include "saithe/io/file_bytes.h"

namespace saithe::io {

enum class Hdf5Question : std::int64_t;

class Hdf5Process {
 public:
  static constexpr std::int64_t kAnyMemory = std::numeric_limits<std::int64_t>::max() / 2;

  /// Starts a child that walks over the file, unless it is unchanged since that was done, and opens
  /// it. Throws Error(BadFormat), also where libhdf5 crashes or comes to no end.
  static std::shared_ptr<Hdf5Process> open(const std::filesystem::path& path,
                                           std::int64_t max_memory = kAnyMemory);

  /// The beginning of a question about an object.
  [[nodiscard]] OwnMessage question(Hdf5Question what, std::int64_t object);
  /// Throws what the child throws, and Error(BadFormat) where libhdf5 crashes, asks for too much
  /// memory or comes to no end, now or earlier.
  [[nodiscard]] ChildServer::Answer ask(const OwnMessage& question);
  /// Has an object closed when the next question is asked.
  void release(std::int64_t object);
  /// The same file, as it lies on the disk.
  [[nodiscard]] const FileBytes& bytes() const { return bytes_; }
  /// Chunks of this file that the parent has unpacked.
  [[nodiscard]] ChunkCache& cache() { return cache_; }
  /// For texts that are read as a whole (TextMemory).
  [[nodiscard]] std::int64_t max_memory() const { return max_memory_; }

 private:
  Hdf5Process(const std::filesystem::path& path, std::int64_t max_memory);

  std::string name_;  // of the file, for messages
  FileBytes bytes_;
  ChildLimits limits_;
  ChildServer server_;
  std::mutex mutex_;
  std::vector<std::int64_t> released_;
  ChunkCache cache_;
  std::int64_t max_memory_;
};

}  // namespace saithe::io
