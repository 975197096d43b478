// Pickles as values, and those that are refused. Damage of whole models: celltypist_model_test.cpp.

#include "saithe/classify/pickle.h"

#include <gtest/gtest.h>

#include <memory>

#include "pickle_bytes.h"
#include "saithe/core/error.h"

namespace saithe {
namespace {

using namespace testing;  // NOLINT: the shared parts of these tests
using Kind = PickleValue::Kind;

constexpr std::string_view kAllowed[] = {
    "module.Class",       "copyreg._reconstructor",  "_codecs.encode",
    "builtins.object",    "builtins.bytes",          "builtins.set",
    "builtins.bytearray", "collections.OrderedDict", "numpy.core.multiarray.scalar",
    "builtins.frozenset",
};

std::unique_ptr<Pickle> read(std::string bytes) {
  return std::make_unique<Pickle>(std::move(bytes), kAllowed, "file");
}

/// Why a pickle is refused; empty if it is not.
std::string refusal(const std::string& bytes) {
  try {
    read(bytes);
    return {};
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::BadFormat) << error.what();
    EXPECT_EQ(std::string(error.what()).rfind("file: byte ", 0), 0U) << error.what();
    return error.what();
  }
}

#define EXPECT_REFUSED(bytes, part) \
  EXPECT_NE(refusal(bytes).find(part), std::string::npos) << refusal(bytes)

TEST(Pickle, WholeNumbersOfEveryOpcode) {
  const std::vector<std::pair<std::string, std::int64_t>> cases = {
      {"J\xff\xff\xff\xff.", -1},
      {std::string("K\xff."), 255},
      {"M\xff\xfe.", 0xfeff},
      {std::string("\x8a\x00.", 3), 0},
      {std::string("\x8a\x02\xff\x00.", 5), 255},
      {"\x8a\x01\xff.", -1},
      {std::string("\x8a\x08\x00\x00\x00\x00\x00\x00\x00\x80.", 11), INT64_MIN},
      {std::string("\x8b\x01\x00\x00\x00\x07.", 7), 7},
      {"I-12\n.", -12},
      {"L34L\n.", 34},
  };
  for (const auto& [bytes, value] : cases) {
    const auto pickle = read(bytes);
    EXPECT_EQ(pickle->root().kind, Kind::Integer);
    EXPECT_EQ(pickle->root().integer, value);
  }
  EXPECT_EQ(read("I01\n.")->root().kind, Kind::Boolean);
  EXPECT_EQ(read("I01\n.")->root().integer, 1);
  EXPECT_EQ(read("I00\n.")->root().integer, 0);
  EXPECT_EQ(read("L123456789012345678901L\n.")->root().kind, Kind::LargeInteger);
  EXPECT_EQ(read("\x8a\x09" + std::string(9, '\x01') + ".")->root().kind, Kind::LargeInteger);
  EXPECT_REFUSED("Iabc\n.", "none");
  EXPECT_REFUSED("L12345678901234567890x\n.", "none");
}

TEST(Pickle, OtherPlainValues) {
  EXPECT_EQ(read("N.")->root().kind, Kind::None);
  EXPECT_EQ(read(pickle(boolean(true)))->root().integer, 1);
  EXPECT_EQ(read(pickle(boolean(false)))->root().integer, 0);
  EXPECT_EQ(read(std::string("G\x3f\xf8\x00\x00\x00\x00\x00\x00.", 10))->root().number, 1.5);
  EXPECT_EQ(read("F-0.25\n.")->root().number, -0.25);
  EXPECT_EQ(read("Vna\xefve\\u03b1\n.")->root().text, "na\xc3\xafve\xce\xb1");
  EXPECT_EQ(read("\x8c\x02hi.")->root().text, "hi");
  EXPECT_EQ(read("\x8d" + little_endian(2, 8) + "hi.")->root().text, "hi");
  for (const char* opcode : {"\x8e", "\x96"}) {
    const auto value = read(opcode + little_endian(3, 8) + "\xff\xfe\xfd.");
    EXPECT_EQ(value->root().kind, Kind::Bytes);
    EXPECT_EQ(value->root().text, "\xff\xfe\xfd");
  }
  EXPECT_EQ(read(std::string("C\x01\x00.", 4))->root().text, std::string_view("\0", 1));
  EXPECT_REFUSED("Fabc\n.", "none");
  EXPECT_REFUSED("X\x01" + std::string(3, '\0') + "\xff.", "not UTF-8");
  EXPECT_REFUSED("S'a'\n.", "Python 2");
}

TEST(Pickle, ContainersOfEveryOpcode) {
  for (const char* bytes : {"(K\1K\2t.", "K\1K\2\x86.", "(K\1K\2l.", "(lK\1aK\2a.", "](K\1K\2e.",
                            "\x8f(K\1K\2\x90.", "(K\1K\2\x91."}) {
    const auto pickle = read(bytes);
    ASSERT_EQ(pickle->root().items.size(), 2U) << bytes;
    EXPECT_EQ(pickle->root().items[0]->integer, 1);
    EXPECT_EQ(pickle->root().items[1]->integer, 2);
  }
  EXPECT_EQ(read(").")->root().kind, Kind::Tuple);
  EXPECT_EQ(read("K\1K\2K\3\x87.")->root().items[2]->integer, 3);
  EXPECT_EQ(read("K\1(K\2K\3\x31.")->root().integer, 1);  // POP_MARK
  EXPECT_EQ(read("K\1K\2\x30.")->root().integer, 1);      // POP
  EXPECT_EQ(read("K\1(\x30.")->root().integer, 1);        // POP of a mark
}

TEST(Pickle, DictsKeepTheLastValueOfAKey) {
  for (const std::string& bytes :
       {"}" + text("a") + "K\1s" + text("b") + "K\2s" + text("a") + "K\3s.",
        "}(" + text("a") + "K\1" + text("b") + "K\2" + text("a") + "K\3u.",
        "(" + text("a") + "K\1" + text("b") + "K\2" + text("a") + "K\3d.",
        global("collections", "OrderedDict") + ")R(" + text("a") + "K\3" + text("b") + "K\2u."}) {
    const auto value = read(bytes);
    ASSERT_EQ(value->root().kind, Kind::Dict);
    EXPECT_EQ(value->root().find("a")->integer, 3);
    EXPECT_EQ(value->root().find("b")->integer, 2);
    EXPECT_EQ(value->root().find("c"), nullptr);
  }
  EXPECT_EQ(read("N.")->root().find("a"), nullptr);
  EXPECT_REFUSED("}(K\1u.", "without value");
}

TEST(Pickle, ValuesOccurAgain) {
  for (const std::string& bytes :
       {"(" + text("a") + "p7\ng7\nt.", "(" + text("a") + "q\7h\7t.",
        "(" + text("a") + "r" + little_endian(7, 4) + "j" + little_endian(7, 4) + "t.",
        "(" + text("a") + std::string("\x94h\x00t.", 5)}) {
    const auto value = read(bytes);
    ASSERT_EQ(value->root().items.size(), 2U);
    EXPECT_EQ(value->root().items[0], value->root().items[1]);
    EXPECT_EQ(value->root().items[1]->text, "a");
  }
  const auto own = read(std::string("]\x94h\x00\x61.", 6));  // a list that holds itself
  EXPECT_EQ(own->root().items[0], &own->root());
  EXPECT_REFUSED("h\7.", "nothing was remembered");
  EXPECT_REFUSED("Ng-1\n.", "index");
}

TEST(Pickle, ClassesBecomeObjects) {
  const std::string state = dict({{"x", "K\5"}});
  for (const std::string& bytes : {global("module", "Class") + "(K\1t\x81" + state + "b.",
                                   global("module", "Class") + "(K\1tR" + state + "b.",
                                   text("module") + text("Class") + "\x93(K\1tR" + state + "b."}) {
    const auto value = read(bytes);
    ASSERT_EQ(value->root().kind, Kind::Object);
    EXPECT_EQ(value->root().text, "module.Class");
    ASSERT_EQ(value->root().items.size(), 1U);
    EXPECT_EQ(value->root().items[0]->integer, 1);
    ASSERT_NE(value->root().state, nullptr);
    EXPECT_EQ(value->root().state->find("x")->integer, 5);
  }
  const auto old =
      read(object(global("copy_reg", "_reconstructor"),
                  {global("module", "Class"), global("__builtin__", "object"), none()}, state) +
           ".");
  EXPECT_EQ(old->root().text, "module.Class");
  EXPECT_EQ(old->root().state->find("x")->integer, 5);
  EXPECT_EQ(read(global("numpy._core.multiarray", "scalar") + ".")->root().text,
            "numpy.core.multiarray.scalar");
  EXPECT_REFUSED("K\1Nb.", "a whole number is given a state");
  EXPECT_REFUSED(object(global("module", "Class"), {}, none()) + "Nb.", "that has one");
  EXPECT_REFUSED(text("f") + ")R.", "a text stands where a class or function belongs");
}

TEST(Pickle, BytesOfTheOldProtocols) {
  const std::string latin = text("a\xc3\xbf");
  for (const std::string& callable :
       {global("_codecs", "encode"), global("__builtin__", "bytearray")}) {
    const auto value = read(object(callable, {latin, text("latin1")}) + ".");
    EXPECT_EQ(value->root().kind, Kind::Bytes);
    EXPECT_EQ(value->root().text, "a\xff");
  }
  EXPECT_EQ(read(object(global("__builtin__", "bytes"), {}) + ".")->root().kind, Kind::Bytes);
  EXPECT_EQ(read(object(global("builtins", "bytearray"), {raw_bytes("x")}) + ".")->root().text,
            "x");
  EXPECT_EQ(read(object(global("builtins", "frozenset"), {list({"K\1"})}) + ".")->root().kind,
            Kind::Set);
  EXPECT_REFUSED(object(global("_codecs", "encode"), {latin, text("rot13")}) + ".", "Latin-1");
  EXPECT_REFUSED(object(global("_codecs", "encode"), {text("\xce\xb1"), text("latin1")}) + ".",
                 "Latin-1");
  EXPECT_REFUSED(object(global("builtins", "bytes"), {integer(1 << 30)}) + ".", "made of bytes");
}

TEST(Pickle, OtherGlobalsAreRefusedByName) {
  EXPECT_REFUSED("cos\nsystem\n(Vrm -r x\ntR.", "'os.system'");
  EXPECT_REFUSED("\x80\x04\x8c\x05posix\x8c\x06system\x93.", "'posix.system'");
  EXPECT_REFUSED(global("builtins", "eval") + ".", "'builtins.eval'");
  EXPECT_REFUSED(global("__builtin__", "getattr") + ".", "'__builtin__.getattr'");
  EXPECT_REFUSED(global("module", "Class.method") + ".", "'module.Class.method'");
  EXPECT_REFUSED(global("module", "") + ".", "'module.'");
  EXPECT_REFUSED(global("", "module.Class") + ".", "'.module.Class'");
  EXPECT_REFUSED("cos\x1b[2J\nsystem\n.", "'os?[2J.system'");
}

TEST(Pickle, OpcodesThatNoModelNeedsAreRefused) {
  for (const std::string& bytes :
       {std::string("(imodule\nClass\n."), "(" + global("module", "Class") + "o.",
        std::string("P1\n."), std::string("K\1Q."), std::string("\x82\x01."),
        std::string("\x83\x01\x00.", 4), global("module", "Class") + ")}\x92.",
        std::string("\x97."), std::string("K\1\x98."), std::string("N2t."), std::string("\xff.")}) {
    EXPECT_REFUSED(bytes, "is not one that a model needs");
  }
}

TEST(Pickle, WrongStacksAreRefused) {
  EXPECT_REFUSED(".", "left over");
  EXPECT_REFUSED("NN.", "left over");
  EXPECT_REFUSED("(N.", "left over");
  EXPECT_REFUSED("N..", "1 bytes follow");
  EXPECT_REFUSED("N", "cut");
  EXPECT_REFUSED("", "cut");
  EXPECT_REFUSED("t.", "no mark");
  EXPECT_REFUSED("\x86.", "stack is empty");
  EXPECT_REFUSED("K\1(\x85.", "stack is empty");  // a mark is no value
  EXPECT_REFUSED("q\1.", "stack is empty");
  EXPECT_REFUSED("](N\x94\x30u.", "entries are added to a list");
  EXPECT_REFUSED("}Na.", "members are added to a dict");
  EXPECT_REFUSED("\x80\x06N.", "protocol 6");
  EXPECT_REFUSED("N\x80\x04.", "at the beginning");
}

TEST(Pickle, SizesAreNotBelieved) {
  for (const char* opcode : {"X", "B", "\x8b"}) {
    EXPECT_REFUSED(opcode + std::string("\xff\xff\xff\xffN."), "are wanted and 2 are left");
  }
  for (const char* opcode : {"\x8d", "\x8e", "\x96", "\x95"}) {
    EXPECT_REFUSED(opcode + std::string(8, '\xff') + "N.", "2 are left");
  }
}

TEST(Pickle, LittleCannotAskForMuch) {
  EXPECT_REFUSED(std::string(101, '(') + std::string(101, 't') + ".", "nested deeper than 100");
  EXPECT_REFUSED("]" + std::string(5000000, 'N') + ".", "more than 4000000 values");
  std::string deep = ")";
  deep += std::string(1000000, '\x85');  // a tuple in a tuple in a ...: nothing here recurses
  EXPECT_EQ(refusal(deep + "."), "");
  // one long tuple, the argument of many calls
  std::string repeated =
      "(" + std::string(100000, 'N') + "tq\1" + "0" + global("module", "Class") + "q\2" + "0(";
  for (int i = 0; i < 100; ++i) repeated += "h\2h\1R";
  EXPECT_REFUSED(repeated + "t.", "more than 4000000 values");
  // one long text, encoded many times
  std::string encoded =
      text(std::string(100000, 'a')) + "q\1" + "0" + global("_codecs", "encode") + "q\2" + "0(";
  for (int i = 0; i < 100; ++i) encoded += "h\2h\1" + text("latin1") + "\x86R";
  EXPECT_REFUSED(encoded + "t.", "more bytes than the file can hold");
}

}  // namespace
}  // namespace saithe
