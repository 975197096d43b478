#include "saithe/classify/label_mapping.h"

#include <algorithm>
#include <cmath>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "saithe/core/error.h"
#include "saithe/core/text_io.h"
#include "saithe/core/types.h"

namespace saithe {
namespace {

/// So many near terms are listed for a label without a term.
constexpr std::size_t kCandidates = 5;
/// Terms less alike than this, in tenths, are no help.
constexpr int kMinTenths = 2;

// ---- normalised names -----------------------------------------------------------------------

// Plain ASCII, whatever the locale.
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_word(char c) {
  return is_letter(c) || is_digit(c) || static_cast<unsigned char>(c) >= 0x80;
}
char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

/// Greek letters spelled out, and the dashes of typesetting as '-'; in UTF-8.
std::string in_ascii(std::string_view name) {
  static constexpr std::pair<const char*, const char*> kSpelled[] = {
      {"\xCE\xB1", " alpha "},  {"\xCE\xB2", " beta "},    {"\xCE\xB3", " gamma "},
      {"\xCE\xB4", " delta "},  {"\xCE\xB5", " epsilon "}, {"\xCE\xBA", " kappa "},
      {"\xCE\xBB", " lambda "}, {"\xE2\x80\x90", "-"},     {"\xE2\x80\x91", "-"},
      {"\xE2\x80\x92", "-"},    {"\xE2\x80\x93", "-"},     {"\xE2\x80\x94", "-"},
      {"\xE2\x88\x92", "-"},    {"\xC2\xA0", " "}};
  std::string text(name);
  for (const auto& [from, to] : kSpelled) replace_all(text, from, to);
  return text;
}

/// Whether "CD" and a digit stand at `at`: the name of a surface marker.
bool is_marker(std::string_view text, std::size_t at) {
  return at + 2 < text.size() && to_lower(text[at]) == 'c' && to_lower(text[at + 1]) == 'd' &&
         is_digit(text[at + 2]);
}

/// Whether the '-' at `at` means "negative" rather than joins two words: it ends its word, or
/// stands between two markers. `word` is where the word before it begins.
bool is_minus(std::string_view text, std::size_t word, std::size_t at) {
  if (at == word) return false;
  if (at + 1 == text.size()) return true;
  const char next = text[at + 1];
  return next == ' ' || next == '_' || next == ',' || next == ')' || next == '/' ||
         (is_marker(text, word) && is_marker(text, at + 1));
}

std::string singular(std::string word) {
  const auto ends = [&](std::string_view end) { return word.ends_with(end); };
  if (word.size() > 3 && ends("ies")) {
    word.replace(word.size() - 3, 3, "y");
  } else if (word.size() > 2 && ends("s") && !ends("ss") && !ends("us") && !ends("is") &&
             !ends("as")) {
    word.pop_back();
  }
  return word;
}

// ---- nearest terms --------------------------------------------------------------------------

/// How alike names are: by the runs of three letters in their words, rare ones counting more.
class NameIndex {
 public:
  explicit NameIndex(const CellOntology& ontology) : ontology_(ontology) {
    for (std::size_t t = 0; t < ontology.terms().size(); ++t) {
      const OntologyTerm& term = ontology.terms()[t];
      if (!term.is_cell_type) continue;
      add(term.name, static_cast<TermIndex>(t));
      for (const auto& synonym : term.synonyms) add(synonym.text, static_cast<TermIndex>(t));
    }
    for (const Entry& entry : entries_) {
      for (const int run : entry.runs) ++n_names_with_[as_size(run)];
    }
  }

  /// Up to kCandidates terms. Alike is the F2 score of shared weight (what the label says counts
  /// more than what the term's name says beyond it), in tenths; then the most general term.
  [[nodiscard]] std::vector<TermIndex> find_nearest(std::string_view label) {
    const std::vector<int> wanted = runs_of(label);
    std::unordered_map<TermIndex, double> best;
    for (const Entry& entry : entries_) {
      const double score = likeness(wanted, entry.runs);
      double& kept = best[entry.term];
      kept = std::max(kept, score);
    }
    struct Found {
      int tenths;
      int depth;
      TermIndex term;
    };
    std::vector<Found> found;
    for (const auto& [term, score] : best) {
      const int tenths = static_cast<int>(std::lround(10 * score));
      if (tenths >= kMinTenths) found.push_back({tenths, ontology_.term(term).depth, term});
    }
    std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
      return std::tuple(-a.tenths, a.depth, a.term) < std::tuple(-b.tenths, b.depth, b.term);
    });
    found.resize(std::min(found.size(), kCandidates));
    std::vector<TermIndex> terms;
    for (const Found& candidate : found) terms.push_back(candidate.term);
    return terms;
  }

 private:
  struct Entry {
    TermIndex term;
    std::vector<int> runs;  ///< ascending, each once
  };

  void add(std::string_view name, TermIndex term) { entries_.push_back({term, runs_of(name)}); }

  std::vector<int> runs_of(std::string_view name) {
    std::vector<int> runs;
    const std::string padded = " " + normalize_type_name(name) + " ";
    for (std::size_t i = 0; i + 3 <= padded.size(); ++i) {
      if (padded[i + 1] == ' ') continue;  // of one word only
      const auto next = static_cast<int>(run_of_text_.size());
      runs.push_back(run_of_text_.emplace(padded.substr(i, 3), next).first->second);
    }
    std::sort(runs.begin(), runs.end());
    runs.erase(std::unique(runs.begin(), runs.end()), runs.end());
    n_names_with_.resize(run_of_text_.size());
    return runs;
  }

  [[nodiscard]] double weight(int run) const {
    const double rarity = std::log(static_cast<double>(entries_.size() + 1) /
                                   static_cast<double>(1 + n_names_with_[as_size(run)]));
    return rarity * rarity;
  }
  [[nodiscard]] double likeness(const std::vector<int>& wanted,
                                const std::vector<int>& runs) const {
    double shared = 0;
    double of_label = 0;
    double of_name = 0;
    for (const int run : wanted) {
      of_label += weight(run);
      if (std::binary_search(runs.begin(), runs.end(), run)) shared += weight(run);
    }
    if (!(shared > 0)) return 0;
    for (const int run : runs) of_name += weight(run);
    // F2 = 5 P R / (4 P + R) with P = shared / of_name and R = shared / of_label.
    return 5 * shared / (4 * of_label + of_name);
  }

  const CellOntology& ontology_;
  std::unordered_map<std::string, int> run_of_text_;
  std::vector<int> n_names_with_;
  std::vector<Entry> entries_;
};

// ---- mapping --------------------------------------------------------------------------------

/// text -> the terms that have it, ascending, each once.
using TermsOfText = std::unordered_map<std::string, std::vector<TermIndex>>;

void add_term(TermsOfText& terms_of, const std::string& text, TermIndex term) {
  auto& terms = terms_of[text];
  if (terms.empty() || terms.back() != term) terms.push_back(term);
}

/// What the steps after the table look labels up in.
struct NameTables {
  TermsOfText names;
  TermsOfText synonyms;
  TermsOfText normalized;

  explicit NameTables(const CellOntology& ontology) {
    for (std::size_t t = 0; t < ontology.terms().size(); ++t) {
      const OntologyTerm& term = ontology.terms()[t];
      if (!term.is_cell_type) continue;
      const auto index = static_cast<TermIndex>(t);
      add_term(names, term.name, index);
      add_term(normalized, normalize_type_name(term.name), index);
      for (const auto& synonym : term.synonyms) {
        if (synonym.scope != SynonymScope::Exact) continue;
        add_term(synonyms, synonym.text, index);
        add_term(normalized, normalize_type_name(synonym.text), index);
      }
    }
  }
};

/// Takes the term that `terms_of` has for `text`; true if it has any, be it several.
bool look_up(const TermsOfText& terms_of, const std::string& text, MappedBy by,
             LabelMapping& mapping) {
  const auto found = terms_of.find(text);
  if (found == terms_of.end()) return false;
  if (found->second.size() == 1) {
    mapping.term = found->second.front();
    mapping.by = by;
  } else {
    mapping.is_ambiguous = true;
    mapping.candidates = found->second;
  }
  return true;
}

/// An id as the label; an obsolete one without a single replacement has what the file proposes.
bool look_up_id(const CellOntology& ontology, LabelMapping& mapping) {
  const TermIndex named = ontology.find(mapping.label);
  if (named == kNoTerm) return false;
  mapping.term = ontology.find_cell_type(mapping.label);
  if (mapping.term != kNoTerm) {
    mapping.by = MappedBy::Id;
    return true;
  }
  for (const auto* ids : {&ontology.term(named).replacements, &ontology.term(named).considered}) {
    for (const std::string& id : *ids) {
      const TermIndex proposed = ontology.find_cell_type(id);
      if (proposed != kNoTerm) mapping.candidates.push_back(proposed);
    }
  }
  mapping.is_ambiguous = mapping.candidates.size() > 1;
  return true;
}

TermIndex require_cell_type(const CellOntology& ontology, std::string_view id,
                            const LineReader& reader) {
  const TermIndex term = ontology.find_cell_type(id);
  if (term != kNoTerm) return term;
  const TermIndex named = ontology.find(id);
  const char* found = named == kNoTerm                   ? "is not in the ontology"
                      : ontology.term(named).is_obsolete ? "is obsolete without a replacement"
                                                         : "is no term of the Cell Ontology";
  fail(ErrorKind::BadFormat, "{}: the id '{}' {} (release {}); expected one such as CL:0000236",
       reader.where(), printable(id), found,
       ontology.release().empty() ? "unknown" : ontology.release());
}

}  // namespace

std::string normalize_type_name(std::string_view name) {
  const std::string text = in_ascii(name);
  std::string normalized;
  std::string word;
  std::size_t word_begin = 0;
  const auto end_word = [&] {
    if (word.empty()) return;
    if (!normalized.empty()) normalized += ' ';
    normalized += singular(std::exchange(word, {}));
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_word(text[i])) {
      if (word.empty()) word_begin = i;
      word += to_lower(text[i]);
      continue;
    }
    const bool is_negative = text[i] == '-' && is_minus(text, word.empty() ? i : word_begin, i);
    end_word();
    if (text[i] == '+') word = "positive";
    if (is_negative) word = "negative";
    end_word();
  }
  end_word();
  return normalized;
}

LabelTable read_label_table(const std::filesystem::path& path, const CellOntology& ontology) {
  LineReader reader(path);
  LabelTable table;
  std::map<std::string, std::int64_t, std::less<>> line_of;
  std::string_view line;
  std::vector<std::string_view> fields;
  while (reader.next(line)) {
    if (line.empty() || (reader.line_number() == 1 && line.starts_with("label\t"))) continue;
    split_fields(line, '\t', fields);
    if (fields.size() != 2 || fields[0].empty()) {
      fail(ErrorKind::BadFormat, "{}: has {}; expected two, label and Cell Ontology id",
           reader.where(), counted(std::ssize(fields), "tab-separated column"));
    }
    const auto [entry, is_new] = line_of.emplace(fields[0], reader.line_number());
    if (!is_new) {
      fail(ErrorKind::BadFormat, "{}: the label '{}' stands on line {} already", reader.where(),
           printable(fields[0]), entry->second);
    }
    table.emplace(fields[0],
                  fields[1].empty() ? kNoTerm : require_cell_type(ontology, fields[1], reader));
  }
  return table;
}

std::vector<LabelMapping> map_labels(const CellOntology& ontology,
                                     std::span<const std::string> labels, const LabelTable& table) {
  const NameTables tables(ontology);
  NameIndex index(ontology);
  std::vector<LabelMapping> mappings;
  for (const std::string& label : labels) {
    LabelMapping& mapping = mappings.emplace_back();
    mapping.label = label;
    if (const auto found = table.find(label); found != table.end()) {
      mapping.term = found->second;
      mapping.by = MappedBy::Table;
      continue;
    }
    const bool is_decided =
        look_up_id(ontology, mapping) || look_up(tables.names, label, MappedBy::Name, mapping) ||
        look_up(tables.synonyms, label, MappedBy::Synonym, mapping) ||
        look_up(tables.normalized, normalize_type_name(label), MappedBy::NormalizedName, mapping);
    if (!is_decided) mapping.candidates = index.find_nearest(label);
  }
  return mappings;
}

}  // namespace saithe
