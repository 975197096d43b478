#pragma once

// The one exception of the library, and the two ways to raise it.
//
// A wrong input is an Error with a kind; the program maps the kind to an exit code. A message says
// what is wrong, where, what was expected against what was found, and what to do next.
// A broken promise of our own code is an assertion (kind Internal), never reachable by user input.

#include <fmt/core.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace saithe {

/// What went wrong, in the terms that decide the program's exit code.
enum class ErrorKind {
  InvalidArgument,  ///< an option or argument makes no sense
  NotFound,         ///< a file is missing or cannot be opened
  BadFormat,        ///< a file's content is not what its format demands, or unusable for the task
  Incompatible,     ///< model and data do not belong together
  Device,           ///< the requested device is not there or fails
  Output,           ///< a result cannot be written
  Cancelled,        ///< the caller asked to stop
  Numerical,        ///< a computation left the finite numbers
  Internal          ///< a bug of saithe
};

/// The name of a kind, for logs and bindings: "BadFormat".
const char* kind_name(ErrorKind kind);

/// The exception thrown by every function of the library.
class Error : public std::runtime_error {
 public:
  Error(ErrorKind kind, const std::string& message) : std::runtime_error(message), kind_(kind) {}
  [[nodiscard]] ErrorKind kind() const noexcept { return kind_; }

 private:
  ErrorKind kind_;
};

/// Throws Error(kind) with a message formatted by fmt.
template <typename... Args>
[[noreturn]] void fail(ErrorKind kind, fmt::format_string<Args...> format, Args&&... args) {
  throw Error(kind, fmt::format(format, std::forward<Args>(args)...));
}

[[noreturn]] void fail_assertion(const char* condition, const char* file, int line);

}  // namespace saithe

/// Checks a promise of our own code; throws Error(Internal) when it is broken.
#define SAITHE_ASSERT(condition) \
  ((condition) ? static_cast<void>(0) : ::saithe::fail_assertion(#condition, __FILE__, __LINE__))
