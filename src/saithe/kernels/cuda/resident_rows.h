#pragma once

// Where sparse rows lie on the device: all of them, for as long as a training lasts, or those that
// were sent there for one list of kernels.

#include <memory>
#include <span>

#include "saithe/kernels/backend.h"
#include "saithe/kernels/cuda/device_buffer.h"

namespace saithe::kernels::cuda {

/// Rows of which a copy is on the device.
class ResidentRows final : public SparseRows {
 public:
  ResidentRows(const std::shared_ptr<Queue>& queue, const CsrView& features);
  /// The given rows, whose places are sent with the queue's next list.
  [[nodiscard]] DeviceRows rows(std::span<const CellIndex> rows) const;
  /// All rows, whose places are kept on the device from the first call on.
  [[nodiscard]] DeviceRows all();

 private:
  std::shared_ptr<Queue> queue_;
  DeviceMemory starts_;
  DeviceMemory columns_;
  DeviceMemory values_;
};

/// ResidentRows if they fit beside what else a training needs, else plain SparseRows.
std::unique_ptr<SparseRows> upload_rows(const std::shared_ptr<Queue>& queue,
                                        const CsrView& features);

/// Room for rows that are sent in the Copy lane while the Compute lane is busy.
class RowSlot {
 public:
  explicit RowSlot(std::shared_ptr<Queue> queue);
  RowSlot(const RowSlot&) = delete;
  RowSlot& operator=(const RowSlot&) = delete;
  ~RowSlot();

  /// Sends rows; what is added to the queue from now on finds them there.
  DeviceRows send(const CsrView& features, std::span<const CellIndex> rows);
  DeviceRows send(const CsrView& features, CellIndex begin, CellIndex end);
  /// What was added to the queue so far is the last that uses them.
  void set_used();

 private:
  struct Places;
  [[nodiscard]] Places begin_sending(std::size_t n_rows, std::int64_t n_stored);
  DeviceRows finish_sending(const Places& places);

  std::shared_ptr<Queue> queue_;
  std::unique_ptr<Mark> copied_;
  std::unique_ptr<Mark> used_;
  void* host_ = nullptr;
  std::size_t host_bytes_ = 0;
  std::uint64_t used_behind_ = 0;  // Queue::n_submits() when set_used() was called, plus 1
  DeviceMemory device_;            // last: it submits what uses the marks
};

}  // namespace saithe::kernels::cuda
