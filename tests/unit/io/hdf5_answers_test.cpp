// What the child answers, asked without a process between; the answers to all questions are shown
// by hdf5_file_test.cpp.

#include "saithe/io/hdf5_answers.h"

#include <gtest/gtest.h>

#include "saithe/io/hdf5_writer.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::Hdf5Answers;
using io::Hdf5Question;
using testing::FolderForTest;

class LastNote final : public ChildNotes {
 public:
  void note(const std::string& place) override { last = place; }
  std::string last;
};

class Hdf5AnswersTest : public ::testing::Test {
 protected:
  Hdf5AnswersTest() {
    io::Hdf5Target root = io::Hdf5Target::create_file(folder_ / "a.h5", "a");
    root.write_texts("names", {"b", ""});
    root.set_attribute("shape", std::vector<std::int64_t>{4, 5});
    root.flush();
    root.close();
    OwnMessage rest;
    rest.add_text((folder_ / "a.h5").string());
    rest.add_integer(1);
    ask(Hdf5Question::Open, 0, rest);
  }

  OwnMessage ask(Hdf5Question what, std::int64_t object, const OwnMessage& rest,
                 const std::vector<std::int64_t>& closed = {}) {
    OwnMessage question;
    question.add_array(std::span<const std::int64_t>(closed));
    question.add_integer(static_cast<std::int64_t>(what));
    question.add_integer(object);
    question.add_bytes(rest.bytes());
    MessageReader reader(question.bytes(), "question");
    OwnMessage answer;
    answers_.answer(reader, answer, notes_);
    return answer;
  }
  OwnMessage ask(Hdf5Question what, std::int64_t object, const std::string& name) {
    OwnMessage rest;
    rest.add_text(name);
    return ask(what, object, rest);
  }

  FolderForTest folder_;
  LastNote notes_;
  Hdf5Answers answers_;
};

TEST_F(Hdf5AnswersTest, ADatasetHasANumberUntilItIsClosed) {
  const OwnMessage opened = ask(Hdf5Question::Dataset, 0, "names");
  EXPECT_EQ(notes_.last, (folder_ / "a.h5").string() + ": /names");
  MessageReader reader(opened.bytes(), "answer");
  const std::int64_t number = reader.take_integer();
  EXPECT_EQ(io::take_description(reader).shape, std::vector<std::int64_t>{2});
  const OwnMessage read = ask(Hdf5Question::ReadTexts, number, OwnMessage());
  EXPECT_EQ(MessageReader(read.bytes(), "answer").take_texts(),
            (std::vector<std::string>{"b", ""}));
  EXPECT_THROW(ask(Hdf5Question::ReadTexts, number, OwnMessage(), {number}), std::exception);
}

TEST_F(Hdf5AnswersTest, APlaceIsNotedForEachQuestion) {
  ask(Hdf5Question::IntegerAttribute, 0, "shape");
  EXPECT_EQ(notes_.last, (folder_ / "a.h5").string() + ": /, attribute shape");
  EXPECT_SAITHE_ERROR(ask(Hdf5Question::Group, 0, "names"), ErrorKind::BadFormat, "/names");
  EXPECT_SAITHE_ERROR(ask(Hdf5Question::ReadTexts, 0, "names"), ErrorKind::BadFormat, "a.h5");
}

}  // namespace
}  // namespace saithe
