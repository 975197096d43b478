#pragma once

// A job in a copy of this process, for code of others that may crash or never end on damaged input.
//
// fork() without exec: the library has no program of its own to start. The copy has one thread, the
// caller's; it may use what no other thread of this process is using at that moment (malloc is
// safe, glibc sees to that). It never returns from the job: no destructors, no exit handlers, no
// core dump, nothing on stderr.

#include <cstdint>
#include <functional>
#include <string>

namespace saithe {

/// What a job may use up before it is ended.
struct ChildLimits {
  /// Processor time. A slow disk or a busy machine does not use it up; ten times as much may pass
  /// on the clock.
  std::int64_t cpu_seconds = 60;
  /// Memory on top of what the process has already; 0: no limit. Not kept by builds with
  /// sanitizers.
  std::int64_t memory_bytes = 0;
};

enum class ChildEnd { Finished, Crashed, TooSlow, OutOfMemory };

/// How a job ended.
struct ChildReport {
  ChildEnd end = ChildEnd::Finished;
  int signal = 0;     ///< that it died of, or 0
  std::string place;  ///< what it noted last
};

/// Lets a job say what it is at, so that a crash has a place.
class ChildNotes {
 public:
  virtual ~ChildNotes() = default;
  virtual void note(const std::string& place) = 0;
};

/// Runs a job in a child process and waits for it. An Error thrown by the job is thrown here, with
/// its kind and message; nothing else comes back from it but what it writes to files. Throws
/// Error(Internal) if no process can be started.
ChildReport run_in_child(const std::function<void(ChildNotes&)>& job, const ChildLimits& limits);

}  // namespace saithe
