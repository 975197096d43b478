"""h5ad files as few programs write them, each checked against what went into it."""

import fcntl
import zlib

import anndata
import h5py
import numpy as np
import pytest
import scipy.sparse

from conftest import must, must_fail, rows_of


def write_counts(group, counts):
    group["data"], group["indices"], group["indptr"] = counts.data, counts.indices, counts.indptr


def some_counts(n_cells, n_genes):
    """Five genes of each cell."""
    random = np.random.default_rng(3)
    columns = np.sort(random.integers(0, n_genes // 5, (n_cells, 5)) * 5 + np.arange(5), axis=1)
    values = random.integers(1, 9, n_cells * 5).astype("f4")
    return scipy.sparse.csr_matrix((values, columns.ravel().astype("i4"), np.arange(n_cells + 1) * 5),
                                   shape=(n_cells, n_genes))


def write_modern(path, counts, genes=None):
    names = genes or [f"G{i}" for i in range(counts.shape[1])]
    with h5py.File(path, "w") as file:
        file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
        x = file.create_group("X")
        x.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0",
                        "shape": np.array(counts.shape)})
        write_counts(x, counts)
        for name, index in (("obs", [f"c{i}" for i in range(counts.shape[0])]), ("var", names)):
            frame = file.create_group(name)
            frame.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0", "_index": "_index"})
            frame.attrs["column-order"] = np.array([], dtype=h5py.string_dtype())
            frame.create_dataset("_index", data=np.array(index, dtype="S"))


def add_columns(file, names):
    file["obs"].attrs["column-order"] = np.array(names, dtype=h5py.string_dtype())


def same_counts(path, counts):
    read = anndata.read_h5ad(path).X
    return read.shape == counts.shape and (scipy.sparse.csr_matrix(read) != counts).nnz == 0


@pytest.mark.parametrize("index", ["S8", "i4", "text"])
@pytest.mark.parametrize("chunks", [None, (1000,), (1 << 17,)])
def test_tables_of_records_of_many_rows(index, chunks, tmp_path):
    """AnnData 0.5 and 0.6: more genes, and cells, than are asked for at once."""
    n_cells, n_genes = 70000, 20000
    path, out = tmp_path / "records.h5ad", tmp_path / "out.h5ad"
    counts = some_counts(n_cells, n_genes)
    with h5py.File(path, "w") as file:
        x = file.create_group("X")
        x.attrs["h5sparse_format"] = "csr"
        x.attrs["h5sparse_shape"] = np.array(counts.shape)
        write_counts(x, counts)
        for name, n in (("obs", n_cells), ("var", n_genes)):
            kind = h5py.string_dtype() if index == "text" else index
            records = np.zeros(n, [("index", kind), ("depth", "f4")])
            records["index"] = np.arange(n) if index == "i4" else [f"{name[0]}{i}" for i in range(n)]
            records["depth"] = np.arange(n)
            packing = {} if chunks is None else {"chunks": (min(n, chunks[0]),), "compression": "gzip"}
            file.create_dataset(name, data=records, **packing)
    must("convert", path, out)
    result = anndata.read_h5ad(out)
    prefix = ("", "") if index == "i4" else ("o", "v")
    assert list(result.obs_names) == [f"{prefix[0]}{i}" for i in range(n_cells)]
    assert list(result.var_names) == [f"{prefix[1]}{i}" for i in range(n_genes)]
    assert np.array_equal(result.obs["depth"], np.arange(n_cells))
    assert (result.X != counts).nnz == 0


def test_a_factor_of_r_with_gaps(tmp_path):
    """SeuratDisk's Convert() takes 1 off R's codes, of which NA stays what it is."""
    path, out = tmp_path / "seurat.h5ad", tmp_path / "out.h5ad"
    write_modern(path, some_counts(40, 600))
    with h5py.File(path, "r+") as file:
        missing = np.iinfo("i4").min
        file["obs/cluster"] = np.array([0, 1, missing, 2] * 10, dtype="i4")
        file["obs/__categories/cluster"] = np.array([b"B", b"NK", b"T"])
        add_columns(file, ["cluster"])
    must("convert", path, out)
    column = anndata.read_h5ad(out).obs["cluster"]
    assert list(column[:4].astype(object).where(column[:4].notna(), None)) == ["B", "NK", None, "T"]
    with h5py.File(path, "r+") as file:
        file["obs/cluster"][0] = -2
    assert "has the code -2 for 3 categories; they are numbered from 0" in must_fail(3, "convert", path, out,
                                                                                      "--overwrite")


def test_an_enumeration_is_no_boolean_unless_it_says_so(tmp_path):
    path, out = tmp_path / "enums.h5ad", tmp_path / "out.h5ad"
    write_modern(path, some_counts(40, 600))
    enums = {"flag": {"FALSE": 0, "TRUE": 1}, "turned": {"TRUE": 0, "FALSE": 1}, "type": {"B": 0, "T": 1}}
    with h5py.File(path, "r+") as file:
        for name, members in enums.items():
            file["obs"].create_dataset(name, data=np.arange(40, dtype="i1") % 2, dtype=h5py.enum_dtype(members, "i1"))
        add_columns(file, list(enums))
    warned = must("convert", path, out).err
    assert list(anndata.read_h5ad(out).obs.columns) == ["flag"]
    assert list(anndata.read_h5ad(out).obs["flag"][:2]) == [False, True]
    for name in ("turned", "type"):
        assert f"/obs/{name}: the column is of a kind that is not read; it is left out" in warned


def filters_of(*pairs):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    for number, options in pairs:
        # LZF gives up where it saves nothing.
        plist.set_filter(number, h5py.h5z.FLAG_OPTIONAL if number == LZF else h5py.h5z.FLAG_MANDATORY, options)
    return plist


GZIP, SHUFFLE, CHECKSUM, LZF = 1, 2, 3, 32000


@pytest.mark.parametrize("pipeline", [
    [GZIP, GZIP], [SHUFFLE, GZIP, GZIP], [GZIP, SHUFFLE], [LZF, GZIP], [CHECKSUM, GZIP, CHECKSUM],
    [CHECKSUM, SHUFFLE, GZIP],
])
@pytest.mark.parametrize("is_dense", [False, True])
def test_filters_in_any_order(pipeline, is_dense, tmp_path):
    path, out = tmp_path / "filters.h5ad", tmp_path / "out.h5ad"
    counts = some_counts(300, 700)
    write_modern(path, counts)
    options = {GZIP: (4,), SHUFFLE: (), CHECKSUM: (), LZF: ()}

    def replace(file, name, values, chunk):
        if name in file:
            del file[name]
        plist = filters_of(*((number, options[number]) for number in pipeline))
        plist.set_chunk(chunk)
        space = h5py.h5s.create_simple(values.shape)
        dataset = h5py.h5d.create(file.id, name.encode(), h5py.h5t.py_create(values.dtype), space, plist)
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, np.ascontiguousarray(values))

    with h5py.File(path, "r+") as file:
        if is_dense:
            replace(file, "X", counts.toarray(), (64, 100))
            file["X"].attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        else:
            for name in ("data", "indices"):
                replace(file, f"X/{name}", file[f"X/{name}"][:], (50,))
    must("convert", path, out)
    assert same_counts(out, counts)


@pytest.mark.parametrize("is_dense", [False, True])
def test_chunks_that_were_stored_without_their_filter(is_dense, tmp_path):
    """Those at the edge, each marked so."""
    path, out = tmp_path / "edges.h5ad", tmp_path / "out.h5ad"
    counts = some_counts(130, 700)
    values = counts.toarray() if is_dense else counts.data
    chunk = (64, 100) if is_dense else (500,)
    whole = tuple(-(-n // c) * c for n, c in zip(values.shape, chunk))
    write_modern(path, counts)
    name = "X" if is_dense else "X/data"
    with h5py.File(path, "r+") as file:
        del file[name]
        dataset = file.create_dataset(name, shape=values.shape, dtype="f4", chunks=chunk, compression="gzip")
        padded = np.zeros(whole, "f4")
        padded[tuple(slice(n) for n in values.shape)] = values
        for start in np.ndindex(*(n // c for n, c in zip(whole, chunk))):
            begin = tuple(i * c for i, c in zip(start, chunk))
            block = np.ascontiguousarray(padded[tuple(slice(b, b + c) for b, c in zip(begin, chunk))])
            is_edge = any(b + c > n for b, c, n in zip(begin, chunk, values.shape))
            packed = block.tobytes() if is_edge else zlib.compress(block.tobytes())
            dataset.id.write_direct_chunk(begin, packed, 1 if is_edge else 0)
        if is_dense:
            dataset.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    must("convert", path, out)
    assert same_counts(out, counts)


def test_a_newer_hdf5_is_not_called_damage(tmp_path):
    path = tmp_path / "newer.h5ad"
    write_modern(path, some_counts(40, 600))
    content = bytearray(path.read_bytes())
    content[8] = 9  # the version of the superblock
    path.write_bytes(content)
    line = must_fail(3, "inspect", path)
    assert "cannot be read by HDF5 1." in line and "a newer one wrote it (or it is damaged)" in line


def test_wide_texts_come_in_pieces(tmp_path):
    path, out = tmp_path / "wide.h5ad", tmp_path / "out.h5ad"
    counts = some_counts(3000, 600)
    write_modern(path, counts)
    with h5py.File(path, "r+") as file:
        del file["obs/_index"]
        names = np.array([f"{i:05}" + "x" * (i % 7) * 500 for i in range(3000)], dtype="S4000")
        file["obs"].create_dataset("_index", data=names, chunks=(3000,), compression="gzip")
        notes = [f"{i}" + "y" * (i % 5) * 2000 for i in range(3000)]
        file["obs"].create_dataset("note", data=notes, dtype=h5py.string_dtype())
        add_columns(file, ["note"])
    must("convert", path, out)
    result = anndata.read_h5ad(out)
    assert list(result.obs_names) == [name.decode() for name in names]
    assert list(result.obs["note"].astype(str)) == notes


def test_a_file_that_another_program_writes_is_not_replaced(cells, model, tmp_path):
    path, out = tmp_path / "cells.h5ad", tmp_path / "labels.tsv"
    path.write_bytes(cells.read_bytes())
    before = path.read_bytes()
    with open(path, "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        line = must_fail(1, "predict", model, path, "--in-place")
        assert f"{path}: another program has it open for writing, whose changes would be lost" in line
        must("predict", model, path, "-o", out)
        assert path.read_bytes() == before and len(rows_of(out)) > 1
        fcntl.flock(file, fcntl.LOCK_SH)
        must("predict", model, path, "--in-place")
    assert path.read_bytes() != before
