#include "saithe/matrix/packed_rows.h"

#include <algorithm>
#include <cstring>

#include "saithe/core/parallel.h"

namespace saithe {
namespace {

// Rows that are packed as one segment, and read by one thread at once.
constexpr std::int64_t kSegmentRows = 1024;
constexpr std::int64_t kReadRows = 128;

// What says where rows are may take this share of the memory, and so much at least.
constexpr std::int64_t kPlacesShare = 16;
constexpr std::int64_t kLeastPlaceBytes = std::int64_t{1} << 16;

constexpr unsigned kSevenBits = 0x7F;
constexpr unsigned kMore = 0x80;
constexpr float kLargestByte = 255;

void put_number(std::uint32_t number, std::vector<unsigned char>& bytes) {
  for (; number > kSevenBits; number >>= 7U) {
    bytes.push_back(static_cast<unsigned char>((number & kSevenBits) | kMore));
  }
  bytes.push_back(static_cast<unsigned char>(number));
}

std::uint32_t take_number(const unsigned char*& at) {
  std::uint32_t number = *at & kSevenBits;
  for (unsigned shift = 7; (*at++ & kMore) != 0; shift += 7) {
    number |= (*at & kSevenBits) << shift;
  }
  return number;
}

void put_value(float value, std::vector<unsigned char>& bytes) {
  if (value >= 1 && value <= kLargestByte) {
    const auto byte = static_cast<unsigned char>(value);
    if (static_cast<float>(byte) == value) {
      bytes.push_back(byte);
      return;
    }
  }
  bytes.push_back(0);
  const std::size_t at = bytes.size();
  bytes.resize(at + sizeof(float));
  std::memcpy(bytes.data() + at, &value, sizeof(float));
}

float take_value(const unsigned char*& at) {
  const unsigned char byte = *at++;
  if (byte != 0) return static_cast<float>(byte);
  float value = 0;
  std::memcpy(&value, at, sizeof(float));
  at += sizeof(float);
  return value;
}

}  // namespace

PackedRows::PackedRows(GeneIndex n_cols, std::int64_t max_memory)
    : n_cols_(n_cols),
      max_memory_(max_memory),
      places_(1, std::max(kLeastPlaceBytes, max_memory / kPlacesShare)) {}

void PackedRows::append(const CsrView& rows, const Context& context) {
  SAITHE_ASSERT(rows.n_cols == n_cols_);
  const auto n_segments = as_size((rows.n_rows + kSegmentRows - 1) / kSegmentRows);
  std::vector<std::vector<unsigned char>> packed(n_segments);
  std::vector<std::vector<Place>> places(n_segments);
  parallel_for(context, rows.n_rows, kSegmentRows, [&](std::int64_t begin, std::int64_t end) {
    auto& bytes = packed[as_size(begin / kSegmentRows)];
    auto& own = places[as_size(begin / kSegmentRows)];
    for (CellIndex row = begin; row < end; ++row) {
      Place place;
      place.begin = checked_cast<std::uint32_t>(bytes.size(), "bytes of packed rows");
      const auto columns = rows.row_columns(row);
      const auto values = rows.row_values(row);
      GeneIndex before = 0;
      for (std::size_t i = 0; i < columns.size(); ++i) {
        put_number(static_cast<std::uint32_t>(columns[i] - before), bytes);
        put_value(values[i], bytes);
        before = columns[i];
      }
      place.n_bytes =
          checked_cast<std::uint32_t>(bytes.size() - place.begin, "bytes of a packed row");
      place.n_entries = checked_cast<std::uint32_t>(columns.size(), "entries of a row");
      own.push_back(place);
    }
  });
  for (std::size_t i = 0; i < n_segments; ++i) add(packed[i], std::move(places[i]));
}

void PackedRows::add(const std::vector<unsigned char>& bytes, std::vector<Place> rows) {
  Segment segment;
  const auto n_bytes = static_cast<std::int64_t>(bytes.size());
  if (bytes_in_memory_ + n_bytes <= max_memory_) {
    segment.bytes.assign(bytes.begin(), bytes.end());  // without room to grow
    bytes_in_memory_ += n_bytes;
  } else {
    if (!file_) file_ = std::make_unique<TemporaryFile>();
    segment.file_position = file_->append(bytes);
  }
  for (Place& place : rows) {
    place.segment = checked_cast<std::uint32_t>(segments_.size(), "segments of packed rows");
    n_stored_ += place.n_entries;
  }
  places_.append(rows);
  segments_.push_back(std::move(segment));
}

RowPointer PackedRows::n_stored(CellIndex begin, CellIndex end) const {
  constexpr CellIndex kAtOnce = 4096;
  RowPointer n = 0;
  for (; begin < end; begin += kAtOnce) {
    for (const Place& place : places_.read(begin, std::min(begin + kAtOnce, end))) {
      n += place.n_entries;
    }
  }
  return n;
}

/// Those of rows that follow each other are looked up together.
std::vector<PackedRows::Place> PackedRows::places_of(std::span<const CellIndex> rows) const {
  std::vector<Place> places(rows.size());
  for (std::size_t i = 0, end = 0; i < rows.size(); i = end) {
    for (end = i + 1; end < rows.size() && rows[end] == rows[end - 1] + 1;) ++end;
    places_.read(rows[i], std::span(places).subspan(i, end - i));
  }
  return places;
}

void PackedRows::decode(std::span<const Place> rows, std::vector<unsigned char>& buffer,
                        GeneIndex* columns, float* values) const {
  for (std::size_t i = 0; i < rows.size();) {
    // Neighbours of one segment are fetched together.
    const Place& first = rows[i];
    std::size_t end = i + 1;
    std::uint32_t n_bytes = first.n_bytes;
    for (; end < rows.size(); ++end) {
      const Place& next = rows[end];
      if (next.segment != first.segment || next.begin != first.begin + n_bytes) break;
      n_bytes += next.n_bytes;
    }
    const Segment& segment = segments_[first.segment];
    const unsigned char* at = nullptr;
    if (segment.file_position < 0) {
      at = segment.bytes.data() + first.begin;
    } else {
      buffer.resize(n_bytes);
      file_->read(segment.file_position + first.begin, buffer);
      at = buffer.data();
    }
    for (; i < end; ++i) {
      const std::uint32_t n_entries = rows[i].n_entries;
      GeneIndex column = 0;
      for (std::uint32_t entry = 0; entry < n_entries; ++entry) {
        column += static_cast<GeneIndex>(take_number(at));
        *columns++ = column;
        *values++ = take_value(at);
      }
    }
  }
}

CsrMatrix PackedRows::read(std::span<const CellIndex> rows, const Context& context) const {
  CsrMatrix matrix;
  matrix.n_rows = static_cast<CellIndex>(rows.size());
  matrix.n_cols = n_cols_;
  matrix.row_start.reserve(rows.size() + 1);
  const std::vector<Place> places = places_of(rows);
  for (const Place& place : places) {
    matrix.row_start.push_back(matrix.row_start.back() + place.n_entries);
  }
  matrix.columns = std::vector<GeneIndex>(as_size(matrix.n_stored()));
  matrix.values = std::vector<float>(as_size(matrix.n_stored()));
  parallel_for(context, matrix.n_rows, kReadRows, [&](std::int64_t begin, std::int64_t end) {
    std::vector<unsigned char> buffer;
    const auto first = as_size(matrix.row_start[as_size(begin)]);
    decode(std::span(places).subspan(as_size(begin), as_size(end - begin)), buffer,
           matrix.columns.data() + first, matrix.values.data() + first);
  });
  return matrix;
}

}  // namespace saithe
