#include "saithe/core/symbolic_links.h"

#include <cerrno>
#include <cstring>

#include "saithe/core/error.h"

namespace saithe {

namespace fs = std::filesystem;

fs::path end_of_links(const fs::path& path) {
  static constexpr int kMostLinks = 40;  // as many as Linux follows
  std::error_code error;
  fs::path end = path;
  for (int i = 0; i < kMostLinks; ++i) {
    // Not canonical(), nor weakly_canonical(): they stop at a link to what is not there yet.
    if (!fs::is_symlink(end, error)) {
      if (i == 0) return path;
      fs::path whole = fs::weakly_canonical(fs::absolute(end, error), error);
      return error ? end : whole;
    }
    const fs::path target = fs::read_symlink(end, error);
    if (error) return path;
    end = end.parent_path() / target;  // an absolute target replaces all
  }
  return path;
}

fs::path place_of_output(const fs::path& path) {
  fs::path end = end_of_links(path);
  std::error_code error;
  if (fs::is_symlink(end, error)) {
    fail(ErrorKind::Output, "{}: cannot be written: {}", path.string(), std::strerror(ELOOP));
  }
  return end;
}

}  // namespace saithe
