"""saithe explain: its tables and picture, what it says and what it refuses."""

import csv
import pathlib

import anndata
import numpy as np
import pytest

from conftest import must, must_fail, run

FILES = ["cell_genes.tsv", "dotplot.png", "dotplot.svg", "type_genes.tsv"]
TYPE_COLUMNS = ["type", "contrast", "other", "evidence", "rank", "gene", "attribution",
                "mean_in_type", "mean_in_others", "mean_in_background"]


def rows_of(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def names_in(folder):
    return sorted(path.name for path in pathlib.Path(folder).iterdir())


@pytest.fixture(scope="module")
def explained(model, cells, tmp_path_factory):
    folder = tmp_path_factory.mktemp("explain") / "out"
    return folder, must("explain", model, cells, "-o", folder, "--no-reject", "--cells", 20)


def test_the_tables_and_the_picture(explained):
    folder, result = explained
    assert names_in(folder) == FILES
    assert (folder / "dotplot.png").read_bytes().startswith(b"\x89PNG")
    assert "</svg>" in (folder / "dotplot.svg").read_text()
    assert "at most 20 of each type" in result.err
    assert "completeness" in result.err


def test_types_and_their_genes(explained, cells):
    rows = rows_of(explained[0] / "type_genes.tsv")
    assert list(rows[0]) == TYPE_COLUMNS
    types = set(anndata.read_h5ad(cells).obs.cell_type.dropna())
    assert {row["type"] for row in rows} <= types
    for row in rows:
        assert float(row["attribution"]) > 0
        assert 1 <= int(row["rank"]) <= 10
        assert row["other"] in types - {row["type"]}
        higher = float(row["mean_in_type"]) > float(row["mean_in_background"])
        assert row["evidence"] == ("expressed" if higher else "absent")


def test_means_are_those_of_the_predicted_cells(explained, model, cells, tmp_path):
    must("predict", model, cells, "-o", tmp_path / "p.tsv", "--no-reject")
    predicted = np.array([row["predicted"] for row in rows_of(tmp_path / "p.tsv")])
    data = anndata.read_h5ad(cells)
    counts = data.X.toarray()
    logs = np.log1p(counts * 1e4 / np.maximum(counts.sum(axis=1, keepdims=True), 1))
    for row in rows_of(explained[0] / "type_genes.tsv")[::7]:
        gene = data.var_names.get_loc(row["gene"])
        expected = logs[predicted == row["type"], gene].mean()
        assert abs(float(row["mean_in_type"]) - expected) < 1e-4, row


def test_cells_and_their_genes(explained, model, cells, tmp_path):
    must("predict", model, cells, "-o", tmp_path / "p.tsv", "--no-reject")
    labels = {row["barcode"]: row for row in rows_of(tmp_path / "p.tsv")}
    rows = rows_of(explained[0] / "cell_genes.tsv")
    n_of = {}
    for row in rows:
        assert row["label"] == labels[row["barcode"]]["predicted"]
        assert row["other"] == labels[row["barcode"]]["runner_up"]
        assert float(row["attribution"]) > 0
        n_of.setdefault(row["label"], set()).add(row["barcode"])
    assert all(len(barcodes) <= 20 for barcodes in n_of.values())


def test_threads_do_not_change_a_byte(model, cells, tmp_path):
    for n_threads in (1, 2):
        must("explain", model, cells, "-o", tmp_path / str(n_threads), "--no-reject",
             "--threads", n_threads)
    for name in FILES:
        assert (tmp_path / "1" / name).read_bytes() == (tmp_path / "2" / name).read_bytes(), name


def test_a_model_alone_gives_its_types(model, tmp_path):
    must("explain", model, "-o", tmp_path / "out", "--top-genes", 3)
    assert names_in(tmp_path / "out") == ["type_genes.tsv"]
    rows = rows_of(tmp_path / "out" / "type_genes.tsv")
    assert "mean_in_type" not in rows[0]
    assert {int(row["rank"]) for row in rows} == {1, 2, 3}


def test_a_background_of_cells(model, cells, tmp_path):
    result = must("explain", model, cells, "-o", tmp_path / "out", "--no-reject", "--background",
                  cells, "--background-cells", 7, "--cells", 2)
    assert "against 7 cells of" in result.err
    mean = {row["gene"]: row["mean_in_background"]
            for row in rows_of(tmp_path / "out" / "type_genes.tsv")}
    assert mean


def test_a_type_to_compare_with(model, cells, tmp_path):
    types = sorted(set(anndata.read_h5ad(cells).obs.cell_type.dropna()))
    must("explain", model, cells, "-o", tmp_path / "out", "--no-reject", "--against", types[0])
    for row in rows_of(tmp_path / "out" / "cell_genes.tsv"):
        assert (row["other"] == types[0]) == (row["label"] != types[0])


def test_what_is_refused(model, cells, tmp_path):
    out = tmp_path / "out"
    assert "no type 'X'" in must_fail(2, "explain", model, cells, "-o", out, "--against", "X")
    must_fail(2, "explain", model, cells, "-o", out, "--top-genes", 0)
    must_fail(2, "explain", model, cells, "-o", out, "--cells", -1)
    must_fail(2, "explain", model, cells, "-o", out, "--steps", 0)
    must_fail(2, "explain", model, "-o", out, "--background", cells)
    must_fail(3, "explain", tmp_path / "none.saithe", cells, "-o", out)
    must_fail(3, "explain", model, tmp_path / "none.h5ad", "-o", out)
    must_fail(3, "explain", model, cells, "-o", out, "--background", tmp_path / "none.h5ad")
    assert not out.exists()
    assert run("explain", model, cells).code == 2


def test_existing_outputs_stay(model, cells, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "type_genes.tsv").write_text("mine")
    assert "--overwrite" in must_fail(1, "explain", model, cells, "-o", folder)
    assert (folder / "type_genes.tsv").read_text() == "mine"
    assert names_in(folder) == ["type_genes.tsv"]
    must("explain", model, cells, "-o", folder, "--no-reject", "--overwrite")
    assert names_in(folder) == FILES


def test_foreign_cells_are_refused(model, cells, tmp_path):
    data = anndata.read_h5ad(cells)
    data.var_names = [f"x{i}" for i in range(data.n_vars)]
    data.write_h5ad(tmp_path / "foreign.h5ad")
    must_fail(4, "explain", model, tmp_path / "foreign.h5ad", "-o", tmp_path / "out")


def test_one_allowed_type_needs_another_to_be_explained_against(model, cells, tmp_path):
    types = sorted(set(anndata.read_h5ad(cells).obs.cell_type.dropna()))
    out = tmp_path / "out"
    said = must_fail(2, "explain", model, cells, "-o", out, "--labels-allow", types[0])
    assert types[0] in said and "--against" in said and not out.exists()
    must("explain", model, cells, "-o", out, "--labels-allow", types[0], "--against", types[1])
    assert {(row["type"], row["other"]) for row in rows_of(out / "type_genes.tsv")
            if row["contrast"] != "over_all" and row["other"]} == {(types[0], types[1])}
