#include "saithe/kernels/cuda/resident_rows.h"

#include <algorithm>
#include <utility>

namespace saithe::kernels::cuda {
namespace {

// Bytes of a stored value: its column and itself.
constexpr std::int64_t kBytesPerStored = sizeof(GeneIndex) + sizeof(float);

// Of the memory that is free when a training set is sent, the share that it may take: weights and
// moments are there already, and minibatches and activations are still to come.
constexpr double kResidentShare = 0.5;

/// The stored values of a view, which may begin behind the start of its arrays.
template <typename T>
std::span<const T> stored(const CsrView& features, std::span<const T> values) {
  return values.subspan(as_size(features.row_start.front()), as_size(features.n_stored()));
}

}  // namespace

ResidentRows::ResidentRows(const std::shared_ptr<Queue>& queue, const CsrView& features)
    : SparseRows(features),
      queue_(queue),
      columns_(device_array<GeneIndex>(queue, features.n_stored())),
      values_(device_array<float>(queue, features.n_stored())) {
  copy_in(*queue, columns_.as<GeneIndex>(), stored(features, features.columns));
  copy_in(*queue, values_.as<float>(), stored(features, features.values));
}

DeviceRows ResidentRows::rows(std::span<const CellIndex> rows) const {
  std::vector<std::int64_t> begin;
  std::vector<std::int64_t> end;
  for (const CellIndex row : rows) {
    begin.push_back(host().row_start[as_size(row)]);
    end.push_back(host().row_start[as_size(row) + 1]);
  }
  queue_->reserve(2 * (rows.size() + 2) * sizeof(std::int64_t));
  const std::int64_t* const first = queue_->put(std::span<const std::int64_t>(begin));
  return {first, queue_->put(std::span<const std::int64_t>(end)), host().row_start.front(),
          columns_.as<GeneIndex>(), values_.as<float>()};
}

DeviceRows ResidentRows::all() {
  if (starts_.n_bytes() == 0) {
    starts_ = device_array<std::int64_t>(queue_, host().n_rows + 1);
    std::vector<std::int64_t> starts(host().row_start.begin(), host().row_start.end());
    for (std::int64_t& start : starts) start -= host().row_start.front();
    copy_in(*queue_, starts_.as<std::int64_t>(), std::span<const std::int64_t>(starts));
  }
  const auto* const begin = starts_.as<std::int64_t>();
  return {begin, begin + 1, 0, columns_.as<GeneIndex>(), values_.as<float>()};
}

std::unique_ptr<SparseRows> upload_rows(const std::shared_ptr<Queue>& queue,
                                        const CsrView& features) {
  if (features.n_rows == 0 || features.n_stored() == 0) {
    return std::make_unique<SparseRows>(features);
  }
  const auto n_bytes = static_cast<double>(features.n_stored()) * kBytesPerStored;
  if (n_bytes > kResidentShare * static_cast<double>(queue->runtime().free_bytes())) {
    return std::make_unique<SparseRows>(features);
  }
  return std::make_unique<ResidentRows>(queue, features);
}

/// Where the arrays of a slot begin in its memory, of the host and of the device alike.
struct RowSlot::Places {
  std::size_t columns = 0;
  std::size_t values = 0;
  std::size_t end = 0;

  template <typename T>
  static T* at(void* memory, std::size_t offset) {
    return reinterpret_cast<T*>(static_cast<std::byte*>(memory) + offset);
  }
};

RowSlot::RowSlot(std::shared_ptr<Queue> queue)
    : queue_(std::move(queue)),
      copied_(queue_->runtime().make_mark()),
      used_(queue_->runtime().make_mark()) {}

RowSlot::~RowSlot() {
  try {
    queue_->submit();  // sets the marks while they live
    queue_->runtime().wait_on_host(*copied_);
  } catch (const Error&) {
    // A device that fails says so again at its next use, where it can be told.
  }
  if (host_ != nullptr) queue_->runtime().release_host(host_);
}

void RowSlot::set_used() {
  queue_->set_after(*used_);
  used_behind_ = queue_->n_submits() + 1;
}

RowSlot::Places RowSlot::begin_sending(std::size_t n_rows, std::int64_t n_stored) {
  Runtime& runtime = queue_->runtime();
  Places places;
  places.columns = (n_rows + 1) * sizeof(std::int64_t);
  places.values = places.columns + as_size(n_stored) * sizeof(GeneIndex);
  places.end = places.values + as_size(n_stored) * sizeof(float);
  if (used_behind_ == queue_->n_submits() + 1) queue_->submit();  // the mark is not yet set
  runtime.wait_on_host(*copied_);
  if (places.end > host_bytes_ || static_cast<std::int64_t>(places.end) > device_.n_bytes()) {
    // Half as much again, so that a few minibatches later it is large enough for all.
    const std::size_t n_bytes = places.end + places.end / 2;
    if (host_ != nullptr) runtime.release_host(std::exchange(host_, nullptr));
    host_bytes_ = 0;
    host_ = runtime.allocate_host(n_bytes);
    host_bytes_ = n_bytes;
    device_.grow(queue_, static_cast<std::int64_t>(n_bytes));
    runtime.set(*used_, Lane::Compute);  // memory is there when that lane has made it
  }
  return places;
}

DeviceRows RowSlot::finish_sending(const Places& places) {
  Runtime& runtime = queue_->runtime();
  runtime.wait(*used_, Lane::Copy);
  runtime.copy_ahead(device_.as<void>(), host_, places.end);
  runtime.set(*copied_, Lane::Copy);
  runtime.wait(*copied_, Lane::Compute);
  const auto* const begin = Places::at<std::int64_t>(device_.as<void>(), 0);
  return {begin, begin + 1, *Places::at<std::int64_t>(host_, 0),
          Places::at<GeneIndex>(device_.as<void>(), places.columns),
          Places::at<float>(device_.as<void>(), places.values)};
}

DeviceRows RowSlot::send(const CsrView& features, std::span<const CellIndex> rows) {
  std::int64_t n_stored = 0;
  for (const CellIndex row : rows) n_stored += static_cast<std::int64_t>(features.row_size(row));
  const Places places = begin_sending(rows.size(), n_stored);
  auto* start = Places::at<std::int64_t>(host_, 0);
  auto* column = Places::at<GeneIndex>(host_, places.columns);
  auto* value = Places::at<float>(host_, places.values);
  *start = 0;
  for (const CellIndex row : rows) {
    column = std::ranges::copy(features.row_columns(row), column).out;
    value = std::ranges::copy(features.row_values(row), value).out;
    start[1] = start[0] + static_cast<std::int64_t>(features.row_size(row));
    ++start;
  }
  return finish_sending(places);
}

DeviceRows RowSlot::send(const CsrView& features, CellIndex begin, CellIndex end) {
  const RowPointer first = features.row_start[as_size(begin)];
  const std::int64_t n_stored = features.row_start[as_size(end)] - first;
  const auto n_rows = as_size(end - begin);
  const Places places = begin_sending(n_rows, n_stored);
  std::ranges::copy(features.row_start.subspan(as_size(begin), n_rows + 1),
                    Places::at<std::int64_t>(host_, 0));
  std::ranges::copy(features.columns.subspan(as_size(first), as_size(n_stored)),
                    Places::at<GeneIndex>(host_, places.columns));
  std::ranges::copy(features.values.subspan(as_size(first), as_size(n_stored)),
                    Places::at<float>(host_, places.values));
  return finish_sending(places);
}

}  // namespace saithe::kernels::cuda
