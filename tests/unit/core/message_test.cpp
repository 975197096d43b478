#include "saithe/core/message.h"

#include <gtest/gtest.h>

#include <limits>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

TEST(Message, IsTakenApartAsItWasMade) {
  OwnMessage message;
  const std::vector<float> values = {1.5F, -2};
  message.add_integer(-7);
  message.add_text("gene");
  message.add_text("");
  message.add_texts({"a", "", "bc"});
  message.add_array(std::span<const float>(values));
  message.add_array(std::span<const double>());
  MessageReader reader(message.bytes(), "file");
  EXPECT_EQ(reader.take_integer(), -7);
  EXPECT_EQ(reader.take_text(), "gene");
  EXPECT_EQ(reader.take_text(), "");
  EXPECT_EQ(reader.take_texts(), (std::vector<std::string>{"a", "", "bc"}));
  EXPECT_EQ(reader.take_array<float>(), values);
  EXPECT_TRUE(reader.take_array<double>().empty());
  EXPECT_SAITHE_ERROR(reader.take_integer(), ErrorKind::BadFormat, "file");
}

// No length in it makes the reader ask for memory or read beyond the end.
TEST(Message, AnyLengthThatIsNotThereIsAnError) {
  for (const std::int64_t n :
       {std::int64_t{-1}, std::int64_t{9}, std::int64_t{1} << 61,
        std::numeric_limits<std::int64_t>::max(), std::numeric_limits<std::int64_t>::min()}) {
    OwnMessage message;
    message.add_integer(n);
    message.add_integer(0);
    const auto reader = [&] { return MessageReader(message.bytes(), "file"); };
    EXPECT_SAITHE_ERROR(reader().take_text(), ErrorKind::BadFormat, "file");
    EXPECT_SAITHE_ERROR(reader().take_texts(), ErrorKind::BadFormat, "file");
    EXPECT_SAITHE_ERROR(reader().take_array<double>(), ErrorKind::BadFormat, "file");
    EXPECT_SAITHE_ERROR(reader().take_bytes(n == 9 ? 17 : n), ErrorKind::BadFormat, "file");
  }
}

}  // namespace
}  // namespace saithe
