#pragma once

// Bytes packed as gzip does it.

#include <zlib.h>

#include <string>

#include "support/folder_for_test.h"

namespace saithe::testing {

/// One gzip member that holds `text`.
inline std::string gzip_bytes(const std::string& text) {
  const FolderForTest folder;
  const auto path = folder / "member.gz";
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  return read_bytes(path);
}

}  // namespace saithe::testing
