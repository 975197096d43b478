#pragma once

// What genes are called: Ensembl ids, symbols, and which columns of two lists of genes meet most.
//
// The one place where names of genes of different sources are compared: several files of a
// training, and a query with a model.

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "saithe/data/table.h"

namespace saithe {

/// How genes of two sources are found in each other.
struct GeneMatchOptions {
  std::string gene_column;              ///< of var, with the names to use; empty: what meets most
  bool match_case_insensitive = false;  ///< Trp53 and TRP53 are one gene
  std::string gene_symbols = "none";    ///< path of a table of Ensembl ids and symbols, or "none"

  template <typename Visitor>
  static void describe(Visitor& visit, GeneMatchOptions& options) {
    visit("gene-column", options.gene_column,
          "column of var with the genes' names (default: the one that meets most)");
    visit("match-case-insensitive", options.match_case_insensitive,
          "letters' case of gene names does not count (mouse's Actb is human's ACTB)");
    visit("gene-symbols", options.gene_symbols,
          "table of Ensembl id and symbol, used where no column meets: FILE, bundled, none");
  }
};

/// Two lists of genes meet if they share at least this share of the shorter one.
inline constexpr double kMinSharedGenes = 0.3;

/// Whether `text` is an Ensembl id of a gene, transcript, exon or protein, with or without version.
bool is_ensembl_id(std::string_view text);
/// An Ensembl id without its version ("ENSG00000141510.18", "ENSG00000182378.14_PAR_Y", of which
/// the suffix stays); any other text as it is ("AC012345.1" is a name).
std::string without_ensembl_version(std::string_view text);

/// Ensembl ids (without versions) and their symbols.
using GeneSymbols = std::unordered_map<std::string, std::string>;
/// Reads lines "id TAB symbol" (or with a comma), plain or gzip; lines that begin with # are
/// skipped. Throws Error(NotFound), and Error(BadFormat) naming the line.
GeneSymbols read_gene_symbols(const std::string& path);

/// A column that may name genes; one entry per gene.
struct GeneColumn {
  std::string name;  ///< "gene names" is the index
  std::vector<std::string> genes;
};

/// The columns of var that may name genes: the index, unless it numbers the rows beside a column
/// that usually names genes, then those that usually do, then any other of text. Only `chosen` if
/// that is not empty ("index": the index). Throws Error(BadFormat), beginning with `where`, if
/// there is no such column.
std::vector<GeneColumn> gene_columns(const Table& var, const std::string& chosen,
                                     const std::string& where);

/// Of these the index and those that usually name genes, without any other of text, which may be
/// anything: two files' running numbers meet wholly and mean nothing.
std::vector<GeneColumn> usual_gene_columns(const Table& var);

/// Whether names number the rows, from 0 (pandas) or 1 (R): no one has named them.
bool are_row_numbers(const std::vector<std::string>& names);

/// The column of var that names the genes where the index numbers the rows: of those that usually
/// do, the first of symbols, else of ids; empty if there is none, or the index is no such one.
std::string column_in_place_of_numbers(const Table& var);

/// "2 genes of QUERY had the name of another one and were added to it (the first: 'A', 'B')": what
/// is said of genes that were added up, of these names; `whose` they are.
std::string describe_added_genes(const std::vector<std::string>& names, const std::string& whose);

/// Throws Error(BadFormat), beginning with `where`, if the column has an Ensembl id twice.
void require_no_id_twice(const GeneColumn& column, const std::string& where);

/// Which genes of one list are genes of another.
struct GeneColumnMatch {
  std::vector<GeneIndex> place;  ///< per gene of theirs: the gene of ours, or -1
  std::size_t ours = 0;          ///< the columns that met
  std::size_t theirs = 0;
  std::int64_t n_matched = 0;  ///< genes of ours that were found
  std::int64_t n_added = 0;    ///< genes of theirs that are the same as an earlier one of theirs
  std::string matched_by;      ///< "gene names", "gene_ids of ours, feature_name of theirs", ...
  std::vector<std::string> notes;  ///< what else a person should know
};

/// The pair of columns of which most genes of ours are found. Where several find as many, the first
/// of them if ids do (ours of the column gene_ids), otherwise the one that finds most genes of
/// theirs: repeated symbols, which are added up, before the same made unique. Ensembl ids meet
/// without their versions. Where no pair shares kMinSharedGenes of the shorter list, ids
/// are also turned into symbols. `our_word` and `their_word` are what the two are called. Throws
/// Error(BadFormat), beginning with `where`, if the column of theirs has an Ensembl id twice.
GeneColumnMatch match_gene_columns(const std::vector<GeneColumn>& ours,
                                   const std::vector<GeneColumn>& theirs,
                                   const GeneMatchOptions& options, const std::string& our_word,
                                   const std::string& their_word, const std::string& where);

}  // namespace saithe
