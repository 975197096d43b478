#include "saithe/core/error.h"

#include <string_view>

namespace saithe {

const char* kind_name(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::InvalidArgument:
      return "InvalidArgument";
    case ErrorKind::NotFound:
      return "NotFound";
    case ErrorKind::BadFormat:
      return "BadFormat";
    case ErrorKind::Incompatible:
      return "Incompatible";
    case ErrorKind::Device:
      return "Device";
    case ErrorKind::Output:
      return "Output";
    case ErrorKind::Cancelled:
      return "Cancelled";
    case ErrorKind::Numerical:
      return "Numerical";
    case ErrorKind::Internal:
      return "Internal";
  }
  return "Internal";
}

void fail_assertion(const char* condition, const char* file, int line) {
  // The build's own folder says nothing to a user: keep the path from src/ on.
  std::string_view path(file);
  if (const auto start = path.rfind("src/saithe/"); start != std::string_view::npos) {
    path.remove_prefix(start);
  }
  fail(ErrorKind::Internal, "{}:{}: assertion failed: {}", path, line, condition);
}

}  // namespace saithe
