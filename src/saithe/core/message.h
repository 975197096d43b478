#pragma once

// Numbers, texts and bytes one after the other, as two processes of one program hand them to each
// other. Both must agree on what follows what.

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace saithe {

/// Appends to a message, wherever that lies.
class MessageWriter {
 public:
  virtual ~MessageWriter() = default;
  /// Room for n more bytes, to be filled in by the caller; valid until the next call.
  virtual unsigned char* grow(std::size_t n) = 0;

  void add_integer(std::int64_t value);
  void add_text(std::string_view text);
  void add_texts(const std::vector<std::string>& texts);
  void add_bytes(std::span<const unsigned char> bytes);
  template <typename Value>
  void add_array(std::span<const Value> values) {
    static_assert(std::is_trivially_copyable_v<Value>);
    add_integer(static_cast<std::int64_t>(values.size()));
    add_bytes({reinterpret_cast<const unsigned char*>(values.data()), values.size_bytes()});
  }
};

/// A message in this process's own memory.
class OwnMessage final : public MessageWriter {
 public:
  unsigned char* grow(std::size_t n) override;
  [[nodiscard]] std::span<const unsigned char> bytes() const { return bytes_; }

 private:
  std::vector<unsigned char> bytes_;
};

/// Takes a message apart. Throws Error(BadFormat), beginning with `name`, where it is shorter than
/// what is asked for: a process that was harmed by damaged input may write anything.
class MessageReader {
 public:
  MessageReader(std::span<const unsigned char> bytes, std::string name)
      : rest_(bytes), name_(std::move(name)) {}

  std::int64_t take_integer();
  std::string take_text();
  std::vector<std::string> take_texts();
  /// The next n bytes, where they lie.
  std::span<const unsigned char> take_bytes(std::int64_t n);
  template <typename Value>
  std::vector<Value> take_array() {
    static_assert(std::is_trivially_copyable_v<Value>);
    const std::int64_t n = take_length(sizeof(Value));
    std::vector<Value> values(static_cast<std::size_t>(n));
    take_into(std::span<Value>(values));
    return values;
  }
  /// Fills `values` with the next bytes.
  template <typename Value>
  void take_into(std::span<Value> values) {
    static_assert(std::is_trivially_copyable_v<Value>);
    copy_bytes(values.data(), values.size_bytes());
  }

 private:
  /// A number of things, of which each takes at least `least_bytes` of what is left.
  std::int64_t take_length(std::size_t least_bytes);
  void copy_bytes(void* to, std::size_t n);

  std::span<const unsigned char> rest_;
  std::string name_;
};

}  // namespace saithe
