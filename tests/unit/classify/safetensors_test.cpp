// The header of a safetensors file, written and read. Refused headers: model_file_damage_test.cpp.

#include "saithe/classify/safetensors.h"

#include <gtest/gtest.h>

#include "saithe/core/error.h"

namespace saithe {
namespace {

std::vector<TensorInfo> two_tensors() {
  return {{"b", "F64", {3}, 0, 24}, {"a", "F32", {2, 5}, 24, 64}};
}

TEST(Safetensors, AHeaderComesBack) {
  const std::string text =
      format_safetensors_header({{"z", "1"}, {"k\"", "{\"x\":\n1}"}}, two_tensors());
  EXPECT_EQ(text.rfind("{\"__metadata__\":{\"z\":\"1\",\"k", 0), 0U) << text;
  const auto header = parse_safetensors_header(text, 64, "file");
  EXPECT_EQ(header.metadata.at("k\""), "{\"x\":\n1}");
  EXPECT_EQ(header.metadata.size(), 2U);
  ASSERT_EQ(header.tensors.size(), 2U);
  EXPECT_EQ(header.tensors[0].name, "b");  // in the order of their bytes
  EXPECT_EQ(header.tensors[1].shape, (std::vector<std::int64_t>{2, 5}));
  EXPECT_EQ(header.tensors[1].begin, 24);
  EXPECT_EQ(header.tensors[1].end, 64);
}

TEST(Safetensors, TheTensorsBeginAtAMultipleOfEight) {
  for (std::size_t n = 0; n < 16; ++n) {
    const auto text = format_safetensors_header({{"k", std::string(n, 'x')}}, {});
    EXPECT_EQ(text.size() % 8, 0U);
    EXPECT_EQ(parse_safetensors_header(text, 0, "file").metadata.at("k").size(), n);
  }
}

TEST(Safetensors, TheBufferMustFit) {
  const std::string text = format_safetensors_header({}, two_tensors());
  EXPECT_NO_THROW(parse_safetensors_header(text, 64, "file"));
  EXPECT_THROW(parse_safetensors_header(text, 63, "file"), Error);
  EXPECT_THROW(parse_safetensors_header(text, 65, "file"), Error);
  EXPECT_THROW(parse_safetensors_header(" " + text, 64, "file"), Error);
  EXPECT_THROW(parse_safetensors_header("", 0, "file"), Error);
}

TEST(Safetensors, KnowsItsTypes) {
  EXPECT_EQ(dtype_bytes("F32"), 4);
  EXPECT_EQ(dtype_bytes("F64"), 8);
  EXPECT_EQ(dtype_bytes("BF16"), 0);
}

}  // namespace
}  // namespace saithe
