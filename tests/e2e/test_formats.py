"""The same cells in every form that is read: the same prediction, byte for byte."""

import gzip
import json

import anndata
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from cell_files import (write_csv, write_geo, write_h5seurat, write_long, write_loom, write_mtx,
                        write_tenx_h5, write_tsv_of_genes, write_zarr, write_zarr_zip)
from conftest import QUICK, must, must_fail


@pytest.fixture(scope="module")
def data(cells):
    return anndata.read_h5ad(cells)


FORMS = [write_csv, write_tsv_of_genes, write_long, write_geo, write_loom, write_h5seurat]


@pytest.mark.parametrize("write", FORMS)
def test_prediction_is_that_of_the_h5ad(write, cells, data, model, tmp_path):
    arguments = write(data, tmp_path / "cells.x")
    must("predict", model, cells, "-o", tmp_path / "h5ad.tsv")
    must("predict", model, *arguments, "-o", tmp_path / "other.tsv")
    expected = (tmp_path / "h5ad.tsv").read_text().splitlines()
    found = (tmp_path / "other.tsv").read_text().splitlines()
    if write is write_long:  # cells come sorted by name
        expected[1:], found[1:] = sorted(expected[1:]), sorted(found[1:])
    assert found == expected


@pytest.fixture(scope="module")
def of_h5ad(cells, data, tmp_path_factory):
    """Labels, and what a model of the h5ad makes of it: predictions and scores."""
    folder = tmp_path_factory.mktemp("of_h5ad")
    labels = folder / "labels.tsv"
    labels.write_text("".join(f"{cell}\t{kind}\n" for cell, kind in data.obs.cell_type.items()))
    return labels, *trained_and_judged([cells], labels, folder)


def trained_and_judged(cells, labels, folder):
    model, table, scores = (folder / name for name in ("m.saithe", "p.tsv", "scores.json"))
    must("train", *cells, "--labels", labels, "-o", model, *QUICK)
    must("predict", model, *cells, "-o", table)
    must("evaluate", model, *cells, "--labels", labels, "-o", scores)
    return table.read_text(), json.loads(scores.read_text())


@pytest.mark.parametrize("write", [write_csv, write_tsv_of_genes, write_geo, write_mtx, write_loom,
                                   write_h5seurat, write_tenx_h5, write_zarr, write_zarr_zip])
def test_training_and_scores_are_those_of_the_h5ad(write, data, of_h5ad, tmp_path):
    labels, table, scores = of_h5ad
    found = trained_and_judged(write(data, tmp_path / "cells.x"), labels, tmp_path)
    assert found == (table, scores)
    assert scores["n_cells"] == data.n_obs


def write_h5ad(data, path):
    data.write_h5ad(path)
    return [path]


def write_layer(data, path):
    anndata.AnnData(data.X * 0.5, data.obs, data.var, layers={"open": data.X}).write_h5ad(path)
    return [path, "--layer", "open"]


@pytest.mark.parametrize("write", [*FORMS, write_h5ad, write_layer, write_zarr, write_mtx])
def test_counts_of_only_0_and_1_are_said_to_tell_little(write, data, model, tmp_path):
    said = "holds no count above 1: such counts say which genes a cell expresses, not how much"
    x = scipy.sparse.csr_matrix(data.X)
    x.data[:] = 1
    for highest in (1, 2):
        x.data[-1] = highest  # one count of 2 is enough
        folder = tmp_path / str(highest)
        folder.mkdir()
        ones = anndata.AnnData(x.copy(), data.obs[[]], data.var[[]], dtype=np.float32)
        arguments = write(ones, folder / "cells.x")
        warnings = json.loads(must("inspect", *arguments, "--json").out)["warnings"]
        assert sum(said in line for line in warnings) == 2 - highest
        predicted = must("predict", model, *arguments, "-o", folder / "out.tsv")
        assert predicted.err.count(said) == 2 - highest
    labels = tmp_path / "labels.tsv"
    labels.write_text("".join(f"{cell}\t{label}\n" for cell, label in data.obs["cell_type"].items()))
    arguments = write(anndata.AnnData((x > 0).astype(np.float32), data.obs[[]], data.var[[]]),
                      tmp_path / "cells.x")
    trained = must("train", *arguments, "--labels", labels, "-o", tmp_path / "m.saithe", *QUICK)
    assert trained.err.count(said) == 1


@pytest.mark.parametrize("write", FORMS)
def test_inspect_says_what_is_there(write, data, tmp_path):
    arguments = write(data, tmp_path / "cells.x")
    found = json.loads(must("inspect", *arguments, "--json").out)
    n_expressed = int((data.X.sum(axis=0) > 0).sum())  # all that a long table can list
    n_genes = n_expressed if write is write_long else data.n_vars
    assert (found["n_cells"], found["n_genes"]) == (data.n_obs, n_genes)
    assert found["total"] == data.X.sum() and found["value_kind"] == "counts"
    assert found["warnings"] == []


def test_a_missing_value_is_located(data, tmp_path):
    path = tmp_path / "cells.csv"
    frame = pd.DataFrame(data.X.toarray(), data.obs_names, data.var_names)
    frame.iloc[3, 5] = np.nan
    frame.to_csv(path, na_rep="NA")
    line = must_fail(3, "inspect", path, "--cells-in", "rows")
    assert "cells.csv:5: column 7" in line and data.var_names[5] in line and "'NA'" in line


def test_an_r_object_is_refused_with_the_command_that_exports_it(tmp_path):
    path = tmp_path / "cells.rds"
    path.write_bytes(gzip.compress(b"X\n\0\0\0\3\0\4\2\1"))
    line = must_fail(3, "inspect", path)
    assert "anndataR::write_h5ad(readRDS(" in line


def test_a_file_behind_a_descriptor_is_read_as_the_file(cells):
    """HDF5 is read by a child process, whose standard input is another."""
    with open(cells, "rb") as file:
        through = must("inspect", "/dev/stdin", "--json", stdin=file).out
    assert json.loads(through)["n_cells"] == 300
