#pragma once

// Results into an h5ad that exists: columns added to a copy of its bytes, which takes a new name or
// the place of the input.
//
// Everything that is not added stays byte for byte the same object: layers, raw, uns of unknown
// encodings, references (docs/file_formats.md).

#include <cstdint>
#include <filesystem>
#include <memory>

#include "saithe/io/write_h5ad.h"

namespace saithe {

namespace io {
class FileLock;
}

/// Whether columns can be added to a copy of a file: h5ad of AnnData 0.7 or later. The obs of older
/// ones is one array, to which no column can be added.
bool takes_annotations(const std::filesystem::path& path);

/// An h5ad to which columns will be added. Made before the long work, so that what would make the
/// writing fail is found first.
class H5adAnnotator {
 public:
  /// A copy of `input` under another name. Throws Error(Output) if the name is the input's own, is
  /// taken (unless `overwrite`) or cannot be written; Error(BadFormat) unless takes_annotations().
  H5adAnnotator(std::filesystem::path input, std::filesystem::path output, bool overwrite);
  /// The copy replaces `input` itself; a link is followed, and stays. `overwrite` concerns only the
  /// keys in it. Throws likewise, and if the file is marked as read-only or another program has it
  /// open for writing, which none can while this is there.
  static H5adAnnotator in_place(std::filesystem::path input, bool overwrite);

  /// Throws Error(Output) if a key of the annotations exists (unless `overwrite`) or is the name of
  /// the index. Their values are not looked at.
  void require_free(const Annotations& annotations) const;
  /// Copies, adds, flushes and renames. Gives the paths ("obs/type") of what an earlier run left
  /// and these annotations do not write, which is removed. The annotations have one entry per cell
  /// of the file, in its order. Throws as the others do, and Error(Output) if another program
  /// changed the input since this was made.
  std::vector<std::string> write(const Annotations& annotations) const;
  /// The same, renamed with the other outputs of a run, when once more nobody may have changed the
  /// input.
  std::vector<std::string> write(const Annotations& annotations, PendingOutputs& outputs) const;

 private:
  /// Tells a file from what another program made of it.
  struct Stamp {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t bytes = 0;
    std::int64_t nanoseconds = 0;  ///< of the last change
    bool operator==(const Stamp&) const = default;
  };
  H5adAnnotator(std::filesystem::path input, std::filesystem::path output, bool is_in_place,
                bool overwrite);
  [[nodiscard]] Stamp stamp() const;
  void require_unchanged() const;

  std::filesystem::path input_;
  std::filesystem::path output_;
  bool is_in_place_;
  bool overwrite_;
  Stamp stamp_;
  std::shared_ptr<const io::FileLock> lock_;  // of an input that will be replaced
};

}  // namespace saithe
