#pragma once

// A job, or a server of many questions, in a copy of this process, for code of others that may
// crash or never end on damaged input.
//
// fork() without exec: the library has no program of its own to start. The copy has one thread, the
// caller's; it may use what no other thread of this process is using at that moment (malloc is
// safe, glibc sees to that). It never returns from the job: no destructors, no exit handlers, no
// core dump, nothing on stderr.

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "saithe/core/message.h"

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

/// A child process that stays, and answers questions from memory that both share: whatever happens
/// to its own memory, this process sees an answer, an Error or a ChildReport.
class ChildServer {
  class Process;

 public:
  /// What the child does with a question. An Error that it throws is thrown by ask().
  using Serve = std::function<void(MessageReader& question, MessageWriter& answer, ChildNotes&)>;

  /// An answer, which lies in the shared memory. The server answers nobody else until it is gone.
  class Answer {
   public:
    Answer(std::shared_ptr<Process> process, ChildReport how, std::span<const unsigned char> bytes);
    ~Answer();
    Answer(Answer&&) = default;
    Answer& operator=(Answer&&) = delete;
    ChildReport report;  ///< unless this says Finished, the child has ended and `content` is empty
    MessageReader content;

   private:
    std::shared_ptr<Process> process_;
  };

  /// Starts the child. The limits hold for each question; they, and what `serve` holds, are as they
  /// were at that moment. Throws Error(Internal) if no process can be started.
  ChildServer(const Serve& serve, const ChildLimits& limits);
  /// Ends the child. Other threads may do so, and ask.
  ~ChildServer();
  ChildServer(const ChildServer&) = delete;
  ChildServer& operator=(const ChildServer&) = delete;

  /// Asks, and waits for the answer. Throws what `serve` throws, and Error(BadFormat) for a
  /// question of more than 128 KiB. A child that has ended once is not started again.
  Answer ask(const OwnMessage& question);

 private:
  std::shared_ptr<Process> process_;
};

}  // namespace saithe
