#include "ontology_columns.h"

#include <utility>

#include "bundled_data.h"
#include "saithe/core/text_io.h"

namespace saithe::cli {
namespace {

/// What CELLxGENE's schema writes where a cell has no term.
constexpr const char* kUnknown = "unknown";

void require_sensible(const OntologyOptions& options) {
  const double threshold = options.ontology_threshold;
  if (!(threshold > 0 && threshold <= 1)) {
    fail(ErrorKind::InvalidArgument, "--ontology-threshold: {} is not above 0 and at most 1",
         threshold);
  }
}

/// The table's labels that no type of the model has: misspelt ones would go unnoticed.
void warn_of_unused_lines(const LabelTable& table, const LabelSet& types, const std::string& path,
                          const Context& context) {
  std::string unused;
  int n_unused = 0;
  for (const auto& [label, term] : table) {
    if (types.find(label) != kNoLabel) continue;
    if (n_unused++ == 0) unused = printable(label);
  }
  if (n_unused == 0) return;
  context.warn(fmt::format("{}: {} of its {} labels are no types of the model (the first: '{}')",
                           path, n_unused, table.size(), unused));
}

std::vector<TermIndex> terms_of(const std::vector<LabelMapping>& mappings) {
  std::vector<TermIndex> terms;
  for (const LabelMapping& mapping : mappings) terms.push_back(mapping.term);
  return terms;
}

}  // namespace

std::unique_ptr<OntologyColumns> OntologyColumns::make(const OntologyOptions& options,
                                                       const LabelSet& types, bool types_exclude,
                                                       Session& session) {
  require_sensible(options);
  if (options.ontology.empty()) return nullptr;
  const auto path_of = [](const std::string& given, const char* bundled) {
    return given == "bundled" ? bundled_file(bundled).string() : given;
  };
  CellOntology ontology = CellOntology::read(path_of(options.ontology, kBundledOntology));
  LabelTable table;
  if (!options.ontology_map.empty()) {
    const std::string map = path_of(options.ontology_map, kBundledOntologyMap);
    table = read_label_table(map, ontology);
    warn_of_unused_lines(table, types, map, session.context());
  }
  auto mappings = map_labels(ontology, types.names(), table);
  std::unique_ptr<OntologyColumns> columns(
      new OntologyColumns(std::move(ontology), std::move(mappings), types_exclude,
                          options.ontology_threshold, session.context().max_memory));
  columns->say_mapping(session);
  return columns;
}

OntologyColumns::OntologyColumns(CellOntology ontology, std::vector<LabelMapping> mappings,
                                 bool types_exclude, double threshold, std::int64_t max_memory)
    : ontology_(std::move(ontology)),
      mappings_(std::move(mappings)),
      rollup_(ontology_, terms_of(mappings_), types_exclude),
      threshold_(threshold),
      cells_(1, most_kept_bytes(max_memory)) {}

void OntologyColumns::say_mapping(Session& session) const {
  std::size_t n_mapped = 0;
  std::string without;
  for (const LabelMapping& mapping : mappings_) {
    if (mapping.term != kNoTerm) ++n_mapped;
    if (mapping.term != kNoTerm || mapping.by == MappedBy::Table) continue;
    without += (without.empty() ? "'" : ", '") + printable(mapping.label) + "'";
  }
  session.say(fmt::format("ontology: {} of {} types have a term ({})", n_mapped, mappings_.size(),
                          ontology_.release().empty() ? "release not told" : ontology_.release()));
  if (without.empty()) return;
  session.context().warn(fmt::format(
      "no Cell Ontology term for {}; --ontology-map FILE gives terms to labels, --ontology-map "
      "bundled to those of the bundled model",
      without));
  for (const LabelMapping& mapping : mappings_) {
    if (mapping.candidates.empty()) continue;
    std::string near;
    for (const TermIndex term : mapping.candidates) {
      near +=
          fmt::format("{}{} {}", near.empty() ? "" : "; ", id_of(term), ontology_.term(term).name);
    }
    session.say(fmt::format("  '{}' {}: {}", printable(mapping.label),
                            mapping.is_ambiguous ? "may be" : "is near", near));
  }
}

const std::string& OntologyColumns::id_of(TermIndex term) const {
  static const std::string kNone;
  return term == kNoTerm ? kNone : ontology_.term(term).id;
}

std::string OntologyColumns::name_of(const RolledUpCell& cell) const {
  if (cell.term != kNoTerm) return ontology_.term(cell.term).name;
  return cell.type == kNoLabel ? "" : mappings_[as_size(cell.type)].label;
}

void OntologyColumns::add(std::span<const LabelIndex> labels, DenseView probabilities,
                          const Context& context) {
  SAITHE_ASSERT(static_cast<std::int64_t>(labels.size()) == probabilities.n_rows);
  const auto rolled_up = rollup_.find_deepest(probabilities, threshold_, context);
  std::vector<Cell> cells;
  for (std::size_t i = 0; i < rolled_up.size(); ++i) {
    cells.push_back({labels[i], rolled_up[i]});
    seen_.emplace(rolled_up[i].term, rolled_up[i].type);
  }
  cells_.append(cells);
}

const char* OntologyColumns::tsv_header() {
  return "ontology_term_id\trolled_up\trolled_up_ontology_term_id\trolled_up_confidence";
}

std::vector<std::string> OntologyColumns::tsv_fields(CellIndex begin, CellIndex end) const {
  std::vector<std::string> fields;
  for (const auto& [label, rolled_up] : cells_.read(begin, end)) {
    const std::string name = name_of(rolled_up);
    fields.push_back(fmt::format(
        "{}\t{}\t{}\t{}", label == kNoLabel ? "" : id_of(mappings_[as_size(label)].term), name,
        id_of(rolled_up.term), name.empty() ? "" : format_number(rolled_up.probability)));
  }
  return fields;
}

const std::string& OntologyColumns::known_id(TermIndex term) const {
  static const std::string kUnknownId = kUnknown;
  return term == kNoTerm ? kUnknownId : id_of(term);
}

void OntologyColumns::add_columns(const KeptPredictions& kept, Annotations& annotations,
                                  const ResultNames& names_of_results) const {
  const auto id_of_label = [this](LabelIndex label) {
    return known_id(label == kNoLabel ? kNoTerm : mappings_[as_size(label)].term);
  };
  std::set<std::string> ids;
  const LabelsSeen& seen = kept.labels_seen();
  for (std::size_t type = 0; type < seen.types.size(); ++type) {
    if (seen.types[type]) ids.insert(id_of_label(static_cast<LabelIndex>(type)));
  }
  if (seen.none) ids.insert(kUnknown);
  std::set<std::string> names;
  std::set<std::string> term_ids;
  for (const auto& [term, type] : seen_) {
    names.insert(name_of({term, type}));
    term_ids.insert(known_id(term));
  }
  const auto read_ids = [&kept, id_of_label](CellIndex begin, CellIndex end) {
    std::vector<std::string> texts;
    for (const LabelIndex label : kept.read(begin, end).labels) {
      texts.push_back(id_of_label(label));
    }
    return texts;
  };
  const auto read = [this](auto text_of) {
    return [this, text_of](CellIndex begin, CellIndex end) {
      std::vector<std::string> texts;
      for (const Cell& cell : cells_.read(begin, end)) texts.push_back(text_of(cell.rolled_up));
      return texts;
    };
  };
  const auto read_names = read([this](const RolledUpCell& cell) { return name_of(cell); });
  const auto read_terms = read([this](const RolledUpCell& cell) { return known_id(cell.term); });
  const auto read_probability = [this](CellIndex begin, CellIndex end) {
    NumberColumn probability{{}, NumberColumn::Kind::Float32};
    for (const Cell& cell : cells_.read(begin, end)) {
      probability.values.push_back(static_cast<double>(cell.rolled_up.probability));
    }
    return probability;
  };
  const CellIndex n = kept.n_cells();
  const std::string rolled_up = names_of_results.of("rolled_up");
  auto& obs = annotations.obs;
  obs.emplace_back(names_of_results.of("ontology_term_id"), name_column(n, ids, read_ids));
  obs.emplace_back(rolled_up, name_column(n, names, read_names));
  obs.emplace_back(rolled_up + "_ontology_term_id", name_column(n, term_ids, read_terms));
  obs.emplace_back(rolled_up + "_confidence", ResultColumn(n, read_probability));
}

void OntologyColumns::annotate(const KeptPredictions& kept, Annotations& annotations,
                               const ResultNames& names_of_results) const {
  add_columns(kept, annotations, names_of_results);
  const std::string uns = names_of_results.uns + "/ontology/";
  std::vector<std::string> type_ids;
  std::vector<std::string> mapped_by;
  for (const LabelMapping& mapping : mappings_) {
    type_ids.push_back(known_id(mapping.term));
    mapped_by.emplace_back(to_text(mapping.by));
  }
  annotations.uns.emplace_back(uns + "release",
                               ontology_.release().empty() ? kUnknown : ontology_.release());
  annotations.uns.emplace_back(uns + "threshold", threshold_);
  annotations.uns.emplace_back(uns + "type_term_ids", std::move(type_ids));
  annotations.uns.emplace_back(uns + "type_mapped_by", std::move(mapped_by));
}

}  // namespace saithe::cli
