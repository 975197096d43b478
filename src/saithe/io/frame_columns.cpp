#include "saithe/io/frame_columns.h"

#include <algorithm>
#include <utility>

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

Table table_named_by(Column index) {
  if (auto* texts = std::get_if<TextColumn>(&index)) return Table(std::move(texts->values));
  Table plain(std::vector<std::string>(column_size(index)));
  plain.set("index", std::move(index));
  return Table(plain.as_text("index"));
}

Table table_named_later(std::int64_t n_rows, ReadNames read, const std::string& where) {
  return {n_rows, [read = std::move(read), where](std::int64_t begin, std::int64_t end) {
            std::vector<std::string> names = read(begin, end);
            require_utf8(names, begin, where, "the index");
            return names;
          }};
}

void add_column_later(Table& table, const std::string& name, ReadColumn read,
                      const std::string& frame, const std::string& where, const Context& context) {
  require_utf8({&name, 1}, 0, frame, "a column's name");
  table.set_later(
      name, [read = std::move(read), n_rows = table.n_rows(), name, frame, where, context]() {
        Column column = read();
        if (column_size(column) != as_size(n_rows)) {
          fail(ErrorKind::BadFormat,
               "{}: has {} entries for {} rows; the file is not whole. Write it again, or copy it "
               "again.",
               where, column_size(column), n_rows);
        }
        require_utf8(column, frame, name);
        warn_of_inexact_integers(column, where, context);
        return column;
      });
}

void warn_of_unread_column(const std::string& where, const Context& context) {
  context.warn(fmt::format("{}: the column is of a kind that is not read; it is left out", where));
}

}  // namespace saithe::io
