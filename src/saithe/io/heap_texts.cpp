#include "saithe/io/heap_texts.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "saithe/io/chunk_filters.h"
#include "saithe/io/file_bytes.h"

namespace saithe::io {
namespace {

using Bytes = std::span<const unsigned char>;

// A text's place: the number of its bytes, where its heap begins, its number there.
constexpr std::size_t kPlaceBytes = 16;
constexpr std::size_t kPlacesAtOnce = std::size_t{1} << 16;
// What is longer than most heaps and chunks are is left to libhdf5.
constexpr std::uint64_t kMostHeapBytes = std::uint64_t{1} << 20;
constexpr std::size_t kMostChunkBytes = std::size_t{1} << 22;

/// The integer that begins at a byte; there must be enough bytes.
template <typename Integer>
Integer integer_at(Bytes bytes, std::size_t at) {
  static_assert(std::endian::native == std::endian::little);
  Integer value;
  std::memcpy(&value, bytes.data() + at, sizeof(value));
  return value;
}

/// The heaps of a file, one at a time: texts that follow one another mostly lie in one.
class GlobalHeaps {
 public:
  explicit GlobalHeaps(const FileBytes& file) : file_(file) {}

  /// An object's bytes, until the next call; nothing where it is not there.
  std::optional<Bytes> find(std::uint64_t address, std::uint32_t number) {
    if (address != address_ && !load(address)) return std::nullopt;
    if (number >= objects_.size() || objects_[number].data() == nullptr) return std::nullopt;
    return objects_[number];
  }

 private:
  static constexpr std::size_t kHeaderBytes = 16;  // of a heap, and of each object in it
  static constexpr std::uint64_t kNowhere = ~std::uint64_t{0};

  bool load(std::uint64_t address) {
    static constexpr std::string_view kSignature = "GCOL";
    static constexpr unsigned char kVersion = 1;
    address_ = kNowhere;
    if (address > static_cast<std::uint64_t>(INT64_MAX)) return false;
    const auto place = static_cast<std::int64_t>(address);
    bytes_.resize(kHeaderBytes);
    if (!file_.read(place, bytes_)) return false;
    const auto size = integer_at<std::uint64_t>(bytes_, 8);
    if (std::memcmp(bytes_.data(), kSignature.data(), kSignature.size()) != 0 ||
        bytes_[kSignature.size()] != kVersion || size < kHeaderBytes || size > kMostHeapBytes) {
      return false;
    }
    bytes_.resize(static_cast<std::size_t>(size));
    if (!file_.read(place, bytes_) || !find_objects()) return false;
    address_ = address;
    return true;
  }

  bool find_objects() {
    objects_.clear();
    const Bytes bytes = bytes_;
    std::size_t at = kHeaderBytes;
    while (bytes.size() - at >= kHeaderBytes) {
      const std::size_t number = integer_at<std::uint16_t>(bytes, at);
      const auto size = integer_at<std::uint64_t>(bytes, at + 8);
      if (number == 0) return true;  // the space that is left
      at += kHeaderBytes;
      const std::uint64_t padded = (size + 7) / 8 * 8;
      if (size > bytes.size() - at || padded > bytes.size() - at) return false;
      if (objects_.size() <= number) objects_.resize(number + 1);
      objects_[number] = bytes.subspan(at, static_cast<std::size_t>(size));
      at += static_cast<std::size_t>(padded);
    }
    return true;
  }

  const FileBytes& file_;
  std::uint64_t address_ = kNowhere;
  std::vector<unsigned char> bytes_;
  std::vector<Bytes> objects_;  // by their numbers
};

/// Whether places of the file are counted from its first byte, in 64 bits.
bool has_usual_places(hid_t file) {
  const Hdf5Id creation(H5Fget_create_plist(file));
  std::size_t address_bytes = 0;
  std::size_t length_bytes = 0;
  hsize_t first_byte = 0;
  return creation.is_valid() && H5Pget_sizes(creation.get(), &address_bytes, &length_bytes) >= 0 &&
         address_bytes == 8 && length_bytes == 8 &&
         H5Pget_userblock(creation.get(), &first_byte) >= 0 && first_byte == 0;
}

/// The file that libhdf5 has open, whatever its name leads to now.
std::unique_ptr<FileBytes> bytes_of(hid_t file) {
  void* handle = nullptr;
  if (H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) < 0 || handle == nullptr) return nullptr;
  return std::make_unique<FileBytes>(*static_cast<const int*>(handle));
}

/// Where the texts of a dataset lie.
class TextPlaces {
 public:
  TextPlaces(hid_t dataset, const DatasetDescription& description, const FileBytes& file)
      : dataset_(dataset), description_(description), file_(file) {
    if (!description.chunk_shape.empty()) n_of_chunk_ = description.chunk_shape.front();
  }

  /// The places from `first` on, as many as are easily read at once, until the next call; nothing
  /// if they are not.
  Bytes read(std::int64_t first, std::int64_t n) {
    return n_of_chunk_ > 0 ? read_chunk(first, n) : read_piece(first, n);
  }

 private:
  Bytes read_piece(std::int64_t first, std::int64_t n) {
    const haddr_t begin = H5Dget_offset(dataset_);
    const auto size = static_cast<std::uint64_t>(description_.size());
    if (begin == HADDR_UNDEF || begin > static_cast<haddr_t>(INT64_MAX) / 2 ||
        H5Dget_storage_size(dataset_) / kPlaceBytes < size) {
      return {};
    }
    std::vector<unsigned char>& places = unpacked_.bytes;
    places.resize(std::min(as_size(n), kPlacesAtOnce) * kPlaceBytes);
    const std::int64_t at = static_cast<std::int64_t>(begin) + first * std::int64_t{kPlaceBytes};
    return file_.read(at, places) ? Bytes(places) : Bytes();
  }

  Bytes read_chunk(std::int64_t first, std::int64_t n) {
    const std::size_t n_bytes = as_size(n_of_chunk_) * kPlaceBytes;
    const std::int64_t number = first / n_of_chunk_;
    const auto start = static_cast<hsize_t>(number * n_of_chunk_);
    hsize_t n_stored = 0;
    if (H5Dget_chunk_storage_size(dataset_, &start, &n_stored) < 0 || n_stored == 0 ||
        n_stored > kMostChunkBytes) {
      return {};
    }
    stored_.resize(static_cast<std::size_t>(n_stored));
    std::uint32_t skipped = 0;
    if (H5Dread_chunk(dataset_, H5P_DEFAULT, &start, &skipped, stored_.data()) < 0 ||
        !undo_filters(description_.filters, skipped, kPlaceBytes, n_bytes, stored_, unpacked_)) {
      return {};
    }
    const std::int64_t in_chunk = first - number * n_of_chunk_;
    const std::int64_t n_there = std::min(n, n_of_chunk_ - in_chunk);
    return Bytes(unpacked_.bytes)
        .subspan(as_size(in_chunk) * kPlaceBytes, as_size(n_there) * kPlaceBytes);
  }

  hid_t dataset_;
  const DatasetDescription& description_;
  const FileBytes& file_;
  std::int64_t n_of_chunk_ = 0;
  std::vector<unsigned char> stored_;
  UnpackedChunk unpacked_;
};

/// Whether chunks, if there are any, are such as TextPlaces reads.
bool has_usual_storage(hid_t dataset, const DatasetDescription& description) {
  if (description.shape.size() != 1) return false;
  const Hdf5Id creation(H5Dget_create_plist(dataset));
  if (description.chunk_shape.empty()) return H5Pget_layout(creation.get()) == H5D_CONTIGUOUS;
  unsigned options = 0;  // chunks at the edge may be stored otherwise
  const std::int64_t n = description.chunk_shape.front();
  return description.chunk_shape.size() == 1 && n > 0 &&
         n <= static_cast<std::int64_t>(kMostChunkBytes / kPlaceBytes) &&
         are_own_filters(description.filters) && H5Pget_chunk_opts(creation.get(), &options) >= 0 &&
         options == 0;
}

}  // namespace

std::int64_t read_heap_texts(hid_t dataset, const DatasetDescription& description,
                             std::int64_t begin, std::int64_t n, const TextSink& sink) {
  const Hdf5Id file(H5Iget_file_id(dataset));
  if (!description.has_any_length || !has_usual_places(file.get()) ||
      !has_usual_storage(dataset, description)) {
    return 0;
  }
  const auto bytes = bytes_of(file.get());
  if (bytes == nullptr) return 0;
  TextPlaces text_places(dataset, description, *bytes);
  GlobalHeaps heaps(*bytes);
  std::int64_t n_read = 0;
  while (n_read < n) {
    const Bytes places = text_places.read(begin + n_read, n - n_read);
    if (places.empty()) return n_read;
    for (std::size_t at = 0; at < places.size(); at += kPlaceBytes) {
      const auto length = integer_at<std::uint32_t>(places, at);
      std::string_view text;
      if (length > 0) {
        const auto object = heaps.find(integer_at<std::uint64_t>(places, at + 4),
                                       integer_at<std::uint32_t>(places, at + 12));
        if (!object || object->size() < length) return n_read;
        text = {reinterpret_cast<const char*>(object->data()), length};
      }
      sink(text.substr(0, text.find('\0')));  // as libhdf5 ends it
      ++n_read;
    }
  }
  return n_read;
}

}  // namespace saithe::io
