#pragma once

// How pickle.h reads: a stack of values, marks in it, a memo, and one function for each family of
// opcodes. Private to pickle.cpp and pickle_objects.cpp.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "saithe/classify/pickle.h"

namespace saithe {

/// Runs over the opcodes once; lives as long as the constructor of Pickle.
class PickleReader {
 public:
  PickleReader(Pickle& pickle, std::span<const std::string_view> allowed, const std::string& where)
      : pickle_(pickle), bytes_(pickle.bytes_), allowed_(allowed), where_(where) {}

  /// The one value that the pickle leaves.
  const PickleValue* read();

 private:
  using Kind = PickleValue::Kind;

  // One family of opcodes each; false if the opcode is of another.
  bool read_plain(char opcode);
  bool read_text(char opcode);
  bool read_stack(char opcode);
  bool read_container(char opcode);
  bool read_memo(char opcode);
  bool read_object(char opcode);
  bool read_framing(char opcode);

  [[noreturn]] void refuse(const std::string& why) const;
  /// Counts what costs memory: a value, or a reference to one.
  void count_steps(std::size_t n);

  // The bytes. Each refuses what goes past the end.
  std::string_view take(std::uint64_t n);
  std::uint64_t take_unsigned(std::size_t n_bytes);
  std::uint64_t take_index();
  std::string_view take_line();

  // The stack.
  PickleValue& push(Kind kind);
  void push_again(PickleValue* value);
  PickleValue* pop();
  PickleValue* pop(Kind kind);
  PickleValue& top();
  /// What was pushed since the last mark, which goes.
  std::vector<const PickleValue*> pop_to_mark();

  void push_integer(std::int64_t value) { push(Kind::Integer).integer = value; }
  void push_long(std::string_view bytes);
  void push_decimal(std::string_view line, bool may_be_boolean);
  void push_text(std::string_view text);
  void push_own(Kind kind, std::string text);
  void push_tuple(std::size_t n);
  void append(PickleValue& target, const std::vector<const PickleValue*>& items);
  void set_items(PickleValue& target, const std::vector<const PickleValue*>& items);
  void memoize(std::uint64_t index);
  void recall(std::uint64_t index);

  void push_global(std::string_view module, std::string_view name);
  void call(const PickleValue& callable, const PickleValue& arguments);
  bool call_plain(std::string_view name, const std::vector<const PickleValue*>& arguments);
  void push_reconstructed(const std::vector<const PickleValue*>& arguments);
  void push_encoded(const std::vector<const PickleValue*>& arguments);

  Pickle& pickle_;
  std::string_view bytes_;
  std::span<const std::string_view> allowed_;
  const std::string& where_;
  std::size_t at_ = 0;
  std::size_t begin_ = 0;  // of the opcode that is being read
  std::size_t n_steps_ = 0;
  std::size_t n_encoded_ = 0;
  std::vector<PickleValue*> stack_;
  std::vector<std::size_t> marks_;  // sizes of the stack
  std::unordered_map<std::uint64_t, PickleValue*> memo_;
};

}  // namespace saithe
