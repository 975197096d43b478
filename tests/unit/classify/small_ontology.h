#pragma once

// A small ontology written by hand: enough for every rule, small enough to see what is right.
//
//   CARO:0 (a foreign parent that the file only mentions)
//     cell CL:1
//       blood cell CL:2 --- lymphocyte CL:3 --- T cell CL:4 --- CD4 T CL:5
//       |                       |                   `---------- CD8 T CL:6
//       |                       `--- B cell CL:7
//       `- phagocyte CL:8 --- monocyte CL:9 (also of blood cell CL:2)

#include "saithe/classify/cell_ontology.h"
#include "support/folder_for_test.h"

namespace saithe::testing {

inline constexpr const char* kSmallOntology = R"(format-version: 1.2
data-version: small/2024-01-01
! a comment

[Term]
id: CL:0000001
name: cell
is_a: CARO:0000000 ! anatomical entity

[Term]
id: CL:0000002
name: blood cell
is_a: CL:0000001 ! cell

[Term]
id: CL:0000003
name: lymphocyte
synonym: "lymphoid cell" RELATED []
is_a: CL:0000002

[Term]
id: CL:0000005
name: CD4-positive T cell {comment="x"} ! a helper
synonym: "CD4+ T cell" EXACT [PMID:1]
synonym: "say \"help\", cell" EXACT abbreviation []
is_a: CL:0000004 {is_inferred="true"} ! T cell
relationship: develops_from CL:0000099 ! not in this file, and no is_a
intersection_of: CL:0000098

[Term]
id: CL:0000004
name: T cell
alt_id: CL:0000044
synonym: "T lymphocyte" EXACT []
synonym: "killer" BROAD []
is_a: CL:0000003

[Term]
id: CL:0000006
name: CD8-positive T cell
synonym: "killer" EXACT []
is_a: CL:0000044 ! by its former id

[Term]
id: CL:0000007
name: B cell
synonym: "killer" EXACT []
synonym: "t  LYMPHOCYTES" NARROW []
is_a: CL:0000003

[Term]
id: CL:0000008
name: phagocyte
is_a: CL:0000001

[Term]
id: CL:0000009
name: monocyte
is_a: CL:0000008
is_a: CL:0000002
is_a: CL:0000008

[Term]
id: CL:0000020
name: obsolete T helper
is_obsolete: true
replaced_by: CL:0000021

[Term]
id: CL:0000021
name: obsolete T helper cell
is_obsolete: true
replaced_by: CL:0000005

[Term]
id: CL:0000022
name: obsolete white cell
synonym: "white cell" EXACT []
is_obsolete: true
consider: CL:0000003
consider: CL:0000009

[Term]
id: GO:0005623
name: gene product

[Typedef]
id: develops_from
name: develops from
is_a: nothing that is checked here
)";

/// Reads `text` as if it were the file cells.obo.
inline CellOntology ontology_of(const std::string& text) {
  const FolderForTest folder;
  write_bytes(folder / "cells.obo", text);
  return CellOntology::read(folder / "cells.obo");
}

inline CellOntology small_ontology() {
  return ontology_of(kSmallOntology);
}

/// The release that comes with saithe.
inline CellOntology bundled_ontology() {
  return CellOntology::read(std::filesystem::path(SAITHE_SOURCE_DIR) / "data" / "cl-basic.obo.gz");
}

}  // namespace saithe::testing
