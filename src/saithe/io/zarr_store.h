#pragma once

// A Zarr store: keys and their bytes, in a folder or a zip archive. Private to io/.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace saithe::io {

/// Several threads may read at once.
class ZarrStore {
 public:
  virtual ~ZarrStore() = default;
  /// What messages call the store: its path.
  [[nodiscard]] const std::string& name() const { return name_; }
  /// The size of a key's value in bytes; nothing if there is no such key. Throws Error(NotFound) if
  /// that cannot be told: a folder may not be entered, a disk fails.
  [[nodiscard]] virtual std::optional<std::int64_t> size(const std::string& key) const = 0;
  /// Bytes [begin, begin + n) of the value of a key that is there. Throws Error(BadFormat).
  [[nodiscard]] virtual std::string read(const std::string& key, std::int64_t begin,
                                         std::int64_t n) const = 0;
  /// Names one level below `prefix` ("" or "obs/"): of keys and of what is further below; sorted.
  /// Throws likewise.
  [[nodiscard]] virtual std::vector<std::string> names(const std::string& prefix) const = 0;

  /// Writes every key as a file into an empty folder, and flushes it to the disk; `output` is what
  /// messages call the folder. Throws Error(BadFormat), Error(Output).
  virtual void copy_to(const std::filesystem::path& folder, const std::string& output) const = 0;

  /// A whole value; nothing if there is no such key. Throws Error(BadFormat) above `max_bytes`.
  [[nodiscard]] std::optional<std::string> read_all(const std::string& key,
                                                    std::int64_t max_bytes) const;

 protected:
  explicit ZarrStore(std::string name) : name_(std::move(name)) {}

 private:
  std::string name_;
};

/// Opens a folder, or a zip archive (of which `head` is the beginning) whose store is at its top or
/// in its only folder; nothing if it is neither or holds no Zarr group. Throws Error(BadFormat) on
/// a damaged archive.
std::shared_ptr<const ZarrStore> open_zarr_store(const std::filesystem::path& path, bool is_folder,
                                                 const std::string& head);

}  // namespace saithe::io
