"""Columns of names that AnnData or HDF5 cannot hold are kept, under names that are told."""

import hashlib

import anndata
import h5py
import numpy as np
import pytest

from cell_files import write_loom, write_tenx_h5
from conftest import must, must_fail

# Each name, and the one that a new h5ad has instead.
NAMES = {"_index": "index", "": "unnamed", ".": "unnamed_1", "..": "unnamed_2", "a/b": "a_b_1",
         "a_b": "a_b", "a_b_2": "a_b_2", "__categories": "categories", "/": "_", "fine": "fine",
         "predicted/cell_type": "predicted_cell_type"}


@pytest.fixture(scope="module")
def data(cells):
    return anndata.read_h5ad(cells)


def texts_of(name, data):
    return [f"of {name} {i % 5}" for i in range(data.n_obs)]


def write_csv(data, path):
    columns = [texts_of(name, data) for name in NAMES]
    lines = [",".join(["cell", *NAMES, *data.var_names])]
    for cell, values in enumerate(data.X.toarray().astype(int)):
        lines.append(",".join([data.obs_names[cell], *(column[cell] for column in columns),
                               *map(str, values)]))
    path.write_text("\n".join(lines) + "\n")
    return [path, "--cells-in", "rows"], dict(NAMES)


def write_loom_of_index(data, path):
    write_loom(data, path)
    with h5py.File(path, "a") as file:
        file["col_attrs/_index"] = np.array(texts_of("_index", data), dtype="S")
        file["row_attrs/_index"] = np.array(["x"] * data.n_vars, dtype="S")
    return [path], {"_index": "index"}


@pytest.mark.parametrize("write", [write_csv, write_loom_of_index])
def test_every_column_is_kept(write, data, model, tmp_path):
    cells, names = write(data, tmp_path / "cells.x")
    before = hashlib.sha256(cells[0].read_bytes()).digest()
    for command in (["convert", *cells], ["predict", model, *cells, "-o"]):
        out = tmp_path / f"{command[0]}.h5ad"
        said = must(*command, out).err
        ours = "predicted_cell_type" if command[0] == "predict" else None
        obs = anndata.read_h5ad(out).obs
        for name, kept in names.items():
            kept = f"{kept}_1" if kept == ours else kept
            assert list(obs[kept]) == texts_of(name, data), name
            assert (f"'{name}' is now '{kept}'" in said) == (name != kept), name
        assert said.count(": obs: ") == 1
        if ours:
            assert set(obs[ours]) <= {*data.obs.cell_type, "unassigned"}
    assert hashlib.sha256(cells[0].read_bytes()).digest() == before


def test_a_column_that_is_called_like_the_index_of_anndata(cells, data, model, tmp_path):
    """An h5ad whose index has another name; AnnData reads it, but would not write it again."""
    path = tmp_path / "in.h5ad"
    path.write_bytes(cells.read_bytes())
    with h5py.File(path, "a") as file:
        obs = file["obs"]
        obs.move(obs.attrs["_index"], "barcode")
        obs.attrs["_index"] = "barcode"
        obs.copy("cell_type", "_index")
        obs.attrs["column-order"] = [*obs.attrs["column-order"], "_index"]
    assert "'_index' is now 'index'" in must("convert", path, tmp_path / "a.h5ad").err
    copy = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert list(copy.obs["index"]) == list(data.obs.cell_type)
    assert copy.obs.index.name == "barcode"
    copy.write_h5ad(tmp_path / "again.h5ad")
    # Columns are added to a copy of the bytes: what was there stays as it is.
    assert "is now" not in must("predict", model, path, "-o", tmp_path / "p.h5ad").err
    with h5py.File(tmp_path / "p.h5ad") as file:
        assert "_index" in file["obs"] and "index" not in file["obs"]


@pytest.mark.parametrize("key", ["_index", "/index", "...", ".zattrs", "zarr.json"])
def test_names_of_anndata_and_zarr_are_no_names_of_results(model, data, tmp_path, key):
    cells = write_tenx_h5(data, tmp_path / "cells.h5")
    line = must_fail(2, "predict", model, *cells, "-o", tmp_path / "o.h5ad", "--key-added", key)
    assert "is no name for a column" in line and not (tmp_path / "o.h5ad").exists()
