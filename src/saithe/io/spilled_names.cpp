#include "saithe/io/spilled_names.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <utility>

namespace saithe::io {
namespace {

// A name is found by passing over those of its block that come before it.
constexpr std::int64_t kBlockNames = 64;
using Length = std::uint32_t;

}  // namespace

void SpilledNames::append(std::string_view name) {
  if (n_names_ == 0) first_ = name;
  const auto length = checked_cast<Length>(name.size(), "bytes of a name");
  block_.append(reinterpret_cast<const char*>(&length), sizeof(length));
  block_ += name;
  if (++n_names_ % kBlockNames == 0) close_block();
}

void SpilledNames::close_block() {
  const std::int64_t begin = bytes_.n_rows();
  begins_.append({&begin, 1});
  bytes_.append(block_);
  block_.clear();
}

std::vector<std::string> SpilledNames::read(std::int64_t begin, std::int64_t end) const {
  std::vector<std::string> names;
  if (begin == end) return names;
  names.reserve(as_size(end - begin));
  const std::int64_t end_block = (end - 1) / kBlockNames + 1;
  std::int64_t number = begin / kBlockNames * kBlockNames;
  const std::int64_t from = begins_.value(begin / kBlockNames);
  const std::int64_t to = end_block < begins_.n_rows() ? begins_.value(end_block) : bytes_.n_rows();
  const std::vector<char> bytes = bytes_.read(from, to);
  for (const char* at = bytes.data(); number < end; ++number) {
    Length length = 0;
    std::memcpy(&length, at, sizeof(length));
    at += sizeof(length);
    if (number >= begin) names.emplace_back(at, length);
    at += length;
  }
  return names;
}

Table SpilledNames::table_of(SpilledNames names) {
  names.close_block();
  const auto kept = std::make_shared<const SpilledNames>(std::move(names));
  return {kept->size(),
          [kept](std::int64_t begin, std::int64_t end) { return kept->read(begin, end); }};
}

}  // namespace saithe::io
