#pragma once

// One run of the program: threads, progress on the terminal, warnings, signals, time and memory.

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "command.h"
#include "saithe/core/context.h"
#include "saithe/core/pending_outputs.h"
#include "saithe/core/text_output.h"

namespace saithe::cli {

/// Lives as long as a command runs.
class Session {
 public:
  explicit Session(const CommonOptions& common);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  [[nodiscard]] const Context& context() const { return context_; }
  [[nodiscard]] const CommonOptions& common() const { return common_; }
  /// Where to compute, never Auto. The first call says so if Auto found a GPU.
  [[nodiscard]] kernels::Device device();
  /// Warnings so far, for the report.
  [[nodiscard]] const std::vector<std::string>& warnings() const { return warnings_; }

  /// A line on stderr, below which a progress bar goes on; nothing with --quiet.
  void say(const std::string& line);
  /// What commit_outputs() will put in place; what a failed run leaves here is removed.
  [[nodiscard]] PendingOutputs& outputs() { return outputs_; }
  /// say(), once the outputs are in place.
  void say_when_written(std::string line) { lines_when_written_.push_back(std::move(line)); }
  /// Puts all outputs in place, one right after the other. Throws Error(Output).
  void commit_outputs();
  /// A result line on stdout; nothing with --quiet.
  void print(const std::string& line);
  /// Ends a stage: its seconds are kept under `name`.
  void end_stage(const std::string& name);
  [[nodiscard]] const std::vector<std::pair<std::string, double>>& stages() const {
    return stages_;
  }
  [[nodiscard]] double seconds() const;

  /// The last line of every run: cells, seconds, peak memory.
  void finish(std::int64_t n_cells);

 private:
  void draw_progress(const ProgressUpdate& update);
  void clear_progress();

  CommonOptions common_;
  std::optional<kernels::Device> device_;
  Context context_;
  std::vector<std::string> warnings_;
  std::vector<std::pair<std::string, double>> stages_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point stage_start_ = start_;
  std::chrono::steady_clock::time_point last_drawn_;
  bool has_terminal_ = false;
  bool is_drawn_ = false;
  PendingOutputs outputs_;
  std::vector<std::string> lines_when_written_;
};

/// Who read the standard output has gone, which ends a filter without a word.
struct ReaderHasGone {};
/// Ends the process as such a filter ends, by SIGPIPE.
[[noreturn]] void end_without_reader();

/// Writes a result to stdout. Throws Error(Output), and ReaderHasGone.
void write_stdout(const std::string& text);
/// The same of a text that `write` hands over piece by piece.
void write_stdout(const std::function<void(const PutText&)>& write);

/// Makes Ctrl-C, SIGTERM and a closed terminal (SIGHUP, unless nohup has it ignored) a request to
/// stop; a second Ctrl-C or SIGTERM ends the process at once.
void catch_signals();
/// The exit code after a request to stop: 129, 130 or 143.
int cancelled_exit_code();

/// The largest memory of this process so far.
std::int64_t peak_memory_bytes();

}  // namespace saithe::cli
