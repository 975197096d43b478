"""predict --ontology: columns, tables of terms, the bundled release, bad input."""

import gzip
import os
import pathlib
import shutil
import subprocess

import anndata
import numpy as np
import pytest

from conftest import PROGRAM, SOURCE, must, must_fail

LABELS = ["B cells", "CD14+ Monocytes", "CD4 T cells"]
ADDED = ["ontology_term_id", "rolled_up", "rolled_up_ontology_term_id", "rolled_up_confidence"]
CD4 = "CL:0000624"


def rows_of(path):
    lines = [line.split("\t") for line in pathlib.Path(path).read_text().splitlines()]
    return [dict(zip(lines[0], line)) for line in lines[1:]]


@pytest.fixture(scope="module")
def blood(cells, tmp_path_factory):
    """Simulated cells whose types have names of blood cells, and a model of them."""
    folder = tmp_path_factory.mktemp("blood")
    data = anndata.read_h5ad(cells)
    data.obs["cell_type"] = data.obs.cell_type.cat.rename_categories(LABELS)
    data.write_h5ad(folder / "cells.h5ad")
    must("train", folder / "cells.h5ad", "--label-key", "cell_type", "-o", folder / "m.saithe",
         "--no-linear", "--hidden", "16", "--epochs", 7, "--min-steps", 0, "--validate", "none",
         "--no-find-suspects", "--min-cells-per-type", 1)
    (folder / "map.tsv").write_text(f"label\tid\nCD4 T cells\t{CD4}\n")
    return folder


def test_columns_stand_at_the_right_and_leave_the_others_alone(blood, tmp_path):
    must("predict", blood / "m.saithe", blood / "cells.h5ad", "-o", tmp_path / "plain.tsv")
    said = must("predict", blood / "m.saithe", blood / "cells.h5ad", "-o", tmp_path / "out.tsv",
                "--ontology", "bundled")
    plain = (tmp_path / "plain.tsv").read_text().splitlines()
    added = (tmp_path / "out.tsv").read_text().splitlines()
    assert all(long.startswith(short + "\t") for short, long in zip(plain, added, strict=True))
    assert added[0].split("\t")[-4:] == ADDED
    ids = {row["best_label"]: row["ontology_term_id"] for row in rows_of(tmp_path / "out.tsv")}
    expected = {"B cells": "CL:0000236", "CD14+ Monocytes": "CL:0001054", "CD4 T cells": "",
                "unassigned": ""}
    assert ids == {name: expected[name] for name in ids}
    # A cell that is unassigned has no id, in a table as in an h5ad.
    must("train", blood / "cells.h5ad", "--label-key", "cell_type", "-o", tmp_path / "m.saithe",
         "--preset", "fast", "--validate", "held-out", "--no-find-suspects", "--min-cells-per-type", 1)
    arguments = ["predict", tmp_path / "m.saithe", blood / "cells.h5ad", "--ontology", "bundled",
                 "--false-reject-rate", "0.5"]
    must(*arguments, "-o", tmp_path / "strict.tsv")
    must(*arguments, "-o", tmp_path / "strict.h5ad")
    rows = rows_of(tmp_path / "strict.tsv")
    assert sum(row["predicted"] == "unassigned" for row in rows) > 5
    assert all(row["ontology_term_id"] == expected[row["predicted"]] for row in rows)
    written = anndata.read_h5ad(tmp_path / "strict.h5ad").obs["predicted_cell_type_ontology_term_id"]
    assert [row["ontology_term_id"] or "unknown" for row in rows] == list(written)
    # The label that the ontology does not know is said, with the terms that are near.
    assert "2 of 3 types have a term (cl/releases/2022-11-25/cl-basic.owl)" in said.err
    assert "warning: no Cell Ontology term for 'CD4 T cells'" in said.err
    assert CD4 in said.err
    quiet = must("predict", blood / "m.saithe", blood / "cells.h5ad", "-o", "-", "--quiet", "--no-reject",
                 "--ontology", SOURCE / "data" / "cl-basic.obo.gz", "--ontology-map",
                 blood / "map.tsv")
    assert quiet.err == ""
    assert f"\t{CD4}\t" in quiet.out


def test_terms_add_up_the_probabilities_of_the_types_below(blood, tmp_path):
    """B and CD4 T cells are lymphocytes (CL:0000542); with monocytes, what is left is a leukocyte
    or above."""
    arguments = ["predict", blood / "m.saithe", blood / "cells.h5ad", "--ontology", "bundled",
                 "--ontology-map", blood / "map.tsv"]
    must(*arguments, "-o", tmp_path / "p.h5ad")
    out = anndata.read_h5ad(tmp_path / "p.h5ad")
    b, monocyte, t = np.asarray(out.obsm["predicted_cell_type_probabilities"], dtype=float).T
    n_lymphocytes = 0
    for threshold in (0.3, 0.5, 0.9):
        must(*arguments, "-o", tmp_path / "out.tsv", "--overwrite", "--ontology-threshold",
             threshold)
        for cell, row in enumerate(rows_of(tmp_path / "out.tsv")):
            p = float(row["rolled_up_confidence"] or 0)
            term = row["rolled_up_ontology_term_id"]
            sums = {"CL:0000236": b[cell], "CL:0001054": monocyte[cell], CD4: t[cell],
                    "CL:0000542": b[cell] + t[cell], "": 0}
            n_lymphocytes += term == "CL:0000542"
            assert p == pytest.approx(sums.get(term, 1), abs=1e-6), row
            assert p >= threshold or b[cell] + monocyte[cell] + t[cell] == 0
            if threshold >= 0.5 and term not in ("CL:0000236", "CL:0001054", CD4):
                assert max(b[cell], monocyte[cell], t[cell]) < threshold
    assert n_lymphocytes > 0


def test_an_h5ad_has_columns_as_cellxgene_names_them(blood, tmp_path):
    must("predict", blood / "m.saithe", blood / "cells.h5ad", "-o", tmp_path / "out.h5ad",
         "--ontology", "bundled")
    must("predict", blood / "m.saithe", blood / "cells.h5ad", "-o", tmp_path / "out.tsv",
         "--ontology", "bundled")
    obs = anndata.read_h5ad(tmp_path / "out.h5ad").obs
    expected = {"B cells": "CL:0000236", "CD14+ Monocytes": "CL:0001054"}
    assert list(obs.predicted_cell_type_ontology_term_id) == [
        expected.get(name, "unknown") for name in obs.predicted_cell_type]
    rows = rows_of(tmp_path / "out.tsv")
    assert list(obs.predicted_cell_type_rolled_up.astype(object).fillna("")) == [
        row["rolled_up"] for row in rows]
    assert list(obs.predicted_cell_type_rolled_up_ontology_term_id) == [
        row["rolled_up_ontology_term_id"] or "unknown" for row in rows]
    assert np.array_equal(obs.predicted_cell_type_rolled_up_confidence,
                          np.float32([row["rolled_up_confidence"] or 0 for row in rows]))
    # A type without a term stands for itself.
    assert {row["rolled_up_ontology_term_id"] for row in rows if row["rolled_up"] == "CD4 T cells"} == {""}
    told = anndata.read_h5ad(tmp_path / "out.h5ad").uns["saithe"]["ontology"]
    assert told["release"] == "cl/releases/2022-11-25/cl-basic.owl" and told["threshold"] == 0.5
    assert list(told["type_term_ids"]) == ["CL:0000236", "CL:0001054", "unknown"]
    assert list(told["type_mapped_by"]) == ["normalized-name", "normalized-name", "nothing"]


def test_the_bundled_ontology_is_found_when_the_program_was_moved(blood, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "share" / "saithe").mkdir(parents=True)
    shutil.copy(PROGRAM, tmp_path / "bin" / "saithe")
    command = [tmp_path / "bin" / "saithe", "predict", blood / "m.saithe", blood / "cells.h5ad",
               "-o", tmp_path / "out.tsv", "--ontology", "bundled"]
    environment = {name: value for name, value in os.environ.items() if name != "SAITHE_DATA"}
    lost = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert lost.returncode == 3 and "the bundled cl-basic.obo.gz was not found" in lost.stderr
    assert not (tmp_path / "out.tsv").exists()
    shutil.copy(SOURCE / "data" / "cl-basic.obo.gz", tmp_path / "share" / "saithe")
    found = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert found.returncode == 0, found.stderr


def test_tables_come_through_pipes(blood, tmp_path):
    query = f"{PROGRAM} predict {blood}/m.saithe {blood}/cells.h5ad --no-reject"
    must_be = must(*query.split()[1:], "-o", tmp_path / "file.tsv", "--ontology", "bundled",
                   "--ontology-map", blood / "map.tsv")
    done = subprocess.run(["bash", "-c", f"{query} -o piped.tsv --ontology <(zcat $0) --ontology-map <(cat $1)",
                           SOURCE / "data" / "cl-basic.obo.gz", blood / "map.tsv"],
                          capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "piped.tsv").read_bytes() == (tmp_path / "file.tsv").read_bytes()
    assert CD4 in (tmp_path / "piped.tsv").read_text() and "3 of 3 types have a term" in must_be.err


def test_mistakes_are_told_before_anything_is_computed(blood, tmp_path):
    query = ["predict", blood / "m.saithe", blood / "cells.h5ad", "-o", tmp_path / "out.tsv"]
    assert "--ontology FILE" in must_fail(2, *query, "--ontology-map", blood / "map.tsv")
    assert "--ontology FILE" in must_fail(2, *query, "--ontology-threshold", "0.7")
    for threshold in ("0", "1.1", "nan"):
        assert "--ontology-threshold" in must_fail(2, *query, "--ontology", "bundled",
                                                   "--ontology-threshold", threshold)
    must_fail(3, *query, "--ontology", tmp_path / "none.obo")
    assert "map.tsv:1" in must_fail(3, *query, "--ontology", blood / "map.tsv")
    table = tmp_path / "map.tsv"
    table.write_text("CD4 T cells\tCL:9999999\n")
    line = must_fail(3, *query, "--ontology", "bundled", "--ontology-map", table)
    assert "map.tsv:1" in line and "CL:9999999" in line
    with gzip.open(SOURCE / "data" / "cl-basic.obo.gz") as file:
        text = file.read()
    (tmp_path / "cut.obo.gz").write_bytes(gzip.compress(text)[:100000])
    assert "damaged or cut off" in must_fail(3, *query, "--ontology", tmp_path / "cut.obo.gz")
    assert not (tmp_path / "out.tsv").exists()
    table.write_text(f"CD4 T cells\t{CD4}\nCD5 T cells\t{CD4}\n")
    said = must(*query, "--ontology", "bundled", "--ontology-map", table, "--quiet").err
    assert "1 of its 2 labels are no types of the model (the first: 'CD5 T cells')" in said
