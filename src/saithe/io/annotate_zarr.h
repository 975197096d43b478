#pragma once

// Results into a new Zarr store: a copy of the one that was read, with columns added.

#include <filesystem>

#include "saithe/io/write_h5ad.h"

namespace saithe {

/// Whether a path is a Zarr store of AnnData 0.7 or later in a folder, to a copy of which columns
/// can be added.
bool takes_zarr_annotations(const std::filesystem::path& path);

/// A store that will be copied. Made before the long work, so that what would make the writing fail
/// is found first.
class ZarrAnnotator {
 public:
  /// Throws Error(Output) if `output` lies in the input, is taken (unless `overwrite`, which
  /// replaces only a Zarr store) or cannot be written; Error(BadFormat) unless
  /// takes_zarr_annotations().
  ZarrAnnotator(std::filesystem::path input, std::filesystem::path output, bool overwrite);

  /// Throws Error(Output) if a key of the annotations exists (unless `overwrite`) or is the name of
  /// the index. Their values are not looked at.
  void require_free(const Annotations& annotations) const;
  /// Copies the files, adds, flushes, renames: there is no store of that name, or the old one, or
  /// the new one. The annotations have one entry per cell. Throws as the others do.
  void write(const Annotations& annotations) const;

 private:
  std::filesystem::path input_;
  std::filesystem::path output_;
  bool overwrite_;
};

}  // namespace saithe
