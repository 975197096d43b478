#include "saithe/io/text_memory.h"

#include <algorithm>

#include "saithe/core/error.h"
#include "saithe/core/usable_memory.h"
#include "saithe/data/table.h"

namespace saithe::io {
namespace {

// What kBytesOfTextEntry holds of a text, beyond which it is in memory twice.
constexpr std::int64_t kShortText = 30;
constexpr std::int64_t kCopies = 2;
// The texts to come may be longer.
constexpr std::int64_t kMargin = 10;

}  // namespace

void TextMemory::add(std::span<const std::string> texts) {
  n_read_ += std::ssize(texts);
  bytes_ += kBytesOfTextEntry * std::ssize(texts);
  for (const std::string& text : texts) {
    bytes_ += kCopies * std::max<std::int64_t>(0, std::ssize(text) - kShortText);
  }
  if (bytes_ <= most_bytes_of_cells(max_memory_)) return;
  const std::int64_t all = bytes_ / n_read_ * std::max(n_, n_read_);
  fail(ErrorKind::InvalidArgument,
       "{}: its {} texts take about {} while they are read, more than --memory ({}) allows: the "
       "first {} take {}. Give --memory {}.",
       where_, n_, memory_text(all), memory_text(max_memory_), n_read_, memory_text(bytes_),
       memory_text(std::max(bytes_, all + all / kMargin) - most_bytes_of_cells(0)));
}

}  // namespace saithe::io
