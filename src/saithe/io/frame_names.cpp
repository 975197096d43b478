#include "saithe/io/frame_names.h"

#include <algorithm>
#include <unordered_set>

#include "saithe/core/text_io.h"
#include "saithe/io/hdf5_writer.h"

namespace saithe::io {
namespace {

constexpr const char* kIndex = "_index";
constexpr const char* kUnnamed = "unnamed";
// Changed names that a warning lists.
constexpr std::size_t kMostExamples = 10;

/// The nearest name that a column can have, whatever the others are called.
std::string plain_name(const std::string& name) {
  if (name == kIndex) return "index";
  if (name == kLevelsOfCategories) return "categories";
  if (std::ranges::all_of(name, [](char c) { return c == '.'; })) return kUnnamed;
  std::string plain = as_key(name);
  std::ranges::replace(plain, '\0', '_');
  return plain;
}

/// The name, or the first of "name_1", "name_2", ... that is free; takes it.
std::string take_free(const std::string& name, std::unordered_set<std::string>& taken) {
  std::string free = name;
  for (int i = 1; !taken.insert(free).second; ++i) free = fmt::format("{}_{}", name, i);
  return free;
}

}  // namespace

FrameNames names_of(const Table& table) {
  return {table.index_name, table.names_of_columns()};
}

FrameNames names_for_h5ad(const Table& table, const std::vector<std::string>& taken,
                          const std::string& where, const Context& context) {
  std::unordered_set<std::string> used;
  for (const std::string& name : taken) used.insert(as_key(name));
  const bool is_index_free = !used.contains(table.index_name);
  const auto may_stay = [&](const std::string& name) {
    return name != table.index_name && plain_name(name) == name;
  };
  FrameNames names = names_of(table);
  for (const std::string& name : names.columns) {
    if (may_stay(name)) used.insert(name);
  }
  std::vector<std::pair<std::string, std::string>> changes;
  const auto change = [&](const std::string& name) {
    std::string changed = take_free(plain_name(name), used);
    changes.emplace_back(name, changed);
    return changed;
  };
  const bool may_index_stay = table.index_name == kIndex ||
                              (is_index_free && plain_name(table.index_name) == table.index_name);
  if (!may_index_stay) names.index = change(table.index_name);
  used.insert(names.index);
  for (std::string& name : names.columns) {
    if (!may_stay(name)) name = change(name);
  }
  if (changes.empty()) return names;
  std::string list;
  for (std::size_t i = 0; i < std::min(changes.size(), kMostExamples); ++i) {
    const auto& [name, changed] = changes[i];
    list += fmt::format("{}'{}' is now '{}'", list.empty() ? "" : ", ", printable(name), changed);
  }
  context.warn(fmt::format("{}: {} that an h5ad cannot hold: {}{}", where,
                           counted(std::ssize(changes), "name"), list,
                           changes.size() > kMostExamples ? ", ..." : ""));
  return names;
}

}  // namespace saithe::io
