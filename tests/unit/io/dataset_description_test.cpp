#include "saithe/io/dataset_description.h"

#include <gtest/gtest.h>

#include "support/folder_for_test.h"

namespace saithe {
namespace {

using io::DatasetDescription;
using io::StoredKind;

DatasetDescription some_dataset() {
  DatasetDescription dataset;
  dataset.where = "a.h5: /X/data";
  dataset.shape = {7, 3};
  dataset.kind = StoredKind::Float;
  dataset.value_bytes = 4;
  dataset.stored_bytes = 84;
  dataset.largest_ratio = 1100;
  dataset.layout = {4, true, true, false};
  dataset.field_names = {"a", "b"};
  dataset.first_byte = 2048;
  dataset.chunk_shape = {4, 3};
  dataset.filters = {1, 32001};
  dataset.fill_value = {0, 0, 128, 63};
  return dataset;
}

DatasetDescription sent(const DatasetDescription& dataset) {
  OwnMessage message;
  add_description(message, dataset);
  MessageReader reader(message.bytes(), "a.h5");
  return io::take_description(reader);
}

TEST(DatasetDescription, ArrivesAsItWasSent) {
  const DatasetDescription dataset = some_dataset();
  const DatasetDescription arrived = sent(dataset);
  EXPECT_EQ(arrived.where, dataset.where);
  EXPECT_EQ(arrived.shape, dataset.shape);
  EXPECT_EQ(arrived.kind, dataset.kind);
  EXPECT_EQ(arrived.value_bytes, 4U);
  EXPECT_EQ(arrived.stored_bytes, 84);
  EXPECT_EQ(arrived.largest_ratio, 1100);
  EXPECT_FALSE(arrived.is_null);
  EXPECT_TRUE(arrived.layout.is_float && arrived.layout.is_signed && !arrived.layout.is_swapped);
  EXPECT_EQ(arrived.layout.value_bytes, 4U);
  EXPECT_EQ(arrived.field_names, dataset.field_names);
  EXPECT_EQ(arrived.first_byte, 2048);
  EXPECT_EQ(arrived.chunk_shape, dataset.chunk_shape);
  EXPECT_EQ(arrived.filters, dataset.filters);
  EXPECT_EQ(arrived.fill_value, dataset.fill_value);
  EXPECT_EQ(arrived.size(), 21);
}

// Reading trusts these: a child whose memory was harmed must not be believed.
TEST(DatasetDescription, WhatNoDatasetCanBeIsAnError) {
  const auto refused = [](auto change) {
    DatasetDescription dataset = some_dataset();
    change(dataset);
    EXPECT_SAITHE_ERROR(sent(dataset), ErrorKind::BadFormat, "/X/data");
  };
  refused([](auto& dataset) { dataset.kind = static_cast<StoredKind>(17); });
  refused([](auto& dataset) { dataset.shape = {-1, 3}; });
  refused([](auto& dataset) { dataset.chunk_shape = {4, -3}; });
  refused([](auto& dataset) { dataset.stored_bytes = -1; });
  refused([](auto& dataset) { dataset.largest_ratio = 0; });
  refused([](auto& dataset) { dataset.first_byte = -2; });
  refused([](auto& dataset) { dataset.layout.value_bytes = 8; });
  refused([](auto& dataset) { dataset.fill_value.resize(3); });
  refused([](auto& dataset) {
    dataset.value_bytes = 16;
    dataset.layout.value_bytes = 16;
    dataset.fill_value.clear();
  });
}

TEST(DatasetDescription, ALieAboutTheNumberOfValuesIsFound) {
  DatasetDescription dataset = some_dataset();
  dataset.require_plausible(21);
  EXPECT_SAITHE_ERROR(dataset.require_plausible(std::int64_t{1} << 40), ErrorKind::BadFormat,
                      "/X/data");
  dataset.shape = {std::int64_t{1} << 40, std::int64_t{1} << 40};
  EXPECT_SAITHE_ERROR(dataset.size(), ErrorKind::BadFormat, "/X/data");
}

}  // namespace
}  // namespace saithe
