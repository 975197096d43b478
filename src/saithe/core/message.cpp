#include "saithe/core/message.h"

#include <cstring>

#include "saithe/core/error.h"

namespace saithe {

void MessageWriter::add_bytes(std::span<const unsigned char> bytes) {
  if (!bytes.empty()) std::memcpy(grow(bytes.size()), bytes.data(), bytes.size());
}

void MessageWriter::add_integer(std::int64_t value) {
  std::memcpy(grow(sizeof value), &value, sizeof value);
}

void MessageWriter::add_text(std::string_view text) {
  add_integer(static_cast<std::int64_t>(text.size()));
  add_bytes({reinterpret_cast<const unsigned char*>(text.data()), text.size()});
}

void MessageWriter::add_texts(const std::vector<std::string>& texts) {
  add_integer(static_cast<std::int64_t>(texts.size()));
  for (const std::string& text : texts) add_text(text);
}

unsigned char* OwnMessage::grow(std::size_t n) {
  bytes_.resize(bytes_.size() + n);
  return bytes_.data() + (bytes_.size() - n);
}

std::span<const unsigned char> MessageReader::take_bytes(std::int64_t n) {
  if (n < 0 || static_cast<std::uint64_t>(n) > rest_.size()) {
    fail(ErrorKind::BadFormat, "{}: cannot be read: the file is damaged. Copy it again.", name_);
  }
  const auto taken = rest_.first(static_cast<std::size_t>(n));
  rest_ = rest_.subspan(taken.size());
  return taken;
}

void MessageReader::copy_bytes(void* to, std::size_t n) {
  const auto bytes = take_bytes(static_cast<std::int64_t>(n));
  if (!bytes.empty()) std::memcpy(to, bytes.data(), bytes.size());
}

std::int64_t MessageReader::take_integer() {
  std::int64_t value = 0;
  copy_bytes(&value, sizeof value);
  return value;
}

std::int64_t MessageReader::take_length(std::size_t least_bytes) {
  const std::int64_t n = take_integer();
  const bool fits = n >= 0 && static_cast<std::uint64_t>(n) <= rest_.size() / least_bytes;
  if (!fits) static_cast<void>(take_bytes(-1));
  return n;
}

std::string MessageReader::take_text() {
  const auto bytes = take_bytes(take_integer());
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::vector<std::string> MessageReader::take_texts() {
  std::vector<std::string> texts;
  const std::int64_t n = take_length(sizeof(std::int64_t));
  texts.reserve(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) texts.push_back(take_text());
  return texts;
}

}  // namespace saithe
