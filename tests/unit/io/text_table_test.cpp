// CSV, TSV and their kin, both ways round.

#include <gtest/gtest.h>

#include <cmath>

#include "saithe/core/text_io.h"
#include "saithe/io/open.h"
#include "support/folder_for_test.h"

namespace saithe {
namespace {

using testing::FolderForTest;
using testing::write_bytes;
using Texts = std::vector<std::string>;

const Context kContext(1);

/// Three genes x two cells.
constexpr const char* kGenesInRows = "gene,cell1,cell2\nACTB,3,0\nCD3D,0,0\nMT-CO1,1,7\n";

void expect_three_by_two(const Dataset& cells) {
  EXPECT_EQ(cells.obs().index(), (Texts{"cell1", "cell2"}));
  EXPECT_EQ(cells.var().index(), (Texts{"ACTB", "CD3D", "MT-CO1"}));
  EXPECT_EQ(cells.counts.row_start, (std::vector<RowPointer>{0, 2, 3}));
  EXPECT_EQ(cells.counts.columns, (std::vector<GeneIndex>{0, 2, 2}));
  EXPECT_EQ(cells.counts.values, (std::vector<float>{3, 1, 7}));
}

Dataset read(const std::string& text, const ReadOptions& options = {},
             const Context& context = kContext) {
  const FolderForTest folder;
  write_bytes(folder / "a.csv", text);
  return read_dataset(folder / "a.csv", options, context);
}

TEST(TextTable, BothWaysRound) {
  expect_three_by_two(read(kGenesInRows));
  expect_three_by_two(read(",ACTB,CD3D,MT-CO1\ncell1,3,0,1\ncell2,0,0,7\n"));
}

TEST(TextTable, MeasuresOfCellsAreNoGenes) {
  const std::string text =
      "cell,type,nCount_RNA,ACTB,CD3D,percent.mt,MT-CO1,UMAP_1\n"
      "cell1,T,4,3,0,25,1,-0.5\ncell2,B,7,0,0,NA,7,1.5\n";
  const Dataset cells = read(text);
  expect_three_by_two(cells);
  EXPECT_EQ(cells.obs().names_of_columns(), (Texts{"type", "nCount_RNA", "percent.mt", "UMAP_1"}));
  const auto& counts = std::get<NumberColumn>(*cells.obs().find("nCount_RNA"));
  EXPECT_EQ(counts.values, (std::vector<double>{4, 7}));
  const auto& percent = std::get<NumberColumn>(*cells.obs().find("percent.mt"));
  EXPECT_EQ(percent.values[0], 25);
  EXPECT_TRUE(std::isnan(percent.values[1]));
  Context context(1);
  Texts warnings;
  context.on_warning = [&](const std::string& warning) { warnings.push_back(warning); };
  const Dataset genes_in_rows = read(
      "gene,cell1,cell2,total_counts\nACTB,3,0,3\nCD3D,0,0,0\n"
      "MT-CO1,1,7,8\n",
      {}, context);
  expect_three_by_two(genes_in_rows);
  EXPECT_EQ(genes_in_rows.var().names_of_columns(), Texts{"total_counts"});
  ASSERT_EQ(warnings.size(), 1);
  EXPECT_NE(warnings[0].find("a.csv: 'total_counts' is named like a measure"), std::string::npos);
  EXPECT_SAITHE_ERROR(read("cell,UMAP_1,UMAP_2\nc1,1,2\nc2,3,4\n"), ErrorKind::BadFormat,
                      "named like measures of cells ('UMAP_1', ...); expected values of genes");
}

// Donors, coordinates and axes are no counts, which 32 bits hold.
TEST(TextTable, NumbersBesideTheValuesKeepEveryDigit) {
  const Dataset cells = read(
      "cell,donor_id,ACTB,CD3D,MT-CO1,tSNE_1,sample\n"
      "cell1,100000001,3,0,1,0.1257302210933933,9007199254740993\n"
      "cell2,100000002,0,0,7,,9007199254740992\n");
  expect_three_by_two(cells);
  EXPECT_EQ(cells.obs().as_text("donor_id"), (Texts{"100000001", "100000002"}));
  const auto& axis = std::get<NumberColumn>(*cells.obs().find("tSNE_1"));
  EXPECT_EQ(axis.kind, NumberColumn::Kind::Float64);
  EXPECT_EQ(axis.values[0], 0.1257302210933933);
  EXPECT_TRUE(std::isnan(axis.values[1]));
  EXPECT_EQ(std::get<NumberColumn>(*cells.obs().find("sample")).exact,
            (std::vector<std::int64_t>{9007199254740993, 9007199254740992}));
  const Dataset genes = read(
      "gene,Chr,Start,cell1,cell2\nACTB,chr7,155270561,3,0\nCD3D,chr11,155270562,0,0\n"
      "MT-CO1,chrM,155270563,1,7\n");
  expect_three_by_two(genes);
  EXPECT_EQ(genes.var().as_text("Start"), (Texts{"155270561", "155270562", "155270563"}));
}

TEST(TextTable, WholeNumbersPast64BitsAreRoundedWithAWarning) {
  Context context(1);
  Texts warnings;
  context.on_warning = [&](const std::string& warning) { warnings.push_back(warning); };
  read("cell,donor_id,ACTB\ncell1,18446744073709551615,3\ncell2,1,4\n", {}, context);
  ASSERT_EQ(warnings.size(), 2U);
  EXPECT_NE(warnings[1].find("a.csv: donor_id: has whole numbers of 2^63 or more"),
            std::string::npos);
}

TEST(TextTable, NumbersAndTextsOfOneColumnBesideTheValuesAreTexts) {
  for (const char* texts : {"1,D1,NA", "D1,1,NA", "D1,2,3", "NA,D1,1", "007,7,1"}) {
    SCOPED_TRACE(texts);
    Texts donors;
    for (std::string_view rest = texts;;) {
      donors.emplace_back(rest.substr(0, rest.find(',')));
      if (rest.find(',') == std::string_view::npos) break;
      rest.remove_prefix(rest.find(',') + 1);
    }
    const Dataset before =
        read(fmt::format("cell,donor_id,ACTB\ncell1,{},3\ncell2,{},4\ncell3,{},5\n", donors[0],
                         donors[1], donors[2]));
    const Dataset behind =
        read(fmt::format("cell,ACTB,donor_id\ncell1,3,{}\ncell2,4,{}\ncell3,5,{}\n", donors[0],
                         donors[1], donors[2]));
    for (std::string& donor : donors) donor = donor == "NA" ? "" : donor;
    for (const Dataset* cells : {&before, &behind}) {
      EXPECT_EQ(cells->var().index(), Texts{"ACTB"});
      EXPECT_EQ(cells->obs().as_text("donor_id"), donors);
      EXPECT_TRUE(std::holds_alternative<TextColumn>(*cells->obs().find("donor_id")));
    }
  }
}

TEST(TextTable, TextsMayFollowMeasuresBeforeTheValues) {
  const Dataset cells = read(
      "cell,nCount_RNA,note,orig.ident,ACTB,CD3D,MT-CO1\n"
      "cell1,4,good,1,3,0,1\ncell2,7,bad,2,0,0,7\n");
  expect_three_by_two(cells);
  EXPECT_EQ(cells.obs().names_of_columns(), (Texts{"nCount_RNA", "note", "orig.ident"}));
  EXPECT_EQ(cells.obs().as_text("nCount_RNA"), (Texts{"4", "7"}));
  EXPECT_EQ(cells.obs().as_text("note"), (Texts{"good", "bad"}));
}

TEST(TextTable, ReadsAloneAreTheCountsOfACell) {
  EXPECT_EQ(read("gene,reads\nACTB,3\nCD3D,4\n").obs().index(), Texts{"reads"});
  EXPECT_EQ(read("gene,symbol,UMI\nG1,ACTB,3\nG2,CD3D,4\n").obs().index(), Texts{"UMI"});
  EXPECT_EQ(read("cell,reads,ACTB\ncell1,3,1\ncell2,4,1\n").var().index(), Texts{"ACTB"});
}

TEST(TextTable, CountersBesideTheGenesAreLeftOut) {
  Context context(1);
  Texts warnings;
  context.on_warning = [&](const std::string& warning) { warnings.push_back(warning); };
  expect_three_by_two(
      read("gene,cell1,cell2\nN_unmapped,9,9\nACTB,3,0\nCD3D,0,0\nMT-CO1,1,7\n"
           "__no_feature,5,6\n__not_aligned,1,0\n",
           {}, context));
  ASSERT_EQ(warnings.size(), 1);
  EXPECT_NE(warnings[0].find("'N_unmapped', '__no_feature', '__not_aligned'"), std::string::npos);
  const Dataset cells = read(",ACTB,CD3D,MT-CO1,__no_feature\ncell1,3,0,1,5\ncell2,0,0,7,6\n");
  expect_three_by_two(cells);
  EXPECT_EQ(cells.obs().names_of_columns(), Texts{"__no_feature"});
  EXPECT_SAITHE_ERROR(read("gene,cell1\n__ambiguous,3\n"), ErrorKind::BadFormat,
                      "has no row but what a program counted beside the genes ('__ambiguous')");
}

TEST(TextTable, FeatureCountsDescribesGenesBeforeTheirCounts) {
  const Dataset cells = read(
      "# Program:featureCounts v2.0.1; Command:\"featureCounts\"\n"
      "Geneid\tChr\tStart\tEnd\tStrand\tLength\tcell1\tcell2\n"
      "ACTB\t7\t5\t9\t-\t1812\t3\t0\nCD3D\t11;11\t1;4\t2;6\t-;-\t771\t0\t0\n"
      "MT-CO1\tMT\t5904\t7445\t+\t1542\t1\t7\n");
  expect_three_by_two(cells);
  EXPECT_EQ(cells.var().names_of_columns(), (Texts{"Chr", "Start", "End", "Strand", "Length"}));
  EXPECT_EQ(cells.var().as_text("Start"), (Texts{"5", "1;4", "5904"}));
}

TEST(TextTable, WordsBelowTheHeaderAreSaidToBeNoNumbers) {
  EXPECT_SAITHE_ERROR(read("\tc1\tc2\tc3\ncluster\tB cell\tT cell\tB cell\nACTB\t1\t2\t3\n"),
                      ErrorKind::BadFormat, "a.csv:2: has no column of numbers");
  EXPECT_SAITHE_ERROR(read("cell,ACTB,CD3D\nc1,TRUE,FALSE\n"), ErrorKind::BadFormat,
                      "TRUE and FALSE as 1 and 0");
}

TEST(TextTable, BothWaysRoundInLittleMemory) {
  Context little(2);
  little.max_memory = 1;
  expect_three_by_two(read(kGenesInRows, {}, little));
  expect_three_by_two(read(",ACTB,CD3D,MT-CO1\ncell1,3,0,1\ncell2,0,0,7\n", {}, little));
}

TEST(TextTable, AsProgramsWriteIt) {
  for (const char* text : {
           "\xEF\xBB\xBFgene\tcell1\tcell2\r\nACTB\t3\t0\r\nCD3D\t0\t0\r\nMT-CO1\t1\t7\r\n",
           "\"cell1\",\"cell2\"\n\"ACTB\",3,0\n\"CD3D\",0,0\n\"MT-CO1\",1e+00,7\n",
           "\"cell1\" \"cell2\"\n\"ACTB\" 3 0\n\"CD3D\" 0 0\n\"MT-CO1\" 1 7",
           "sep=;\n;cell1;cell2\nACTB;3,0;0\nCD3D;0;0\nMT-CO1;1;7\n",
           "# made today\n#\ngene,cell1,cell2\nACTB,3,0\nCD3D,0,0\n\nMT-CO1,1,7\n",
       }) {
    SCOPED_TRACE(text);
    expect_three_by_two(read(text));
  }
}

// AnnData, too, takes lines for comments before the header only.
TEST(TextTable, NamesMayBeginLikeComments) {
  const Dataset cells = read("# made today\ncell,ACTB,CD3D\n#1,1,2\n#2,3,4\nc3,5,6\n");
  EXPECT_EQ(cells.obs().index(), (Texts{"#1", "#2", "c3"}));
  EXPECT_EQ(cells.counts.values, (std::vector<float>{1, 2, 3, 4, 5, 6}));
  EXPECT_SAITHE_ERROR(read("cell,ACTB,CD3D\nc1,1,2\n# half\nc2,3,4\n"), ErrorKind::BadFormat,
                      "a.csv:3: has 1 field; expected 3, as the first line has. Comments (#) stand "
                      "before the header only");
}

TEST(TextTable, CommentsBelowTheHeaderAreRefused) {
  for (const char* text : {"cell,ACTB,CD3D\n# half of them\nc1,1,2\nc2,3,4\n",
                           "cell,ACTB,CD3D\n\n#\n# by me, today\nc1,1,2\nc2,3,4\n",
                           "gene\tcell\tcount\n# half\nA\tTT\t1\n"}) {
    SCOPED_TRACE(text);
    EXPECT_SAITHE_ERROR(read(text), ErrorKind::BadFormat,
                        "a comment (#) stands below the header. Comments stand before the header");
  }
  EXPECT_SAITHE_ERROR(read("gene\tcell\tcount\nA\tTT\t1\n# half\n"), ErrorKind::BadFormat,
                      "a.csv:3: has 1 field; expected 3, among them gene, cell and count. Comments "
                      "(#) stand before the header only");
}

TEST(TextTable, GzipAndWhatItIsCalled) {
  const FolderForTest folder;
  write_file(folder / "a.csv.gz", kGenesInRows, false);
  expect_three_by_two(read_dataset(folder / "a.csv.gz", {}, kContext));
  EXPECT_EQ(inspect_file(folder / "a.csv.gz", {}, kContext).format, "CSV");
  write_bytes(folder / "a.txt", "gene\tcell1\nACTB\t3\n");  // the name does not matter
  EXPECT_EQ(inspect_file(folder / "a.txt", {}, kContext).format, "TSV");
}

TEST(TextTable, NamesThatSayNothingAreTakenAsAnnDataDoes) {
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  const std::string text = ",c1,c2\nr1,1,0\nr2,3,0\nr3,5,6\n";
  EXPECT_EQ(read(text, {}, listening).obs().index(), (Texts{"r1", "r2", "r3"}));
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(warnings[0], "('r1', ...) nor its columns ('c1', ...)"));
  EXPECT_TRUE(testing::contains(warnings[0], "--cells-in columns"));
  warnings.clear();
  ReadOptions options;
  options.cells_in = CellsIn::Columns;
  EXPECT_EQ(read(text, options, listening).obs().index(), (Texts{"c1", "c2"}));
  options.cells_in = CellsIn::Rows;
  EXPECT_EQ(read(text, options, listening).obs().index(), (Texts{"r1", "r2", "r3"}));
  EXPECT_TRUE(warnings.empty());
}

TEST(TextTable, ColumnsOfTextAreKept) {
  const Dataset genes = read("id,symbol,cell1\nENSG00000075624,ACTB,3\nENSG00000111640,GAPDH,4\n");
  EXPECT_EQ(genes.var().index(), (Texts{"ENSG00000075624", "ENSG00000111640"}));
  EXPECT_EQ(genes.var().as_text("symbol"), (Texts{"ACTB", "GAPDH"}));
  EXPECT_EQ(genes.counts.values, (std::vector<float>{3, 4}));
  const Dataset cells = read("cell,type,ACTB\ncell1,T,3\ncell2,B,4\n");
  EXPECT_EQ(cells.obs().as_text("type"), (Texts{"T", "B"}));
}

// A first value that cannot be read must not make a column of text of a cell or gene.
TEST(TextTable, AColumnOfNumbersWithoutTheFirstIsAnError) {
  for (const char* value : {"\"1,234\"", "inf", "-", ".", "#DIV/0!", "TRUE", "0x10", "1'234"}) {
    const std::string text = fmt::format("gene,c1,c2\nACTB,{},0\nCD3D,0,0\nMT-CO1,1,7\n", value);
    EXPECT_SAITHE_ERROR(read(text), ErrorKind::BadFormat,
                        "a.csv:2: column 2 ('c1') of row 'ACTB': '");
  }
  EXPECT_SAITHE_ERROR(read("gene,c1,c2\nACTB,\"1,234\",0\n"), ErrorKind::BadFormat,
                      "is not a number; write it with a decimal point");
  EXPECT_SAITHE_ERROR(read("gene,c1,c2\nACTB,inf,0\nCD3D,2,0\n"), ErrorKind::BadFormat,
                      "a.csv:2: column 2 ('c1') of row 'ACTB': 'inf' is not a number");
  EXPECT_EQ(read("cell,state,ACTB\nc1,inf,3\nc2,ctrl,4\n").obs().as_text("state"),
            (Texts{"inf", "ctrl"}));
  const Dataset genes = read("gene,arm,c1\nACTB,7,3\nCD3D,11,2\n");  // nothing tells
  EXPECT_EQ(genes.obs().index(), (Texts{"arm", "c1"}));
  EXPECT_EQ(read("gene,arm,c1\nXIST,Xq,3\nCD3D,11,2\n").obs().index(), Texts{"c1"});
}

TEST(TextTable, TabsSeparateWhereThereAreCommasToo) {
  const Dataset cells = read("\tACTB\tCD3D\nc1\t1\t2\nc2\t3\t4\n");
  EXPECT_EQ(cells.var().index(), (Texts{"ACTB", "CD3D"}));
  EXPECT_SAITHE_ERROR(read("\tACTB\tCD3D\nc1\t0,5\t1\nc2\t1,5\t2\n"), ErrorKind::BadFormat,
                      "a.csv:2: column 2 ('ACTB') of row 'c1': '0,5' is not a number; write it "
                      "with a decimal point");
  EXPECT_SAITHE_ERROR(read("\tACTB\nc1\t0,5\nc2\t1,5\n"), ErrorKind::BadFormat,
                      "a.csv:2: has no column of numbers: the line below the header holds words");
}

TEST(TextTable, DecimalCommas) {
  for (const char* text :
       {"gene;c1\nACTB;3,5\nCD3D;0,25\n", "c1\nACTB;3,5\nCD3D;0,25\n",
        "\"\";\"c1\"\n\"ACTB\";3,5\n\"CD3D\";0,25\n", "gene;c1\nACTB;3.5\nCD3D;0.25\n"}) {
    SCOPED_TRACE(text);
    const Dataset cells = read(text);
    EXPECT_EQ(cells.obs().index(), Texts{"c1"});
    EXPECT_EQ(cells.var().index(), (Texts{"ACTB", "CD3D"}));
    EXPECT_EQ(cells.counts.values, (std::vector<float>{3.5, 0.25}));
  }
  EXPECT_SAITHE_ERROR(read("gene;c1;c2\nACTB;3,5;0\nCD3D;1.234;1\n"), ErrorKind::BadFormat,
                      "a.csv:3: some numbers have a comma ('3,5') and some a point ('1.234')");
  EXPECT_SAITHE_ERROR(read("gene;c1;c2\nACTB;3,5;0\nCD3D;1.234,5;1\n"), ErrorKind::BadFormat,
                      "'1.234,5' is not a number; write it without separators of thousands");
  for (const char* text :
       {"gene,c1\nACTB,\"3,5\"\nCD3D,\"0,5\"\n", "gene;c1\nACTB;1.234,5\nCD3D;1.000,5\n"}) {
    EXPECT_SAITHE_ERROR(read(text), ErrorKind::BadFormat, "has no column of numbers");
  }
  EXPECT_SAITHE_ERROR(read("gene,c1\nACTB,3,5\nCD3D,0,25\n"), ErrorKind::BadFormat,
                      "its rows have one field more than its first line, whose first name 'gene'");
}

TEST(TextTable, MarksThatMaySeparateThousandsAreSaid) {
  std::vector<std::string> warnings;
  Context listening(1);
  listening.on_warning = [&](const std::string& text) { warnings.push_back(text); };
  read("gene;c1;c2\nACTB;12;1.234\nCD3D;2;0\n", {}, listening);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(warnings[0], "three digits behind it, as '1.234'"));
  warnings.clear();
  read("gene;c1;c2\nACTB;0.123;1.234\nCD3D;2;0\n", {}, listening);
  EXPECT_TRUE(warnings.empty());
  read("gene;c1;c2\nACTB;12;1,234\nCD3D;2;0\n", {}, listening);
  ASSERT_EQ(warnings.size(), 1U);
  EXPECT_TRUE(testing::contains(warnings[0],
                                "number with a comma has three digits behind it, as "
                                "'1,234'"));
  warnings.clear();
  read("gene;c1;c2\nACTB;1,5;1,234\nCD3D;2;0\n", {}, listening);
  EXPECT_TRUE(warnings.empty());
}

TEST(TextTable, ColumnsOfTextOfOneNameAreAllKept) {
  const Dataset cells = read("cell,type,type,ACTB\ncell1,T,x,3\ncell2,B,y,4\n");
  EXPECT_EQ(cells.obs().as_text("type"), (Texts{"T", "B"}));
  EXPECT_EQ(cells.obs().as_text("type-1"), (Texts{"x", "y"}));
}

TEST(TextTable, RepeatedNames) {
  EXPECT_EQ(read("gene,cell1\nACTB,3\nACTB,4\n").var().index(), (Texts{"ACTB", "ACTB"}));
  EXPECT_SAITHE_ERROR(read("gene,cell1\nENSG00000075624,3\nENSG00000075624,4\n"),
                      ErrorKind::BadFormat, "stands twice");
  EXPECT_SAITHE_ERROR(read("id,CD3D\n1,3\n1,4\n"), ErrorKind::BadFormat, "numbers that repeat");
}

// A gene above the first column would otherwise be lost, and its values become the cells' names.
TEST(TextTable, NumbersBelowAGeneOrACellAreNoNames) {
  for (const char* text : {"RPL3,ACTB,CD3D\n1,2,3\n4,5,6\n", "ACTB;GAPDH\n0,5;1\n1,5;2\n",
                           "ENSG00000075624\tX\n0\t3\n1\t4\n"}) {
    SCOPED_TRACE(text);
    EXPECT_SAITHE_ERROR(read(text), ErrorKind::BadFormat,
                        "the table has no names of cells. Add a first column with them.");
  }
  EXPECT_SAITHE_ERROR(read("AAACATACAACCAC-1,AAACATTGAGCTAC-1\n1,2\n4,5\n"), ErrorKind::BadFormat,
                      "the table has no names of genes. Add a first column with them.");
}

// Most genes are called like nothing that is known; their values are no names all the same.
TEST(TextTable, NumbersBelowAWordThatMayBeAGeneAreNoNames) {
  for (const char* text :
       {"Xkr4,Rp1,Sox17\n0,2,3\n4,5,6\n7,0,1\n", "Xkr4\tSox17\n1\t0\n2\t1\n3\t4\n",
        "Bid;Sox17\n0,5;1\n1,5;2\n", "Xkr4,Rp1,Sox17\n0,2,3\n0,5,6\n", "V1,V2\n3,0\n1,5\n",
        "0,1,2\n5,2,3\n4,5,6\n", "Xkr4,Rp1\n3,2\nNA,5\n"}) {
    SCOPED_TRACE(text);
    EXPECT_SAITHE_ERROR(read(text), ErrorKind::BadFormat,
                        "which may be values or names of rows. If they are names, call the column "
                        "'index'; if '");
  }
  std::string counted = "entry,ACTB,CD3D\n";
  for (int row = 1; row <= 10; ++row) counted += fmt::format("{},{},0\n", row, row % 3);
  EXPECT_EQ(read(counted).obs().index()[9], "10");
  EXPECT_EQ(read("entrezgene,cell1\n7157,3\n1956,4\n").var().index(), (Texts{"7157", "1956"}));
}

TEST(TextTable, NumbersOfRowsAreNames) {
  for (const char* corner : {"", "index", "cell", "cell_id", "barcode", "Unnamed: 0", "X", "id"}) {
    SCOPED_TRACE(corner);
    const Dataset cells = read(fmt::format("{},ACTB,CD3D\n0,1,2\n1,3,4\n2,5,6\n", corner));
    EXPECT_EQ(cells.obs().index(), (Texts{"0", "1", "2"}));
    EXPECT_EQ(cells.var().index(), (Texts{"ACTB", "CD3D"}));
  }
  EXPECT_EQ(read("\"ACTB\",\"CD3D\"\n\"1\",3,4\n\"2\",5,6\n").obs().index(),
            (Texts{"1", "2"}));  // of R, which leaves the corner out
}

TEST(TextTable, ErrorsNameLineAndColumn) {
  EXPECT_SAITHE_ERROR(
      read("gene,cell1,cell2\nACTB,3,0\nCD3D,0,NA\n"), ErrorKind::BadFormat,
      "a.csv:3: column 3 ('cell2') of row 'CD3D': 'NA' is not a number; a missing value");
  EXPECT_SAITHE_ERROR(read("gene,cell1,cell2,\nACTB,3,0,\nCD3D,0,1,\n"), ErrorKind::BadFormat,
                      "does each line end with a separator?");
  EXPECT_SAITHE_ERROR(read("gene,cell1,cell2\nACTB,3,\n"), ErrorKind::BadFormat,
                      "a.csv:2: column 3 ('cell2') of row 'ACTB': '' is not a number");
  EXPECT_SAITHE_ERROR(read("gene,cell1,cell2\nACTB,3,0\nCD3D,x,0\n"), ErrorKind::BadFormat,
                      "a.csv:3: column 2 ('cell1') of row 'CD3D': 'x' is not a number");
  EXPECT_SAITHE_ERROR(read("gene,cell1,cell2\nACTB,3,0\nCD3D,0\n"), ErrorKind::BadFormat,
                      "a.csv:3: has 2 fields; expected 3");
  EXPECT_SAITHE_ERROR(read("gene,cell1,cell2\nACTB,3,0\n\"CD3D,0,0\n"), ErrorKind::BadFormat,
                      "a.csv:3: a quote");
  EXPECT_SAITHE_ERROR(read("one line of words\n"), ErrorKind::BadFormat, "is of no format");
  ReadOptions options;
  options.layer = "counts";
  EXPECT_SAITHE_ERROR(read(kGenesInRows, options), ErrorKind::InvalidArgument,
                      "--layer is not for this format, CSV");
}

}  // namespace
}  // namespace saithe
