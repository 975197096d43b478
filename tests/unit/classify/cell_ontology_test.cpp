#include "saithe/classify/cell_ontology.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <algorithm>

#include "saithe/core/text_io.h"
#include "small_ontology.h"

namespace saithe {
namespace {

using namespace testing;  // NOLINT: the small ontology

std::vector<std::string> ids_of(const CellOntology& ontology, const std::vector<TermIndex>& terms) {
  std::vector<std::string> ids;
  for (const TermIndex term : terms) ids.push_back(ontology.term(term).id);
  return ids;
}

TEST(CellOntology, ReadsTermsSortedById) {
  const CellOntology ontology = small_ontology();
  EXPECT_EQ(ontology.release(), "small/2024-01-01");
  EXPECT_EQ(ontology.terms().size(), 14U);  // 13 [Term], and CARO:0000000
  EXPECT_TRUE(std::is_sorted(ontology.terms().begin(), ontology.terms().end(),
                             [](const auto& a, const auto& b) { return a.id < b.id; }));
  const OntologyTerm& cd4 = ontology.term(ontology.find("CL:0000005"));
  EXPECT_EQ(cd4.name, "CD4-positive T cell");
  ASSERT_EQ(cd4.synonyms.size(), 2U);
  EXPECT_EQ(cd4.synonyms[0].text, "CD4+ T cell");
  EXPECT_EQ(cd4.synonyms[0].scope, SynonymScope::Exact);
  EXPECT_EQ(cd4.synonyms[1].text, "say \"help\", cell");
  EXPECT_EQ(ids_of(ontology, cd4.parents), (std::vector<std::string>{"CL:0000004"}));
  EXPECT_EQ(ontology.term(ontology.find("CL:0000003")).synonyms[0].scope, SynonymScope::Related);
  EXPECT_EQ(ids_of(ontology, ontology.term(ontology.find("CL:0000009")).parents),
            (std::vector<std::string>{"CL:0000002", "CL:0000008"}));
}

TEST(CellOntology, OnlyLiveTermsOfTheCellOntologyAreCellTypes) {
  const CellOntology ontology = small_ontology();
  EXPECT_TRUE(ontology.term(ontology.find("CL:0000001")).is_cell_type);
  for (const char* id : {"CARO:0000000", "GO:0005623", "CL:0000020", "CL:0000022"}) {
    EXPECT_FALSE(ontology.term(ontology.find(id)).is_cell_type) << id;
  }
  EXPECT_EQ(ontology.term(ontology.find("CARO:0000000")).name, "CARO:0000000");
  EXPECT_EQ(ontology.find("CL:0000099"), kNoTerm);  // named by a relationship only
  EXPECT_EQ(ontology.find("develops_from"), kNoTerm);
}

TEST(CellOntology, FollowsMergedAndReplacedIds) {
  const CellOntology ontology = small_ontology();
  EXPECT_EQ(ontology.find("CL:0000044"), ontology.find("CL:0000004"));
  EXPECT_EQ(ontology.find_cell_type("CL:0000044"), ontology.find("CL:0000004"));
  EXPECT_EQ(ontology.find_cell_type("CL:0000020"), ontology.find("CL:0000005"));
  for (const char* id : {"CL:0000022", "GO:0005623", "CL:7777777", ""}) {
    EXPECT_EQ(ontology.find_cell_type(id), kNoTerm) << id;
  }
  const CellOntology circle = ontology_of(
      "format-version: 1.4\n[Term]\nid: CL:1\n[Term]\nid: CL:2\nis_obsolete: true\nreplaced_by: "
      "CL:3\n[Term]\nid: CL:3\nis_obsolete: true\nreplaced_by: CL:2\n");
  EXPECT_EQ(circle.find_cell_type("CL:2"), kNoTerm);
}

TEST(CellOntology, AncestorsAreFoundOnceOverAllPaths) {
  const CellOntology ontology = small_ontology();
  EXPECT_EQ(ids_of(ontology, ontology.find_ancestors(ontology.find("CL:0000009"))),
            (std::vector<std::string>{"CARO:0000000", "CL:0000001", "CL:0000002", "CL:0000008",
                                      "CL:0000009"}));
  EXPECT_EQ(ids_of(ontology, ontology.find_ancestors(ontology.find("CL:0000006"))),
            (std::vector<std::string>{"CARO:0000000", "CL:0000001", "CL:0000002", "CL:0000003",
                                      "CL:0000004", "CL:0000006"}));
}

TEST(CellOntology, DepthIsTheLongestPathAndCountsCellTypesOnly) {
  const CellOntology ontology = small_ontology();
  const auto depth = [&](const char* id) { return ontology.term(ontology.find(id)).depth; };
  EXPECT_EQ(depth("CARO:0000000"), 0);
  EXPECT_EQ(depth("CL:0000001"), 0);  // the foreign parent does not count
  EXPECT_EQ(depth("CL:0000009"), 2);
  EXPECT_EQ(depth("CL:0000005"), 4);
  const CellOntology shortcut = ontology_of(
      "format-version: 1.2\n[Term]\nid: CL:1\n[Term]\nid: CL:2\nis_a: CL:1\n[Term]\nid: CL:3\n"
      "is_a: CL:1\nis_a: CL:2\n");
  EXPECT_EQ(shortcut.term(shortcut.find("CL:3")).depth, 2);
}

TEST(CellOntology, GzipWindowsLinesAndContinuedLinesReadTheSame) {
  const FolderForTest folder;
  std::string text = kSmallOntology;
  const auto at = text.find("name: lymphocyte");
  text.replace(at, 16, "name: lympho\\\ncyte");
  for (auto end = text.find('\n'); end != std::string::npos; end = text.find('\n', end + 2)) {
    text.replace(end, 1, "\r\n");
  }
  gzFile file = gzopen((folder / "c.obo.gz").c_str(), "wb");
  const std::string marked = "\xEF\xBB\xBF" + text;
  ASSERT_EQ(gzwrite(file, marked.data(), static_cast<unsigned>(marked.size())),
            static_cast<int>(marked.size()));
  gzclose(file);
  const CellOntology read = CellOntology::read(folder / "c.obo.gz");
  const CellOntology plain = small_ontology();
  ASSERT_EQ(read.terms().size(), plain.terms().size());
  for (std::size_t t = 0; t < plain.terms().size(); ++t) {
    EXPECT_EQ(read.terms()[t].id, plain.terms()[t].id);
    EXPECT_EQ(read.terms()[t].name, plain.terms()[t].name);
    EXPECT_EQ(read.terms()[t].parents, plain.terms()[t].parents);
  }
}

TEST(CellOntology, NamesCannotBreakALineOrSteerATerminal) {
  const CellOntology ontology = ontology_of(
      "format-version: 1.2\n[Term]\nid: CL:1\nname: a\\tb\tc\\nd\\:\\W\x1B[1m \\{e\\} \\! f\n");
  EXPECT_EQ(ontology.term(0).name, "a b c d: ?[1m {e} ! f");
}

// ---- mistakes -------------------------------------------------------------------------------

struct Mistake {
  const char* text;
  const char* message;
};

TEST(CellOntology, EveryMistakeIsNamedWithItsLine) {
  const std::string head = "format-version: 1.2\n\n[Term]\nid: CL:1\nname: cell\n";
  const Mistake mistakes[] = {
      {"nonsense\n", "cells.obo:6: 'nonsense' is no line of an OBO file; expected TAG: VALUE"},
      {"name: other\n", "cells.obo:6: a second name in one [Term]; it has 'cell' already"},
      {"id: CL:2\n", "cells.obo:6: a second id in one [Term]; it has 'CL:1' already"},
      {"is_a:\n", "cells.obo:6: is_a without a value; expected an id"},
      {"is_a: ! cell\n", "cells.obo:6: is_a without a value"},
      {"is_obsolete: yes\n", "cells.obo:6: is_obsolete is 'yes'; expected true or false"},
      {"synonym: T cell EXACT []\n", "cells.obo:6: the synonym 'T cell EXACT []' is not in quot"},
      {"synonym: \"T cell\\\" EXACT []\n",
       "cells.obo:6: the synonym '\"T cell\\\" EXACT []' is no"},
      {"synonym: \"T cell\" SAME []\n", "cells.obo:6: the scope of the synonym 'T cell' is 'SAME'"},
      {"[Term\nid: CL:2\n", "cells.obo:6: '[Term' begins a stanza; expected [Term]"},
      {"[Term]\nname: x\n\n[Term]\nid: CL:2\n", "cells.obo:6: this [Term] has no id"},
      {"[Term]\nname: x\n", "cells.obo:6: this [Term] has no id"},
      {"[Term]\nid: CL:1\n", "cells.obo:7: the id CL:1 stands at"},
      {"[Term]\nid: CL:2\nalt_id: CL:1\n", "the id CL:1 stands at"},
      {"is_a: CL:8 ! gone\n", "cells.obo:6: CL:1 is_a CL:8, which the file does not define"},
      {"is_a: CL:2\n[Term]\nid: CL:2\nis_obsolete: true\n",
       "cells.obo:6: CL:1 is_a CL:2, which is obsolete; expected a live term"},
      {"is_a: CL:1\n", "(CL:1 is_a CL:1); expected is_a without cycles"},
      {"is_a: CL:2\n[Term]\nid: CL:2\nis_a: CL:3\n[Term]\nid: CL:3\nis_a: CL:2\nis_a: CL:4\n"
       "[Term]\nid: CL:4\n",
       "(CL:2 is_a CL:3 is_a CL:2)"},
  };
  for (const auto& [text, message] : mistakes) {
    EXPECT_SAITHE_ERROR(ontology_of(head + text), ErrorKind::BadFormat, message);
  }
}

TEST(CellOntology, WhatIsNoOntologyIsRefused) {
  EXPECT_SAITHE_ERROR(CellOntology::read("none.obo"), ErrorKind::NotFound, "none.obo");
  EXPECT_SAITHE_ERROR(ontology_of(""), ErrorKind::BadFormat, "expected an OBO file of format 1.2");
  EXPECT_SAITHE_ERROR(ontology_of("<?xml version=\"1.0\"?>\n<rdf:RDF>\n"), ErrorKind::BadFormat,
                      "cells.obo:1: '<?xml");
  EXPECT_SAITHE_ERROR(ontology_of("{\n  \"graphs\": []\n}\n"), ErrorKind::BadFormat, "cells.obo:1");
  EXPECT_SAITHE_ERROR(ontology_of("[Term]\nid: CL:1\n"), ErrorKind::BadFormat, "no format-version");
  EXPECT_SAITHE_ERROR(ontology_of("format-version: 1.0\n"), ErrorKind::BadFormat,
                      "cells.obo:1: the format-version is '1.0'; expected 1.2 or 1.4");
  EXPECT_SAITHE_ERROR(ontology_of("format-version: 1.2\n[Term]\nid: GO:1\nname: x\n"),
                      ErrorKind::BadFormat, "has 1 terms, but none of the Cell Ontology");
}

TEST(CellOntology, ADamagedFileIsReadOrRefusedButNeverCrashes) {
  const std::string text = kSmallOntology;
  int n_refused = 0;
  for (std::size_t at = 0; at < text.size(); at += 3) {
    for (const char byte : {'\0', '\n', ':', '\\', '"', '\xFF'}) {
      std::string damaged = text;
      damaged[at] = byte;
      n_refused += error_of([&] { ontology_of(damaged); }).has_value() ? 1 : 0;
    }
    // Cut off in the middle: a file without its end is not always told from a shorter one.
    error_of([&] { ontology_of(text.substr(0, at)); });
  }
  EXPECT_GT(n_refused, 100);
}

// ---- the bundled release --------------------------------------------------------------------

TEST(CellOntology, TheBundledReleaseHasTheGraphThatObonetAndNetworkXFind) {
  const CellOntology ontology = bundled_ontology();
  EXPECT_EQ(ontology.release(), "cl/releases/2022-11-25/cl-basic.owl");
  LineReader expected(std::string(SAITHE_TEST_FILES) + "/ontology/terms.tsv");
  std::string_view line;
  std::vector<std::string_view> fields;
  std::ptrdiff_t n_terms = 0;
  int n_full = 0;
  while (expected.next(line)) {
    split_fields(line, '\t', fields);
    ASSERT_EQ(fields.size(), 4U);
    const TermIndex term = ontology.find(fields[0]);
    ASSERT_NE(term, kNoTerm) << fields[0];
    ++n_terms;
    EXPECT_TRUE(ontology.term(term).is_cell_type) << fields[0];
    EXPECT_EQ(std::to_string(ontology.term(term).depth), fields[1]) << fields[0];
    const auto ids = ids_of(ontology, ontology.find_ancestors(term));
    EXPECT_EQ(std::to_string(ids.size()), fields[2]) << fields[0];
    if (fields[3].empty()) continue;
    ++n_full;
    std::vector<std::string_view> full;
    split_fields(fields[3], ' ', full);
    EXPECT_TRUE(std::equal(ids.begin(), ids.end(), full.begin(), full.end())) << fields[0];
  }
  EXPECT_GT(n_full, 60);
  const auto is_cell_type = [](const OntologyTerm& term) { return term.is_cell_type; };
  EXPECT_EQ(std::count_if(ontology.terms().begin(), ontology.terms().end(), is_cell_type), n_terms);
}

}  // namespace
}  // namespace saithe
