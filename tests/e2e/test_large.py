"""What is large in one way or another: more values than 31 bits count, chunks larger than --memory,
long tables, matrices of all barcodes; and booleans, of which there are few kinds."""

import gzip
import json

import anndata
import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse

from conftest import must, must_fail
from large_files import peak_megabytes, write_all_but_values


def test_more_values_than_31_bits(cells, model, tmp_path):
    """2 148 000 000 stored values in a file of some hundred kilobytes: none of its chunks was ever
    written, so that each value is the fill value, 1, of gene 0."""
    n_cells, n_each = 107400, 20000  # 4 096 cells would take 655 MB, of which the file holds nothing
    names = list(anndata.read_h5ad(cells, backed="r").var_names)
    path = tmp_path / "large.h5ad"
    with h5py.File(path, "w") as file:
        x = write_all_but_values(file, n_cells, names)
        for name, dtype, fill in (("data", "<f4", 1), ("indices", "<i4", 0)):
            x.create_dataset(name, shape=(n_cells * n_each,), chunks=(1 << 20,), dtype=dtype,
                             fillvalue=fill)
        x.create_dataset("indptr", data=np.arange(n_cells + 1) * n_each, compression="gzip",
                         shuffle=True)
    assert n_cells * n_each > 2**31 and path.stat().st_size < 400000
    peak = peak_megabytes("predict", model, path, "-o", tmp_path / "out.tsv")
    assert peak < 2000
    rows = (tmp_path / "out.tsv").read_text().splitlines()
    assert len(rows) == n_cells + 1
    assert len({row.split("\t", 1)[1] for row in rows[1:]}) == 1  # all cells are the same


@pytest.mark.parametrize("form", ["h5ad", "loom", "zarr"])
def test_a_chunk_larger_than_memory_is_refused_and_large_ones_are_read(cells, model, tmp_path, form):
    """One chunk of the whole matrix, as some writers make it; and chunks as high as the matrix."""
    data = anndata.read_h5ad(cells)
    n = 40
    dense = np.tile(data.X.toarray(), (n, 1))
    obs_names = [f"c{i}" for i in range(len(dense))]
    tables = []
    for chunk in (dense.shape, (len(dense), 50), (64, 600)):
        path = tmp_path / f"{form}.{chunk[1]}.{form}"
        if form == "loom":
            with h5py.File(path, "w") as file:
                file.create_dataset("matrix", data=dense.T, chunks=chunk[::-1], compression="gzip",
                                    compression_opts=1)
                file["row_attrs/Gene"] = np.array(data.var_names, dtype="S")
                file["col_attrs/CellID"] = np.array(obs_names, dtype="S")
        else:
            made = anndata.AnnData(dense, var=data.var[[]], dtype=np.float32)
            made.obs_names = obs_names
            if form == "zarr":
                made.write_zarr(path, chunks=chunk)
            else:
                made.write_h5ad(path)
                with h5py.File(path, "r+") as file:
                    del file["X"]
                    x = file.create_dataset("X", data=dense, chunks=chunk, compression="gzip",
                                            compression_opts=1)
                    x.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        tables.append([])
        # 29 MB of values, as float32.
        for memory in ("16M", "64M", "2G"):
            out = tmp_path / "out.tsv"
            if chunk == dense.shape and memory == "16M":
                line = must_fail(3, "predict", model, path, "-o", out, "--memory", memory)
                assert f"one of its chunks has {dense.size} values" in line and "--memory" in line
                continue
            must("predict", model, path, "-o", out, "--overwrite", "--memory", memory)
            tables[-1].append(out.read_text())
    assert len({table for some in tables for table in some}) == 1
    rows = tables[0][0].splitlines()[1:]
    assert [row.split("\t", 1)[1] for row in rows[:300]] == [row.split("\t", 1)[1]
                                                             for row in rows[-300:]]


# ---- booleans ---------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["csr", "csc", "dense", "layer"])
@pytest.mark.parametrize("ending", ["h5ad", "zarr"])
def test_booleans_are_zero_and_one(cells, model, tmp_path, form, ending):
    data = anndata.read_h5ad(cells)
    flags = (data.X > 0).astype(bool)
    values = {"csr": flags, "csc": flags.tocsc(), "dense": flags.toarray(), "layer": flags}[form]
    numbers = anndata.AnnData(data.X * 0 + flags.astype(np.float32), data.obs, data.var)
    numbers.write_h5ad(tmp_path / "numbers.h5ad")
    made = anndata.AnnData(numbers.X * 0.5 if form == "layer" else values, data.obs, data.var,
                           dtype=np.float32 if form == "layer" else bool)
    if form == "layer":
        made.layers["counts"] = values
    path = tmp_path / f"flags.{ending}"
    made.write_zarr(path) if ending == "zarr" else made.write_h5ad(path)
    said = json.loads(must("inspect", path, "--json").out)
    expected = json.loads(must("inspect", tmp_path / "numbers.h5ad", "--json").out)
    for name in ("n_cells", "n_genes", "n_stored", "total", "value_kind"):
        assert said[name] == expected[name], name
    place = "layers/counts" if form == "layer" else "X"
    assert f"{place} holds booleans, which are read as counts of 0 and 1" in str(said["warnings"])
    assert said["places"][place]["finding"] == f"{place} holds counts (booleans, as 0 and 1)"
    asked = ["--layer", "counts"] if form == "layer" else []
    result = must("predict", model, path, "-o", tmp_path / "flags.tsv", *asked)
    assert result.err.count("holds booleans") == 1
    must("predict", model, tmp_path / "numbers.h5ad", "-o", tmp_path / "numbers.tsv")
    assert (tmp_path / "flags.tsv").read_text() == (tmp_path / "numbers.tsv").read_text()


# ---- all barcodes of a run --------------------------------------------------------------------


@pytest.fixture(scope="module")
def barcodes():
    """Genes x barcodes, of which 40 are cells and 960 empty droplets."""
    chance = np.random.default_rng(7)
    counts = np.zeros((3000, 1000), dtype=np.int32)
    for barcode in range(1000):
        n = 400 if barcode % 25 == 0 else chance.integers(0, 30)
        counts[chance.choice(3000, n, replace=False), barcode] = chance.integers(1, 4, n)
    return scipy.sparse.csc_matrix(counts)


def write_tenx_h5(path, counts):
    with h5py.File(path, "w") as file:
        matrix = file.create_group("matrix")
        for name in ("data", "indices", "indptr"):
            matrix[name] = getattr(counts, name)
        matrix["shape"] = np.array(counts.shape)
        matrix["barcodes"] = np.array([f"B{i}-1" for i in range(counts.shape[1])], dtype="S")
        features = matrix.create_group("features")
        features["id"] = np.array([f"ENSG{i:011}" for i in range(counts.shape[0])], dtype="S")
        features["name"] = np.array([f"G{i}" for i in range(counts.shape[0])], dtype="S")
        features["feature_type"] = np.array(["Gene Expression"] * counts.shape[0], dtype="S")


def write_tenx_mtx(folder, counts):
    folder.mkdir()
    with gzip.open(folder / "matrix.mtx.gz", "wb") as file:
        scipy.io.mmwrite(file, counts, field="integer")
    for name, lines in (("barcodes", [f"B{i}-1" for i in range(counts.shape[1])]),
                        ("features", [f"ENSG{i:011}\tG{i}\tGene Expression"
                                      for i in range(counts.shape[0])])):
        (folder / f"{name}.tsv.gz").write_bytes(gzip.compress(("\n".join(lines) + "\n").encode()))


@pytest.mark.parametrize("write", [write_tenx_h5, write_tenx_mtx])
def test_a_matrix_of_all_barcodes_is_named(barcodes, tmp_path, write):
    ending = ".h5" if write is write_tenx_h5 else ""
    raw = tmp_path / f"raw_feature_bc_matrix{ending}"
    filtered = tmp_path / f"filtered_feature_bc_matrix{ending}"
    write(raw, barcodes)
    (warning,) = json.loads(must("inspect", raw, "--json").out)["warnings"]
    assert "96 % of its 1000 barcodes have counts of fewer than 100 genes" in warning
    assert "Give the filtered matrix" in warning
    write(filtered, barcodes[:, ::25])
    (warning,) = json.loads(must("inspect", raw, "--json").out)["warnings"]
    assert warning.endswith(f"The matrix of cells is {filtered}")
    assert json.loads(must("inspect", filtered, "--json").out)["warnings"] == []
