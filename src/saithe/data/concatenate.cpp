#include "saithe/data/concatenate.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <unordered_set>

#include "saithe/core/text_io.h"
#include "saithe/data/gene_merger.h"

namespace saithe {
namespace {

constexpr const char* kReferenceColumn = "reference";
constexpr const char* kOtherReferenceColumn = "reference_file";  // where the files have the former
using Parts = std::vector<std::unique_ptr<CellSource>>;

/// Whether each file (row) has each merged gene.
std::vector<std::vector<bool>> find_owners(const std::vector<std::vector<GeneIndex>>& places,
                                           std::size_t n_genes) {
  std::vector<std::vector<bool>> has_gene;
  for (const auto& place : places) {
    std::vector<bool> has(n_genes);
    for (const GeneIndex gene : place) has[as_size(gene)] = true;
    has_gene.push_back(std::move(has));
  }
  return has_gene;
}

/// Whether some usual column of genes holds mostly Ensembl ids, and whether one does not.
struct KindsOfNames {
  bool has_ids = false;
  bool has_symbols = false;
};

KindsOfNames kinds_of_names(const Table& var) {
  KindsOfNames kinds;
  for (const GeneColumn& column : usual_gene_columns(var)) {
    (are_mostly_ids(column.genes) ? kinds.has_ids : kinds.has_symbols) = true;
  }
  return kinds;
}

/// Whether genes are called by their symbols and have ids beside them.
bool has_ids_beside_symbols(const Table& var) {
  return !are_mostly_ids(var.index()) && kinds_of_names(var).has_ids;
}

/// The files in an order that does not depend on how they were given. One whose genes have ids
/// beside their symbols goes first: by it files meet that have either.
std::vector<std::size_t> canonical_order(const Parts& parts, const std::vector<GeneList>& lists) {
  std::vector<bool> lacks_a_kind;
  for (const auto& part : parts) lacks_a_kind.push_back(!has_ids_beside_symbols(part->var()));
  const auto key = [&](std::size_t part, std::size_t n_genes_of_other) {
    const bool is_second = lacks_a_kind[part];
    return std::tuple<bool, std::size_t, const std::vector<std::string>&,
                      const std::vector<std::string>&>(is_second, n_genes_of_other,
                                                       lists[part].names, lists[part].ids);
  };
  std::vector<std::size_t> order(lists.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return key(a, lists[b].names.size()) < key(b, lists[a].names.size());
  });
  return order;
}

/// What to do about two files of which no columns meet.
std::string advice_for(const CellSource& a, const CellSource& b) {
  const KindsOfNames of_a = kinds_of_names(a.var());
  const KindsOfNames of_b = kinds_of_names(b.var());
  const bool are_ids_in_a = of_a.has_ids && !of_a.has_symbols && !of_b.has_ids;
  const bool are_ids_in_b = of_b.has_ids && !of_b.has_symbols && !of_a.has_ids;
  if (!are_ids_in_a && !are_ids_in_b) return "Check organism and gene names.";
  return fmt::format(
      "{} has Ensembl ids and no symbols, {} has no ids. Add a column gene_symbols to the former "
      "or gene_ids to the latter, or give a table of both (--gene-symbols).",
      (are_ids_in_a ? a : b).name(), (are_ids_in_a ? b : a).name());
}

void require_overlap(const Parts& parts, const std::vector<std::vector<bool>>& has_gene) {
  for (std::size_t a = 0; a < parts.size(); ++a) {
    for (std::size_t b = a + 1; b < parts.size(); ++b) {
      std::int64_t n_shared = 0;
      for (std::size_t gene = 0; gene < has_gene[a].size(); ++gene) {
        if (has_gene[a][gene] && has_gene[b][gene]) ++n_shared;
      }
      const GeneIndex n_smaller = std::min(parts[a]->n_genes(), parts[b]->n_genes());
      if (static_cast<double>(n_shared) >= kMinSharedGenes * static_cast<double>(n_smaller) &&
          n_shared > 0) {
        continue;
      }
      fail(ErrorKind::BadFormat,
           "{} and {} share {} genes, of {} and {}; expected at least {:.0f} % of the smaller "
           "file's. {}",
           parts[a]->name(), parts[b]->name(), n_shared, parts[a]->n_genes(), parts[b]->n_genes(),
           100 * kMinSharedGenes, advice_for(*parts[a], *parts[b]));
    }
  }
}

std::vector<GeneIndex> choose_genes(const std::vector<std::vector<bool>>& has_gene,
                                    GeneChoice choice, const std::string& name) {
  std::vector<GeneIndex> chosen;
  for (std::size_t gene = 0; gene < has_gene.front().size(); ++gene) {
    const bool is_common =
        std::all_of(has_gene.begin(), has_gene.end(), [&](const auto& has) { return has[gene]; });
    if (is_common || choice == GeneChoice::Union) chosen.push_back(static_cast<GeneIndex>(gene));
  }
  if (chosen.empty()) {
    fail(ErrorKind::BadFormat,
         "{}: no gene is common to all files. Give fewer files, or --genes union.", name);
  }
  return chosen;
}

/// What the levels of all are; nothing where they are texts in some, or of several kinds.
std::optional<NumberColumn::Kind> kind_of_levels(const std::vector<const CategoryColumn*>& parts) {
  const auto kind = parts.front()->level_kind;
  const bool are_alike =
      std::ranges::all_of(parts, [&](const auto* part) { return part->level_kind == kind; });
  return are_alike ? kind : std::nullopt;
}

/// Numbers one below the other; whole numbers that are exact in one part are so in all.
NumberColumn join_numbers(const std::vector<const NumberColumn*>& parts) {
  NumberColumn joined{{}, parts.front()->kind};
  bool is_exact = false;
  bool do_all_fit = true;
  for (const auto* part : parts) {
    if (part->kind != joined.kind) joined.kind = NumberColumn::Kind::Float64;
    is_exact = is_exact || !part->exact.empty();
    do_all_fit = do_all_fit && fit_signed_integers(part->values, part->exact);
    joined.values.insert(joined.values.end(), part->values.begin(), part->values.end());
  }
  if (!is_exact || !do_all_fit || joined.kind != NumberColumn::Kind::Integer) return joined;
  for (const auto* part : parts) {
    joined.exact.insert(joined.exact.end(), part->exact.begin(), part->exact.end());
    if (!part->exact.empty()) continue;
    for (const double value : part->values) {
      joined.exact.push_back(std::isnan(value) ? 0 : static_cast<std::int64_t>(value));
    }
  }
  return joined;
}

/// The categories of all; their levels sorted, unless all have the same.
CategoryColumn join_categories(const std::vector<const CategoryColumn*>& parts) {
  CategoryColumn joined = *parts.front();
  const bool are_alike = std::all_of(parts.begin(), parts.end(), [&](const CategoryColumn* part) {
    return part->levels == joined.levels && part->is_ordered == joined.is_ordered &&
           part->level_kind == joined.level_kind;
  });
  if (!are_alike) {
    std::vector<std::string> levels;
    for (const auto* part : parts) {
      levels.insert(levels.end(), part->levels.begin(), part->levels.end());
    }
    std::sort(levels.begin(), levels.end());
    levels.erase(std::unique(levels.begin(), levels.end()), levels.end());
    joined.levels = std::move(levels);
    joined.level_kind = kind_of_levels(parts);
    joined.is_ordered = false;
  }
  joined.codes.clear();
  for (const auto* part : parts) {
    std::vector<std::int32_t> code;
    for (const std::string& level : part->levels) {
      const auto& levels = joined.levels;
      code.push_back(static_cast<std::int32_t>(std::find(levels.begin(), levels.end(), level) -
                                               levels.begin()));
    }
    for (const std::int32_t old : part->codes) {
      joined.codes.push_back(old < 0 ? -1 : code[as_size(old)]);
    }
  }
  return joined;
}

/// Pointers to the columns as a kind; empty unless all are of it.
template <typename Kind>
std::vector<const Kind*> all_as(const std::vector<const Column*>& columns) {
  std::vector<const Kind*> parts;
  for (const Column* column : columns) {
    if (const auto* part = std::get_if<Kind>(column)) parts.push_back(part);
  }
  if (parts.size() < columns.size()) parts.clear();
  return parts;
}

/// One column below the other. Columns of different kinds meet as text.
Column join_columns(const std::string& name, const Parts& parts) {
  std::vector<const Column*> columns;
  for (const auto& part : parts) columns.push_back(part->obs().find(name));
  if (const auto categories = all_as<CategoryColumn>(columns); !categories.empty()) {
    return join_categories(categories);
  }
  if (const auto numbers = all_as<NumberColumn>(columns); !numbers.empty()) {
    return join_numbers(numbers);
  }
  TextColumn joined;
  bool lacks_any = false;
  for (const auto& part : parts) {
    for (std::string& text : part->obs().as_text(name)) {
      joined.is_missing.push_back(text.empty());
      lacks_any = lacks_any || text.empty();
      joined.values.push_back(std::move(text));
    }
  }
  if (!lacks_any) joined.is_missing.clear();
  return joined;
}

Table join_obs(const Parts& parts) {
  std::vector<std::string> paths;
  std::vector<std::string> barcodes;
  std::vector<std::string> references;
  for (const auto& part : parts) paths.push_back(part->name());
  const auto names = reference_names(paths);
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto& own = parts[i]->obs().index();
    barcodes.insert(barcodes.end(), own.begin(), own.end());
    references.insert(references.end(), own.size(), names[i]);
  }
  Table obs(std::move(barcodes));
  obs.index_name = parts.front()->obs().index_name;
  for (const std::string& name : parts.front()->obs().names_of_columns()) {
    const bool is_common = std::all_of(parts.begin(), parts.end(),
                                       [&](const auto& part) { return part->obs().has(name); });
    if (is_common) obs.set(name, join_columns(name, parts));
  }
  obs.set(obs.has(kReferenceColumn) ? kOtherReferenceColumn : kReferenceColumn,
          make_category_column(references));
  return obs;
}

bool are_distinct(const std::vector<std::string>& names) {
  return std::unordered_set<std::string_view>(names.begin(), names.end()).size() == names.size();
}

void tell_of_added(const RenamedGenes& cells, const std::function<void(const std::string&)>& say) {
  if (cells.added().empty() || !say) return;
  say(describe_added_genes(cells.added(), cells.name()));
}

Table select_var(const GeneMerger& merger, const std::vector<GeneIndex>& chosen) {
  std::vector<std::string> names;
  TextColumn ids;
  bool has_ids = false;
  for (const GeneIndex gene : chosen) {
    names.push_back(merger.names()[as_size(gene)]);
    ids.values.push_back(merger.ids()[as_size(gene)]);
    has_ids = has_ids || !ids.values.back().empty();
  }
  Table var(std::move(names));
  if (has_ids) var.set("gene_ids", std::move(ids));
  return var;
}

}  // namespace

const char* reference_column(const Table& obs) {
  return obs.has(kOtherReferenceColumn) ? kOtherReferenceColumn : kReferenceColumn;
}

std::vector<std::string> reference_names(std::span<const std::string> paths) {
  std::vector<std::vector<std::string>> parts;  // of each path, the last first
  std::size_t n_longest = 0;
  for (const std::string& path : paths) {
    parts.emplace_back();
    for (const auto& part : std::filesystem::path(path).lexically_normal()) {
      if (!part.empty()) parts.back().insert(parts.back().begin(), part.string());
    }
    n_longest = std::max(n_longest, parts.back().size());
  }
  for (std::size_t n_parts = 1; n_parts <= std::max<std::size_t>(n_longest, 1); ++n_parts) {
    std::vector<std::string> names;
    for (const auto& of_path : parts) {
      std::filesystem::path name;
      for (std::size_t i = std::min(n_parts, of_path.size()); i-- > 0;) name /= of_path[i];
      names.push_back(name.string());
    }
    if (std::unordered_set<std::string>(names.begin(), names.end()).size() == names.size()) {
      return names;
    }
  }
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (std::find(parts.begin(), parts.begin() + static_cast<std::ptrdiff_t>(i), parts[i]) !=
        parts.begin() + static_cast<std::ptrdiff_t>(i)) {
      fail(ErrorKind::InvalidArgument, "{}: the file is given twice", paths[i]);
    }
  }
  SAITHE_ASSERT(false);
  return {};
}

std::unique_ptr<CellSource> rename_genes(std::unique_ptr<CellSource> cells,
                                         const GeneMatchOptions& options,
                                         const std::function<void(const std::string&)>& say) {
  std::unique_ptr<RenamedGenes> renamed;
  const std::string named = column_in_place_of_numbers(cells->var());
  if (!options.gene_column.empty()) {
    renamed = std::make_unique<RenamedGenes>(std::move(cells), options.gene_column);
  } else if (!named.empty()) {
    if (say) {
      say(fmt::format("{}: the index of the genes only numbers them; they are called by '{}'",
                      cells->name(), named));
    }
    renamed = std::make_unique<RenamedGenes>(std::move(cells), named);
  } else {
    const std::vector<std::string> keys = gene_keys(cells->var(), cells->name());
    if (are_distinct(keys)) return cells;
    renamed = std::make_unique<RenamedGenes>(std::move(cells), keys);
  }
  tell_of_added(*renamed, say);
  return renamed;
}

ConcatenatedCells::ConcatenatedCells(Parts parts, const ConcatenateOptions& options,
                                     const std::function<void(const std::string&)>& say)
    : parts_(std::move(parts)) {
  SAITHE_ASSERT(parts_.size() > 1);
  for (auto& part : parts_) part = rename_genes(std::move(part), options.matching, say);
  std::vector<GeneList> lists;
  for (const auto& part : parts_) {
    lists.emplace_back(part->var());
    name_ += (name_.empty() ? "" : ", ") + part->name();
  }
  const auto order = canonical_order(parts_, lists);
  const std::size_t lead = order.front();
  GeneMerger merger(*parts_[lead], options.matching);
  std::vector<std::vector<GeneIndex>> places(parts_.size());
  places[lead].resize(lists[lead].names.size());
  std::iota(places[lead].begin(), places[lead].end(), GeneIndex{0});
  for (std::size_t i = 1; i < order.size(); ++i) {
    places[order[i]] = merger.add(*parts_[order[i]]);
  }
  for (auto& place : places) {
    for (GeneIndex& gene : place) gene = merger.destination()[as_size(gene)];
  }
  for (const std::string& note : merger.notes()) {
    if (say) say(note);
  }
  const auto has_gene = find_owners(places, merger.names().size());
  require_overlap(parts_, has_gene);
  const auto chosen = choose_genes(has_gene, options.genes, name_);

  obs_ = join_obs(parts_);
  var_ = select_var(merger, chosen);
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    measured_.source_of_cell.insert(measured_.source_of_cell.end(), as_size(parts_[i]->n_cells()),
                                    static_cast<std::int32_t>(i));
  }
  measured_.has_gene = has_gene;
  measured_ = select_genes(measured_, chosen);
  std::vector<GeneIndex> new_column(merger.names().size(), -1);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    new_column[as_size(chosen[i])] = static_cast<GeneIndex>(i);
  }
  for (const auto& place : places) {
    std::vector<GeneIndex> column_of;
    for (const GeneIndex gene : place) column_of.push_back(new_column[as_size(gene)]);
    mappings_.emplace_back(std::move(column_of), n_genes());
  }
}

ConcatenatedCells::~ConcatenatedCells() = default;

/// Calls visit(part, begin, end) for the parts that have some of the cells, with those of each.
template <typename Visit>
void ConcatenatedCells::for_each_part(CellIndex begin, CellIndex end, Visit visit) const {
  CellIndex first = 0;  // of the part among all
  for (std::size_t i = 0; i < parts_.size(); ++i) {
    const CellIndex own_begin = std::max(begin - first, CellIndex{0});
    const CellIndex own_end = std::min(end - first, parts_[i]->n_cells());
    first += parts_[i]->n_cells();
    if (own_begin < own_end) visit(i, own_begin, own_end);
  }
}

CsrMatrix ConcatenatedCells::read_cells(CellIndex begin, CellIndex end, const Context& context) {
  CsrMatrix cells;
  cells.n_cols = n_genes();
  for_each_part(begin, end, [&](std::size_t i, CellIndex own_begin, CellIndex own_end) {
    append_rows(cells, mappings_[i].read_cells(*parts_[i], own_begin, own_end, context).view());
  });
  return cells;
}

std::int64_t ConcatenatedCells::most_stored(CellIndex begin, CellIndex end) const {
  std::int64_t n = 0;
  for_each_part(begin, end, [&](std::size_t i, CellIndex own_begin, CellIndex own_end) {
    n += parts_[i]->most_stored(own_begin, own_end);
  });
  return n;
}

bool ConcatenatedCells::are_values_chosen() const {
  return std::ranges::all_of(parts_, [](const auto& part) { return part->are_values_chosen(); });
}

std::int64_t ConcatenatedCells::make_barcodes_distinct() {
  return saithe::make_barcodes_distinct(obs_);
}

Dataset concatenate(std::vector<Dataset> datasets, const ConcatenateOptions& options,
                    const std::function<void(const std::string&)>& say) {
  SAITHE_ASSERT(!datasets.empty());
  const bool is_single = datasets.size() == 1;
  if (is_single && options.matching.gene_column.empty() &&
      column_in_place_of_numbers(datasets.front().var()).empty() &&
      are_distinct(gene_keys(datasets.front().var(), datasets.front().name()))) {
    return std::move(datasets.front());
  }
  Parts parts;
  for (Dataset& dataset : datasets) parts.push_back(std::make_unique<Dataset>(std::move(dataset)));
  std::unique_ptr<CellSource> all;
  if (is_single) {
    all = rename_genes(std::move(parts.front()), options.matching, say);
  } else {
    all = std::make_unique<ConcatenatedCells>(std::move(parts), options, say);
  }
  Dataset joined(all->name(), all->read_cells(0, all->n_cells(), Context(1)), all->obs(),
                 all->var());
  joined.measured = all->measured_genes();
  return joined;
}

std::int64_t make_barcodes_distinct(Table& obs) {
  std::vector<std::string> barcodes = obs.index();
  std::unordered_set<std::string> taken(barcodes.begin(), barcodes.end());
  if (taken.size() == barcodes.size()) return 0;
  std::unordered_set<std::string> seen;
  std::unordered_map<std::string, std::int64_t> next;
  std::int64_t n_changed = 0;
  for (std::string& barcode : barcodes) {
    if (seen.insert(barcode).second) continue;
    std::int64_t& number = next[barcode];
    std::string candidate;
    do {
      candidate = fmt::format("{}-{}", barcode, ++number);
    } while (!taken.insert(candidate).second);
    barcode = std::move(candidate);
    ++n_changed;
  }
  obs.rename_rows(std::move(barcodes));
  return n_changed;
}

}  // namespace saithe
