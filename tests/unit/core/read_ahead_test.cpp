// What a thread reads ahead is what is in the file, to its end or to what is wrong with it.

#include "saithe/core/read_ahead.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include "saithe/core/random.h"
#include "support/folder_for_test.h"
#include "support/gzip_bytes.h"

namespace saithe {
namespace {

using testing::FolderForTest;
using testing::gzip_bytes;

/// Several blocks, hard to pack.
std::string long_text() {
  const Random random(1, 3);
  std::string text(1300000, '\0');
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = static_cast<char>(random.bits(i));
  return text;
}

class Opened {
 public:
  explicit Opened(const std::string& bytes) {
    testing::write_bytes(folder_ / "file", bytes);
    input_.emplace(open((folder_ / "file").c_str(), O_RDONLY | O_CLOEXEC));
  }
  std::string read_all(std::size_t step) {
    std::string all;
    std::string some(step, '\0');
    while (const std::size_t n = input_->read(some.data(), step)) all.append(some, 0, n);
    return all;
  }
  std::optional<ReadAhead>& input() { return input_; }

 private:
  FolderForTest folder_;
  std::optional<ReadAhead> input_;
};

TEST(ReadAhead, GivesWhatTheFileHolds) {
  for (const std::string& text : {std::string(), std::string("a"), long_text()}) {
    for (const std::size_t step : {std::size_t{1000}, std::size_t{1} << 18, std::size_t{1} << 20}) {
      EXPECT_EQ(Opened(text).read_all(step), text);
      EXPECT_EQ(Opened(gzip_bytes(text)).read_all(step), text);
    }
  }
  Opened ended("abc");
  EXPECT_EQ(ended.read_all(10), "abc");
  EXPECT_EQ(ended.read_all(10), "");
}

TEST(ReadAhead, WhatIsWrongComesAfterWhatIsRight) {
  const std::string text = long_text();
  const std::string packed = gzip_bytes(text);
  Opened cut(packed.substr(0, packed.size() / 2));
  std::string all;
  std::string some(1 << 18, '\0');
  const auto read_on = [&] {
    while (const std::size_t n = cut.input()->read(some.data(), some.size())) {
      all.append(some, 0, n);
    }
  };
  EXPECT_SAITHE_ERROR(read_on(), ErrorKind::BadFormat, "");
  EXPECT_GT(all.size(), text.size() / 4);
  EXPECT_EQ(all, text.substr(0, all.size()));
  EXPECT_SAITHE_ERROR(read_on(), ErrorKind::BadFormat, "");
}

TEST(ReadAhead, MayBeLeftBeforeTheEnd) {
  const std::string text = long_text();
  Opened never_read(text);
  Opened read_once(text);
  std::string some(100, '\0');
  EXPECT_EQ(read_once.input()->read(some.data(), some.size()), 100U);
  EXPECT_EQ(some, text.substr(0, 100));
}

}  // namespace
}  // namespace saithe
