#include "saithe/io/frame_columns.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "saithe/core/text_io.h"
#include "saithe/core/usable_memory.h"
#include "saithe/core/utf8.h"

namespace saithe::io {

void require_utf8(std::span<const std::string> texts, std::int64_t first, const std::string& where,
                  const std::string& what) {
  const auto bad = std::find_if_not(texts.begin(), texts.end(), is_utf8);
  if (bad == texts.end()) return;
  fail(ErrorKind::BadFormat,
       "{}: {} holds a text that is not UTF-8 (entry {}, from 0). Write the file again with its "
       "texts in UTF-8, as iconv -f WINDOWS-1252 -t UTF-8 makes them",
       where, what, first + (bad - texts.begin()));
}

void require_utf8(const Column& column, const std::string& where, const std::string& name) {
  const std::string what = "the column '" + name + "'";
  if (const auto* category = std::get_if<CategoryColumn>(&column)) {
    require_utf8(category->levels, 0, where, what);
  } else if (const auto* text = std::get_if<TextColumn>(&column)) {
    require_utf8(text->values, 0, where, what);
  }
}

namespace {

// As pandas writes a name that is missing, and AnnData names the row.
constexpr const char* kMissingName = "<NA>";

/// A number of an index of floats as Python writes it, which is how AnnData names the row: "7.0".
template <typename Float>
std::string float_name(Float value) {
  const double size = std::abs(static_cast<double>(value));
  const bool is_plain = size == 0 || (1e-4 <= size && size < 1e16);
  if (!std::isfinite(value)) return format_number(value);
  char buffer[64];
  const auto form = is_plain ? std::chars_format::fixed : std::chars_format::scientific;
  const auto end = std::to_chars(buffer, std::end(buffer), value, form).ptr;
  std::string name(buffer, end);
  if (is_plain && name.find('.') == std::string::npos) name += ".0";
  return name;
}

std::vector<std::string> float_names(const NumberColumn& index) {
  std::vector<std::string> names;
  names.reserve(index.values.size());
  for (const double value : index.values) {
    names.push_back(index.kind == NumberColumn::Kind::Float32
                        ? float_name(static_cast<float>(value))
                        : float_name(value));
  }
  return names;
}

/// Names the rows from `first` on that have no name; `is_missing` is of all rows, or empty.
void name_missing(std::vector<std::string>& names, const std::vector<bool>& is_missing,
                  std::int64_t first) {
  if (is_missing.empty()) return;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (is_missing[as_size(first) + i]) names[i] = kMissingName;
  }
}

}  // namespace

template <typename Whole>
std::vector<std::string> whole_names(std::span<const Whole> index) {
  std::vector<std::string> names;
  names.reserve(index.size());
  for (const Whole number : index) names.push_back(std::to_string(number));
  return names;
}
template std::vector<std::string> whole_names(std::span<const std::int64_t>);
template std::vector<std::string> whole_names(std::span<const std::uint64_t>);

ReadNames with_mask(ReadNames read, std::vector<bool> is_missing) {
  if (is_missing.empty()) return read;
  return [read = std::move(read), is_missing = std::move(is_missing)](std::int64_t begin,
                                                                      std::int64_t end) {
    std::vector<std::string> names = read(begin, end);
    name_missing(names, is_missing, begin);
    return names;
  };
}

Table table_named_by(Column index) {
  if (auto* texts = std::get_if<TextColumn>(&index)) {
    name_missing(texts->values, texts->is_missing, 0);
    return Table(std::move(texts->values));
  }
  if (const auto* numbers = std::get_if<NumberColumn>(&index)) {
    const bool are_floats = numbers->kind == NumberColumn::Kind::Float32 ||
                            numbers->kind == NumberColumn::Kind::Float64;
    if (are_floats) return Table(float_names(*numbers));
  }
  Table plain(std::vector<std::string>(column_size(index)));
  plain.set("index", index);
  std::vector<std::string> names = plain.as_text("index");
  const auto* category = std::get_if<CategoryColumn>(&index);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (category != nullptr && category->codes[i] < 0) names[i] = "nan";
    if (category == nullptr && names[i].empty()) names[i] = kMissingName;
  }
  return Table(std::move(names));
}

namespace {

/// Names that lie in chunks, each of which is unpacked as a whole. They are read more than once,
/// and must be the same each time: what was computed belongs to the cells that had these names.
class NamesInChunks {
 public:
  NamesInChunks(std::int64_t n_rows, std::int64_t chunk, ReadNames read, std::string where)
      : n_rows_(n_rows),
        window_(window_of(chunk)),
        read_(std::move(read)),
        where_(std::move(where)) {
    hashes_.resize(as_size((n_rows + window_ - 1) / window_));
  }

  std::vector<std::string> operator()(std::int64_t begin, std::int64_t end) {
    if (begin == 0 && end == n_rows_) return read(begin, end);
    if (begin < first_ || end > first_ + std::ssize(kept_)) {
      const std::int64_t first = begin / window_ * window_;
      kept_.clear();
      kept_ = read(first, std::min(n_rows_, (std::max(end - 1, begin) / window_ + 1) * window_));
      first_ = first;
    }
    return {kept_.begin() + (begin - first_), kept_.begin() + (end - first_)};
  }

 private:
  static constexpr std::int64_t kLeastWindow = 4096;
  static constexpr std::int64_t kMostWindow = 65536;

  /// Whole chunks, and not very few names; of a longer chunk, which who reads it keeps, a part.
  static std::int64_t window_of(std::int64_t chunk) {
    chunk = std::clamp<std::int64_t>(chunk, 1, kMostWindow);
    return (kLeastWindow + chunk - 1) / chunk * chunk;
  }

  /// `begin` is where a window begins.
  [[nodiscard]] std::vector<std::string> read(std::int64_t begin, std::int64_t end) {
    std::vector<std::string> names = read_(begin, end);
    require_utf8(names, begin, where_, "the index");
    for (std::int64_t first = begin; first < end; first += window_) {
      const std::int64_t last = std::min(end, first + window_);
      require_same(first / window_,
                   std::span(names).subspan(as_size(first - begin), as_size(last - first)));
    }
    return names;
  }

  void require_same(std::int64_t window, std::span<const std::string> names) {
    std::uint64_t hash = 1;
    for (const std::string& name : names) {
      hash = hash * 0x9E3779B97F4A7C15 + std::hash<std::string>()(name);
    }
    std::optional<std::uint64_t>& seen = hashes_[as_size(window)];
    if (seen && *seen != hash) {
      fail(ErrorKind::BadFormat,
           "{}: the index is no longer what it was: another program changed the file meanwhile. "
           "Run the command again.",
           where_);
    }
    seen = hash;
  }

  std::int64_t n_rows_;
  std::int64_t window_;
  ReadNames read_;
  std::string where_;
  std::vector<std::optional<std::uint64_t>> hashes_;  // of the windows that were read
  std::int64_t first_ = 0;
  std::vector<std::string> kept_;  // from the name `first_` on
};

}  // namespace

Table table_named_later(std::int64_t n_rows, std::int64_t chunk, ReadNames read,
                        const std::string& where) {
  return {n_rows, NamesInChunks(n_rows, chunk, std::move(read), where)};
}

void add_column_later(Table& table, const std::string& name, ReadColumn read,
                      const std::string& frame, const std::string& where, const Context& context) {
  require_utf8({&name, 1}, 0, frame, "a column's name");
  const std::int64_t bytes_of_entry = read.bytes_of_entry();
  table.set_later(
      name,
      {[read = std::move(read), bytes_of_entry, n_rows = table.n_rows(), name, frame, where,
        context]() {
         require_memory_for_cells(where + ": reading it", n_rows, bytes_of_entry,
                                  context.max_memory);
         Column column = read();
         if (column_size(column) != as_size(n_rows)) {
           fail(ErrorKind::BadFormat,
                "{}: has {} entries for {} rows; the file is not whole. Write it again, or copy it "
                "again.",
                where, column_size(column), n_rows);
         }
         require_utf8(column, frame, name);
         if (auto* category = std::get_if<CategoryColumn>(&column)) {
           tidy_levels(*category, where, context);
         }
         warn_of_inexact_integers(column, where, context);
         return column;
       },
       bytes_of_entry});
}

void hold_exactly(NumberColumn& column, std::vector<std::int64_t> whole) {
  SAITHE_ASSERT(whole.size() == column.values.size());
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (std::isnan(column.values[i])) whole[i] = 0;
  }
  column.exact = std::move(whole);
}

void hold_exactly(NumberColumn& column, std::span<const std::uint64_t> whole) {
  SAITHE_ASSERT(whole.size() == column.values.size());
  std::vector<std::int64_t> exact;
  for (std::size_t i = 0; i < whole.size(); ++i) {
    const std::uint64_t number = std::isnan(column.values[i]) ? 0 : whole[i];
    if (!std::in_range<std::int64_t>(number)) return;
    exact.push_back(static_cast<std::int64_t>(number));
  }
  column.exact = std::move(exact);
}

void tidy_levels(CategoryColumn& column, const std::string& where, const Context& context) {
  std::unordered_map<std::string_view, std::int32_t> code_of;
  std::vector<std::int32_t> new_codes;
  std::vector<std::size_t> kept;
  std::string repeated;
  std::int64_t n_repeated = 0;
  code_of.reserve(column.levels.size());
  for (std::size_t i = 0; i < column.levels.size(); ++i) {
    const std::string& level = column.levels[i];
    if (column.level_kind && level.empty()) {  // not a number
      new_codes.push_back(-1);
      continue;
    }
    const auto [found, is_new] = code_of.emplace(level, static_cast<std::int32_t>(kept.size()));
    new_codes.push_back(found->second);
    if (is_new) {
      kept.push_back(i);
    } else if (n_repeated++ == 0) {
      repeated = level;
    }
  }
  if (kept.size() == column.levels.size()) return;
  if (n_repeated > 0) {
    context.warn(fmt::format("{}: levels that stand more than once are taken as one: '{}'{}", where,
                             printable(repeated), n_repeated > 1 ? ", ..." : ""));
  }
  for (std::int32_t& code : column.codes) {
    if (code >= 0) code = new_codes[as_size(code)];
  }
  std::vector<std::string> levels;
  levels.reserve(kept.size());
  for (const std::size_t i : kept) levels.push_back(std::move(column.levels[i]));
  column.levels = std::move(levels);
}

void apply_mask(NumberColumn& column, const std::vector<bool>& mask) {
  for (std::size_t i = 0; i < mask.size(); ++i) {
    if (!mask[i]) continue;
    column.values[i] = std::numeric_limits<double>::quiet_NaN();
    if (!column.exact.empty()) column.exact[i] = 0;
  }
}

void warn_of_unread_column(const std::string& where, const Context& context) {
  context.warn(fmt::format("{}: the column is of a kind that is not read; it is left out", where));
}

void warn_of_missing_column(const std::string& where, const std::string& name,
                            const Context& context) {
  context.warn(fmt::format(
      "{}: its column-order names '{}', which is not there: AnnData cannot read this file", where,
      printable(name)));
}

}  // namespace saithe::io
