#pragma once

// A folder of its own for a test, removed at the end, and the errors that a call throws.

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include "saithe/core/error.h"

namespace saithe::testing {

/// An empty folder that lives as long as this object.
class FolderForTest {
 public:
  FolderForTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "saithe-test-XXXXXX").string();
    path_ = mkdtemp(pattern.data());
  }
  ~FolderForTest() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  FolderForTest(const FolderForTest&) = delete;
  FolderForTest& operator=(const FolderForTest&) = delete;

  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return bytes.str();
}

inline void write_bytes(const std::filesystem::path& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

/// The error that `call` throws, or nothing.
template <typename Call>
std::optional<Error> error_of(Call call) {
  try {
    call();
  } catch (const Error& error) {
    return error;
  }
  return std::nullopt;
}

inline bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

}  // namespace saithe::testing

/// Expects Error(kind) of one line whose message contains `part`.
#define EXPECT_SAITHE_ERROR(statement, expected_kind, part)                                       \
  do {                                                                                            \
    const auto thrown_error = ::saithe::testing::error_of([&] { static_cast<void>(statement); }); \
    ASSERT_TRUE(thrown_error.has_value()) << "nothing thrown by " #statement;                     \
    EXPECT_EQ(kind_name(thrown_error->kind()), std::string(kind_name(expected_kind)));            \
    EXPECT_TRUE(::saithe::testing::contains(thrown_error->what(), part)) << thrown_error->what(); \
    EXPECT_FALSE(::saithe::testing::contains(thrown_error->what(), "\n"));                        \
  } while (false)
