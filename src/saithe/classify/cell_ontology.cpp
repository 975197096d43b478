#include "saithe/classify/cell_ontology.h"

#include <algorithm>
#include <utility>

#include "saithe/core/error.h"
#include "saithe/core/text_io.h"
#include "saithe/core/types.h"

namespace saithe {
namespace {

constexpr std::string_view kCellOntologyPrefix = "CL:";

// ---- the text of an OBO file ----------------------------------------------------------------

std::string_view trim(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// The text with OBO's escapes resolved; line breaks and tabs become spaces, so that a name stays
/// one field of one line.
std::string unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 == text.size()) {
      plain += text[i] == '\t' ? ' ' : text[i];
      continue;
    }
    ++i;
    plain += text[i] == 'n' || text[i] == 't' || text[i] == 'W' ? ' ' : text[i];
  }
  return printable(plain);
}

/// `text` before a comment ("! ...") and trailing modifiers ("{...}"), neither of them escaped.
std::string_view without_comment(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if ((text[i] == '!' || text[i] == '{') && (i == 0 || text[i - 1] == ' ')) {
      return trim(text.substr(0, i));
    }
  }
  return trim(text);
}

/// The id at the start of a value such as "CL:0000010 {is_inferred="true"} ! cultured cell".
std::string first_word(std::string_view value) {
  return printable(value.substr(0, value.find_first_of(" \t")));
}

/// A stanza before its parents are looked up.
struct Stanza {
  OntologyTerm term;
  std::vector<std::pair<std::string, std::string>> parents;  ///< id, and where it is named
  std::string where;
};

/// Reads the stanzas of one file.
class OboReader {
 public:
  explicit OboReader(const std::filesystem::path& path) : lines_(path), path_(path.string()) {}

  std::vector<Stanza> read() {
    while (next_line()) {
      const std::string_view text = trim(line_);
      if (text.empty() || text.front() == '!') continue;
      if (text.front() == '[') {
        begin_stanza(text);
      } else {
        read_tag(text);
      }
    }
    require_header();
    require_id();
    return std::move(stanzas_);
  }
  std::string release;

 private:
  enum class Part { Header, Term, Other };

  /// The next line; one that ends with a backslash goes on in the line after it.
  bool next_line() {
    std::string_view part;
    if (!lines_.next(part)) return false;
    if (lines_.line_number() == 1 && part.starts_with("\xEF\xBB\xBF")) part.remove_prefix(3);
    line_ = part;
    while (is_continued(line_) && lines_.next(part)) {
      line_.pop_back();
      line_ += part;
    }
    return true;
  }
  static bool is_continued(std::string_view line) {
    const auto last = line.find_last_not_of('\\');
    return (line.size() - (last == std::string_view::npos ? 0 : last + 1)) % 2 == 1;
  }

  void begin_stanza(std::string_view text) {
    require_header();
    require_id();
    if (text.back() != ']') {
      fail(ErrorKind::BadFormat, "{}: '{}' begins a stanza; expected [Term] or another [Name]",
           lines_.where(), printable(text));
    }
    part_ = text == "[Term]" ? Part::Term : Part::Other;
    if (part_ != Part::Term) return;
    stanzas_.emplace_back();
    stanzas_.back().where = lines_.where();
  }

  void require_header() const {
    if (has_version_) return;
    fail(ErrorKind::BadFormat,
         "{}: its header has no format-version; expected an OBO file of format 1.2 or 1.4, such as "
         "cl-basic.obo",
         path_);
  }

  void require_id() const {
    if (part_ != Part::Term || !stanzas_.back().term.id.empty()) return;
    fail(ErrorKind::BadFormat, "{}: this [Term] has no id", stanzas_.back().where);
  }

  void read_tag(std::string_view text) {
    const auto colon = text.find(':');
    const std::string_view tag = text.substr(0, std::min(colon, text.size()));
    const bool is_tag = colon != std::string_view::npos && !tag.empty() &&
                        tag.find_first_of(" \t\"<{") == std::string_view::npos;
    if (!is_tag) {
      fail(ErrorKind::BadFormat, "{}: '{}' is no line of an OBO file; expected TAG: VALUE",
           lines_.where(), printable(text.substr(0, 60)));
    }
    const std::string_view value = trim(text.substr(colon + 1));
    if (part_ == Part::Header) read_header_tag(tag, value);
    if (part_ == Part::Term) read_term_tag(tag, value);
  }

  void read_header_tag(std::string_view tag, std::string_view value) {
    if (tag == "data-version") release = unescape(value);
    if (tag != "format-version") return;
    if (value != "1.2" && value != "1.4") {
      fail(ErrorKind::BadFormat, "{}: the format-version is '{}'; expected 1.2 or 1.4",
           lines_.where(), printable(value));
    }
    has_version_ = true;
  }

  void read_term_tag(std::string_view tag, std::string_view value) {
    Stanza& stanza = stanzas_.back();
    OntologyTerm& term = stanza.term;
    if (tag == "id") {
      require_once(tag, term.id);
      term.id = required_id(tag, value);
      stanza.where = lines_.where();
    } else if (tag == "name") {
      require_once(tag, term.name);
      term.name = unescape(without_comment(value));
    } else if (tag == "synonym") {
      term.synonyms.push_back(read_synonym(value));
    } else if (tag == "is_a") {
      stanza.parents.emplace_back(required_id(tag, value), lines_.where());
    } else if (tag == "alt_id") {
      term.alternative_ids.push_back(required_id(tag, value));
    } else if (tag == "replaced_by") {
      term.replacements.push_back(required_id(tag, value));
    } else if (tag == "consider") {
      term.considered.push_back(required_id(tag, value));
    } else if (tag == "is_obsolete") {
      term.is_obsolete = read_truth(without_comment(value));
    }
  }

  void require_once(std::string_view tag, const std::string& present) const {
    if (present.empty()) return;
    fail(ErrorKind::BadFormat, "{}: a second {} in one [Term]; it has '{}' already", lines_.where(),
         tag, present);
  }
  [[nodiscard]] std::string required_id(std::string_view tag, std::string_view value) const {
    std::string id = first_word(value);
    if (!id.empty() && id.front() != '!' && id.front() != '{') return id;
    fail(ErrorKind::BadFormat, "{}: {} without a value; expected an id", lines_.where(), tag);
  }
  [[nodiscard]] bool read_truth(std::string_view value) const {
    if (value == "true" || value == "false") return value == "true";
    fail(ErrorKind::BadFormat, "{}: is_obsolete is '{}'; expected true or false", lines_.where(),
         printable(value));
  }

  /// `"text" SCOPE ...`; a synonym without a scope is RELATED, as the format says.
  [[nodiscard]] OntologySynonym read_synonym(std::string_view value) const {
    std::size_t end = 1;
    while (end < value.size() && value[end] != '"') end += value[end] == '\\' ? 2U : 1U;
    if (value.empty() || value.front() != '"' || end >= value.size()) {
      fail(ErrorKind::BadFormat,
           "{}: the synonym '{}' is not in quotation marks; expected "
           "\"TEXT\" SCOPE [...]",
           lines_.where(), printable(value.substr(0, 60)));
    }
    OntologySynonym synonym;
    synonym.text = unescape(value.substr(1, end - 1));
    const std::string_view rest = trim(value.substr(end + 1));
    const std::string scope = first_word(rest);
    if (scope.empty() || scope.front() == '[' || scope.front() == '{') return synonym;
    for (const auto& [candidate, name] : EnumNames<SynonymScope>::values) {
      if (scope != name) continue;
      synonym.scope = candidate;
      return synonym;
    }
    fail(ErrorKind::BadFormat,
         "{}: the scope of the synonym '{}' is '{}'; expected EXACT, BROAD, NARROW or RELATED",
         lines_.where(), synonym.text, scope);
  }

  LineReader lines_;
  std::string path_;
  std::string line_;
  std::vector<Stanza> stanzas_;
  Part part_ = Part::Header;
  bool has_version_ = false;
};

// ---- the graph ------------------------------------------------------------------------------

/// Terms that the stanzas name as parents but that only another ontology's file defines.
void add_foreign_parents(std::vector<Stanza>& stanzas,
                         const std::unordered_map<std::string, std::string>& where_of_id) {
  std::unordered_map<std::string, bool> is_known;
  for (const auto& [id, where] : where_of_id) is_known[id] = true;
  const std::size_t n_stanzas = stanzas.size();
  for (std::size_t s = 0; s < n_stanzas; ++s) {
    if (stanzas[s].term.is_obsolete) continue;
    // By value: the vector grows below.
    const auto parents = stanzas[s].parents;
    for (const auto& [id, where] : parents) {
      if (is_known[id]) continue;
      if (id.starts_with(kCellOntologyPrefix)) {
        fail(
            ErrorKind::BadFormat,
            "{}: {} is_a {}, which the file does not define. Take a whole release of the ontology.",
            where, stanzas[s].term.id, id);
      }
      is_known[id] = true;
      Stanza foreign;
      foreign.term.id = id;
      foreign.where = where;
      stanzas.push_back(std::move(foreign));
    }
  }
}

/// Where each id, also an alternative one, is defined. Throws Error(BadFormat) on an id twice.
std::unordered_map<std::string, std::string> find_ids(const std::vector<Stanza>& stanzas) {
  std::unordered_map<std::string, std::string> where_of_id;
  const auto add = [&](const std::string& id, const std::string& where) {
    const auto [entry, is_new] = where_of_id.emplace(id, where);
    if (!is_new) {
      fail(ErrorKind::BadFormat, "{}: the id {} stands at {} already; expected each id once", where,
           id, entry->second);
    }
  };
  for (const Stanza& stanza : stanzas) add(stanza.term.id, stanza.where);
  for (const Stanza& stanza : stanzas) {
    for (const std::string& id : stanza.term.alternative_ids) add(id, stanza.where);
  }
  return where_of_id;
}

/// "CL:1 is_a CL:2 is_a CL:1": a cycle among the terms that `is_open` still marks.
std::string describe_cycle(const std::vector<OntologyTerm>& terms, const std::vector<int>& n_open) {
  std::size_t at = 0;
  while (n_open[at] == 0) ++at;
  // An open term has an open parent: going up comes to a term seen before.
  std::vector<std::size_t> path;
  while (std::find(path.begin(), path.end(), at) == path.end()) {
    path.push_back(at);
    for (const TermIndex parent : terms[at].parents) {
      if (n_open[as_size(parent)] == 0) continue;
      at = as_size(parent);
      break;
    }
  }
  std::string text;
  for (auto step = std::find(path.begin(), path.end(), at); step != path.end(); ++step) {
    text += terms[*step].id + " is_a ";
  }
  return text + terms[at].id;
}

/// Sets the depth of every term, parents first. Throws Error(BadFormat) on a cycle.
void measure_depths(std::vector<OntologyTerm>& terms, const std::string& path) {
  std::vector<std::vector<std::size_t>> children(terms.size());
  std::vector<int> n_open(terms.size());  // parents whose depth is not known yet
  std::vector<std::size_t> ready;
  for (std::size_t t = 0; t < terms.size(); ++t) {
    for (const TermIndex parent : terms[t].parents) children[as_size(parent)].push_back(t);
    n_open[t] = static_cast<int>(terms[t].parents.size());
    if (n_open[t] == 0) ready.push_back(t);
  }
  for (std::size_t i = 0; i < ready.size(); ++i) {
    const OntologyTerm& parent = terms[ready[i]];
    for (const std::size_t child : children[ready[i]]) {
      terms[child].depth = std::max(terms[child].depth, parent.depth + parent.is_cell_type);
      if (--n_open[child] == 0) ready.push_back(child);
    }
  }
  if (ready.size() == terms.size()) return;
  fail(ErrorKind::BadFormat, "{}: a term is its own ancestor ({}); expected is_a without cycles",
       path, describe_cycle(terms, n_open));
}

}  // namespace

CellOntology CellOntology::read(const std::filesystem::path& path) {
  OboReader reader(path);
  std::vector<Stanza> stanzas = reader.read();
  add_foreign_parents(stanzas, find_ids(stanzas));
  std::sort(stanzas.begin(), stanzas.end(),
            [](const Stanza& a, const Stanza& b) { return a.term.id < b.term.id; });

  CellOntology ontology;
  ontology.release_ = std::move(reader.release);
  bool has_cell_type = false;
  for (Stanza& stanza : stanzas) {
    OntologyTerm& term = stanza.term;
    const auto index = checked_cast<TermIndex>(ontology.terms_.size(), "ontology terms");
    ontology.term_of_id_.emplace(term.id, index);
    for (const std::string& id : term.alternative_ids) ontology.term_of_id_.emplace(id, index);
    if (term.name.empty()) term.name = term.id;
    term.is_cell_type = !term.is_obsolete && term.id.starts_with(kCellOntologyPrefix);
    has_cell_type |= term.is_cell_type;
    ontology.terms_.push_back(std::move(term));
  }
  if (!has_cell_type) {
    fail(ErrorKind::BadFormat,
         "{}: has {} terms, but none of the Cell Ontology; expected ids that begin 'CL:'",
         path.string(), stanzas.size());
  }
  for (std::size_t t = 0; t < stanzas.size(); ++t) {
    OntologyTerm& term = ontology.terms_[t];
    if (term.is_obsolete) continue;
    for (const auto& [id, where] : stanzas[t].parents) {
      term.parents.push_back(ontology.find(id));
      if (!ontology.term(term.parents.back()).is_obsolete) continue;
      fail(ErrorKind::BadFormat, "{}: {} is_a {}, which is obsolete; expected a live term", where,
           term.id, id);
    }
    std::sort(term.parents.begin(), term.parents.end());
    term.parents.erase(std::unique(term.parents.begin(), term.parents.end()), term.parents.end());
  }
  measure_depths(ontology.terms_, path.string());
  return ontology;
}

TermIndex CellOntology::find(std::string_view id) const {
  const auto found = term_of_id_.find(std::string(id));
  return found == term_of_id_.end() ? kNoTerm : found->second;
}

TermIndex CellOntology::find_cell_type(std::string_view id) const {
  TermIndex found = find(id);
  // As many steps as there are terms: replacements that lead in a circle end.
  for (std::size_t step = 0; step < terms_.size() && found != kNoTerm; ++step) {
    const OntologyTerm& at = term(found);
    if (!at.is_obsolete) return at.is_cell_type ? found : kNoTerm;
    found = at.replacements.size() == 1 ? find(at.replacements.front()) : kNoTerm;
  }
  return kNoTerm;
}

std::vector<TermIndex> CellOntology::find_ancestors(TermIndex start) const {
  std::vector<bool> is_seen(terms_.size());
  std::vector<TermIndex> found = {start};
  is_seen[as_size(start)] = true;
  for (std::size_t i = 0; i < found.size(); ++i) {
    for (const TermIndex parent : term(found[i]).parents) {
      if (is_seen[as_size(parent)]) continue;
      is_seen[as_size(parent)] = true;
      found.push_back(parent);
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace saithe
