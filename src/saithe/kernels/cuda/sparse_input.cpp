#include "saithe/kernels/cuda/sparse_input.h"

#include <algorithm>
#include <array>
#include <deque>
#include <type_traits>
#include <utility>

#include "saithe/kernels/cuda/device_buffer.h"
#include "saithe/kernels/cuda/resident_rows.h"

namespace saithe::kernels::cuda {
namespace {

// Minibatches that wait for their next use: with two, one that is filled ahead was not part of the
// step that runs meanwhile.
constexpr std::size_t kFewestFree = 2;

/// Memory of a minibatch.
struct MinibatchMemory {
  explicit MinibatchMemory(const std::shared_ptr<Queue>& queue) : slot(queue) {}
  RowSlot slot;
  DeviceMemory places;  // begin and end of each row
  DeviceMemory segments;
  DeviceMemory gene_starts;
  DeviceMemory by_gene;
  DeviceMemory row_starts;
  DeviceMemory by_row;
};

/// Memory that is free, longest free first.
using MinibatchPool = std::deque<std::unique_ptr<MinibatchMemory>>;

class CudaSparseMinibatch final : public SparseMinibatch {
 public:
  CudaSparseMinibatch(std::shared_ptr<MinibatchPool> pool, const std::shared_ptr<Queue>& queue)
      : pool_(std::move(pool)) {
    if (pool_->size() < kFewestFree) {
      memory_ = std::make_unique<MinibatchMemory>(queue);
    } else {
      memory_ = std::move(pool_->front());
      pool_->pop_front();
    }
  }
  ~CudaSparseMinibatch() override {
    memory_->slot.set_used();
    pool_->push_back(std::move(memory_));
  }
  [[nodiscard]] MinibatchMemory& memory() const { return *memory_; }

  DeviceRows rows{};
  DeviceMinibatch values{};
  std::uint64_t aside = 0;  // what has to be joined before it is used

 private:
  std::shared_ptr<MinibatchPool> pool_;  // shared: a minibatch may outlive its layer
  std::unique_ptr<MinibatchMemory> memory_;
};

const CudaSparseMinibatch& as_cuda(const SparseMinibatch& minibatch) {
  return static_cast<const CudaSparseMinibatch&>(minibatch);
}

class CudaSparseInputLayer final : public SparseInputLayer {
 public:
  CudaSparseInputLayer(const std::shared_ptr<Queue>& queue, std::int64_t n_genes,
                       std::int64_t n_units)
      : queue_(queue),
        n_genes_(n_genes),
        n_units_(n_units),
        n_tiles_((n_units + kTileUnits - 1) / kTileUnits),
        n_chunks_((n_genes + kChunkGenes - 1) / kChunkGenes),
        forward_slots_{RowSlot(queue), RowSlot(queue)},
        weights_(device_array<float>(queue, n_tiled())),
        shift_(device_array<float>(queue, n_genes)),
        bias_(device_array<float>(queue, n_units)),
        base_(device_array<float>(queue, n_units)),
        dy_sum_(device_array<float>(queue, n_units)),
        shift_sums_(device_array<double>(queue, n_chunks_ * n_padded())) {}

  void set_parameters(std::span<const float> weights, std::span<const float> bias,
                      std::span<const float> shift) override {
    SAITHE_ASSERT(weights.size() == as_size(n_genes_ * n_units_));
    SAITHE_ASSERT(bias.size() == as_size(n_units_) && shift.size() == as_size(n_genes_));
    copy_in(*queue_, shift_.as<float>(), shift);
    copy_in(*queue_, bias_.as<float>(), bias);
    pack(weights, weights_);
    free_moments();
    refresh_base();
  }
  void get_parameters(std::span<float> weights, std::span<float> bias) const override {
    SAITHE_ASSERT(weights.size() == as_size(n_genes_ * n_units_));
    SAITHE_ASSERT(bias.size() == as_size(n_units_));
    unpack(weights_, weights);
    copy_out(*queue_, bias_.as<const float>(), bias);
  }
  void get_moments(std::span<float> first_weights, std::span<float> second_weights,
                   std::span<float> first_bias, std::span<float> second_bias) const override {
    SAITHE_ASSERT(first_weights.size() == as_size(n_genes_ * n_units_));
    SAITHE_ASSERT(second_weights.size() == first_weights.size());
    SAITHE_ASSERT(first_bias.size() == as_size(n_units_) &&
                  second_bias.size() == first_bias.size());
    if (first_.n_bytes() == 0) {  // no step yet
      for (auto values : {first_weights, second_weights, first_bias, second_bias}) {
        std::ranges::fill(values, 0.0F);
      }
      return;
    }
    unpack(first_, first_weights);
    unpack(second_, second_weights);
    copy_out(*queue_, bias_first_.as<const float>(), first_bias);
    copy_out(*queue_, bias_second_.as<const float>(), second_bias);
  }
  void set_moments(std::span<const float> first_weights, std::span<const float> second_weights,
                   std::span<const float> first_bias, std::span<const float> second_bias) override {
    SAITHE_ASSERT(first_weights.size() == as_size(n_genes_ * n_units_));
    SAITHE_ASSERT(second_weights.size() == first_weights.size());
    SAITHE_ASSERT(first_bias.size() == as_size(n_units_) &&
                  second_bias.size() == first_bias.size());
    make_moments();
    pack(first_weights, first_);
    pack(second_weights, second_);
    copy_in(*queue_, bias_first_.as<float>(), first_bias);
    copy_in(*queue_, bias_second_.as<float>(), second_bias);
  }

  std::unique_ptr<SparseMinibatch> prepare(const SparseRows& features,
                                           std::span<const CellIndex> rows) const override;
  void forward(const SparseMinibatch& x, Buffer& out) const override {
    const auto& minibatch = as_cuda(x);
    SAITHE_ASSERT(out.size() >= minibatch.values.n_rows * n_units_);
    queue_->join(queue_->n_aside());  // what is aside may still read `out`, too
    forward(minibatch.rows, minibatch.values.n_rows, out);
  }
  void forward_rows(const CsrView& features, CellIndex begin, CellIndex end,
                    Buffer& out) const override {
    SAITHE_ASSERT(features.n_cols == n_genes_ && out.size() >= (end - begin) * n_units_);
    queue_->join(queue_->n_aside());
    next_slot_ = 1 - next_slot_;
    RowSlot& slot = forward_slots_[next_slot_];
    forward(slot.send(features, begin, end), end - begin, out);
    slot.set_used();
  }
  void step(const SparseMinibatch& x, const Buffer& dy, const AdamStep& adam,
            const SparseMinibatch* next, Buffer* next_out) override;

  void save_snapshot() override {
    snapshot_.grow(queue_, weights_.n_bytes());
    bias_snapshot_.grow(queue_, bias_.n_bytes());
    copy_inside(weights_, snapshot_);
    copy_inside(bias_, bias_snapshot_);
  }
  void restore_snapshot() override {
    SAITHE_ASSERT(snapshot_.n_bytes() == weights_.n_bytes());
    copy_inside(snapshot_, weights_);
    copy_inside(bias_snapshot_, bias_);
    refresh_base();
  }
  void end_training() override {
    free_moments();
    for (DeviceMemory* memory : {&snapshot_, &bias_snapshot_, &next_sums_}) memory->reset();
    pool_->clear();
  }
  void gradient(const SparseMinibatch& x, const Buffer& dy, std::span<float> dw,
                std::span<float> db) const override {
    const auto& minibatch = as_cuda(x);
    queue_->join(minibatch.aside);
    const DeviceMemory rows = device_array<float>(queue_, n_genes_ * n_units_);
    add_bias_step(minibatch.values.n_rows, dy, nullptr);
    queue_->add_elements<SparseGradient>(
        n_genes_ * n_units_,
        {layer(), minibatch.values, data_of(dy), dy_sum_.as<float>(), rows.as<float>()});
    copy_out(*queue_, rows.as<const float>(), dw);
    copy_out(*queue_, dy_sum_.as<const float>(), db);
  }

 private:
  [[nodiscard]] std::int64_t n_padded() const { return n_tiles_ * kTileUnits; }
  [[nodiscard]] std::int64_t n_tiled() const {
    return checked_multiply(n_genes_, n_padded(), "weights of the first layer");
  }
  [[nodiscard]] DeviceWeights layer() const { return {n_genes_, n_units_, shift_.as<float>()}; }

  [[nodiscard]] DeviceMemory zeros(std::int64_t n) const {
    DeviceMemory memory = device_array<float>(queue_, n);
    queue_->submit();
    queue_->runtime().clear(memory.as<void>(), as_size(memory.n_bytes()));
    return memory;
  }
  void copy_inside(const DeviceMemory& source, const DeviceMemory& target) const {
    queue_->submit();
    queue_->runtime().copy_on_device(target.as<void>(), source.as<void>(),
                                     as_size(source.n_bytes()));
  }
  /// Adam's moments, which prediction has not.
  void make_moments() {
    if (first_.n_bytes() > 0) return;
    first_ = zeros(n_tiled());
    second_ = zeros(n_tiled());
    bias_first_ = zeros(n_units_);
    bias_second_ = zeros(n_units_);
  }
  void free_moments() {
    for (DeviceMemory* memory : {&first_, &second_, &bias_first_, &bias_second_}) memory->reset();
  }
  void pack(std::span<const float> values, const DeviceMemory& tiles) const {
    const DeviceMemory rows = device_array<float>(queue_, n_genes_ * n_units_);
    copy_in(*queue_, rows.as<float>(), values);
    queue_->add_elements<PackTiles>(
        n_tiled(), {layer(), n_tiles_, false, rows.as<float>(), tiles.as<float>()});
  }
  void unpack(const DeviceMemory& tiles, std::span<float> values) const {
    const DeviceMemory rows = device_array<float>(queue_, n_genes_ * n_units_);
    queue_->add_elements<PackTiles>(n_tiled(),
                                    {layer(), n_tiles_, true, rows.as<float>(), tiles.as<float>()});
    copy_out(*queue_, rows.as<const float>(), values);
  }
  void refresh_base() {
    queue_->add<ShiftSums>(n_tiles_, n_chunks_, kChunkThreads, ShiftSums::kShared * sizeof(float),
                           {layer(), weights_.as<float>(), shift_sums_.as<double>(), n_tiles_});
    finish_forward(0, nullptr);
  }
  /// The base anew, and what `n_rows` rows are with what a step left of them.
  void finish_forward(std::int64_t n_rows, float* out) {
    const std::int64_t n_blocks = (n_rows + FinishForward::kRows - 1) / FinishForward::kRows;
    queue_->add<FinishForward>(std::max<std::int64_t>(n_blocks, 1), n_tiles_,
                               FinishForward::kThreads, FinishForward::kThreads * sizeof(double),
                               {n_rows, n_units_, n_chunks_, n_tiles_, shift_sums_.as<double>(),
                                bias_.as<float>(), base_.as<float>(), next_sums_.as<float>(), out});
  }
  /// The column sums of dy, and the bias's step by them if there is one.
  void add_bias_step(std::int64_t n_rows, const Buffer& dy, const AdamStep* adam) const {
    SAITHE_ASSERT(dy.size() >= n_rows * n_units_);
    BiasStep::Args args{};
    args.n_rows = n_rows;
    args.n_units = n_units_;
    args.dy = data_of(dy);
    args.sums = dy_sum_.as<float>();
    if (adam != nullptr) {
      args.adam = adam_constants(vector_step(*adam));
      args.bias = bias_.as<float>();
      args.first_moment = bias_first_.as<float>();
      args.second_moment = bias_second_.as<float>();
    }
    queue_->add<BiasStep>(n_tiles_, 1, BiasStep::kThreads, BiasStep::kShared * sizeof(float), args);
  }
  void forward(const DeviceRows& rows, std::int64_t n_rows, Buffer& out) const {
    queue_->add<SparseForward>(
        (n_rows + kWarpItems - 1) / kWarpItems,
        (n_tiles_ + SparseForward::kTiles - 1) / SparseForward::kTiles, SparseForward::kThreads, 0,
        {n_rows, rows, layer(), weights_.as<float>(), base_.as<float>(), data_of(out)});
  }

  std::shared_ptr<Queue> queue_;
  std::int64_t n_genes_;
  std::int64_t n_units_;
  std::int64_t n_tiles_;
  std::int64_t n_chunks_;
  std::shared_ptr<MinibatchPool> pool_ = std::make_shared<MinibatchPool>();
  mutable std::array<RowSlot, 2> forward_slots_;  // one is filled while the other is read
  mutable std::size_t next_slot_ = 0;
  DeviceMemory weights_;
  DeviceMemory first_;
  DeviceMemory second_;
  DeviceMemory snapshot_;
  DeviceMemory shift_;
  DeviceMemory bias_;
  DeviceMemory bias_first_;
  DeviceMemory bias_second_;
  DeviceMemory bias_snapshot_;
  DeviceMemory base_;  // per unit: bias less what centring subtracts from every cell
  DeviceMemory dy_sum_;
  DeviceMemory shift_sums_;
  DeviceMemory next_sums_;
};

std::unique_ptr<SparseMinibatch> CudaSparseInputLayer::prepare(
    const SparseRows& features, std::span<const CellIndex> rows) const {
  SAITHE_ASSERT(features.host().n_cols == n_genes_);
  const auto n_rows = static_cast<std::int64_t>(rows.size());
  const std::int64_t n_groups = (n_rows + kGroupRows - 1) / kGroupRows;
  std::int64_t n_stored = 0;
  for (const CellIndex row : rows) {
    n_stored += static_cast<std::int64_t>(features.host().row_size(row));
  }
  checked_cast<std::int32_t>(n_stored, "stored values of a minibatch");
  auto minibatch = std::make_unique<CudaSparseMinibatch>(pool_, queue_);
  MinibatchMemory& memory = minibatch->memory();
  const auto grow = [&](DeviceMemory& array, std::int64_t n, std::size_t size) {
    const std::int64_t n_bytes =
        checked_multiply(n, static_cast<std::int64_t>(size), "a minibatch");
    // Half as much again, so that a few minibatches later it is large enough for all.
    if (n_bytes > array.n_bytes()) array.grow(queue_, n_bytes + n_bytes / 2);
  };
  grow(memory.places, 2 * n_rows, sizeof(std::int64_t));
  grow(memory.segments, n_rows * (n_chunks_ + 1), sizeof(std::int64_t));
  grow(memory.gene_starts, n_groups * n_chunks_ * (kChunkGenes + 1), sizeof(std::int32_t));
  grow(memory.row_starts, n_groups * n_chunks_ * (kGroupRows + 1), sizeof(std::int32_t));
  grow(memory.by_gene, n_stored, sizeof(MinibatchEntry));
  grow(memory.by_row, n_stored, sizeof(MinibatchEntry));
  const auto* const resident = dynamic_cast<const ResidentRows*>(&features);
  const DeviceRows sent =
      resident != nullptr ? resident->rows(rows) : memory.slot.send(features.host(), rows);
  auto* const places = memory.places.as<std::int64_t>();
  auto* const segments = memory.segments.as<std::int64_t>();
  minibatch->rows = sent;
  minibatch->rows.begin = places;
  minibatch->rows.end = places + n_rows;
  minibatch->values = {n_rows,
                       n_groups,
                       n_chunks_,
                       memory.gene_starts.as<std::int32_t>(),
                       memory.by_gene.as<MinibatchEntry>(),
                       memory.row_starts.as<std::int32_t>(),
                       memory.by_row.as<MinibatchEntry>()};
  const Queue::Aside aside(*queue_);
  queue_->add<FindSegments>(n_rows, 1, FindSegments::kThreads, 0,
                            {sent, n_chunks_, segments, places, places + n_rows});
  queue_->add<SortMinibatch>(n_groups, n_chunks_, SortMinibatch::kThreads,
                             sizeof(SortMinibatch::Shared),
                             {minibatch->rows, segments, minibatch->values});
  minibatch->aside = queue_->n_aside();
  return minibatch;
}

void CudaSparseInputLayer::step(const SparseMinibatch& x, const Buffer& dy, const AdamStep& adam,
                                const SparseMinibatch* next, Buffer* next_out) {
  const auto& minibatch = as_cuda(x);
  const CudaSparseMinibatch* following = next == nullptr ? nullptr : &as_cuda(*next);
  const std::int64_t n_next = following == nullptr ? 0 : following->values.n_rows;
  SAITHE_ASSERT(minibatch.values.n_rows > 0);
  SAITHE_ASSERT(following == nullptr || next_out->size() >= n_next * n_units_);
  queue_->join(minibatch.aside);
  if (following != nullptr) queue_->join(following->aside);
  make_moments();
  next_sums_.grow(queue_, checked_multiply(n_chunks_ * n_next * std::int64_t{sizeof(float)},
                                           n_padded(), "a minibatch"));
  const bool has_few_rows = minibatch.values.n_groups == 1;
  if (has_few_rows) {
    const Queue::Aside aside(*queue_);  // a block of SparseStep adds so few rows itself
    add_bias_step(minibatch.values.n_rows, dy, &adam);
  } else {
    add_bias_step(minibatch.values.n_rows, dy, &adam);
  }
  const std::uint64_t bias_aside = queue_->n_aside();
  SparseStepArgs args{};
  args.layer = layer();
  args.x = minibatch.values;
  args.dy = data_of(dy);
  args.dy_sum = dy_sum_.as<float>();
  args.adam = adam_constants(adam);
  args.weights = weights_.as<float>();
  args.first_moment = first_.as<float>();
  args.second_moment = second_.as<float>();
  args.shift_sums = shift_sums_.as<double>();
  args.n_tiles = n_tiles_;
  args.next_sums = next_sums_.as<float>();
  if (following != nullptr) args.next = following->values;
  const auto add_step = [&]<typename Kernel>(std::type_identity<Kernel> /*kernel*/) {
    queue_->add<Kernel>(n_tiles_, n_chunks_, Kernel::kThreads, sizeof(typename Kernel::Shared),
                        args);
  };
  if (has_few_rows) {
    add_step(std::type_identity<SparseStepOfFewRows>());
  } else {
    add_step(std::type_identity<SparseStepOfManyRows>());
  }
  queue_->join(bias_aside);
  finish_forward(n_next, following == nullptr ? nullptr : data_of(*next_out));
}

}  // namespace

std::unique_ptr<SparseInputLayer> make_sparse_input(const std::shared_ptr<Queue>& queue,
                                                    std::int64_t n_genes, std::int64_t n_units) {
  return std::make_unique<CudaSparseInputLayer>(queue, n_genes, n_units);
}

}  // namespace saithe::kernels::cuda
