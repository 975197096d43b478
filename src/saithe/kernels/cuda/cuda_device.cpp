#include "saithe/kernels/cuda/cuda_device.h"

#include <cuda_runtime_api.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "saithe/kernels/cuda/kernel_table.h"
#include "saithe/kernels/device.h"

namespace saithe::kernels::cuda {
namespace {

// Turing, the oldest that the build has code for.
constexpr int kOldestCapability = 75;
// Lists on their way whose arguments the host holds.
constexpr std::size_t kStagedLists = 4;
// Lists that are told from one another; with more, all are forgotten.
constexpr std::size_t kMaxRecordings = 64;
// A shorter list is not worth a graph.
constexpr std::size_t kShortestGraph = 4;

void check(cudaError_t status, const char* what) {
  if (status == cudaSuccess) return;
  static_cast<void>(cudaGetLastError());  // told once
  fail(ErrorKind::Device,
       "the GPU failed at {}: {} ({}). Try --device cpu; nvidia-smi tells the state of the GPU.",
       what, cudaGetErrorString(status), cudaGetErrorName(status));
}

/// Why there is no device to use; empty if there is one. `count` is how many there are.
std::string find_obstacle(int index, int& count) {
  count = 0;
  const cudaError_t status = cudaGetDeviceCount(&count);
  static_cast<void>(cudaGetLastError());
  int driver = 0;
  if (cudaDriverGetVersion(&driver) != cudaSuccess || driver == 0) {
    static_cast<void>(cudaGetLastError());
    return "there is no NVIDIA driver here";
  }
  if (status == cudaErrorInsufficientDriver) {
    return fmt::format("the NVIDIA driver is too old: it is for CUDA {}.{}, this build for {}.{}",
                       driver / 1000, driver % 1000 / 10, CUDART_VERSION / 1000,
                       CUDART_VERSION % 1000 / 10);
  }
  if (status == cudaErrorNoDevice || (status == cudaSuccess && count == 0)) {
    return "there is an NVIDIA driver, but no GPU (CUDA_VISIBLE_DEVICES may hide it)";
  }
  if (status != cudaSuccess) return cudaGetErrorString(status);
  if (index >= count) {
    return count == 1 ? "the only GPU is cuda:0"
                      : fmt::format("the GPUs are cuda:0 to cuda:{}", count - 1);
  }
  int major = 0;
  int minor = 0;
  cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, index);
  cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, index);
  if (10 * major + minor < kOldestCapability) {
    return fmt::format("the GPU is too old: it has compute capability {}.{}, needed is 7.5 or more",
                       major, minor);
  }
  if (cudaSetDevice(index) != cudaSuccess) return cudaGetErrorString(cudaGetLastError());
  cudaFuncAttributes attributes;
  if (cudaFuncGetAttributes(&attributes, kernel_table().front()) != cudaSuccess) {
    return fmt::format("this build has no code for the GPU: {}",
                       cudaGetErrorString(cudaGetLastError()));
  }
  return "";
}

class CudaMark final : public Mark {
 public:
  CudaMark() { check(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming), "an event"); }
  ~CudaMark() override { cudaEventDestroy(event_); }
  void set(cudaStream_t stream) {
    check(cudaEventRecord(event_, stream), "an event");
    is_set_ = true;
  }
  [[nodiscard]] bool is_set() const { return is_set_; }
  [[nodiscard]] cudaEvent_t event() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
  bool is_set_ = false;
};

/// Memory of the host that the device reads, with the arguments of a list.
struct Staging {
  void* memory = nullptr;
  std::size_t n_bytes = 0;
  CudaMark read;
};

/// A list that came before, and its graph from the second time on.
struct Recording {
  std::vector<Command> commands;
  cudaGraphExec_t graph = nullptr;
};

class CudaDevice final : public Runtime {
 public:
  explicit CudaDevice(int index) : index_(index) {
    use();
    cudaDeviceProp properties;
    check(cudaGetDeviceProperties(&properties, index), "its properties");
    model_ = properties.name;
    check(cudaStreamCreateWithFlags(&compute_, cudaStreamNonBlocking), "a stream");
    check(cudaStreamCreateWithFlags(&aside_, cudaStreamNonBlocking), "a stream");
    check(cudaStreamCreateWithFlags(&copy_, cudaStreamNonBlocking), "a stream");
    forked_.emplace();
    joined_.emplace();
    int has_pool = 0;
    cudaDeviceGetAttribute(&has_pool, cudaDevAttrMemoryPoolsSupported, index);
    if (has_pool != 0) {
      // What is given back stays with the process: it is asked for again at once.
      std::uint64_t threshold = UINT64_MAX;
      check(cudaDeviceGetDefaultMemPool(&pool_, index), "its memory pool");
      check(cudaMemPoolSetAttribute(pool_, cudaMemPoolAttrReleaseThreshold, &threshold),
            "its memory pool");
    }
  }
  ~CudaDevice() override {
    cudaSetDevice(index_);
    cudaStreamSynchronize(compute_);
    cudaStreamSynchronize(aside_);
    cudaStreamSynchronize(copy_);
    forget_recordings();
    for (Staging& staging : staging_) cudaFreeHost(staging.memory);
    if (arguments_ != nullptr) release(arguments_);
    cudaStreamSynchronize(compute_);
    if (pool_ != nullptr) cudaMemPoolTrimTo(pool_, 0);
    cudaStreamDestroy(copy_);
    cudaStreamDestroy(aside_);
    cudaStreamDestroy(compute_);
  }
  CudaDevice(const CudaDevice&) = delete;
  CudaDevice& operator=(const CudaDevice&) = delete;

  std::string model() const override { return model_; }

  void* allocate(std::size_t n_bytes) override {
    use();
    void* memory = nullptr;
    if (try_allocate(&memory, n_bytes)) return memory;
    check(cudaStreamSynchronize(compute_), "an earlier kernel");  // what was released is free now
    if (pool_ != nullptr) check(cudaMemPoolTrimTo(pool_, 0), "its memory pool");
    if (try_allocate(&memory, n_bytes)) return memory;
    std::size_t free = 0;
    std::size_t total = 0;
    check(cudaMemGetInfo(&free, &total), "its memory");
    constexpr double kMega = 1e6;
    throw OutOfDeviceMemory(fmt::format(
        "{} has no room: {:.0f} MB more are needed, {:.0f} MB of {:.0f} MB are free. Try a smaller "
        "--minibatch-size, or --device cpu.",
        model_, static_cast<double>(n_bytes) / kMega, static_cast<double>(free) / kMega,
        static_cast<double>(total) / kMega));
  }
  void release(void* memory) noexcept override {
    cudaSetDevice(index_);
    if (pool_ != nullptr) {
      cudaFreeAsync(memory, compute_);
    } else {
      cudaFree(memory);  // waits for the device
    }
  }
  std::size_t free_bytes() override {
    use();
    std::size_t free = 0;
    std::size_t total = 0;
    check(cudaMemGetInfo(&free, &total), "its memory");
    if (pool_ == nullptr) return free;
    std::uint64_t reserved = 0;
    std::uint64_t used = 0;
    check(cudaMemPoolGetAttribute(pool_, cudaMemPoolAttrReservedMemCurrent, &reserved),
          "its memory pool");
    check(cudaMemPoolGetAttribute(pool_, cudaMemPoolAttrUsedMemCurrent, &used), "its memory pool");
    return free + static_cast<std::size_t>(reserved - std::min(used, reserved));
  }
  void* allocate_host(std::size_t n_bytes) override {
    use();
    void* memory = nullptr;
    check(cudaMallocHost(&memory, n_bytes), "page-locked memory of the host");
    return memory;
  }
  void release_host(void* memory) noexcept override { cudaFreeHost(memory); }

  void clear(void* memory, std::size_t n_bytes) override {
    use();
    check(cudaMemsetAsync(memory, 0, n_bytes, compute_), "clearing memory");
  }
  void copy_to_device(void* target, const void* source, std::size_t n_bytes) override {
    use();
    check(cudaMemcpyAsync(target, source, n_bytes, cudaMemcpyHostToDevice, compute_),
          "a copy to it");
    check(cudaStreamSynchronize(compute_), "a copy to it");  // the source may change now
  }
  void copy_to_host(void* target, const void* source, std::size_t n_bytes) override {
    use();
    check(cudaMemcpyAsync(target, source, n_bytes, cudaMemcpyDeviceToHost, compute_),
          "a copy from it");
    check(cudaStreamSynchronize(compute_), "a copy from it");
  }
  void copy_on_device(void* target, const void* source, std::size_t n_bytes) override {
    use();
    check(cudaMemcpyAsync(target, source, n_bytes, cudaMemcpyDeviceToDevice, compute_),
          "a copy inside it");
  }
  void copy_ahead(void* target, const void* source, std::size_t n_bytes) override {
    use();
    check(cudaMemcpyAsync(target, source, n_bytes, cudaMemcpyHostToDevice, copy_), "a copy to it");
  }

  std::unique_ptr<Mark> make_mark() override {
    use();
    return std::make_unique<CudaMark>();
  }
  void set(Mark& mark, Lane lane) override {
    use();
    static_cast<CudaMark&>(mark).set(stream(lane));
  }
  void wait(const Mark& mark, Lane lane) override {
    const auto& own = static_cast<const CudaMark&>(mark);
    if (!own.is_set()) return;
    use();
    check(cudaStreamWaitEvent(stream(lane), own.event(), 0), "an event");
  }
  void wait_on_host(const Mark& mark) override {
    const auto& own = static_cast<const CudaMark&>(mark);
    if (!own.is_set()) return;
    use();
    check(cudaEventSynchronize(own.event()), "an earlier copy");
  }

  std::byte* argument_block(std::size_t n_bytes) override {
    use();
    if (n_bytes <= argument_bytes_) return static_cast<std::byte*>(arguments_);
    // Graphs hold the place of the block.
    check(cudaStreamSynchronize(compute_), "an earlier kernel");
    forget_recordings();
    if (arguments_ != nullptr) release(std::exchange(arguments_, nullptr));
    argument_bytes_ = 0;
    arguments_ = allocate(n_bytes);
    argument_bytes_ = n_bytes;
    return static_cast<std::byte*>(arguments_);
  }
  void run(std::span<const std::byte> arguments, std::span<const Command> commands) override {
    use();
    send_arguments(arguments);
    if (commands.size() < kShortestGraph) {
      launch(commands);
      return;
    }
    Recording* const known = find_recording(commands);
    if (known == nullptr) {  // the first time: it may be the last
      launch(commands);
      return;
    }
    if (known->graph == nullptr) known->graph = record(commands);
    check(cudaGraphLaunch(known->graph, compute_), "a graph");
  }

 private:
  void use() const { check(cudaSetDevice(index_), "its choice"); }
  [[nodiscard]] cudaStream_t stream(Lane lane) const {
    return lane == Lane::Compute ? compute_ : copy_;
  }
  /// False if there is no room.
  bool try_allocate(void** memory, std::size_t n_bytes) {
    const cudaError_t status =
        pool_ != nullptr ? cudaMallocAsync(memory, n_bytes, compute_) : cudaMalloc(memory, n_bytes);
    if (status == cudaErrorMemoryAllocation) {
      static_cast<void>(cudaGetLastError());
      return false;
    }
    check(status, "an allocation");
    return true;
  }
  void send_arguments(std::span<const std::byte> arguments) {
    Staging& staging = staging_[next_staging_];
    next_staging_ = (next_staging_ + 1) % kStagedLists;
    wait_on_host(staging.read);
    if (arguments.size() > staging.n_bytes) {
      if (staging.memory != nullptr)
        check(cudaFreeHost(std::exchange(staging.memory, nullptr)),
              "page-locked memory of the host");
      staging.n_bytes = 0;
      staging.memory = allocate_host(argument_bytes_);
      staging.n_bytes = argument_bytes_;
    }
    std::memcpy(staging.memory, arguments.data(), arguments.size());
    check(cudaMemcpyAsync(arguments_, staging.memory, arguments.size(), cudaMemcpyHostToDevice,
                          compute_),
          "a copy to it");
    staging.read.set(compute_);
  }
  void launch(std::span<const Command> commands) {
    bool has_forked = false;  // nothing was added to the main branch since the last fork
    bool is_apart = false;    // something is aside that was not joined
    const auto join = [&] {
      if (std::exchange(is_apart, false)) lead(aside_, *joined_, compute_);
    };
    for (const Command& command : commands) {
      if (command.is_aside) {
        if (!std::exchange(has_forked, true)) lead(compute_, *forked_, aside_);
        is_apart = true;
      } else {
        if (command.joins) join();
        has_forked = false;
      }
      const void* args = static_cast<const std::byte*>(arguments_) + command.arguments;
      void* parameters[] = {&args};
      check(cudaLaunchKernel(kernel_table()[static_cast<std::size_t>(command.kernel)],
                             dim3(command.launch.blocks_x, command.launch.blocks_y),
                             dim3(command.launch.threads), parameters, command.launch.shared_bytes,
                             command.is_aside ? aside_ : compute_),
            "the start of a kernel");
    }
    join();
  }
  /// Lets what follows in a stream wait for what is in another.
  static void lead(cudaStream_t from, CudaMark& mark, cudaStream_t to) {
    mark.set(from);
    check(cudaStreamWaitEvent(to, mark.event(), 0), "an event");
  }
  /// The record of a list that came before; of a new one its first half is kept.
  Recording* find_recording(std::span<const Command> commands) {
    for (Recording& recording : recordings_) {
      if (std::ranges::equal(recording.commands, commands)) return &recording;
    }
    if (recordings_.size() == kMaxRecordings) {
      check(cudaStreamSynchronize(compute_), "an earlier kernel");
      forget_recordings();
    }
    recordings_.push_back({{commands.begin(), commands.end()}, nullptr});
    return nullptr;
  }
  cudaGraphExec_t record(std::span<const Command> commands) {
    cudaGraph_t graph = nullptr;
    cudaGraphExec_t executable = nullptr;
    check(cudaStreamBeginCapture(compute_, cudaStreamCaptureModeThreadLocal), "a graph");
    try {
      launch(commands);
    } catch (const Error&) {
      cudaStreamEndCapture(compute_, &graph);
      if (graph != nullptr) cudaGraphDestroy(graph);
      throw;
    }
    check(cudaStreamEndCapture(compute_, &graph), "a graph");
    const cudaError_t status = cudaGraphInstantiate(&executable, graph, 0);
    cudaGraphDestroy(graph);
    check(status, "a graph");
    return executable;
  }
  void forget_recordings() {
    for (const Recording& recording : recordings_) {
      if (recording.graph != nullptr) cudaGraphExecDestroy(recording.graph);
    }
    recordings_.clear();
  }

  int index_;
  std::string model_;
  cudaStream_t compute_ = nullptr;
  cudaStream_t aside_ = nullptr;  // of the Compute lane: it ends there again with each list
  cudaStream_t copy_ = nullptr;
  std::optional<CudaMark> forked_;  // made when the device was chosen
  std::optional<CudaMark> joined_;
  cudaMemPool_t pool_ = nullptr;  // null where the device has none
  void* arguments_ = nullptr;
  std::size_t argument_bytes_ = 0;
  std::array<Staging, kStagedLists> staging_;
  std::size_t next_staging_ = 0;
  std::vector<Recording> recordings_;
};

}  // namespace

bool has_working_device() {
  int count = 0;
  return find_obstacle(0, count).empty();
}

std::unique_ptr<Runtime> open_device(int index) {
  int count = 0;
  const std::string obstacle = find_obstacle(index, count);
  if (!obstacle.empty()) {
    fail(ErrorKind::Device, "--device cuda:{}: {}; use --device cpu", index, obstacle);
  }
  return std::make_unique<CudaDevice>(index);
}

}  // namespace saithe::kernels::cuda
