"""Tables of text as spreadsheets and R leave them: what is wrong is said, and what to do."""

import gzip

import anndata
import pytest

from conftest import must, must_fail, write_tenx_folder

HEADER = "cell,CD3D,LYZ,NKG7"
ROWS = ["AAACATACAACCAC-1,1,0,2", "AAACATTGAGCTAC-1,0,3,0", "AAACATTGATCAGC-1,1,1,0"]


def lines(*all_lines):
    return "".join(line + "\n" for line in all_lines)


@pytest.mark.parametrize("text, said", [
    (lines("Counts of our study", HEADER, *ROWS), "has a line above its table ('Counts of our study')"),
    (lines("Study", "of us", HEADER, *ROWS), "has 2 lines above its table ('Study')"),
    (lines("Our study,,,", HEADER, *ROWS), "has a line above its table ('Our study')"),
    (lines(*(f'"{line}"' for line in [HEADER, *ROWS])), "has each of its lines in quotes as a whole"),
    (lines(HEADER), "is like a table with a single line"),
    (lines("1,0,2", "0,3,0", "1,1,0"), "whose first line names nothing"),
    (lines("gene;A;B", *(row.replace(",", ";") + ";" for row in ["LYZ,1,2", "CD3D,0,3"])),
     "Remove what separates fields at the end of each line"),
    ("free text\nwithout a table\n", "is of no format that is read here"),
])
def test_what_is_no_table_is_told_from_one(text, said, tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text(text)
    assert said in must_fail(3, "inspect", path)


@pytest.mark.parametrize("text, warned", [
    (lines('"","cell","CD3D","LYZ","NKG7"', *(f'"{i}",{row}' for i, row in enumerate(ROWS, 1))),
     "the column 'cell' has a text of its own for each ('AAACATACAACCAC-1', ...)"),
    (lines(HEADER, *ROWS, "Total,2,4,2"), "'Total' is read as a cell"),
    (lines(HEADER + ",Sum", *(row + ",3" for row in ROWS)), "'Sum' is read as a gene"),
])
def test_what_may_not_be_meant_is_warned_of(text, warned, tmp_path):
    path = tmp_path / "cells.csv"
    path.write_text(text)
    assert warned in must("inspect", path).out
    path.write_text(lines(HEADER, *ROWS))
    assert warned not in must("inspect", path).out


@pytest.fixture
def tenx(cells, tmp_path):
    folder = tmp_path / "run" / "filtered_feature_bc_matrix"
    folder.mkdir(parents=True)
    write_tenx_folder(folder, anndata.read_h5ad(cells)[:40])
    return folder


def test_barcodes_behind_their_numbers(tenx, tmp_path):
    names = gzip.open(tenx / "barcodes.tsv.gz", "rt").read().split()
    with gzip.open(tenx / "barcodes.tsv.gz", "wt") as file:
        file.write(lines(*(f"{i}\t{name}" for i, name in enumerate(names, 1))))
    said = must("convert", tenx, tmp_path / "out.h5ad").err
    assert "its lines begin with their numbers; the second field is taken as the barcode" in said
    assert list(anndata.read_h5ad(tmp_path / "out.h5ad").obs_names) == names


def test_a_folder_above_a_matrix_says_where_it_is(tenx):
    (tenx.parent / "molecules.h5").write_bytes(b"")
    line = must_fail(3, "inspect", tenx.parent)
    assert f"'{tenx}'" in line and f"'{tenx.parent / 'molecules.h5'}'" in line
    for table in ("barcodes.tsv.gz", "features.tsv.gz"):
        line = must_fail(3, "inspect", tenx / table)
        assert "Give the folder, or the .mtx beside it" in line
