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
  if (!options.ontology.empty()) return;
  if (!options.ontology_map.empty()) {
    fail(ErrorKind::InvalidArgument,
         "--ontology-map needs the ontology whose ids it has: add --ontology FILE or bundled");
  }
  if (threshold != OntologyOptions{}.ontology_threshold) {
    fail(ErrorKind::InvalidArgument,
         "--ontology-threshold has no effect without an ontology: add --ontology FILE or bundled");
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
                                                       const LabelSet& types, Session& session) {
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
      new OntologyColumns(std::move(ontology), std::move(mappings), options.ontology_threshold));
  columns->say_mapping(session);
  return columns;
}

OntologyColumns::OntologyColumns(CellOntology ontology, std::vector<LabelMapping> mappings,
                                 double threshold)
    : ontology_(std::move(ontology)),
      mappings_(std::move(mappings)),
      rollup_(ontology_, terms_of(mappings_)),
      threshold_(threshold) {}

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
      "no Cell Ontology term for {}; --ontology-map FILE gives terms to labels", without));
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

void OntologyColumns::add(std::span<const LabelIndex> best_labels, DenseView probabilities,
                          const Context& context) {
  SAITHE_ASSERT(static_cast<std::int64_t>(best_labels.size()) == probabilities.n_rows);
  const auto cells = rollup_.find_deepest(probabilities, threshold_, context);
  cells_.insert(cells_.end(), cells.begin(), cells.end());
  best_labels_.insert(best_labels_.end(), best_labels.begin(), best_labels.end());
}

const char* OntologyColumns::tsv_header() {
  return "\tcell_ontology_id\tontology_term\tontology_term_id\tontology_probability";
}

std::string OntologyColumns::tsv_fields(std::size_t cell) const {
  const LabelIndex label = best_labels_[cell];
  const RolledUpCell& rolled_up = cells_[cell];
  const std::string name = name_of(rolled_up);
  return fmt::format(
      "\t{}\t{}\t{}\t{}", label == kNoLabel ? "" : id_of(mappings_[as_size(label)].term), name,
      id_of(rolled_up.term), name.empty() ? "" : format_number(rolled_up.probability));
}

void OntologyColumns::annotate(std::span<const LabelIndex> labels, Annotations& annotations,
                               const ResultNames& names_of_results) const {
  const auto known = [&](TermIndex term) { return term == kNoTerm ? kUnknown : id_of(term); };
  std::vector<std::string> ids;
  for (const LabelIndex label : labels) {
    ids.push_back(label == kNoLabel ? kUnknown : known(mappings_[as_size(label)].term));
  }
  std::vector<std::string> names;
  std::vector<std::string> term_ids;
  NumberColumn probability;
  probability.kind = NumberColumn::Kind::Float32;
  for (const RolledUpCell& cell : cells_) {
    names.push_back(name_of(cell));
    term_ids.push_back(known(cell.term));
    probability.values.push_back(static_cast<double>(cell.probability));
  }
  const std::string rolled_up = names_of_results.of("rolled_up");
  annotations.obs.emplace_back(names_of_results.of("ontology_term_id"), make_category_column(ids));
  annotations.obs.emplace_back(rolled_up, make_category_column(names));
  annotations.obs.emplace_back(rolled_up + "_ontology_term_id", make_category_column(term_ids));
  annotations.obs.emplace_back(rolled_up + "_confidence", std::move(probability));

  const std::string uns = names_of_results.uns + "/ontology/";
  std::vector<std::string> type_ids;
  std::vector<std::string> mapped_by;
  for (const LabelMapping& mapping : mappings_) {
    type_ids.push_back(known(mapping.term));
    mapped_by.emplace_back(to_text(mapping.by));
  }
  annotations.uns.emplace_back(uns + "release",
                               ontology_.release().empty() ? kUnknown : ontology_.release());
  annotations.uns.emplace_back(uns + "threshold", threshold_);
  annotations.uns.emplace_back(uns + "type_term_ids", std::move(type_ids));
  annotations.uns.emplace_back(uns + "type_mapped_by", std::move(mapped_by));
}

}  // namespace saithe::cli
