#pragma once

// Results into a Zarr store: columns added to a copy of the one that was read, or to the store
// itself.

#include <cstdint>
#include <filesystem>
#include <vector>

#include "saithe/io/write_h5ad.h"

namespace saithe {

namespace io {
struct StaleNames;
}  // namespace io

/// Whether a path is a Zarr store of AnnData 0.7 or later, in a folder or a zip archive, to a copy
/// of which (a folder) columns can be added.
bool takes_zarr_annotations(const std::filesystem::path& path);

/// A store that will be copied or changed. Made before the long work, so that what would make the
/// writing fail is found first.
class ZarrAnnotator {
 public:
  /// A copy in a folder. Throws Error(Output) if `output` lies in the input, is taken (unless
  /// `overwrite`, which replaces only a Zarr store) or cannot be written; Error(BadFormat) unless
  /// takes_zarr_annotations().
  ZarrAnnotator(std::filesystem::path input, std::filesystem::path output, bool overwrite);
  /// The store itself; a link to it is followed, and stays. `overwrite` concerns only the keys in
  /// it. Throws likewise, and Error(BadFormat) on a zip archive.
  static ZarrAnnotator in_place(std::filesystem::path input, bool overwrite);

  /// Throws Error(Output) if a key of the annotations exists (unless `overwrite`) or is the name of
  /// the index. Their values are not looked at.
  void require_free(const Annotations& annotations) const;
  /// Of a copy: copies the files, adds, flushes, renames: there is no store of that name, or the
  /// old one, or the new one. In place: writes what is new beside the store, flushes, moves it in
  /// (zarr_writer.h): whoever stops it leaves a store without the new columns, or with them. Gives
  /// the paths ("obs/type") of what an earlier run left there and is removed, as it is not written
  /// anew. The
  /// annotations have one entry per cell. Throws as the others do, and Error(Output) if another
  /// program changed the store since this was made.
  std::vector<std::string> write(const Annotations& annotations) const;
  /// The same, with all renames among those of the other outputs of a run.
  std::vector<std::string> write(const Annotations& annotations, PendingOutputs& outputs) const;

 private:
  ZarrAnnotator(std::filesystem::path input, bool overwrite);
  [[nodiscard]] bool is_in_place() const { return output_ == input_; }
  void require_free_output();
  /// Tells the metadata that will be changed from what another program made of them.
  [[nodiscard]] std::vector<std::int64_t> stamp() const;
  void require_unchanged() const;
  void write_copy(const Annotations& annotations, const io::StaleNames& stale,
                  PendingOutputs& outputs) const;
  void write_in_place(const Annotations& annotations, const io::StaleNames& stale,
                      PendingOutputs& outputs) const;

  std::filesystem::path input_;  ///< in place: the store itself, also where a link was given
  std::filesystem::path given_;  ///< what messages call it
  std::filesystem::path output_;
  bool overwrite_;
  std::vector<std::int64_t> stamp_;
};

}  // namespace saithe
