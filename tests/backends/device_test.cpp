#include "saithe/kernels/device.h"

#include <gtest/gtest.h>

#include "saithe/kernels/backend.h"

namespace saithe::kernels {
namespace {

TEST(Device, IsReadFromItsText) {
  EXPECT_EQ(parse_device("auto"), Device::Auto);
  EXPECT_EQ(parse_device("cpu"), Device::Cpu);
  EXPECT_EQ(parse_device("cuda"), Device::Cuda);
  EXPECT_EQ(parse_device("cuda:0"), Device::Cuda);
  EXPECT_EQ(parse_device("cuda:12"), (Device{DeviceKind::Cuda, 12}));
}

TEST(Device, NoOtherTextIsOne) {
  for (const char* text : {"", "gpu", "CUDA", "cuda:", "cuda:x", "cuda:-1", "cuda:1.5", "cuda: 1",
                           "cuda:99999999999999999999", "cuda:1024", "cpu:0"}) {
    try {
      parse_device(text);
      FAIL() << text;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::InvalidArgument);
      EXPECT_NE(std::string(error.what()).find("'" + std::string(text) + "'"), std::string::npos);
    }
  }
}

TEST(Device, SaysItsName) {
  EXPECT_EQ(device_name(Device::Auto), "auto");
  EXPECT_EQ(device_name(Device::Cpu), "cpu");
  EXPECT_EQ(device_name({DeviceKind::Cuda, 3}), "cuda:3");
}

TEST(Device, TheBestOneWorks) {
  const Device best = best_device();
  EXPECT_NE(best, Device::Auto);
  EXPECT_NE(make_backend(best, Context(1)), nullptr);
  EXPECT_EQ(make_backend(Device::Auto, Context(1))->name(),
            best.kind == DeviceKind::Cpu ? "cpu" : "cuda");
}

TEST(Device, AGpuThatIsNotThereIsRefused) {
  try {
    make_backend({DeviceKind::Cuda, 1000}, Context(1));
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::Device);
    EXPECT_NE(std::string(error.what()).find("--device cuda:1000"), std::string::npos);
  }
}

}  // namespace
}  // namespace saithe::kernels
