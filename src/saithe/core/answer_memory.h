#pragma once

// Memory without a name that a process shares with its child, for answers of any size. Private to
// ChildServer.

#include <cstddef>
#include <optional>
#include <span>

#include "saithe/core/message.h"

namespace saithe {

/// A descriptor that is none of stdin, stdout and stderr, which a child may close.
int moved_up(int descriptor);

/// Throws what stands in the way of a child process: Error(NotFound) where this process or the
/// machine may not have more files or processes, else Error(Internal).
[[noreturn]] void fail_of_system(const char* what, int why);

/// Made before fork(). The child writes an answer, the parent reads it; each grows its own view.
///
/// Where the size of files is limited (RLIMIT_FSIZE, which holds for a memfd as well), nothing
/// grows: addresses for as much as the machine has are taken at once, and memory as it is written.
class AnswerMemory final : public MessageWriter {
 public:
  /// Throws as fail_of_system().
  AnswerMemory();
  ~AnswerMemory() override;
  AnswerMemory(const AnswerMemory&) = delete;
  AnswerMemory& operator=(const AnswerMemory&) = delete;

  /// What the child must not close; -1: nothing.
  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] std::size_t used() const { return used_; }

  /// Room for n bytes more, in the child. Throws std::bad_alloc.
  unsigned char* grow(std::size_t n) override;
  /// Begins a new answer, in the child.
  void clear();
  /// The n bytes of an answer, in the reader; nothing if they are not there.
  std::optional<std::span<const unsigned char>> answer(std::size_t n);
  /// Gives back what a large answer took, in the reader.
  void shrink();

 private:
  [[nodiscard]] bool is_reserved() const { return descriptor_ < 0; }
  [[nodiscard]] std::size_t size() const;
  void reserve();
  void map(std::size_t size);

  int descriptor_ = -1;
  void* memory_ = nullptr;
  std::size_t mapped_ = 0;
  std::size_t used_ = 0;
  std::size_t read_ = 0;  ///< the most bytes of an answer that have not been given back
};

}  // namespace saithe
