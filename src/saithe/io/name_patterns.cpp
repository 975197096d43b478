#include "saithe/io/name_patterns.h"

#include <algorithm>
#include <array>
#include <cctype>

namespace saithe::io {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string upper(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return result;
}

std::size_t count_digits(std::string_view text) {
  const auto end = std::find_if_not(text.begin(), text.end(), is_digit);
  return static_cast<std::size_t>(end - text.begin());
}

/// PREFIX, then digits, then a few letters, digits or dashes: ZNF90, RPL13A, SLC25A6.
bool is_of_family(std::string_view name, std::string_view prefix) {
  static constexpr std::size_t kLongestEnd = 4;
  if (!name.starts_with(prefix)) return false;
  name.remove_prefix(prefix.size());
  const std::size_t n_digits = count_digits(name);
  const std::string_view end = name.substr(n_digits);
  return n_digits > 0 && end.size() <= kLongestEnd &&
         std::all_of(end.begin(), end.end(),
                     [](unsigned char c) { return c == '-' || std::isalnum(c); });
}

// Families of human and mouse genes whose names are a prefix and a number.
constexpr std::array kFamilies = {
    "RPL",   "RPS",  "MRPL", "MRPS", "ZNF",  "ZFP",   "SLC",   "TMEM",   "FAM",   "CCDC", "KIF",
    "ANKRD", "COL",  "KRT",  "CXCL", "CCL",  "CCR",   "CXCR",  "TNFRSF", "TNFSF", "PTPN", "RAB",
    "NDUF",  "COX",  "PSM",  "EIF",  "MIR",  "SNORD", "SNORA", "LINC",   "HIST",  "OLFR", "TRIM",
    "WDR",   "LRRC", "CYP",  "ATP",  "UBE2", "USP",   "HOX",   "IFIT",   "IFITM", "GM",   "CD"};

// Genes that nearly every cell expresses, and markers that nearly every panel has.
constexpr std::array kKnown = {
    "ACTB",  "ACTG1", "B2M",    "GAPDH",  "MALAT1", "NEAT1",  "XIST",   "EEF1A1", "EEF2",
    "FTH1",  "FTL",   "TMSB4X", "TMSB10", "TPT1",   "UBA52",  "UBB",    "UBC",    "FAU",
    "VIM",   "LYZ",   "NKG7",   "GNLY",   "MS4A1",  "PPBP",   "PTPRC",  "EPCAM",  "PECAM1",
    "FOXP3", "GZMA",  "GZMB",   "GZMK",   "PRF1",   "IL7R",   "CCR7",   "SELL",   "TP53",
    "MYC",   "TOP2A", "MKI67",  "PCNA",   "NCAM1",  "FCER1A", "FCGR3A", "S100A8", "S100A9",
    "ALB",   "INS",   "GCG",    "SST",    "HBA1",   "HBA2",   "HBB",    "DCN",    "GFAP"};

// Prefixes after which any name is a gene's: mitochondrial, HLA and histocompatibility genes,
// clones, immunoglobulins and receptors.
constexpr std::array kGenePrefixes = {"MT-",  "HLA-", "H2-",  "RP11-", "RP1-", "RP3-",
                                      "RP4-", "RP5-", "CTD-", "CTB-",  "IGHV", "IGKV",
                                      "IGLV", "TRAV", "TRBV", "TRGV",  "TRDV"};

// Beginnings of accessions of other databases, then digits.
bool is_accession(std::string_view name, std::string_view prefix, std::size_t n_digits) {
  return name.starts_with(prefix) && name.size() >= prefix.size() + n_digits &&
         count_digits(name.substr(prefix.size())) >= n_digits;
}

/// AC012345.1, AL123456.2: the name of a clone.
bool is_clone(std::string_view name) {
  if (name.size() < 8 || !std::isupper(static_cast<unsigned char>(name[0])) ||
      !std::isupper(static_cast<unsigned char>(name[1]))) {
    return false;
  }
  name.remove_prefix(2);
  const std::size_t n_digits = count_digits(name);
  return n_digits == 6 && name.size() > 7 && name[6] == '.' && is_digit(name[7]);
}

/// Whether it has `n` bases in a row.
bool has_bases(std::string_view name, int n) {
  int run = 0;
  for (const char c : name) {
    run = c == 'A' || c == 'C' || c == 'G' || c == 'T' || c == 'N' ? run + 1 : 0;
    if (run >= n) return true;
  }
  return false;
}

/// p1_A10, plate2.H03: the last part is a well of a plate of 96 or 384.
bool is_well(std::string_view name) {
  const auto cut = name.find_last_of("_.-");
  if (cut == std::string_view::npos || cut == 0) return false;
  const std::string_view well = name.substr(cut + 1);
  if (well.size() < 2 || well.size() > 3 || well[0] < 'A' || well[0] > 'P') return false;
  return count_digits(well.substr(1)) == well.size() - 1;
}

/// Of a name that could be either nothing is said.
bool is_only_cell(std::string_view name) {
  return looks_like_cell(name) && !looks_like_gene(name);
}

double share(const std::vector<std::string>& names, bool (*is_one)(std::string_view)) {
  if (names.empty()) return 0;
  const auto n = std::count_if(names.begin(), names.end(),
                               [&](const std::string& name) { return is_one(name); });
  return static_cast<double>(n) / static_cast<double>(names.size());
}

}  // namespace

bool is_ensembl_id(std::string_view name) {
  if (!name.starts_with("ENS")) return false;
  const auto digits = std::find_if(name.begin(), name.end(), is_digit);
  const auto n_letters = static_cast<std::size_t>(digits - name.begin());
  if (n_letters < 4 || n_letters > 8) return false;
  const char kind = name[n_letters - 1];
  if (kind != 'G' && kind != 'T' && kind != 'P' && kind != 'E') return false;
  const std::string_view rest = name.substr(n_letters);
  const std::size_t n_digits = count_digits(rest);
  return n_digits == 11 && (rest.size() == n_digits || rest[n_digits] == '.');
}

bool looks_like_gene(std::string_view name) {
  if (is_ensembl_id(name) || is_accession(name, "FBgn", 7) || is_accession(name, "WBGene", 8)) {
    return true;
  }
  if (is_clone(name)) return true;
  const std::string symbol = upper(name);
  // Zebrafish's genes are written small; so is "col1" of a table of anything.
  const bool is_small = !name.empty() && std::islower(static_cast<unsigned char>(name[0])) != 0;
  if (is_small) {
    return symbol.starts_with("MT-") || is_of_family(symbol, "RPL") || is_of_family(symbol, "RPS");
  }
  const auto begins = [&](const char* prefix) { return symbol.starts_with(prefix); };
  return std::any_of(kGenePrefixes.begin(), kGenePrefixes.end(), begins) ||
         std::find(kKnown.begin(), kKnown.end(), symbol) != kKnown.end() ||
         std::any_of(kFamilies.begin(), kFamilies.end(),
                     [&](const char* family) { return is_of_family(symbol, family); });
}

bool looks_like_cell(std::string_view name) {
  static constexpr int kFewestBases = 8;
  if (is_ensembl_id(name)) return false;
  if (has_bases(name, kFewestBases)) return true;
  const std::string text = upper(name);
  std::string_view rest = text;
  if (rest.starts_with("CELL")) {
    rest.remove_prefix(rest.starts_with("CELLS") ? 5 : 4);
    while (!rest.empty() && (rest[0] == '_' || rest[0] == '.' || rest[0] == '-' || rest[0] == ' '))
      rest.remove_prefix(1);
    if (count_digits(rest) > 0) return true;
  }
  for (const char* prefix : {"SRR", "ERR", "DRR", "GSM"}) {
    if (is_accession(text, prefix, 5)) return true;
  }
  return is_well(name);
}

bool names_counter(std::string_view name) {
  static constexpr std::array kHtseq = {"__no_feature", "__ambiguous", "__too_low_aQual",
                                        "__not_aligned", "__alignment_not_unique"};
  static constexpr std::array kStar = {"N_unmapped", "N_multimapping", "N_noFeature",
                                       "N_ambiguous"};
  // R's make.names() and others change the underscores before.
  std::string_view end = name;
  while (!end.empty() && (end[0] == '_' || end[0] == 'X' || end[0] == '.')) end.remove_prefix(1);
  return std::ranges::find(kStar, name) != kStar.end() ||
         std::ranges::any_of(kHtseq, [&](std::string_view word) {
           return name == word || (name.size() > end.size() + 1 && end == word.substr(2));
         });
}

bool names_measure(std::string_view name) {
  if (names_counter(name)) return true;
  static constexpr std::array kWords = {"AGE",
                                        "SEX",
                                        "GENDER",
                                        "BMI",
                                        "BATCH",
                                        "DONOR",
                                        "DONOR_ID",
                                        "PATIENT",
                                        "PATIENT_ID",
                                        "SAMPLE",
                                        "SAMPLE_ID",
                                        "PLATE",
                                        "REPLICATE",
                                        "LANE",
                                        "TIMEPOINT",
                                        "PSEUDOTIME",
                                        "DPT_PSEUDOTIME",
                                        "PHASE",
                                        "N_COUNTS",
                                        "N_GENES",
                                        "N_CELLS",
                                        "N_GENES_BY_COUNTS",
                                        "N_UMI",
                                        "N_UMIS",
                                        "NUMI",
                                        "NGENE",
                                        "NGENES",
                                        "TOTAL_COUNTS",
                                        "TOTAL_COUNT",
                                        "N_CELLS_BY_COUNTS",
                                        "LEIDEN",
                                        "LOUVAIN",
                                        "CLUSTER",
                                        "CLUSTERS",
                                        "SEURAT_CLUSTERS",
                                        "DOUBLET_SCORE",
                                        "DOUBLET_SCORES",
                                        "SCRUBLET_SCORE",
                                        "S_SCORE",
                                        "G2M_SCORE",
                                        "SIZE_FACTOR",
                                        "SIZE_FACTORS",
                                        "MEAN_COUNTS",
                                        "PCT_DROPOUT_BY_COUNTS",
                                        "LENGTH",
                                        "GENE_LENGTH",
                                        "EFFECTIVE_LENGTH",
                                        "EFFLENGTH",
                                        "START",
                                        "END",
                                        "ENTREZ",
                                        "ENTREZID",
                                        "ENTREZ_ID",
                                        "ENTREZ_GENE_ID",
                                        "ENTREZGENE_ID"};
  static constexpr std::array kBeginnings = {"NCOUNT_",        "NFEATURE_",        "PERCENT_",
                                             "PCT_COUNTS_",    "TOTAL_COUNTS_",    "LOG1P_TOTAL_",
                                             "LOG1P_N_GENES_", "LOG1P_MEAN_COUNTS"};
  static constexpr std::array kAxes = {"UMAP_", "TSNE_", "PC_", "PCA_"};
  std::string word = upper(name);
  std::ranges::replace(word, '.', '_');
  std::ranges::replace(word, ' ', '_');
  const auto begins = [&](const char* text) { return word.starts_with(text); };
  const auto is_axis = [&](const std::string& axis) {
    return word.size() > axis.size() && word.starts_with(axis) &&
           count_digits(std::string_view(word).substr(axis.size())) == word.size() - axis.size();
  };
  return std::ranges::find(kWords, word) != kWords.end() ||
         std::ranges::any_of(kBeginnings, begins) || std::ranges::any_of(kAxes, is_axis) ||
         word.find("_SNN_RES_") != std::string::npos;
}

bool may_name_numbers(std::string_view corner) {
  // As pandas, readr, data.table and people call them; "BID" and "ROS1" are genes.
  static constexpr std::array kWords = {"",    "ID",  "X",   "V1",      "...1",  "NAME",
                                        "NR",  "NO",  "#",   "ROW",     "ROWS",  "N",
                                        "OBS", "VAR", "KEY", "LEVEL_0", "NUMBER"};
  static constexpr std::array kParts = {"INDEX",   "CELL",    "BARCODE",   "GENE",
                                        "SYMBOL",  "ENTREZ",  "SAMPLE",    "FEATURE",
                                        "ENSEMBL", "UNNAMED", "TRANSCRIPT"};
  static constexpr std::array kEnds = {"ID", "NAME", "NAMES", "NUMBER", "NR"};
  std::string word = upper(corner);
  std::erase(word, ' ');
  const auto ends = [&](std::string_view end) {
    if (!word.ends_with(end) || word.size() == end.size()) return false;
    const char before = word[word.size() - end.size() - 1];
    return before == '_' || before == '.';
  };
  const auto holds = [&](const char* part) { return word.find(part) != std::string::npos; };
  return std::find(kWords.begin(), kWords.end(), word) != kWords.end() ||
         std::any_of(kParts.begin(), kParts.end(), holds) ||
         std::any_of(kEnds.begin(), kEnds.end(), ends);
}

RowsAre tell_rows(const std::vector<std::string>& rows, const std::vector<std::string>& columns,
                  std::string_view corner) {
  // A third of a genome's names show it; a tenth of a panel's. What differs by less is chance.
  static constexpr double kEnough = 0.05;
  static constexpr double kTimesMore = 2;
  const double for_genes = share(rows, looks_like_gene) + share(columns, is_only_cell);
  const double for_cells = share(columns, looks_like_gene) + share(rows, is_only_cell);
  if (for_genes >= kEnough && for_genes > kTimesMore * for_cells) return RowsAre::Genes;
  if (for_cells >= kEnough && for_cells > kTimesMore * for_genes) return RowsAre::Cells;
  const std::string word = upper(corner);
  const auto says = [&](std::initializer_list<const char*> words) {
    return std::any_of(words.begin(), words.end(),
                       [&](const char* w) { return word.find(w) != std::string::npos; });
  };
  if (says({"GENE", "SYMBOL", "ENSEMBL", "FEATURE", "TRANSCRIPT"})) return RowsAre::Genes;
  if (says({"CELL", "BARCODE", "SAMPLE", "SPOT"})) return RowsAre::Cells;
  return RowsAre::Unknown;
}

}  // namespace saithe::io
