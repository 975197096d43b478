#include "saithe/io/gene_table.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "saithe/core/error.h"
#include "saithe/core/text_io.h"
#include "saithe/data/gene_names.h"
#include "saithe/io/name_patterns.h"

namespace saithe::io {
namespace {

constexpr const char* kGeneIds = "gene_ids";
constexpr const char* kGeneSymbols = "gene_symbols";

}  // namespace

std::int64_t make_names_unique(std::vector<std::string>& names) {
  std::unordered_set<std::string> taken(names.begin(), names.end());
  std::unordered_map<std::string, int> n_seen;
  std::int64_t n_changed = 0;
  for (std::string& name : names) {
    int& n = n_seen[name];
    if (n++ == 0) continue;
    std::string unique;
    for (int suffix = n - 1; unique.empty() || taken.contains(unique); ++suffix) {
      unique = name + "-" + std::to_string(suffix);
      n = suffix + 1;
    }
    taken.insert(unique);
    name = unique;
    ++n_changed;
  }
  return n_changed;
}

void require_unique_gene_ids(const std::vector<std::string>& ids, const std::string& where) {
  std::unordered_set<std::string_view> seen;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    if (ids[i].empty() || seen.insert(ids[i]).second) continue;  // empty: the id is not known
    const auto first = std::find(ids.begin(), ids.end(), ids[i]) - ids.begin();
    fail(
        ErrorKind::BadFormat,
        "{}: the gene '{}' stands twice, as gene {} and {} (from 0); every gene must have an id of "
        "its own. Remove or add up one of them.",
        where, ids[i], first, i);
  }
}

Table make_gene_table(std::vector<std::string> names, std::vector<std::string> ids,
                      const std::string& where, const Context& context) {
  Table var(std::move(names));
  var.set(kGeneIds, TextColumn{std::move(ids), {}});
  settle_gene_names(var, where, context);
  return var;
}

Table make_gene_table(std::vector<std::string> names, const std::string& where,
                      const Context& context) {
  Table var(std::move(names));
  settle_gene_names(var, where, context);
  return var;
}

std::int64_t make_index_unique(Table& var) {
  std::vector<std::string> names = var.index();
  const std::int64_t n_changed = make_names_unique(names);
  if (n_changed == 0) return 0;
  std::string place = kGeneSymbols;
  for (int suffix = 1; var.find(place) != nullptr && var.as_text(place) != var.index(); ++suffix) {
    place = fmt::format("{}_{}", kGeneSymbols, suffix);
  }
  if (var.find(place) == nullptr) var.set(place, TextColumn{var.index(), {}});
  var.rename_rows(std::move(names));
  return n_changed;
}

namespace {

/// Takes back what make_index_unique() did.
void restore_repeated_names(Table& var) {
  for (const auto& [name, column] : var.columns()) {
    if (!name.starts_with(kGeneSymbols) || std::holds_alternative<NumberColumn>(column)) continue;
    std::vector<std::string> names = var.as_text(name);
    std::vector<std::string> unique = names;
    if (make_names_unique(unique) == 0 || unique != var.index()) continue;
    var.rename_rows(std::move(names));
    return;
  }
}

/// Warns of names that stand more than once.
void warn_of_repeated_names(const std::vector<std::string>& names, bool have_ids,
                            const std::string& where, const Context& context) {
  std::unordered_set<std::string_view> seen;
  seen.reserve(names.size());
  std::int64_t n_repeated = 0;
  std::string_view example;
  for (const std::string& name : names) {
    if (seen.insert(name).second) continue;
    if (n_repeated++ == 0) example = name;
  }
  if (n_repeated == 0) return;
  context.warn(fmt::format(
      "{}: {} the symbol of an earlier one ('{}'); {}", where,
      n_repeated == 1 ? "a gene has" : counted(n_repeated, "gene") + " have", printable(example),
      have_ids ? "ids tell them apart (the later ones are called ...-1, ...-2); to a model without "
                 "ids they are one gene, added up"
               : "to a model genes of one symbol are one gene, added up"));
}

}  // namespace

namespace {

/// What missing ids become where a table is turned into texts.
bool is_no_id(const std::string& id) {
  return id == "nan" || id == "NaN" || id == "NA" || id == "None" || id == "<NA>";
}

/// Ids that are the text of a missing one, on several genes, are none; nor are the numbers that R
/// gives to rows.
void leave_out_no_ids(Table& var, const std::string& where, const Context& context) {
  std::vector<std::string> ids = var.as_text(kGeneIds);
  if (are_row_numbers(ids) && !are_row_numbers(var.index())) {
    var.set(kGeneIds, TextColumn{std::vector<std::string>(ids.size()), {}});
    context.warn(
        fmt::format("{}: the ids of the genes only number them, and are taken for none", where));
    return;
  }
  const auto n = std::count_if(ids.begin(), ids.end(), is_no_id);
  if (n < 2) return;
  const std::string example = *std::find_if(ids.begin(), ids.end(), is_no_id);
  for (std::string& id : ids) {
    if (is_no_id(id)) id.clear();
  }
  var.set(kGeneIds, TextColumn{std::move(ids), {}});
  context.warn(fmt::format("{}: {} the id '{}', which is taken for none", where,
                           counted(n, "gene") + " have", example));
}

}  // namespace

void settle_gene_names(Table& var, const std::string& where, const Context& context) {
  const bool have_ids = var.find(kGeneIds) != nullptr;
  if (have_ids) {
    leave_out_no_ids(var, where, context);
    require_unique_gene_ids(var.as_text(kGeneIds), where);
  } else {
    restore_repeated_names(var);
    std::vector<std::string> ids;
    std::copy_if(var.index().begin(), var.index().end(), std::back_inserter(ids), is_ensembl_id);
    require_unique_gene_ids(ids, where);
  }
  warn_of_repeated_names(var.index(), have_ids, where, context);
  if (have_ids) make_index_unique(var);
}

void warn_of_other_features(const std::map<std::string, std::int64_t>& n_of_type,
                            const std::string& where, const Context& context) {
  if (n_of_type.empty()) return;
  std::int64_t total = 0;
  std::string types;
  for (const auto& [type, n] : n_of_type) {
    total += n;
    types += fmt::format("{}{} {}", types.empty() ? "" : ", ", n,
                         type.empty() ? "without a type" : type);
  }
  context.warn(fmt::format("{}: {} not of the type '{}' and left out: {}", where,
                           total == 1 ? "1 feature is" : counted(total, "feature") + " are",
                           kGeneExpression, types));
}

std::vector<std::string> numbered_names(const std::string& prefix, std::int64_t n) {
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(n));
  for (std::int64_t i = 1; i <= n; ++i) names.push_back(prefix + std::to_string(i));
  return names;
}

Table table_of_numbers(const std::string& prefix, std::int64_t n) {
  return {n, [prefix](std::int64_t begin, std::int64_t end) {
            std::vector<std::string> names;
            names.reserve(as_size(end - begin));
            for (std::int64_t i = begin; i < end; ++i)
              names.push_back(prefix + std::to_string(i + 1));
            return names;
          }};
}

}  // namespace saithe::io
