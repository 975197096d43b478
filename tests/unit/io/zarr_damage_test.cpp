// Flipped bits of the files of a store: an error of one line or a valid object, never a crash. Of
// the archive: open_damage_test.cpp.

#include <gtest/gtest.h>

#include "saithe/io/open.h"
#include "saithe/io/zarr_store.h"
#include "saithe/io/zip_archive.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

const Context kContext(1);

/// Reads all; true if it is a valid object, false on an error of one line.
bool survives(const std::filesystem::path& path) {
  try {
    const Dataset cells = read_dataset(path, {}, kContext);
    validate(cells.counts.view(), "read");
    return true;
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << error.what();
    return false;
  }
}

class ZarrDamage : public ::testing::TestWithParam<const char*> {
 protected:
  testing::FolderForTest folder_;
};

TEST_P(ZarrDamage, FlippedBitsOfFilesInTheFolderAreErrorsOrValues) {
  // Without the archive's checksums the codecs and the metadata are on their own.
  const std::filesystem::path packed =
      std::string(SAITHE_TEST_FILES) + "/zarr/" + GetParam() + ".zarr.zip";
  const io::ZipArchive archive(packed);
  std::vector<std::string> names;
  for (const std::string& name : archive.names()) {
    const bool is_read =
        name.find("obsm") == std::string::npos && name.find("layers") == std::string::npos &&
        name.find("raw") == std::string::npos && name.find("uns") == std::string::npos;
    if (is_read) names.push_back(name);
  }
  const auto write = [&](const std::string& name, const std::string& bytes) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    testing::write_bytes(folder_ / name, bytes);
  };
  for (const std::string& name : archive.names()) {
    write(name, archive.read(name, 0, *archive.size(name)));
  }
  const auto store = std::string(GetParam()) == "v3" ? folder_ / "inner.zarr" : folder_.path();
  ASSERT_TRUE(survives(store));
  std::size_t step = 0;
  for (const std::string& name : names) {
    const std::string whole = archive.read(name, 0, *archive.size(name));
    for (int i = 0; i < 6 && !whole.empty(); ++i) {
      std::string changed = whole;
      const std::size_t at = (++step * 7919 * 31) % (8 * whole.size());
      changed[at / 8] = static_cast<char>(changed[at / 8] ^ 1 << at % 8);
      write(name, i == 5 ? whole.substr(0, at / 8) : changed);
      survives(store);
    }
    write(name, whole);
  }
}

INSTANTIATE_TEST_SUITE_P(Stores, ZarrDamage, ::testing::Values("v2", "v3", "v3_sharded"));

}  // namespace
}  // namespace saithe
