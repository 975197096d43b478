#include "saithe/classify/label_mapping.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "small_ontology.h"

namespace saithe {
namespace {

using namespace testing;  // NOLINT: the small ontology

LabelMapping map_label(const CellOntology& ontology, const std::string& label,
                       const LabelTable& table = {}) {
  const std::vector<std::string> labels = {label};
  return map_labels(ontology, labels, table).front();
}

std::string id_of(const CellOntology& ontology, const LabelMapping& mapping) {
  return mapping.term == kNoTerm ? "" : ontology.term(mapping.term).id;
}

bool has_candidate(const CellOntology& ontology, const LabelMapping& mapping, const char* id) {
  return std::find(mapping.candidates.begin(), mapping.candidates.end(), ontology.find(id)) !=
         mapping.candidates.end();
}

TEST(NormalizeTypeName, DropsCasePunctuationAndPlural) {
  const std::pair<const char*, const char*> cases[] = {
      {"B cells", "b cell"},
      {"  B_Cell ", "b cell"},
      {"CD14+ Monocytes", "cd14 positive monocyte"},
      {"CD14-positive monocyte", "cd14 positive monocyte"},
      {"CD16- monocyte", "cd16 negative monocyte"},
      {"CD4-CD8- T cell", "cd4 negative cd8 negative t cell"},
      {"CD8+CD28- T(reg)", "cd8 positive cd28 negative t reg"},
      {"CD4+/CD25 T Reg", "cd4 positive cd25 t reg"},
      {"pre-CD4 T", "pre cd4 t"},
      {"T-cell", "t cell"},
      {"- T -", "t"},
      {"Tregs", "treg"},
      {"pDCs", "pdc"},
      {"bodies", "body"},
      {"thymus plexus basis pancreas class", "thymus plexus basis pancreas class"},
      {"\xCE\xB3\xCE\xB4 T cells", "gamma delta t cell"},
      {"tissue\xE2\x80\x93inducer", "tissue inducer"},
      {"CD3\xE2\x88\x92", "cd3 negative"},
      {"M\xC3\xBCller cells", "m\xC3\xBCller cell"},
      {"", ""},
      {"+-", "positive"},
  };
  for (const auto& [name, normalized] : cases) {
    EXPECT_EQ(normalize_type_name(name), normalized) << name;
  }
}

TEST(MapLabels, TheStrongestRuleDecides) {
  const CellOntology ontology = small_ontology();
  struct Case {
    const char* label;
    const char* id;
    MappedBy by;
  };
  const Case cases[] = {
      {"T cell", "CL:0000004", MappedBy::Name},
      {"T lymphocyte", "CL:0000004", MappedBy::Synonym},
      {"CD4+ T cell", "CL:0000005", MappedBy::Synonym},
      {"CD4+ T cells", "CL:0000005", MappedBy::NormalizedName},
      {"cd8-Positive t-CELLS", "CL:0000006", MappedBy::NormalizedName},
      {"t  LYMPHOCYTES", "CL:0000004", MappedBy::NormalizedName},  // NARROW does not count
      {"CL:0000007", "CL:0000007", MappedBy::Id},
      {"CL:0000044", "CL:0000004", MappedBy::Id},
      {"CL:0000020", "CL:0000005", MappedBy::Id},
      {"lymphoid cell", "", MappedBy::Nothing},  // RELATED
      {"obsolete T helper", "", MappedBy::Nothing},
      {"white cell", "", MappedBy::Nothing},  // an EXACT synonym of an obsolete term
      {"gene product", "", MappedBy::Nothing},
      {"GO:0005623", "", MappedBy::Nothing},
      {"", "", MappedBy::Nothing},
  };
  for (const auto& [label, id, by] : cases) {
    const LabelMapping mapping = map_label(ontology, label);
    EXPECT_EQ(mapping.label, label);
    EXPECT_EQ(id_of(ontology, mapping), id) << label;
    EXPECT_STREQ(to_text(mapping.by), to_text(by)) << label;
    EXPECT_FALSE(mapping.is_ambiguous) << label;
  }
}

TEST(MapLabels, TheTableComesFirstAndCanTakeATermAway) {
  const CellOntology ontology = small_ontology();
  const LabelTable table = {{"T cell", ontology.find("CL:0000006")}, {"B cell", kNoTerm}};
  EXPECT_EQ(id_of(ontology, map_label(ontology, "T cell", table)), "CL:0000006");
  EXPECT_EQ(map_label(ontology, "T cell", table).by, MappedBy::Table);
  const LabelMapping without = map_label(ontology, "B cell", table);
  EXPECT_EQ(without.term, kNoTerm);
  EXPECT_EQ(without.by, MappedBy::Table);
  EXPECT_TRUE(without.candidates.empty());
  EXPECT_EQ(id_of(ontology, map_label(ontology, "B cells", table)), "CL:0000007");
}

TEST(MapLabels, AnAmbiguousLabelHasNoTermButItsCandidates) {
  const CellOntology ontology = small_ontology();
  for (const char* label : {"killer", "Killers"}) {
    const LabelMapping mapping = map_label(ontology, label);
    EXPECT_EQ(mapping.term, kNoTerm);
    EXPECT_TRUE(mapping.is_ambiguous);
    EXPECT_EQ(mapping.candidates,
              (std::vector<TermIndex>{ontology.find("CL:0000006"), ontology.find("CL:0000007")}));
  }
  const LabelMapping considered = map_label(ontology, "CL:0000022");
  EXPECT_TRUE(considered.is_ambiguous);
  EXPECT_EQ(considered.candidates,
            (std::vector<TermIndex>{ontology.find("CL:0000003"), ontology.find("CL:0000009")}));
}

TEST(MapLabels, NearestTermsAreListedNearestFirst) {
  const CellOntology ontology = small_ontology();
  const LabelMapping mapping = map_label(ontology, "monocite");
  ASSERT_FALSE(mapping.candidates.empty());
  EXPECT_EQ(mapping.candidates.front(), ontology.find("CL:0000009"));
  EXPECT_TRUE(map_label(ontology, "xyzzy").candidates.empty());
}

// ---- real labels, the bundled release -------------------------------------------------------

/// PBMC3K's labels, which are Kang's too.
const std::vector<std::string> kBloodLabels = {
    "B cells",         "CD14+ Monocytes",   "CD4 T cells",    "CD8 T cells",
    "Dendritic cells", "FCGR3A+ Monocytes", "Megakaryocytes", "NK cells"};

TEST(MapLabels, BloodLabelsMapByNameOrExactSynonymWhereThereIsOne) {
  const CellOntology ontology = bundled_ontology();
  const auto mappings = map_labels(ontology, kBloodLabels, {});
  const std::vector<std::string> expected = {"CL:0000236", "CL:0001054", "", "", "CL:0000451", "",
                                             "CL:0000556", "CL:0000623"};
  for (std::size_t i = 0; i < mappings.size(); ++i) {
    EXPECT_EQ(id_of(ontology, mappings[i]), expected[i]) << kBloodLabels[i];
    EXPECT_EQ(mappings[i].candidates.empty(), mappings[i].term != kNoTerm) << kBloodLabels[i];
  }
  // The Cell Ontology has no such synonyms; what is meant is among the terms proposed.
  EXPECT_TRUE(has_candidate(ontology, mappings[2], "CL:0000624"));
  EXPECT_TRUE(has_candidate(ontology, mappings[3], "CL:0000625"));
  EXPECT_TRUE(has_candidate(ontology, mappings[5], "CL:0000875"));
}

TEST(MapLabels, ATableMapsTheRest) {
  const FolderForTest folder;
  const CellOntology ontology = bundled_ontology();
  write_bytes(folder / "map.tsv",
              "label\tid\nCD4 T cells\tCL:0000624\r\nCD8 T cells\tCL:0000625\n\n"
              "FCGR3A+ Monocytes\tCL:0002396\n");
  const LabelTable table = read_label_table(folder / "map.tsv", ontology);
  for (const LabelMapping& mapping : map_labels(ontology, kBloodLabels, table)) {
    EXPECT_NE(mapping.term, kNoTerm) << mapping.label;
  }
  EXPECT_EQ(id_of(ontology, map_label(ontology, "FCGR3A+ Monocytes", table)), "CL:0002396");
}

TEST(MapLabels, OtherLabelsOfTheField) {
  const CellOntology ontology = bundled_ontology();
  const std::pair<const char*, const char*> cases[] = {
      {"T_cell", "CL:0000084"},
      {"macrophage", "CL:0000235"},
      {"Tregs", "CL:0000815"},
      {"pDCs", "CL:0000784"},
      {"\xCE\xB3\xCE\xB4 T cells", "CL:0000798"},
      {"Plasma cells", "CL:0000786"},
      {"Naive B cells", "CL:0000788"},
      {"Mast cells", "CL:0000097"},
      {"HSC", "CL:0000037"},
      {"CD16+ Monocytes", "CL:0002397"},
      {"endothelial", ""},
      {"quiescent_stellate", ""},
      {"CD16- monocytes", "CL:0002057"},
  };
  for (const auto& [label, id] : cases) {
    EXPECT_EQ(id_of(ontology, map_label(ontology, label)), id) << label;
  }
  EXPECT_EQ(map_label(ontology, "endothelial").candidates.front(), ontology.find("CL:0000115"));
}

// ---- the table ------------------------------------------------------------------------------

TEST(LabelTable, EveryMistakeIsNamedWithItsLine) {
  const FolderForTest folder;
  const CellOntology ontology = small_ontology();
  const auto read = [&](const char* text) {
    write_bytes(folder / "map.tsv", text);
    return read_label_table(folder / "map.tsv", ontology);
  };
  EXPECT_EQ(read("CD4\tCL:0000020\nB\t\n"),
            (LabelTable{{"CD4", ontology.find("CL:0000005")}, {"B", kNoTerm}}));
  EXPECT_SAITHE_ERROR(read_label_table(folder / "none.tsv", ontology), ErrorKind::NotFound,
                      "none.tsv");
  EXPECT_SAITHE_ERROR(read("T\tCL:0000004\nB,CL:0000007\n"), ErrorKind::BadFormat,
                      "map.tsv:2: has 1 tab-separated column; expected two");
  EXPECT_SAITHE_ERROR(read("\tCL:0000004\n"), ErrorKind::BadFormat, "map.tsv:1");
  EXPECT_SAITHE_ERROR(read("T\tCL:0000004\nT\tCL:0000007\n"), ErrorKind::BadFormat,
                      "map.tsv:2: the label 'T' stands on line 1 already");
  EXPECT_SAITHE_ERROR(read("T\tCL:0000099\n"), ErrorKind::BadFormat,
                      "'CL:0000099' is not in the ontology (release small/2024-01-01)");
  EXPECT_SAITHE_ERROR(read("T\tCL:0000022\n"), ErrorKind::BadFormat,
                      "'CL:0000022' is obsolete without a replacement");
  EXPECT_SAITHE_ERROR(read("T\tGO:0005623\n"), ErrorKind::BadFormat,
                      "'GO:0005623' is no term of the Cell Ontology");
}

}  // namespace
}  // namespace saithe
