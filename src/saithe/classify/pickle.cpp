#include "saithe/classify/pickle.h"

#include <bit>

#include "saithe/classify/pickle_reader.h"
#include "saithe/classify/pickle_text.h"
#include "saithe/core/error.h"
#include "saithe/core/text_io.h"
#include "saithe/core/utf8.h"

namespace saithe {
namespace {

// A model takes some 100 000. One costs up to 100 bytes of memory, for as little as a byte of the
// file.
constexpr std::size_t kMaxSteps = 4000000;
constexpr std::size_t kMaxDepth = 100;  // containers that are open at once
constexpr int kMaxProtocol = 5;

}  // namespace

const PickleValue* PickleReader::read() {
  while (true) {
    begin_ = at_;
    const char opcode = take(1)[0];
    if (opcode == '.') break;
    if (!read_plain(opcode) && !read_text(opcode) && !read_stack(opcode) &&
        !read_container(opcode) && !read_memo(opcode) && !read_object(opcode) &&
        !read_framing(opcode)) {
      refuse(fmt::format("the opcode 0x{:02x} is not one that a model needs",
                         static_cast<unsigned>(static_cast<unsigned char>(opcode))));
    }
  }
  if (stack_.size() != 1 || !marks_.empty()) refuse("it ends with something left over");
  if (at_ != bytes_.size()) {
    refuse(fmt::format("{} bytes follow the end of the pickle", bytes_.size() - at_));
  }
  return stack_.front();
}

void PickleReader::refuse(const std::string& why) const {
  fail(ErrorKind::BadFormat, "{}: byte {} of the pickle: {}", where_, begin_, why);
}

void PickleReader::count_steps(std::size_t n) {
  if (n > kMaxSteps - n_steps_) refuse(fmt::format("more than {} values", kMaxSteps));
  n_steps_ += n;
}

std::string_view PickleReader::take(std::uint64_t n) {
  if (n > bytes_.size() - at_) {
    refuse(fmt::format("{} bytes are wanted and {} are left; the file is cut. Copy it again", n,
                       bytes_.size() - at_));
  }
  const auto taken = bytes_.substr(at_, static_cast<std::size_t>(n));
  at_ += taken.size();
  return taken;
}

std::uint64_t PickleReader::take_unsigned(std::size_t n_bytes) {
  const auto taken = take(n_bytes);
  std::uint64_t value = 0;
  for (std::size_t i = n_bytes; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(taken[i]);
  }
  return value;
}

std::string_view PickleReader::take_line() {
  const auto end = bytes_.find('\n', at_);
  if (end == std::string_view::npos) refuse("a line without end; the file is cut. Copy it again");
  const auto line = bytes_.substr(at_, end - at_);
  at_ = end + 1;
  return line;
}

std::uint64_t PickleReader::take_index() {
  std::int64_t index = 0;
  if (!parse_number(take_line(), index) || index < 0) refuse("an index that is none");
  return static_cast<std::uint64_t>(index);
}

PickleValue& PickleReader::push(Kind kind) {
  count_steps(1);
  pickle_.values_.emplace_back();
  pickle_.values_.back().kind = kind;
  stack_.push_back(&pickle_.values_.back());
  return pickle_.values_.back();
}

void PickleReader::push_again(PickleValue* value) {
  count_steps(1);
  stack_.push_back(value);
}

void PickleReader::push_own(Kind kind, std::string text) {
  pickle_.texts_.push_back(std::move(text));
  push(kind).text = pickle_.texts_.back();
}

PickleValue* PickleReader::pop() {
  PickleValue* value = &top();
  stack_.pop_back();
  return value;
}

PickleValue* PickleReader::pop(Kind kind) {
  PickleValue* value = pop();
  if (value->kind != kind) {
    refuse(fmt::format("{} stands where {} belongs", kind_name(value->kind), kind_name(kind)));
  }
  return value;
}

PickleValue& PickleReader::top() {
  if (stack_.size() == (marks_.empty() ? 0 : marks_.back())) refuse("the stack is empty");
  return *stack_.back();
}

std::vector<const PickleValue*> PickleReader::pop_to_mark() {
  if (marks_.empty()) refuse("there is no mark");
  const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
  std::vector<const PickleValue*> items(first, stack_.end());
  stack_.erase(first, stack_.end());
  marks_.pop_back();
  return items;
}

/// None, booleans and numbers.
bool PickleReader::read_plain(char opcode) {
  switch (opcode) {
    case 'N':
      push(Kind::None);
      return true;
    case '\x88':
    case '\x89':
      push(Kind::Boolean).integer = opcode == '\x88' ? 1 : 0;
      return true;
    case 'J':
      push_integer(static_cast<std::int32_t>(static_cast<std::uint32_t>(take_unsigned(4))));
      return true;
    case 'K':
      push_integer(static_cast<std::int64_t>(take_unsigned(1)));
      return true;
    case 'M':
      push_integer(static_cast<std::int64_t>(take_unsigned(2)));
      return true;
    case '\x8a':
      push_long(take(take_unsigned(1)));
      return true;
    case '\x8b':
      push_long(take(take_unsigned(4)));  // a negative length is above all files
      return true;
    case 'I':
      push_decimal(take_line(), true);
      return true;
    case 'L':
      push_decimal(take_line(), false);
      return true;
    case 'G': {
      std::uint64_t bits = 0;
      for (const char byte : take(8)) bits = bits << 8 | static_cast<unsigned char>(byte);
      push(Kind::Number).number = std::bit_cast<double>(bits);
      return true;
    }
    case 'F': {
      double value = 0;
      if (!parse_number(take_line(), value)) refuse("a number that is none");
      push(Kind::Number).number = value;
      return true;
    }
    default:
      return false;
  }
}

void PickleReader::push_long(std::string_view bytes) {
  if (bytes.size() > 8) {
    push(Kind::LargeInteger);
    return;
  }
  // Two's complement, the lowest byte first: begin with the sign.
  std::uint64_t value =
      !bytes.empty() && (static_cast<unsigned char>(bytes.back()) & 0x80) != 0 ? ~0ULL : 0ULL;
  for (std::size_t i = bytes.size(); i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  }
  push_integer(static_cast<std::int64_t>(value));
}

void PickleReader::push_decimal(std::string_view line, bool may_be_boolean) {
  if (may_be_boolean && (line == "00" || line == "01")) {
    push(Kind::Boolean).integer = line == "01" ? 1 : 0;
    return;
  }
  if (!may_be_boolean && !line.empty() && line.back() == 'L') line.remove_suffix(1);
  std::int64_t value = 0;
  if (parse_number(line, value)) {
    push_integer(value);
    return;
  }
  const std::string_view digits = line.substr(line.substr(0, 1) == "-" ? 1 : 0);
  if (digits.size() < 19 || digits.find_first_not_of("0123456789") != std::string_view::npos) {
    refuse("a whole number that is none");
  }
  push(Kind::LargeInteger);
}

/// Texts and bytes.
bool PickleReader::read_text(char opcode) {
  switch (opcode) {
    case '\x8c':
      push_text(take(take_unsigned(1)));
      return true;
    case 'X':
      push_text(take(take_unsigned(4)));
      return true;
    case '\x8d':
      push_text(take(take_unsigned(8)));
      return true;
    case 'V': {
      std::string text;
      if (!decode_raw_unicode_escape(take_line(), text)) refuse("a text with a broken escape");
      push_own(Kind::Text, std::move(text));
      return true;
    }
    case 'C':
      push(Kind::Bytes).text = take(take_unsigned(1));
      return true;
    case 'B':
      push(Kind::Bytes).text = take(take_unsigned(4));
      return true;
    case '\x8e':  // bytes
    case '\x96':  // a bytearray
      push(Kind::Bytes).text = take(take_unsigned(8));
      return true;
    case 'S':
    case 'T':
    case 'U':
      refuse("a string of Python 2; load the model with a newer Python and write it again");
    default:
      return false;
  }
}

void PickleReader::push_text(std::string_view text) {
  if (!is_utf8(text)) refuse("a text that is not UTF-8");
  push(Kind::Text).text = text;
}

/// Marks, and values that go again.
bool PickleReader::read_stack(char opcode) {
  switch (opcode) {
    case '(':
      if (marks_.size() == kMaxDepth) refuse(fmt::format("nested deeper than {}", kMaxDepth));
      marks_.push_back(stack_.size());
      return true;
    case '0':
      if (!marks_.empty() && stack_.size() == marks_.back()) {
        marks_.pop_back();
      } else {
        pop();
      }
      return true;
    case '1':
      pop_to_mark();
      return true;
    default:
      return false;
  }
}

/// Tuples, lists, sets and dicts.
bool PickleReader::read_container(char opcode) {
  switch (opcode) {
    case ')':
      push_tuple(0);
      return true;
    case '\x85':
    case '\x86':
    case '\x87':
      push_tuple(static_cast<std::size_t>(opcode - '\x85') + 1);
      return true;
    case 't':
    case 'l':
    case '\x91': {
      auto items = pop_to_mark();
      const Kind other = opcode == 'l' ? Kind::List : Kind::Set;
      push(opcode == 't' ? Kind::Tuple : other).items = std::move(items);
      return true;
    }
    case ']':
      push(Kind::List);
      return true;
    case '\x8f':
      push(Kind::Set);
      return true;
    case '}':
      push(Kind::Dict);
      return true;
    case 'd': {
      const auto items = pop_to_mark();
      set_items(push(Kind::Dict), items);
      return true;
    }
    case 'a': {
      const PickleValue* item = pop();
      append(top(), {item});
      return true;
    }
    case 'e':
    case '\x90': {
      const auto items = pop_to_mark();
      append(top(), items);
      return true;
    }
    case 's': {
      const PickleValue* value = pop();
      const PickleValue* key = pop();
      set_items(top(), {key, value});
      return true;
    }
    case 'u': {
      const auto items = pop_to_mark();
      set_items(top(), items);
      return true;
    }
    default:
      return false;
  }
}

void PickleReader::push_tuple(std::size_t n) {
  std::vector<const PickleValue*> items(n);
  for (std::size_t i = n; i-- > 0;) items[i] = pop();
  push(Kind::Tuple).items = std::move(items);
}

void PickleReader::append(PickleValue& target, const std::vector<const PickleValue*>& items) {
  if (target.kind != Kind::List && target.kind != Kind::Set) {
    refuse(fmt::format("members are added to {}", kind_name(target.kind)));
  }
  target.items.insert(target.items.end(), items.begin(), items.end());
}

void PickleReader::set_items(PickleValue& target, const std::vector<const PickleValue*>& items) {
  if (target.kind != Kind::Dict) {
    refuse(fmt::format("entries are added to {}", kind_name(target.kind)));
  }
  if (items.size() % 2 != 0) refuse("a key without value");
  target.items.insert(target.items.end(), items.begin(), items.end());
}

/// Values that occur again.
bool PickleReader::read_memo(char opcode) {
  switch (opcode) {
    case 'p':
      memoize(take_index());
      return true;
    case 'q':
      memoize(take_unsigned(1));
      return true;
    case 'r':
      memoize(take_unsigned(4));
      return true;
    case '\x94':
      memoize(memo_.size());
      return true;
    case 'g':
      recall(take_index());
      return true;
    case 'h':
      recall(take_unsigned(1));
      return true;
    case 'j':
      recall(take_unsigned(4));
      return true;
    default:
      return false;
  }
}

void PickleReader::memoize(std::uint64_t index) {
  count_steps(1);
  memo_[index] = &top();
}

void PickleReader::recall(std::uint64_t index) {
  const auto found = memo_.find(index);
  if (found == memo_.end()) refuse(fmt::format("nothing was remembered under {}", index));
  push_again(found->second);
}

/// The protocol and the frames, which only say how much to read at once.
bool PickleReader::read_framing(char opcode) {
  switch (opcode) {
    case '\x80': {
      const auto protocol = take_unsigned(1);
      if (begin_ != 0 || protocol > kMaxProtocol) {
        refuse(
            fmt::format("protocol {}; expected 0 to {} at the beginning", protocol, kMaxProtocol));
      }
      return true;
    }
    case '\x95': {
      const auto length = take_unsigned(8);
      if (length > bytes_.size() - at_) {
        refuse(fmt::format("a frame of {} bytes, and {} are left; the file is cut. Copy it again",
                           length, bytes_.size() - at_));
      }
      return true;
    }
    default:
      return false;
  }
}

const PickleValue* PickleValue::find(std::string_view key) const {
  if (kind != Kind::Dict) return nullptr;
  for (std::size_t i = items.size(); i >= 2; i -= 2) {
    if (items[i - 2]->kind == Kind::Text && items[i - 2]->text == key) return items[i - 1];
  }
  return nullptr;
}

const char* kind_name(PickleValue::Kind kind) {
  using Kind = PickleValue::Kind;
  switch (kind) {
    case Kind::None:
      return "None";
    case Kind::Boolean:
      return "a boolean";
    case Kind::Integer:
    case Kind::LargeInteger:
      return "a whole number";
    case Kind::Number:
      return "a number";
    case Kind::Text:
      return "a text";
    case Kind::Bytes:
      return "bytes";
    case Kind::List:
      return "a list";
    case Kind::Tuple:
      return "a tuple";
    case Kind::Set:
      return "a set";
    case Kind::Dict:
      return "a dict";
    case Kind::Global:
      return "a class or function";
    case Kind::Object:
      return "an object";
  }
  return "nothing";
}

Pickle::Pickle(std::string bytes, std::span<const std::string_view> allowed, std::string where)
    : bytes_(std::move(bytes)) {
  root_ = PickleReader(*this, allowed, where).read();
}

Pickle::~Pickle() = default;

}  // namespace saithe
