#include "saithe/io/zarr_codecs.h"

#include <blosc.h>
#include <libdeflate.h>
#include <zstd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <span>

#include "saithe/core/error.h"
#include "saithe/core/types.h"
#include "saithe/io/chunk_filters.h"

namespace saithe::io {
namespace {

// No codec here makes more than this of a byte (zstd: blocks of 128 KiB of one byte in 4 bytes).
constexpr std::int64_t kMaxRatio = 32768;
constexpr std::int64_t kSmall = 65536;
// Where the size is not known, memory doubles up to what the ratio allows.
constexpr std::int64_t kFirstGuess = 4;

std::uint32_t number_at(std::string_view bytes, std::size_t begin) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) {
    value = value << 8 | static_cast<unsigned char>(bytes[begin + i]);
  }
  return value;
}

/// Packed bytes that become others; every way out is an error that names the place.
class Unpacking {
 public:
  Unpacking(std::string_view packed, std::int64_t expected, const std::string& where)
      : packed_(packed), expected_(expected), where_(where) {
    largest_ = static_cast<std::int64_t>(packed.size()) * kMaxRatio + kSmall;
    if (expected_ > largest_) {
      fail(ErrorKind::BadFormat,
           "{}: {} bytes cannot stand for the {} that its chunk should have; it is damaged", where_,
           packed_.size(), expected_);
    }
  }

  /// What a codec of fills() makes, in memory of its own.
  std::string unpacked(ZarrCodec codec) const {
    std::string bytes(codec == ZarrCodec::Blosc ? blosc_size() : as_size(first_size()), '\0');
    bytes.resize(fill(codec, bytes, &bytes));
    return bytes;
  }

  /// The same, written to `room`, which `growing` is where the size is not known. Returns how many
  /// bytes there are.
  std::size_t fill(ZarrCodec codec, std::span<char> room, std::string* growing) const {
    if (codec == ZarrCodec::Blosc) return blosc(room);
    if (codec == ZarrCodec::Zstd) return zstd(room, growing);
    return deflate(room, growing, codec == ZarrCodec::Gzip);
  }

  std::size_t blosc_size() const {
    std::size_t n = 0;
    if (blosc_cbuffer_validate(packed_.data(), packed_.size(), &n) != 0) fail_damaged("blosc");
    require_size(static_cast<std::int64_t>(n), "blosc");
    return n;
  }

  std::size_t blosc(std::span<char> room) const {
    const std::size_t n = blosc_size();
    if (n != room.size()) fail_damaged("blosc");
    const int done = blosc_decompress_ctx(packed_.data(), room.data(), n, 1);
    if (done < 0 || static_cast<std::size_t>(done) != n) fail_damaged("blosc");
    return n;
  }

  std::size_t zstd(std::span<char> room, std::string* growing) const {
    const std::unique_ptr<ZSTD_DStream, std::size_t (*)(ZSTD_DStream*)> stream(ZSTD_createDStream(),
                                                                               ZSTD_freeDStream);
    ZSTD_inBuffer in{packed_.data(), packed_.size(), 0};
    ZSTD_outBuffer out{room.data(), room.size(), 0};
    for (std::size_t left = 1; left != 0 || in.pos < in.size;) {
      const std::size_t n_before = in.pos + out.pos;
      left = ZSTD_decompressStream(stream.get(), &out, &in);
      if (ZSTD_isError(left) != 0) fail_damaged("zstd");
      if (out.pos == out.size && (left != 0 || in.pos < in.size) && grow(room, growing)) {
        out.dst = room.data();
        out.size = room.size();
      } else if (in.pos + out.pos == n_before) {
        fail_damaged("zstd");  // it asks for more than there is, or has more than there may be
      }
    }
    return out.pos;
  }

  /// gzip may have several members.
  std::size_t deflate(std::span<char> room, std::string* growing, bool is_gzip) const {
    const char* name = is_gzip ? "gzip" : "zlib";
    const std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> inflater(
        libdeflate_alloc_decompressor(), libdeflate_free_decompressor);
    std::size_t done = 0;
    std::size_t at = 0;
    while (at < packed_.size()) {
      std::size_t n_in = 0;
      std::size_t n_out = 0;
      const auto inflate = is_gzip ? libdeflate_gzip_decompress_ex : libdeflate_zlib_decompress_ex;
      const auto result = inflate(inflater.get(), packed_.data() + at, packed_.size() - at,
                                  room.data() + done, room.size() - done, &n_in, &n_out);
      if (result == LIBDEFLATE_INSUFFICIENT_SPACE && grow(room, growing)) continue;
      if (result != LIBDEFLATE_SUCCESS) fail_damaged(name);
      at += n_in;
      done += n_out;
    }
    return done;
  }

  /// numcodecs' form: the size in 4 bytes, then one LZ4 block.
  std::string lz4() const {
    if (packed_.size() < 4) fail_damaged("lz4");
    const auto n = static_cast<std::int64_t>(number_at(packed_, 0));
    require_size(n, "lz4");
    std::string bytes;
    bytes.reserve(as_size(n));
    std::size_t at = 4;
    const auto length = [&](std::size_t nibble) {
      std::size_t total = nibble;
      for (unsigned char more = 255; nibble == 15 && more == 255; total += more) {
        if (at == packed_.size()) fail_damaged("lz4");
        more = static_cast<unsigned char>(packed_[at++]);
      }
      return total;
    };
    while (at < packed_.size()) {
      const auto token = static_cast<unsigned char>(packed_[at++]);
      const std::size_t n_literals = length(token >> 4);
      if (n_literals > packed_.size() - at || n_literals > as_size(n) - bytes.size()) {
        fail_damaged("lz4");
      }
      bytes.append(packed_.substr(at, n_literals));
      at += n_literals;
      if (at == packed_.size()) break;
      if (packed_.size() - at < 2) fail_damaged("lz4");
      const std::size_t back = static_cast<unsigned char>(packed_[at]) |
                               static_cast<std::size_t>(static_cast<unsigned char>(packed_[at + 1]))
                                   << 8;
      at += 2;
      const std::size_t n_match = length(token & 15) + 4;
      if (back == 0 || back > bytes.size() || n_match > as_size(n) - bytes.size()) {
        fail_damaged("lz4");
      }
      for (std::size_t i = 0; i < n_match; ++i) bytes.push_back(bytes[bytes.size() - back]);
    }
    if (bytes.size() != as_size(n)) fail_damaged("lz4");
    return bytes;
  }

  std::string unshuffled(std::size_t value_bytes) const {
    const std::span<const unsigned char> shuffled(
        reinterpret_cast<const unsigned char*>(packed_.data()), packed_.size());
    if (value_bytes == 0 || packed_.size() % value_bytes != 0) fail_damaged("shuffle");
    std::string bytes(packed_.size(), '\0');
    unshuffle(shuffled, value_bytes,
              {reinterpret_cast<unsigned char*>(bytes.data()), bytes.size()});
    return bytes;
  }

  std::string without_checksum() const {
    if (packed_.size() < 4) fail_damaged("crc32c");
    const std::string_view content = packed_.substr(0, packed_.size() - 4);
    if (crc32c(content) != number_at(packed_, content.size())) {
      fail(ErrorKind::BadFormat, "{}: its checksum (crc32c) is wrong; the store is damaged",
           where_);
    }
    return std::string(content);
  }

 private:
  [[nodiscard]] std::int64_t first_size() const {
    if (expected_ >= 0) return expected_;
    return std::min(largest_, static_cast<std::int64_t>(packed_.size()) * kFirstGuess + kSmall);
  }
  /// Twice the room, where the size is not known and the ratio allows it.
  bool grow(std::span<char>& room, std::string* growing) const {
    const auto n = static_cast<std::int64_t>(room.size());
    if (growing == nullptr || expected_ >= 0 || n >= largest_) return false;
    growing->resize(as_size(std::min(largest_, 2 * n)));
    room = *growing;
    return true;
  }
  void require_size(std::int64_t n, const char* codec) const {
    if (n > largest_ || (expected_ >= 0 && n != expected_)) fail_damaged(codec);
  }
  [[noreturn]] void fail_damaged(const char* codec) const {
    fail(ErrorKind::BadFormat, "{}: its {} bytes cannot be unpacked ({}); the store is damaged",
         where_, packed_.size(), codec);
  }

  std::string_view packed_;
  std::int64_t expected_;
  const std::string& where_;
  std::int64_t largest_ = 0;
};

std::string undo(const ZarrStep& step, std::string_view packed, std::int64_t expected,
                 const std::string& where) {
  const Unpacking unpacking(packed, expected, where);
  switch (step.codec) {
    case ZarrCodec::Blosc:
    case ZarrCodec::Zstd:
    case ZarrCodec::Gzip:
    case ZarrCodec::Zlib:
      return unpacking.unpacked(step.codec);
    case ZarrCodec::Lz4:
      return unpacking.lz4();
    case ZarrCodec::Shuffle:
      return unpacking.unshuffled(step.value_bytes);
    case ZarrCodec::Crc32c:
      return unpacking.without_checksum();
  }
  SAITHE_ASSERT(false);
  return {};
}

bool keeps_size(ZarrCodec codec) {
  return codec == ZarrCodec::Shuffle;
}

/// Whether the codec unpacks straight into memory that is there.
bool fills(ZarrCodec codec) {
  return codec == ZarrCodec::Blosc || codec == ZarrCodec::Zstd || codec == ZarrCodec::Gzip ||
         codec == ZarrCodec::Zlib;
}

/// Undoes all steps but the first `n_left`.
std::string undo_all_but(std::size_t n_left, std::string packed, const std::vector<ZarrStep>& steps,
                         std::int64_t expected_bytes, const std::string& where) {
  for (std::size_t i = steps.size(); i-- > n_left;) {
    // What earlier steps made of the values has another size, unless they only moved bytes.
    const bool is_last = std::all_of(steps.begin(), steps.begin() + static_cast<std::ptrdiff_t>(i),
                                     [](const ZarrStep& s) { return keeps_size(s.codec); });
    packed = undo(steps[i], packed, is_last ? expected_bytes : -1, where);
  }
  return packed;
}

void require_expected(std::size_t n, std::int64_t expected_bytes, const std::string& where) {
  if (expected_bytes < 0 || static_cast<std::int64_t>(n) == expected_bytes) return;
  fail(ErrorKind::BadFormat, "{}: holds {} bytes; expected {}; the store is damaged", where, n,
       expected_bytes);
}

}  // namespace

std::string unpack_zarr(std::string packed, const std::vector<ZarrStep>& steps,
                        std::int64_t expected_bytes, const std::string& where) {
  packed = undo_all_but(0, std::move(packed), steps, expected_bytes, where);
  require_expected(packed.size(), expected_bytes, where);
  return packed;
}

void unpack_zarr_into(std::span<char> bytes, std::string packed, const std::vector<ZarrStep>& steps,
                      const std::string& where) {
  const std::int64_t n = std::ssize(bytes);
  if (!steps.empty() && fills(steps.front().codec)) {
    packed = undo_all_but(1, std::move(packed), steps, n, where);
    const Unpacking unpacking(packed, n, where);
    require_expected(unpacking.fill(steps.front().codec, bytes, nullptr), n, where);
  } else {
    packed = unpack_zarr(std::move(packed), steps, n, where);
    std::copy(packed.begin(), packed.end(), bytes.begin());
  }
}

std::uint32_t crc32c(std::string_view bytes) {
  constexpr std::uint32_t kReversedPolynomial = 0x82f63b78;
  static const auto kTable = [] {
    std::array<std::uint32_t, 256> table{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) {
        value = value >> 1 ^ ((value & 1) != 0 ? kReversedPolynomial : 0);
      }
      table[i] = value;
    }
    return table;
  }();
  std::uint32_t sum = 0xffffffff;
  for (const char c : bytes) sum = kTable[(sum ^ static_cast<unsigned char>(c)) & 255] ^ sum >> 8;
  return sum ^ 0xffffffff;
}

namespace {

void require_texts(bool holds, const std::string& where) {
  if (!holds) fail(ErrorKind::BadFormat, "{}: its texts are cut off or damaged", where);
}

std::int64_t count_of_vlen_texts(std::string_view bytes, const std::string& where) {
  require_texts(bytes.size() >= 4, where);
  const std::size_t n = number_at(bytes, 0);
  require_texts(n <= (bytes.size() - 4) / 4, where);
  return static_cast<std::int64_t>(n);
}

}  // namespace

std::vector<std::string> decode_vlen_texts(std::string_view bytes, const std::string& where) {
  return decode_vlen_texts(bytes, 0, count_of_vlen_texts(bytes, where), where);
}

std::vector<std::string> decode_vlen_texts(std::string_view bytes, std::int64_t first,
                                           std::int64_t n, const std::string& where) {
  const std::int64_t n_all = count_of_vlen_texts(bytes, where);
  if (first + n > n_all) {
    fail(ErrorKind::BadFormat, "{}: has {} texts; expected {}; the store is damaged", where, n_all,
         first + n);
  }
  std::vector<std::string> texts;
  texts.reserve(static_cast<std::size_t>(n));
  std::size_t at = 4;
  for (std::int64_t i = 0; i < first + n; ++i) {
    require_texts(bytes.size() - at >= 4, where);
    const std::size_t length = number_at(bytes, at);
    at += 4;
    require_texts(length <= bytes.size() - at, where);
    if (i >= first) texts.emplace_back(bytes.substr(at, length));
    at += length;
  }
  return texts;
}

}  // namespace saithe::io
