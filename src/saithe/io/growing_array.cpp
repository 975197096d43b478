#include "saithe/io/growing_array.h"

#include <libdeflate.h>

#include <memory>

#include "saithe/core/parallel.h"
#include "saithe/io/chunk_filters.h"

namespace saithe::io {
namespace {

constexpr hsize_t kChunkValues = 65536;
constexpr std::size_t kChunksTogether = GrowingArray::kValuesTogether / kChunkValues;
constexpr int kDeflateLevel = 4;

}  // namespace

GrowingArray::GrowingArray(const Hdf5Target& group, const std::string& name, hid_t type)
    : group_(&group), value_bytes_(H5Tget_size(type)) {
  const hsize_t none = 0;
  const hsize_t unlimited = H5S_UNLIMITED;
  const Hdf5Id space(H5Screate_simple(1, &none, &unlimited));
  const Hdf5Id creation(H5Pcreate(H5P_DATASET_CREATE));
  H5Pset_obj_track_times(creation.get(), false);
  H5Pset_chunk(creation.get(), 1, &kChunkValues);
  H5Pset_shuffle(creation.get());
  H5Pset_deflate(creation.get(), kDeflateLevel);
  dataset_ = Hdf5Id(H5Dcreate2(group.id(), name.c_str(), type, space.get(), H5P_DEFAULT,
                               creation.get(), H5P_DEFAULT));
  if (!dataset_.is_valid()) group.fail_writing();
  group.set_encoding(dataset_.get(), "array", "0.2.0");
}

void GrowingArray::append(std::span<const unsigned char> bytes, const Context& context) {
  pending_.insert(pending_.end(), bytes.begin(), bytes.end());
  n_values_ += static_cast<std::int64_t>(bytes.size() / value_bytes_);
  write_chunks(context, false);
}

void GrowingArray::finish(const Context& context) {
  write_chunks(context, true);
}

void GrowingArray::write_chunks(const Context& context, bool with_rest) {
  const std::size_t chunk_bytes = kChunkValues * value_bytes_;
  if (with_rest && pending_.size() % chunk_bytes != 0) {
    pending_.resize((pending_.size() / chunk_bytes + 1) *
                    chunk_bytes);  // the last chunk is full size
  }
  std::size_t n_chunks = pending_.size() / chunk_bytes;
  if (!with_rest) n_chunks -= n_chunks % kChunksTogether;
  if (n_chunks == 0) return;
  std::vector<std::vector<unsigned char>> packed(n_chunks);
  parallel_for(context, static_cast<std::int64_t>(n_chunks), 1, [&](std::int64_t c, std::int64_t) {
    const std::span<const unsigned char> chunk(pending_.data() + as_size(c) * chunk_bytes,
                                               chunk_bytes);
    std::vector<unsigned char> shuffled;
    shuffle(chunk, value_bytes_, shuffled);
    const std::unique_ptr<libdeflate_compressor, void (*)(libdeflate_compressor*)> deflater(
        libdeflate_alloc_compressor(kDeflateLevel), libdeflate_free_compressor);
    auto& target = packed[as_size(c)];
    target.resize(libdeflate_zlib_compress_bound(deflater.get(), chunk_bytes));
    target.resize(libdeflate_zlib_compress(deflater.get(), shuffled.data(), chunk_bytes,
                                           target.data(), target.size()));
  });
  const hsize_t extent = static_cast<hsize_t>(
      with_rest ? n_values_ : n_written_ + static_cast<std::int64_t>(n_chunks * kChunkValues));
  if (H5Dset_extent(dataset_.get(), &extent) < 0) group_->fail_writing();
  for (const auto& chunk : packed) {
    const auto offset = static_cast<hsize_t>(n_written_);
    if (H5Dwrite_chunk(dataset_.get(), H5P_DEFAULT, 0, &offset, chunk.size(), chunk.data()) < 0) {
      group_->fail_writing();
    }
    n_written_ += static_cast<std::int64_t>(kChunkValues);
  }
  pending_.erase(pending_.begin(),
                 pending_.begin() + static_cast<std::ptrdiff_t>(n_chunks * chunk_bytes));
}

}  // namespace saithe::io
