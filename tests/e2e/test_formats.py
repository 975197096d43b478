"""The same cells in every form that is read: the same prediction, byte for byte."""

import gzip
import json

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.io
import scipy.sparse

from conftest import QUICK, must, must_fail, write_tenx_folder


@pytest.fixture(scope="module")
def data(cells):
    return anndata.read_h5ad(cells)


def write_csv(data, path):
    frame = pd.DataFrame(data.X.toarray().astype(int), data.obs_names, data.var_names)
    frame.to_csv(path)
    return [path, "--cells-in", "rows"]


def write_tsv_of_genes(data, path):
    """Genes x cells, as R's write.table leaves it: quotes, no corner, CRLF, gzip."""
    lines = ["\t".join(f'"{name}"' for name in data.obs_names)]
    for gene, values in zip(data.var_names, data.X.toarray().astype(int).T):
        lines.append("\t".join([f'"{gene}"', *map(str, values)]))
    path = path.with_suffix(".tsv.gz")
    path.write_bytes(gzip.compress("\r\n".join(lines).encode()))
    return [path, "--cells-in", "columns"]


def write_long(data, path):
    x = scipy.sparse.coo_matrix(data.X)
    frame = pd.DataFrame({"gene": data.var_names[x.col], "cell": data.obs_names[x.row],
                          "count": x.data.astype(int)})
    frame.to_csv(path, sep="\t", index=False)
    return [path]


def write_geo(data, path):
    """With a prefix, and cells x genes, which the lengths of the tables tell."""
    with gzip.open(path.parent / "GSM1_matrix.mtx.gz", "wb") as file:
        scipy.io.mmwrite(file, data.X.astype(int), field="integer")
    for name, names in (("genes", data.var_names), ("barcodes", data.obs_names)):
        text = "".join(name + "\n" for name in names)
        (path.parent / f"GSM1_{name}.tsv.gz").write_bytes(gzip.compress(text.encode()))
    return [path.parent / "GSM1_matrix.mtx.gz"]


def write_loom(data, path):
    with h5py.File(path, "w") as file:
        file.attrs["LOOM_SPEC_VERSION"] = "2.0.1"
        file.create_dataset("matrix", data=data.X.toarray().T, chunks=(64, 64), compression="gzip")
        file["row_attrs/Gene"] = np.array(data.var_names, dtype="S")
        file["col_attrs/CellID"] = np.array(data.obs_names, dtype="S")
    return [path]


def write_h5seurat(data, path):
    texts = h5py.string_dtype()
    x = scipy.sparse.csr_matrix(data.X)
    with h5py.File(path, "w") as file:
        file.attrs["active.assay"] = np.array(["RNA"], dtype=texts)
        file["cell.names"] = np.array(data.obs_names, dtype=texts)
        file["assays/RNA/features"] = np.array(data.var_names, dtype=texts)
        counts = file.create_group("assays/RNA/counts")
        counts.attrs["dims"] = np.array(x.shape[::-1], dtype=np.int32)
        for name in ("data", "indices", "indptr"):
            counts[name] = getattr(x, name)
    return [path]


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


def write_h5ad(data, path):
    data.write_h5ad(path)
    return [path]


def write_layer(data, path):
    anndata.AnnData(data.X * 0.5, data.obs, data.var, layers={"open": data.X}).write_h5ad(path)
    return [path, "--layer", "open"]


def write_zarr(data, path):
    data.write_zarr(path)
    return [path]


def write_mtx(data, path):
    write_tenx_folder(path, data)
    return [path]


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
