#include "saithe/kernels/cuda/cuda_backend.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <utility>

#include "saithe/kernels/cuda/device_buffer.h"
#include "saithe/kernels/cuda/logistic_loss.h"
#include "saithe/kernels/cuda/resident_rows.h"
#include "saithe/kernels/cuda/sparse_input.h"

namespace saithe::kernels::cuda {
namespace {

// Results of losses that lie on the device before they are fetched.
constexpr std::int64_t kMaxLosses = 1024;
// Large tiles of a product that keep most of a GPU at work.
constexpr std::int64_t kFewestLargeTiles = 96;

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(std::unique_ptr<Runtime> runtime)
      : queue_(std::make_shared<Queue>(std::move(runtime))),
        losses_(device_array<LossSum>(queue_, kMaxLosses)) {}

  std::string name() const override { return "cuda"; }
  std::string hardware() const override { return queue_->runtime().model(); }

  std::unique_ptr<Buffer> allocate(std::int64_t size) override {
    return std::make_unique<DeviceBuffer>(queue_, size);
  }
  void upload(std::span<const float> source, Buffer& target) override {
    SAITHE_ASSERT(static_cast<std::int64_t>(source.size()) <= target.size());
    copy_in(*queue_, data_of(target), source);
  }
  void download(const Buffer& source, std::span<float> target) override {
    SAITHE_ASSERT(static_cast<std::int64_t>(target.size()) <= source.size());
    copy_out(*queue_, data_of(source), target);
  }
  std::unique_ptr<SparseInputLayer> make_sparse_input(std::int64_t n_genes,
                                                      std::int64_t n_units) override {
    return cuda::make_sparse_input(queue_, n_genes, n_units);
  }
  std::unique_ptr<SparseRows> upload_rows(const CsrView& features) override {
    return cuda::upload_rows(queue_, features);
  }
  std::unique_ptr<LogisticLoss> make_logistic_loss(const LogisticProblem& problem,
                                                   const Context& context) override {
    return cuda::make_logistic_loss(queue_, problem, context);
  }

  void linear_forward(std::int64_t n_rows, const Buffer& x, std::int64_t n_in, const Buffer& w,
                      const Buffer& b, std::int64_t n_out, Buffer& y,
                      std::optional<Dropout> relu) override {
    SAITHE_ASSERT(x.size() >= n_rows * n_in && w.size() >= n_out * n_in);
    SAITHE_ASSERT(b.size() >= n_out && y.size() >= n_rows * n_out);
    join_for({data_of(x), data_of(w), data_of(b)}, {data_of(y)});
    MultiplyArgs args =
        product_of(n_rows, n_out, n_in, {data_of(x), n_in, 1}, {data_of(w), 1, n_in}, data_of(y));
    args.bias = data_of(b);
    if (relu) {
      args.finish = Finish::ReluDropoutForward;
      args.rate = static_cast<float>(relu->rate);
      args.scale = 1.0F / (1.0F - args.rate);
      args.random = Random(relu->seed, relu->stream);
    }
    multiply(args);
  }

  void linear_backward(std::int64_t n_rows, const Buffer& x, std::int64_t n_in, const Buffer& w,
                       const Buffer& dy, std::int64_t n_out, Buffer& dw, Buffer& db, Buffer* dx,
                       std::optional<double> relu_rate) override {
    SAITHE_ASSERT(x.size() >= n_rows * n_in && dy.size() >= n_rows * n_out);
    SAITHE_ASSERT(dw.size() >= n_out * n_in && db.size() >= n_out);
    MultiplyArgs args = product_of(n_out, n_in, n_rows, {data_of(dy), 1, n_out},
                                   {data_of(x), n_in, 1}, data_of(dw));
    args.a_sums = data_of(db);
    join_for({data_of(dy), data_of(x)}, {data_of(dw), data_of(db)});
    {
      const Queue::Aside aside(*queue_);  // nothing waits for it but Adam
      multiply(args);
      keep_apart({data_of(dy), data_of(x)}, {data_of(dw), data_of(db)});
    }
    if (dx == nullptr) return;
    join_for({data_of(dy), data_of(w), data_of(x)}, {data_of(*dx)});
    SAITHE_ASSERT(dx->size() >= n_rows * n_in);
    args = product_of(n_rows, n_in, n_out, {data_of(dy), n_out, 1}, {data_of(w), n_in, 1},
                      data_of(*dx));
    if (relu_rate) {
      args.finish = Finish::ReluDropoutBackward;
      args.scale = 1.0F / (1.0F - static_cast<float>(*relu_rate));
      args.outputs = data_of(x);
    }
    multiply(args);
  }

  void relu_dropout_forward(std::int64_t n_rows, std::int64_t n_units, const Dropout& dropout,
                            Buffer& y) override {
    SAITHE_ASSERT(y.size() >= n_rows * n_units);
    join_for({}, {data_of(y)});
    const auto rate = static_cast<float>(dropout.rate);
    queue_->add_elements<ReluDropoutForward>(
        n_rows * n_units, {n_rows * n_units, Random(dropout.seed, dropout.stream), rate,
                           1.0F / (1.0F - rate), data_of(y)});
  }

  void relu_dropout_backward(std::int64_t n_rows, std::int64_t n_units, double rate,
                             const Buffer& y, Buffer& dy) override {
    SAITHE_ASSERT(y.size() >= n_rows * n_units && dy.size() >= n_rows * n_units);
    join_for({data_of(y)}, {data_of(dy)});
    queue_->add_elements<ReluDropoutBackward>(
        n_rows * n_units,
        {n_rows * n_units, 1.0F / (1.0F - static_cast<float>(rate)), data_of(y), data_of(dy)});
  }

  void layer_norm_forward(std::int64_t n_rows, std::int64_t n_units, const Buffer& gain,
                          const Buffer& bias, Buffer& y, Buffer& normalized,
                          Buffer& inverse_sd) override {
    SAITHE_ASSERT(y.size() >= n_rows * n_units && normalized.size() >= n_rows * n_units);
    SAITHE_ASSERT(gain.size() >= n_units && bias.size() >= n_units && inverse_sd.size() >= n_rows);
    join_for({data_of(gain), data_of(bias)},
             {data_of(y), data_of(normalized), data_of(inverse_sd)});
    queue_->add<LayerNormForward>(n_rows, 1, kRowThreads, kRowThreads * sizeof(double),
                                  {n_units, kNormEpsilon, data_of(gain), data_of(bias), data_of(y),
                                   data_of(normalized), data_of(inverse_sd)});
  }

  void layer_norm_backward(std::int64_t n_rows, std::int64_t n_units, const Buffer& gain,
                           const Buffer& normalized, const Buffer& inverse_sd, Buffer& dy,
                           Buffer& dgain, Buffer& dbias) override {
    SAITHE_ASSERT(dy.size() >= n_rows * n_units && normalized.size() >= n_rows * n_units);
    SAITHE_ASSERT(dgain.size() >= n_units && dbias.size() >= n_units);
    join_for({data_of(gain), data_of(normalized), data_of(inverse_sd)},
             {data_of(dy), data_of(dgain), data_of(dbias)});
    add_column_sums<float>(queue_, n_rows, n_units, data_of(dy), data_of(normalized),
                           data_of(dgain), sums_);
    add_column_sums<float>(queue_, n_rows, n_units, data_of(dy), nullptr, data_of(dbias), sums_);
    queue_->add<LayerNormBackward>(
        n_rows, 1, kRowThreads, kRowThreads * sizeof(double),
        {n_units, data_of(gain), data_of(normalized), data_of(inverse_sd), data_of(dy)});
  }

  void softmax(std::int64_t n_rows, std::int64_t n_types, const Buffer& logits,
               Buffer& probabilities) override {
    SAITHE_ASSERT(logits.size() >= n_rows * n_types && probabilities.size() >= n_rows * n_types);
    join_for({data_of(logits)}, {data_of(probabilities)});
    queue_->add<Softmax>(n_rows, 1, kTypeThreads, kTypeThreads * sizeof(double),
                         {n_types, data_of(logits), data_of(probabilities)});
  }

  void softmax_cross_entropy(std::int64_t n_rows, std::int64_t n_types, Loss loss,
                             const Buffer& logits, std::span<const LabelIndex> labels,
                             std::span<const float> weights, Buffer* dlogits) override {
    SAITHE_ASSERT(logits.size() >= n_rows * n_types && labels.size() == as_size(n_rows));
    SAITHE_ASSERT(weights.empty() || weights.size() == labels.size());
    join_for({data_of(logits)}, {dlogits == nullptr ? nullptr : data_of(*dlogits)});
    for (const LabelIndex label : labels) SAITHE_ASSERT(label >= 0 && label < n_types);
    if (n_losses_ == kMaxLosses) fetch_losses();
    queue_->join(losses_aside_);  // which read what the rows' losses are written over
    probabilities_.grow(queue_, n_rows * n_types * static_cast<std::int64_t>(sizeof(double)));
    row_losses_.grow(queue_, n_rows * static_cast<std::int64_t>(sizeof(double)));
    row_correct_.grow(queue_, n_rows * static_cast<std::int64_t>(sizeof(std::int32_t)));
    queue_->reserve(labels.size_bytes() + weights.size_bytes());
    SoftmaxLoss<float>::Args args{};
    args.n_types = n_types;
    args.inverse_rows = 1.0 / static_cast<double>(n_rows);
    args.is_article = loss == Loss::Article;
    args.logits = data_of(logits);
    args.labels = queue_->put(labels);
    args.weights = weights.empty() ? nullptr : queue_->put(weights);
    args.probabilities = probabilities_.as<double>();
    args.row_losses = row_losses_.as<double>();
    args.row_correct = row_correct_.as<std::int32_t>();
    args.slopes = dlogits == nullptr ? nullptr : data_of(*dlogits);
    queue_->add<SoftmaxLoss<float>>(n_rows, 1, kTypeThreads, kTypeThreads * sizeof(double), args);
    const Queue::Aside aside(*queue_);
    queue_->add<SumLosses>(
        1, 1, SumLosses::kThreads, SumLosses::kThreads * sizeof(double),
        {n_rows, args.row_losses, args.row_correct, losses_.as<LossSum>() + n_losses_++});
    losses_aside_ = queue_->n_aside();
  }

  std::vector<LossResult> take_losses() override {
    fetch_losses();
    return std::exchange(fetched_, {});
  }

  void adam_step(std::span<const AdamParameter> parameters) override {
    std::vector<AdamArrays> arrays;
    std::int64_t n_blocks = 0;
    for (const AdamParameter& p : parameters) {
      SAITHE_ASSERT(p.gradient->size() == p.parameter->size());
      const std::int64_t n = p.parameter->size();
      join_for({data_of(*p.gradient)},
               {data_of(*p.parameter), data_of(*p.first_moment), data_of(*p.second_moment)});
      arrays.push_back({n_blocks, n, adam_constants(p.adam), data_of(*p.gradient),
                        data_of(*p.parameter), data_of(*p.first_moment),
                        data_of(*p.second_moment)});
      n_blocks += Adam::n_blocks(n);
    }
    queue_->reserve(std::span(arrays).size_bytes());
    const AdamArrays* const on_device = queue_->put(std::span<const AdamArrays>(arrays));
    const Queue::Aside aside(*queue_);
    queue_->add<Adam>(n_blocks, 1, kElementThreads, 0,
                      {static_cast<std::int64_t>(arrays.size()), on_device});
    for (const AdamParameter& p : parameters) {
      keep_apart({data_of(*p.gradient)},
                 {data_of(*p.parameter), data_of(*p.first_moment), data_of(*p.second_moment)});
    }
  }

  void submit() override {
    queue_->submit();
    forget_apart();
  }

 private:
  using Arrays = std::initializer_list<const float*>;

  /// Notes what the commands aside use.
  void keep_apart(Arrays read, Arrays written) {
    apart_read_.insert(apart_read_.end(), read);
    apart_written_.insert(apart_written_.end(), written);
    apart_end_ = queue_->n_aside();
  }
  /// Waits for what is aside, if what comes reads what that writes, or writes what that uses.
  void join_for(Arrays read, Arrays written) {
    const auto is_among = [](const std::vector<const float*>& arrays, const float* array) {
      return std::ranges::find(arrays, array) != arrays.end();
    };
    const bool conflicts =
        std::ranges::any_of(read, [&](auto* a) { return is_among(apart_written_, a); }) ||
        std::ranges::any_of(written, [&](auto* a) {
          return is_among(apart_written_, a) || is_among(apart_read_, a);
        });
    if (!conflicts) return;
    queue_->join(apart_end_);
    forget_apart();
  }
  void forget_apart() {
    apart_read_.clear();
    apart_written_.clear();
  }

  /// A matrix of a product, as it lies: the steps from row to row and from column to column.
  struct Strided {
    const float* data;
    std::int64_t row_step;
    std::int64_t col_step;
  };
  static MultiplyArgs product_of(std::int64_t m, std::int64_t n, std::int64_t k, const Strided& a,
                                 const Strided& b, float* out) {
    return {m,          n,       k,   a.data,  a.row_step,      a.col_step, b.data, b.row_step,
            b.col_step, nullptr, out, nullptr, Finish::Nothing, 0,          1,      Random(0, 0),
            nullptr};
  }
  template <typename Kernel>
  void add_product(const MultiplyArgs& args) {
    queue_->add<Kernel>(Kernel::n_blocks(args), 1, Kernel::kThreads,
                        Kernel::kShared * sizeof(float), args);
  }
  /// The bits are the same for either tile.
  void multiply(const MultiplyArgs& args) {
    if (MultiplyLarge::n_blocks(args) < kFewestLargeTiles) {
      add_product<MultiplySmall>(args);
    } else {
      add_product<MultiplyLarge>(args);
    }
  }

  void fetch_losses() {
    std::vector<LossSum> sums(as_size(n_losses_));
    copy_out(*queue_, losses_.as<LossSum>(), std::span(sums));
    for (const LossSum& sum : sums) fetched_.push_back({sum.mean_loss, sum.n_correct});
    n_losses_ = 0;
  }

  std::shared_ptr<Queue> queue_;  // shared with all memory of the device
  DeviceMemory losses_;
  std::int64_t n_losses_ = 0;
  std::vector<LossResult> fetched_;
  // What the products and Adam aside use, which nothing waits for yet.
  std::vector<const float*> apart_read_;
  std::vector<const float*> apart_written_;
  std::uint64_t apart_end_ = 0;
  std::uint64_t losses_aside_ = 0;
  // Of one operation, used by the next again.
  DeviceMemory sums_;
  DeviceMemory probabilities_;
  DeviceMemory row_losses_;
  DeviceMemory row_correct_;
};

}  // namespace

AdamConstants adam_constants(const AdamStep& adam) {
  const double correction1 = 1.0 - std::pow(adam.beta1, static_cast<double>(adam.step));
  const double correction2 = 1.0 - std::pow(adam.beta2, static_cast<double>(adam.step));
  return {static_cast<float>(adam.beta1),
          static_cast<float>(1.0 - adam.beta1),
          static_cast<float>(adam.beta2),
          static_cast<float>(1.0 - adam.beta2),
          static_cast<float>(adam.learning_rate / correction1),
          static_cast<float>(1.0 / std::sqrt(correction2)),
          static_cast<float>(adam.epsilon),
          static_cast<float>(1.0 - adam.learning_rate * adam.weight_decay)};
}

std::unique_ptr<Backend> make_cuda_backend(std::unique_ptr<Runtime> runtime) {
  return std::make_unique<CudaBackend>(std::move(runtime));
}

}  // namespace saithe::kernels::cuda
