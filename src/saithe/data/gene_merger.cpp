#include "saithe/data/gene_merger.h"

#include <algorithm>
#include <numeric>
#include <unordered_map>

#include "saithe/core/text_io.h"

namespace saithe {
namespace {

constexpr const char* kNameColumn = "gene names";  // as gene_columns() calls the index
constexpr const char* kIdColumn = "gene_ids";
// Places of these two among the columns by which files meet; those of the first file follow.
constexpr std::size_t kByIds = 1;
constexpr std::size_t kByOthers = 2;

void require_distinct(const std::vector<std::string>& names, const std::string& file) {
  std::unordered_set<std::string_view> seen;
  for (const std::string& name : names) {
    if (name.empty() || seen.insert(name).second) continue;
    fail(ErrorKind::BadFormat,
         "{}: the gene '{}' stands there twice, so its genes cannot be matched with those of the "
         "other files. Make gene names unique (var_names_make_unique in Scanpy).",
         file, printable(name));
  }
}

/// The Ensembl ids that some usual column holds, without versions; none if no column has mostly
/// them.
std::vector<std::string> ensembl_ids(const Table& var) {
  for (GeneColumn& column : usual_gene_columns(var)) {
    if (!are_mostly_ids(column.genes)) continue;
    for (std::string& gene : column.genes)
      gene = is_ensembl_id(gene) ? without_ensembl_version(gene) : "";
    return std::move(column.genes);
  }
  return {};
}

}  // namespace

bool are_mostly_ids(const std::vector<std::string>& genes) {
  return 2 * std::ranges::count_if(genes, is_ensembl_id) > std::ssize(genes);
}

GeneList::GeneList(const Table& var) : names(var.index()) {
  if (var.find(kIdColumn) != nullptr) ids = var.as_text(kIdColumn);
}

const std::string& GeneList::id(std::size_t gene) const {
  static const std::string kNone;
  return ids.empty() ? kNone : ids[gene];
}

GeneMerger::GeneMerger(const CellSource& first, const GeneMatchOptions& options)
    : options_(options), file_(first.name()) {
  GeneList list(first.var());
  names_ = std::move(list.names);
  ids_ = std::move(list.ids);
  ids_.resize(names_.size());
  ids_of_others_.resize(names_.size());
  taken_names_.insert(names_.begin(), names_.end());
  taken_ids_.insert(ids_.begin(), ids_.end());
  taken_others_.insert("");
  destination_.resize(names_.size());
  std::iota(destination_.begin(), destination_.end(), GeneIndex{0});
  for (GeneColumn& column : usual_gene_columns(first.var())) {
    if (column.name == kNameColumn || column.name == kIdColumn) continue;
    others_.push_back(std::move(column));
  }
}

std::vector<GeneIndex> GeneMerger::add(const CellSource& dataset) {
  const std::string& file = dataset.name();
  std::vector<GeneColumn> ours = {{kNameColumn, names_}, {kIdColumn, ids_}};
  ours.insert(ours.end(), others_.begin(), others_.end());
  const std::vector<GeneColumn> theirs = gene_columns(dataset.var(), "", file);
  GeneColumnMatch match = match_gene_columns(ours, theirs, options_, file_, file, file);
  const auto n_fewer = static_cast<double>(std::min(names_.size(), match.place.size()));
  if (static_cast<double>(match.n_matched) < kMinSharedGenes * n_fewer &&
      taken_others_.size() > 1) {
    ours.push_back({"Ensembl ids", ids_of_others_});
    match = match_gene_columns(ours, theirs, options_, "other files", file, file);
  }
  const bool meets_by_others = match.ours >= kByOthers && match.ours < kByOthers + others_.size();
  if (meets_by_others) {
    add_up_repeated(ours[match.ours].genes);
  } else {
    require_distinct(ours[match.ours].genes, file_);
  }
  const GeneList list(dataset.var());
  const std::vector<std::string> their_ids = ensembl_ids(dataset.var());
  const std::vector<std::string>& chosen = theirs[match.theirs].genes;
  const bool meets_by_ids = match.ours == kByIds;
  if (meets_by_ids) match_without_ids(match.place, list);
  std::unordered_map<std::string, GeneIndex> new_place;
  for (std::size_t gene = 0; gene < match.place.size(); ++gene) {
    GeneIndex& place = match.place[gene];
    if (place >= 0) {
      adopt_id(as_size(place), list.id(gene));
      continue;
    }
    // Names of new genes are of the kind that the merged ones have.
    const std::string& name =
        !meets_by_ids && !chosen[gene].empty() ? chosen[gene] : list.names[gene];
    const std::string& id = meets_by_ids ? chosen[gene] : list.id(gene);
    if (!chosen[gene].empty()) {
      const auto [known, is_new] = new_place.emplace(without_ensembl_version(chosen[gene]),
                                                     static_cast<GeneIndex>(names_.size()));
      place = known->second;
      if (!is_new) {
        ++match.n_added;
        continue;
      }
    }
    place = static_cast<GeneIndex>(names_.size());
    append(name, id);
    if (meets_by_others) others_[match.ours - kByOthers].genes.back() = chosen[gene];
  }
  for (std::size_t gene = 0; gene < their_ids.size(); ++gene) {
    std::string& id = ids_of_others_[as_size(match.place[gene])];
    if (id.empty() && taken_others_.insert(their_ids[gene]).second) id = their_ids[gene];
  }
  tell(match, file);
  return std::move(match.place);
}

/// Files that have ids meet by them; a gene that only a file without ids has is known by its name
/// alone.
void GeneMerger::match_without_ids(std::vector<GeneIndex>& places, const GeneList& list) const {
  std::unordered_map<std::string_view, GeneIndex> named;
  for (std::size_t gene = 0; gene < names_.size(); ++gene) {
    if (ids_[gene].empty()) named.emplace(names_[gene], static_cast<GeneIndex>(gene));
  }
  for (std::size_t gene = 0; gene < places.size(); ++gene) {
    if (places[gene] >= 0) continue;
    const auto found = named.find(list.names[gene]);
    if (found == named.end()) continue;
    places[gene] = found->second;
    named.erase(found);
  }
}

void GeneMerger::tell(const GeneColumnMatch& match, const std::string& file) {
  if (match.matched_by != kNameColumn) {
    notes_.push_back(fmt::format("{} is matched by {}", file, match.matched_by));
  }
  notes_.insert(notes_.end(), match.notes.begin(), match.notes.end());
}

void GeneMerger::adopt_id(std::size_t gene, const std::string& id) {
  if (ids_[gene].empty() && taken_ids_.insert(id).second) ids_[gene] = id;
}

/// Two genes of one symbol are told apart by their ids; an id belongs to one gene only.
void GeneMerger::append(const std::string& name, const std::string& id) {
  names_.push_back(taken_names_.insert(name).second || id.empty() ? name : id);
  taken_names_.insert(names_.back());
  ids_.push_back(taken_ids_.insert(id).second ? id : "");
  ids_of_others_.emplace_back();
  destination_.push_back(static_cast<GeneIndex>(destination_.size()));
  for (GeneColumn& column : others_) column.genes.emplace_back();
}

void GeneMerger::add_up_repeated(const std::vector<std::string>& names) {
  std::unordered_map<std::string_view, GeneIndex> first;
  std::vector<std::string> added;
  for (std::size_t gene = 0; gene < names.size(); ++gene) {
    if (names[gene].empty()) continue;
    const auto [known, is_new] = first.emplace(names[gene], destination_[gene]);
    if (is_new || destination_[gene] == known->second) continue;
    const GeneIndex old = destination_[gene];
    for (GeneIndex& destination : destination_) {
      if (destination == old) destination = known->second;
    }
    added.push_back(names[gene]);
  }
  if (!added.empty()) notes_.push_back(describe_added_genes(added, file_));
}

}  // namespace saithe
