#include "saithe/io/name_patterns.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <span>

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

/// What separates the words of a name of a column: orig.ident, cell_type, S-Score.
bool is_between_words(char letter) {
  return letter == '.' || letter == '_' || letter == '-' || letter == ' ';
}

// Columns beside the values, in capitals and without what separates words; none is a gene.
constexpr std::array<std::string_view, 8> kOfPeople = {"AGE",   "SEX",     "GENDER",  "BMI",
                                                       "DONOR", "DONORID", "PATIENT", "PATIENTID"};
constexpr std::array<std::string_view, 8> kOfSamples = {
    "BATCH", "SAMPLE", "SAMPLEID", "ORIGIDENT", "PLATE", "REPLICATE", "LANE", "TIMEPOINT"};
constexpr std::array<std::string_view, 22> kOfCells = {
    "CELLID",     "CELLINDEX",        "CELLTYPE",     "LABEL",          "LABELS",
    "PHASE",      "SSCORE",           "G2MSCORE",     "PSEUDOTIME",     "DPTPSEUDOTIME",
    "CLUSTER",    "CLUSTERS",         "CLUSTERID",    "SEURATCLUSTERS", "LEIDEN",
    "LOUVAIN",    "PREDICTEDDOUBLET", "DOUBLETSCORE", "DOUBLETSCORES",  "SCRUBLETSCORE",
    "SIZEFACTOR", "SIZEFACTORS"};
constexpr std::array<std::string_view, 22> kOfCounts = {"NCOUNT",
                                                        "NCOUNTS",
                                                        "NFEATURE",
                                                        "NFEATURES",
                                                        "NGENE",
                                                        "NGENES",
                                                        "NCELLS",
                                                        "NGENESBYCOUNTS",
                                                        "NCELLSBYCOUNTS",
                                                        "NUMI",
                                                        "NUMIS",
                                                        "UMI",
                                                        "UMIS",
                                                        "READS",
                                                        "DETECTED",
                                                        "TOTALCOUNT",
                                                        "TOTALCOUNTS",
                                                        "TOTALFEATURES",
                                                        "MEANCOUNTS",
                                                        "MITORATIO",
                                                        "PCTDROPOUTBYCOUNTS",
                                                        "LOG10GENESPERUMI"};
constexpr std::array<std::string_view, 20> kOfGenes = {"INDEX",
                                                       "GENEID",
                                                       "ENTREZ",
                                                       "ENTREZID",
                                                       "ENTREZGENE",
                                                       "ENTREZGENEID",
                                                       "CHR",
                                                       "CHROMOSOME",
                                                       "CHROMOSOMENAME",
                                                       "STRAND",
                                                       "START",
                                                       "STARTPOSITION",
                                                       "END",
                                                       "ENDPOSITION",
                                                       "LENGTH",
                                                       "GENELENGTH",
                                                       "TRANSCRIPTLENGTH",
                                                       "EFFECTIVELENGTH",
                                                       "EFFLENGTH",
                                                       "HIGHLYVARIABLE"};

/// Of a name in capitals.
bool is_word_of_measure(std::string word) {
  std::erase_if(word, is_between_words);
  const auto holds = [&](std::span<const std::string_view> words) {
    return std::ranges::find(words, word) != words.end();
  };
  return holds(kOfPeople) || holds(kOfSamples) || holds(kOfCells) || holds(kOfCounts) ||
         holds(kOfGenes);
}

/// Whether it is clusters of one resolution, as Seurat calls them: RES_0_8, RNA_SNN_RES_1.
bool is_resolution(std::string_view word) {
  static constexpr std::string_view kResolution = "RES_";
  if (word.find("SNN_RES_") != std::string_view::npos) return true;
  return word.starts_with(kResolution) && word.size() > kResolution.size() &&
         word.find_first_not_of("0123456789_", kResolution.size()) == std::string_view::npos;
}

/// Whether it is what scuttle counts of a set of genes: SUBSETS_MITO_PERCENT.
bool is_of_subset(std::string_view word) {
  return word.starts_with("SUBSETS_") &&
         (word.ends_with("_SUM") || word.ends_with("_DETECTED") || word.ends_with("_PERCENT"));
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
  // What programs write before the name of an assay or a set of genes, or before a parameter; a
  // sample may be called Leiden_2.
  static constexpr std::array kBeginnings = {
      "NCOUNT_",       "NFEATURE_",      "PERCENT_",           "PCT_COUNTS_",  "TOTAL_COUNTS_",
      "LOG1P_TOTAL_",  "LOG1P_N_GENES_", "LOG1P_MEAN_COUNTS",  "SCDBLFINDER_", "PANN_",
      "ALTEXPS_ERCC_", "LEIDEN_RES",     "LEIDEN_0_",          "LEIDEN_1_",    "LOUVAIN_RES",
      "LOUVAIN_0_",    "LOUVAIN_1_",     "DF_CLASSIFICATIONS_"};
  // "PCA3" is a gene.
  static constexpr std::array kAxes = {"UMAP_", "UMAP", "TSNE_", "TSNE", "PC_", "PC", "PCA_"};
  std::string word = upper(name);
  std::ranges::replace_if(word, is_between_words, '_');
  const auto begins = [&](const char* text) { return word.starts_with(text); };
  const auto is_axis = [&](std::string_view axis) {
    if (!word.starts_with(axis)) return false;
    const auto number = std::string_view(word).substr(axis.size());
    return !number.empty() && count_digits(number) == number.size();
  };
  return is_word_of_measure(word) || std::ranges::any_of(kBeginnings, begins) ||
         std::ranges::any_of(kAxes, is_axis) || is_resolution(word) || is_of_subset(word);
}

std::vector<bool> measures_among(const std::vector<std::string>& names, std::size_t n_texts) {
  std::vector<bool> are_measures;
  for (const std::string& name : names) are_measures.push_back(names_measure(name));
  // "PC3" and "PC9" are lines of cells where there is no first axis.
  const auto is_short_axis = [](const std::string& word) {
    return word.starts_with("PC") && word.size() > 2 && count_digits(word.substr(2)) > 0;
  };
  const bool has_first_axis =
      std::ranges::any_of(names, [](const std::string& name) { return upper(name) == "PC1"; });
  for (std::size_t i = n_texts; i < names.size(); ++i) {
    if (!has_first_axis && is_short_axis(upper(names[i]))) are_measures[i] = false;
  }
  // What a program counted of a single cell may be called after the counts.
  static constexpr std::array kCounts = {"READS", "UMI", "UMIS"};
  const bool is_alone = names.size() == n_texts + 1;
  if (is_alone && std::ranges::find(kCounts, upper(names.back())) != kCounts.end()) {
    are_measures.back() = false;
  }
  return are_measures;
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
