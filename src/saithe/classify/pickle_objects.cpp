#include "saithe/classify/pickle.h"

#include <algorithm>

#include "saithe/classify/pickle_reader.h"
#include "saithe/classify/pickle_text.h"
#include "saithe/core/error.h"
#include "saithe/core/text_io.h"
#include "saithe/core/utf8.h"

// Classes, functions, and what they would make.

namespace saithe {
namespace {

constexpr std::string_view kNewNumpy = "numpy._core.";

/// A global under the name that it has in Python 3 and in NumPy 1.
std::string global_name(std::string_view module, std::string_view name) {
  std::string full(module);
  if (module == "__builtin__") full = "builtins";
  if (module == "copy_reg") full = "copyreg";
  if (module.substr(0, kNewNumpy.size()) == kNewNumpy) full.erase(full.find('_'), 1);
  return full + "." + std::string(name);
}

}  // namespace

bool PickleReader::read_object(char opcode) {
  switch (opcode) {
    case 'c': {
      const auto module = take_line();
      push_global(module, take_line());
      return true;
    }
    case '\x93': {
      const PickleValue* name = pop(Kind::Text);
      push_global(pop(Kind::Text)->text, name->text);
      return true;
    }
    case 'R':
    case '\x81': {
      const PickleValue* arguments = pop(Kind::Tuple);
      call(*pop(Kind::Global), *arguments);
      return true;
    }
    case 'b': {
      const PickleValue* state = pop();
      PickleValue& object = top();
      if (object.kind != Kind::Object || object.state != nullptr) {
        const bool is_object = object.kind == Kind::Object;
        refuse(fmt::format("{} is given a state",
                           is_object ? "an object that has one" : kind_name(object.kind)));
      }
      object.state = state;
      return true;
    }
    default:
      return false;
  }
}

void PickleReader::push_global(std::string_view module, std::string_view name) {
  std::string full = global_name(module, name);
  if (std::find(allowed_.begin(), allowed_.end(), full) == allowed_.end()) {
    refuse(
        fmt::format("it asks Python for '{}.{}', which is not part of a model; refused. saithe "
                    "runs nothing of a pickle, but loading this file elsewhere may do harm",
                    printable(module), printable(name)));
  }
  push_own(Kind::Global, std::move(full));
}

void PickleReader::call(const PickleValue& callable, const PickleValue& arguments) {
  if (call_plain(callable.text, arguments.items)) return;
  PickleValue& object = push(Kind::Object);
  object.text = callable.text;
  // Copied at every call: a file can repeat the call of one long tuple.
  count_steps(arguments.items.size());
  object.items = arguments.items;
}

/// Calls whose result is a plain value; false for another.
bool PickleReader::call_plain(std::string_view name,
                              const std::vector<const PickleValue*>& arguments) {
  if (name == "copyreg._reconstructor") {
    push_reconstructed(arguments);
  } else if (name == "_codecs.encode") {
    push_encoded(arguments);
  } else if (name == "builtins.bytes" || name == "builtins.bytearray") {
    if (arguments.size() == 2) {
      push_encoded(arguments);
      return true;
    }
    if (arguments.size() > 1 || (arguments.size() == 1 && arguments[0]->kind != Kind::Bytes)) {
      refuse("bytes that are not made of bytes");
    }
    push(Kind::Bytes).text = arguments.empty() ? std::string_view() : arguments[0]->text;
  } else if (name == "builtins.set" || name == "builtins.frozenset") {
    if (arguments.size() != 1 || arguments[0]->kind != Kind::List) {
      refuse("a set that is not made of a list");
    }
    count_steps(arguments[0]->items.size());
    push(Kind::Set).items = arguments[0]->items;
  } else if (name == "collections.OrderedDict") {
    if (!arguments.empty()) refuse("an OrderedDict that does not begin empty");
    push(Kind::Dict);
  } else {
    return false;
  }
  return true;
}

/// How protocols 0 and 1 write an object: its class, object, None.
void PickleReader::push_reconstructed(const std::vector<const PickleValue*>& arguments) {
  if (arguments.size() != 3 || arguments[0]->kind != Kind::Global ||
      arguments[1]->kind != Kind::Global || arguments[1]->text != "builtins.object" ||
      arguments[2]->kind != Kind::None) {
    refuse("an object that is not made of a class alone");
  }
  push(Kind::Object).text = arguments[0]->text;
}

/// How protocols 0 to 2 write bytes: as text, a character for each.
void PickleReader::push_encoded(const std::vector<const PickleValue*>& arguments) {
  if (arguments.size() != 2 || arguments[0]->kind != Kind::Text ||
      arguments[1]->kind != Kind::Text ||
      (arguments[1]->text != "latin1" && arguments[1]->text != "latin-1")) {
    refuse("bytes that are not written as Latin-1");
  }
  // One text may be encoded again and again.
  n_encoded_ += arguments[0]->text.size();
  if (n_encoded_ > 2 * bytes_.size()) refuse("more bytes than the file can hold");
  std::string bytes;
  std::uint32_t code = 0;
  for (std::string_view text = arguments[0]->text; !text.empty();) {
    if (!take_utf8(text, code) || code > 0xFF) refuse("bytes that are not written as Latin-1");
    bytes.push_back(static_cast<char>(code));
  }
  push_own(Kind::Bytes, std::move(bytes));
}

}  // namespace saithe
