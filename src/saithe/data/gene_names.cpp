#include "saithe/data/gene_names.h"

#include <algorithm>
#include <unordered_set>

#include "saithe/core/open_input.h"
#include "saithe/core/text_io.h"

namespace saithe {
namespace {

constexpr const char* kIndex = "gene names";
constexpr const char* kIdColumn = "gene_ids";
// Columns that usually name genes, in the order in which they win a tie.
constexpr const char* kUsualColumns[] = {
    "gene_ids",     "gene_id",     "ensembl_id", "feature_id", "feature_name",
    "gene_symbols", "gene_symbol", "gene_name",  "symbol",     "gene_short_name",
    "gene",         "name",        "features"};
constexpr std::size_t kIdDigits = 11;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// Length of the Ensembl id at the beginning of a text: ENS, letters of the species, one of G, T,
/// E, P, eleven digits; 0 if there is none.
std::size_t ensembl_length(std::string_view text) {
  if (!text.starts_with("ENS")) return 0;
  std::size_t letters = 3;
  while (letters < text.size() && text[letters] >= 'A' && text[letters] <= 'Z') ++letters;
  if (letters == 3 || std::string_view("GTPE").find(text[letters - 1]) == std::string_view::npos) {
    return 0;
  }
  if (text.size() < letters + kIdDigits) return 0;
  for (std::size_t i = letters; i < letters + kIdDigits; ++i) {
    if (!is_digit(text[i])) return 0;
  }
  return letters + kIdDigits;
}

/// Length of ".12" at `begin`; 0 if there is none.
std::size_t version_length(std::string_view text, std::size_t begin) {
  if (begin >= text.size() || text[begin] != '.') return 0;
  std::size_t end = begin + 1;
  while (end < text.size() && is_digit(text[end])) ++end;
  return end == begin + 1 ? 0 : end - begin;
}

/// In which form names are compared.
struct NameForm {
  const GeneSymbols* symbols = nullptr;  // turn ids into symbols
  bool ignores_case = false;

  [[nodiscard]] std::string of(std::string_view name) const {
    std::string key = without_ensembl_version(name);
    if (symbols != nullptr) {
      const auto symbol = symbols->find(key);
      if (symbol != symbols->end()) key = symbol->second;
    }
    if (!ignores_case) return key;
    for (char& c : key) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return key;
  }
};

/// Finds genes by their names.
class NameIndex {
 public:
  NameIndex(const std::vector<std::string>& names, NameForm form) : form_(form) {
    for (std::size_t g = 0; g < names.size(); ++g) {
      if (names[g].empty()) continue;
      const auto gene = static_cast<GeneIndex>(g);
      if (!exact_.emplace(names[g], gene).second) continue;
      const auto [place, is_new] = by_form_.emplace(form_.of(names[g]), gene);
      // Two names that only the form makes equal: which is meant cannot be known.
      if (!is_new) place->second = -1;
    }
  }
  [[nodiscard]] GeneIndex find(const std::string& name) const {
    if (const auto found = exact_.find(name); found != exact_.end()) return found->second;
    const auto found = by_form_.find(form_.of(name));
    return found == by_form_.end() ? -1 : found->second;
  }

 private:
  NameForm form_;
  std::unordered_map<std::string, GeneIndex> exact_;
  std::unordered_map<std::string, GeneIndex> by_form_;
};

/// What one pair of columns gives.
struct Pair {
  std::vector<GeneIndex> place;
  std::int64_t n_matched = 0;
  std::int64_t n_placed = 0;  // genes of theirs that are one of ours
  std::size_t ours = 0;
  std::size_t theirs = 0;
  NameForm form;
};

/// The genes of theirs among ours, by one column of each.
Pair match_pair(const GeneColumn& theirs, std::size_t n_ours, const NameIndex& index) {
  Pair pair;
  std::vector<bool> is_found(n_ours);
  for (const std::string& name : theirs.genes) {
    const GeneIndex gene = name.empty() ? -1 : index.find(name);
    pair.place.push_back(gene);
    if (gene < 0) continue;
    ++pair.n_placed;
    if (is_found[as_size(gene)]) continue;
    is_found[as_size(gene)] = true;
    ++pair.n_matched;
  }
  return pair;
}

/// The pair with most matches; `best` where none has more than it. Of several the first, if ids
/// are among them, which tell genes of one symbol apart; otherwise the one that leaves out fewest
/// genes of theirs: symbols as they were, rather than as somebody made them unique.
Pair better_pair(Pair best, const std::vector<GeneColumn>& ours,
                 const std::vector<GeneColumn>& theirs, NameForm form) {
  std::vector<NameIndex> indices;
  for (const GeneColumn& column : ours) indices.emplace_back(column.genes, form);
  Pair fullest = best;
  bool are_ids_among_them = false;
  for (std::size_t t = 0; t < theirs.size(); ++t) {
    for (std::size_t o = 0; o < ours.size(); ++o) {
      Pair pair = match_pair(theirs[t], ours[o].genes.size(), indices[o]);
      pair.ours = o;
      pair.theirs = t;
      pair.form = form;
      const bool is_better = pair.n_matched > best.n_matched || best.place.empty();
      if (!is_better && pair.n_matched < best.n_matched) continue;
      const bool are_ids = ours[o].name == kIdColumn && pair.n_matched > 0;
      are_ids_among_them = are_ids || (are_ids_among_them && !is_better);
      if (is_better) best = pair;
      if (is_better || pair.n_placed > fullest.n_placed) fullest = std::move(pair);
    }
  }
  return are_ids_among_them ? best : fullest;
}

/// Whether two lists share too little to be of the same kind of names.
bool is_poor(const Pair& pair, const std::vector<GeneColumn>& ours,
             const std::vector<GeneColumn>& theirs) {
  const std::size_t n = std::min(ours.front().genes.size(), theirs.front().genes.size());
  return static_cast<double>(pair.n_matched) < kMinSharedGenes * static_cast<double>(n);
}

std::string describe_pair(const Pair& pair, const GeneColumn& ours, const GeneColumn& theirs,
                          const GeneMatchOptions& options, const std::string& our_word,
                          const std::string& their_word) {
  std::string text = ours.name == theirs.name
                         ? ours.name
                         : fmt::format("{} of {}, {} of {}", ours.name, our_word,
                                       printable(theirs.name), their_word);
  if (pair.form.symbols != nullptr) {
    text += fmt::format(", Ensembl ids turned into symbols by {}", options.gene_symbols);
  }
  if (pair.form.ignores_case) text += ", whatever the case of letters";
  return text;
}

/// Notes on genes added up, on versions, and on what another option would find.
void add_notes(GeneColumnMatch& match, const Pair& pair, const std::vector<GeneColumn>& ours,
               const std::vector<GeneColumn>& theirs, const std::string& their_word) {
  const std::vector<std::string>& names = theirs[pair.theirs].genes;
  std::vector<bool> is_taken(ours[pair.ours].genes.size());
  std::vector<std::string> added;
  std::int64_t n_versions = 0;
  for (std::size_t q = 0; q < names.size(); ++q) {
    const GeneIndex gene = pair.place[q];
    if (gene < 0) continue;
    if (without_ensembl_version(names[q]) != names[q]) ++n_versions;
    if (is_taken[as_size(gene)]) added.push_back(names[q]);
    is_taken[as_size(gene)] = true;
  }
  match.n_added = std::ssize(added);
  if (n_versions > 0) {
    match.notes.push_back(
        fmt::format("{} of {} were matched without their versions", n_versions, their_word));
  }
  if (!added.empty()) match.notes.push_back(describe_added_genes(added, their_word));
  if (pair.form.ignores_case || !is_poor(pair, ours, theirs)) return;
  NameForm form = pair.form;
  form.ignores_case = true;
  const Pair other = better_pair({}, ours, theirs, form);
  if (other.n_matched > pair.n_matched) {
    match.notes.push_back(fmt::format(
        "--match-case-insensitive would find {} of the reference's genes instead of {}; "
        "mind that it is then another species' spelling",
        other.n_matched, pair.n_matched));
  }
}

}  // namespace

bool is_ensembl_id(std::string_view text) {
  const std::size_t length = ensembl_length(text);
  if (length == 0) return false;
  const std::string_view rest = text.substr(length + version_length(text, length));
  return rest.empty() || rest == "_PAR_Y";
}

std::string without_ensembl_version(std::string_view text) {
  std::string plain(text);
  if (!is_ensembl_id(text)) return plain;
  const std::size_t length = ensembl_length(text);
  plain.erase(length, version_length(text, length));
  return plain;
}

GeneSymbols read_gene_symbols(const std::string& path) {
  require_rereadable(path);  // of several files each may need it
  GeneSymbols symbols;
  LineReader lines(path);
  std::string_view line;
  while (lines.next(line)) {
    if (line.empty() || line.front() == '#') continue;
    const std::size_t cut = line.find_first_of("\t,");
    if (cut == std::string_view::npos || !is_ensembl_id(line.substr(0, cut)) ||
        cut + 1 == line.size()) {
      fail(ErrorKind::BadFormat, "{}: '{}' is no Ensembl id, tab (or comma) and symbol",
           lines.where(), printable(line.substr(0, 60)));
    }
    symbols.emplace(without_ensembl_version(line.substr(0, cut)), line.substr(cut + 1));
  }
  return symbols;
}

std::vector<GeneColumn> gene_columns(const Table& var, const std::string& chosen,
                                     const std::string& where) {
  if (chosen == "index") return {{kIndex, var.index()}};
  if (!chosen.empty()) {
    if (var.find(chosen) == nullptr) {
      const std::string names = var.column_names();
      fail(ErrorKind::BadFormat, "{}: --gene-column {}: var has no such column; it has: index{}{}",
           where, chosen, names.empty() ? "" : ", ", names);
    }
    return {{chosen, var.as_text(chosen)}};
  }
  std::vector<GeneColumn> columns = usual_gene_columns(var);
  const auto add = [&](const std::string& name) { columns.push_back({name, var.as_text(name)}); };
  for (const auto& [name, column] : var.columns()) {
    const bool is_usual = std::find(std::begin(kUsualColumns), std::end(kUsualColumns), name) !=
                          std::end(kUsualColumns);
    if (!is_usual && !std::holds_alternative<NumberColumn>(column)) add(name);
  }
  return columns;
}

std::vector<GeneColumn> usual_gene_columns(const Table& var) {
  std::vector<GeneColumn> columns = {{kIndex, var.index()}};
  for (const char* name : kUsualColumns) {
    if (var.find(name) != nullptr) columns.push_back({name, var.as_text(name)});
  }
  if (columns.size() > 1 && are_row_numbers(var.index())) columns.erase(columns.begin());
  return columns;
}

bool are_row_numbers(const std::vector<std::string>& names) {
  if (names.size() < 2) return false;
  std::size_t number = names.front() == "0" ? 0 : 1;
  return std::ranges::all_of(
      names, [&](const std::string& name) { return name == std::to_string(number++); });
}

std::string column_in_place_of_numbers(const Table& var) {
  if (!are_row_numbers(var.index())) return {};
  const std::vector<GeneColumn> columns = usual_gene_columns(var);
  if (columns.front().name == kIndex) return {};
  const auto symbols = std::ranges::find_if(columns, [](const GeneColumn& column) {
    return std::ranges::none_of(column.genes, is_ensembl_id);
  });
  return (symbols == columns.end() ? columns.front() : *symbols).name;
}

std::string describe_added_genes(const std::vector<std::string>& names, const std::string& whose) {
  static constexpr std::size_t kMostExamples = 3;
  std::unordered_set<std::string_view> told;
  std::string examples;
  for (const std::string& name : names) {
    if (told.size() == kMostExamples) break;
    if (!told.insert(name).second) continue;
    examples += fmt::format("{}'{}'", examples.empty() ? "" : ", ", printable(name));
  }
  return fmt::format("{} of {} had the name of another one and {} added to it (the first: {})",
                     counted(std::ssize(names), "gene"), whose, names.size() == 1 ? "was" : "were",
                     examples);
}

void require_no_id_twice(const GeneColumn& column, const std::string& where) {
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : column.genes) {
    if (!is_ensembl_id(name) || seen.insert(name).second) continue;
    fail(ErrorKind::BadFormat,
         "{}: the gene '{}' stands twice in {}; every gene must have an id of its own. Remove or "
         "add up one of them.",
         where, name, column.name);
  }
}

GeneColumnMatch match_gene_columns(const std::vector<GeneColumn>& ours,
                                   const std::vector<GeneColumn>& theirs,
                                   const GeneMatchOptions& options, const std::string& our_word,
                                   const std::string& their_word, const std::string& where) {
  SAITHE_ASSERT(!ours.empty() && !theirs.empty());
  NameForm form;
  form.ignores_case = options.match_case_insensitive;
  Pair best = better_pair({}, ours, theirs, form);
  GeneSymbols symbols;
  if (options.gene_symbols != "none" && is_poor(best, ours, theirs)) {
    symbols = read_gene_symbols(options.gene_symbols);
    form.symbols = &symbols;
    best = better_pair(std::move(best), ours, theirs, form);
  }
  require_no_id_twice(theirs[best.theirs], where);
  GeneColumnMatch match;
  add_notes(match, best, ours, theirs, their_word);
  match.matched_by =
      describe_pair(best, ours[best.ours], theirs[best.theirs], options, our_word, their_word);
  match.place = std::move(best.place);
  match.ours = best.ours;
  match.theirs = best.theirs;
  match.n_matched = best.n_matched;
  return match;
}

}  // namespace saithe
