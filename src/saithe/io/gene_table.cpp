#include "saithe/io/gene_table.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "saithe/core/error.h"
#include "saithe/core/text_io.h"
#include "saithe/io/name_patterns.h"

namespace saithe::io {

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
                      const std::string& where) {
  require_unique_gene_ids(ids, where);
  make_names_unique(names);
  Table var(std::move(names));
  var.set("gene_ids", TextColumn{std::move(ids), {}});
  return var;
}

Table make_gene_table(std::vector<std::string> names, const std::string& where,
                      const Context& context) {
  std::vector<std::string> ids;
  std::copy_if(names.begin(), names.end(), std::back_inserter(ids), is_ensembl_id);
  require_unique_gene_ids(ids, where);
  const std::int64_t n_changed = make_names_unique(names);
  if (n_changed > 0) {
    context.warn(fmt::format(
        "{}: {} more than once; the later ones get a suffix -1, -2, ...", where,
        n_changed == 1 ? "a gene symbol stands" : counted(n_changed, "gene symbol") + " stand"));
  }
  return Table(std::move(names));
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

void warn_of_repeated_barcodes(const std::vector<std::string>& barcodes, const std::string& file,
                               const Context& context) {
  std::unordered_set<std::string_view> seen;
  std::int64_t n_repeated = 0;
  std::string_view example;
  for (const std::string& barcode : barcodes) {
    if (seen.insert(barcode).second) continue;
    if (n_repeated++ == 0) example = barcode;
  }
  if (n_repeated > 0) {
    context.warn(fmt::format("{}: {} {} the barcode of an earlier one ('{}'); all cells are kept",
                             file, counted(n_repeated, "cell"), n_repeated == 1 ? "has" : "have",
                             example));
  }
}

std::vector<std::string> numbered_names(const std::string& prefix, std::int64_t n) {
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(n));
  for (std::int64_t i = 1; i <= n; ++i) names.push_back(prefix + std::to_string(i));
  return names;
}

}  // namespace saithe::io
