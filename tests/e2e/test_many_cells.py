"""Memory does not grow with the number of cells, of any format; what needs all at once is counted."""

import gzip

import anndata
import h5py
import numpy as np
import pytest
import scipy.sparse

from conftest import HAS_SANITIZER, must, must_fail
from large_files import peak_megabytes, write_all_but_values

FEW, MANY = 20000, 320000
PACKED = {"chunks": (1 << 14,), "compression": "gzip", "compression_opts": 1, "shuffle": True}


@pytest.fixture(scope="module")
def genes(cells):
    return list(anndata.read_h5ad(cells, backed="r").var_names)


def barcodes(n_cells):
    return [f"AAACCCAAGAAACACT{i:07}-1" for i in range(n_cells)]


def counts_of(n_cells, n_genes):
    """10 genes of each cell, of ten kinds of cells."""
    indices = np.concatenate([np.arange(kind, kind + 200, 20) for kind in range(10)])
    columns = np.tile(indices, n_cells // 10).astype("i4")
    return scipy.sparse.csr_matrix(((1 + columns % 7).astype("f4"), columns, np.arange(n_cells + 1) * 10),
                                   shape=(n_cells, n_genes))


def write_arrays(group, counts):
    for name in ("data", "indices", "indptr"):
        group.create_dataset(name, data=getattr(counts, name), **(PACKED if name != "indptr" else {}))


def write_tenx(path, counts, genes):
    with h5py.File(path, "w") as file:
        matrix = file.create_group("matrix")
        matrix.create_dataset("barcodes", data=np.array(barcodes(counts.shape[0]), dtype="S"), **PACKED)
        matrix.create_dataset("shape", data=np.array(counts.shape[::-1], dtype="i4"))
        write_arrays(matrix, counts)
        features = matrix.create_group("features")
        names = np.array(genes, dtype="S")
        for name, values in (("id", names), ("name", names),
                             ("feature_type", np.array([b"Gene Expression"] * len(genes)))):
            features.create_dataset(name, data=values)


def write_mtx(path, counts, genes):
    path.mkdir()
    (path / "features.tsv").write_text("".join(f"{name}\t{name}\tGene Expression\n" for name in genes))
    with gzip.open(path / "barcodes.tsv.gz", "wt", 1) as file:
        file.write("\n".join(barcodes(counts.shape[0])) + "\n")
    with open(path / "matrix.mtx", "w") as file:
        file.write("%%MatrixMarket matrix coordinate integer general\n"
                   f"{len(genes)} {counts.shape[0]} {counts.nnz}\n")
        cells = np.repeat(np.arange(1, counts.shape[0] + 1), 10)
        np.savetxt(file, np.column_stack((counts.indices + 1, cells, counts.data)), "%d")


def write_csc(path, counts, genes):
    columns = counts.tocsc()
    with h5py.File(path, "w") as file:
        x = write_all_but_values(file, counts.shape[0], genes)
        x.attrs["encoding-type"] = "csc_matrix"
        write_arrays(x, columns)


def write_h5seurat(path, counts, genes):
    n_cells = counts.shape[0]
    with h5py.File(path, "w") as file:
        file.attrs["active.assay"] = "RNA"
        file.create_dataset("cell.names", data=np.array(barcodes(n_cells), dtype="S"), **PACKED)
        assay = file.create_group("assays/RNA")
        assay.create_dataset("features", data=np.array(genes, dtype="S"))
        group = assay.create_group("counts")
        group.attrs["dims"] = np.array(counts.shape[::-1])
        write_arrays(group, counts)
        meta = file.create_group("meta.data")
        meta.create_dataset("text", data=np.array(barcodes(n_cells), dtype="S"), **PACKED)
        meta.create_dataset("number", data=np.arange(n_cells) / 2, **PACKED)


def write_loom(path, counts, genes):
    """Of few genes: it stores zeros."""
    n_cells, n_genes = counts.shape[0], 200
    with h5py.File(path, "w") as file:
        matrix = file.create_dataset("matrix", shape=(n_genes, n_cells), dtype="f4", chunks=(64, 4096),
                                     compression="gzip", compression_opts=1)
        matrix[:, :] = counts[:, :n_genes].T.toarray()
        file.create_group("row_attrs").create_dataset("Gene", data=np.array(genes[:n_genes], dtype="S"))
        columns = file.create_group("col_attrs")
        for name in ("CellID", "text"):
            columns.create_dataset(name, data=np.array(barcodes(n_cells), dtype="S"), **PACKED)


WRITERS = {"tenx.h5": write_tenx, "mtx": write_mtx, "csc.h5ad": write_csc, "seurat.h5seurat": write_h5seurat,
           "cells.loom": write_loom}


@pytest.mark.parametrize("name", WRITERS)
def test_memory_does_not_grow_with_the_number_of_cells(name, genes, model, tmp_path):
    """Names of the additional cells alone would take 19 MB, and where their values begin 2 to 5. A Loom
    file has a column of texts as well, and of the few cells all values fit the memory for them."""
    peaks = []
    for n_cells in (FEW, MANY):
        path = tmp_path / f"{n_cells}{name}"
        WRITERS[name](path, counts_of(n_cells, len(genes)), genes)
        out = tmp_path / f"{n_cells}.tsv"
        peaks.append(peak_megabytes("predict", model, path, "-o", out, "--force", "--memory", "16M"))
        with open(out) as table:
            assert sum(1 for _ in table) == n_cells + 1
    if HAS_SANITIZER:
        pytest.skip("done; how much memory it took is not told under a sanitizer")
    assert peaks[1] < peaks[0] + (32 if name == "cells.loom" else 15), peaks


@pytest.mark.parametrize("name", WRITERS)
def test_little_memory_changes_no_label(name, genes, model, tmp_path):
    """What spills into temporary files is what lay in memory."""
    path = tmp_path / name
    WRITERS[name](path, counts_of(100000, len(genes)), genes)
    tables = []
    for memory in ("3M", "2G"):
        out = tmp_path / f"{memory}.tsv"
        must("predict", model, path, "-o", out, "--force", "--memory", memory)
        tables.append(out.read_bytes())
    assert tables[0] == tables[1]


def test_names_in_one_long_chunk_are_not_held(genes, model, tmp_path):
    """As objects they would take 60 MB, and unpacked they take 14."""
    n_cells, peaks, tables = 600000, [], []
    path = tmp_path / "tenx.h5"
    write_tenx(path, counts_of(n_cells, len(genes)), genes)
    for chunk in (1 << 14, n_cells):
        with h5py.File(path, "r+") as file:
            names = file["matrix/barcodes"][:]
            del file["matrix/barcodes"]
            file["matrix"].create_dataset("barcodes", data=names, compression="gzip", chunks=(chunk,))
        out = tmp_path / f"{chunk}.tsv"
        peaks.append(peak_megabytes("predict", model, path, "-o", out, "--force", "--memory", "16M"))
        tables.append(out.read_bytes())
    assert tables[0] == tables[1]
    if HAS_SANITIZER:
        pytest.skip("the same labels; how much memory it took is not told under a sanitizer")
    assert peaks[1] < peaks[0] + 45, peaks


@pytest.fixture(scope="module")
def labelled(genes, tmp_path_factory):
    """Few and many cells with a column of labels, and one of the many alone."""
    folder = tmp_path_factory.mktemp("labelled")
    paths = []
    for n_cells in (FEW, MANY):
        path = folder / f"{n_cells}.h5ad"
        with h5py.File(path, "w") as file:
            write_arrays(write_all_but_values(file, n_cells, genes), counts_of(n_cells, len(genes)))
            column = file.create_group("obs/type")
            column.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False})
            codes = column.create_dataset("codes", data=(np.arange(n_cells) % 2).astype("i1"), **PACKED)
            codes.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
            names = column.create_dataset("categories", data=np.array([b"B cells", b"CD4 T cells"]))
            names.attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})
            file["obs"].attrs["column-order"] = np.array(["type"], dtype=h5py.string_dtype())
        paths.append(path)
    return paths


def test_evaluating_holds_no_probabilities_of_all_cells(labelled, model, tmp_path):
    """Probabilities and logits of the additional cells would take 20 MB, labels as texts take 15."""
    peaks = [peak_megabytes("evaluate", model, path, "--label-key", "type", "--force", "-o",
                            tmp_path / f"{path.stem}.json", "--memory", "16M") for path in labelled]
    if HAS_SANITIZER:
        pytest.skip("done; how much memory it took is not told under a sanitizer")
    assert peaks[1] < peaks[0] + 30, peaks


def test_converting_holds_not_where_all_cells_begin(labelled, tmp_path):
    few, many = [peak_megabytes("convert", path, tmp_path / f"{path.stem}.h5ad", "--memory", "16M")
                 for path in labelled]
    again = anndata.read_h5ad(tmp_path / f"{MANY}.h5ad")
    expected = anndata.read_h5ad(labelled[1])
    assert (again.X != expected.X).nnz == 0 and again.obs.equals(expected.obs)
    if HAS_SANITIZER:
        pytest.skip("done; how much memory it took is not told under a sanitizer")
    assert many < few + 34, (few, many)


@pytest.mark.parametrize("words, what", [
    (["embed"], "a UMAP"),
    (["predict", "--majority-vote", "leiden"], "--majority-vote leiden"),
])
def test_what_needs_all_cells_at_once_is_refused_with_the_memory_that_it_needs(
        words, what, labelled, model, tmp_path):
    out = tmp_path / "out.h5ad"
    line = must_fail(2, words[0], model, labelled[1], "-o", out, "--force", *words[1:], "--memory", "16M")
    assert f"{labelled[1]}: {what} takes " in line and f"for each of {MANY} cells" in line
    assert "more than --memory (16M) allows. Give --memory " in line
    assert not out.exists()


def test_an_index_that_is_read_as_a_whole_is_counted(genes, tmp_path):
    """Of categories: all must be read to know what a row is called."""
    path = tmp_path / "categories.h5ad"
    with h5py.File(path, "w") as file:
        write_arrays(write_all_but_values(file, MANY, genes), counts_of(MANY, len(genes)))
        names = file["obs/_index"][:]
        del file["obs/_index"]
        index = file.create_group("obs/_index")
        index.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False})
        index.create_dataset("codes", data=np.arange(MANY, dtype="i4"), **PACKED)
        index.create_dataset("categories", data=names, **PACKED)
    line = must_fail(2, "inspect", path, "--memory", "1M")
    assert f"{path}: /obs/_index: reading the index takes 219 bytes for each of {MANY} cells" in line
    must("inspect", path, "--memory", line.split("Give --memory ")[1].split(",")[0])


def add_long_categories(file, n_names):
    column = file.create_group("obs/long")
    column.attrs.update({"encoding-type": "categorical", "encoding-version": "0.2.0", "ordered": False})
    codes = column.create_dataset("codes", data=np.arange(FEW, dtype="i4"))
    codes.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
    names = column.create_dataset("categories", data=np.array([f"{i:0300}" for i in range(n_names)], dtype="S"),
                                  **PACKED)
    names.attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})
    file["obs"].attrs["column-order"] = np.array(["long"], dtype=h5py.string_dtype())


def test_long_texts_are_counted_as_they_are_read(genes, tmp_path):
    """More than their number tells: 300 letters each."""
    n_names = 250000
    path, out = tmp_path / "long.h5ad", tmp_path / "out.h5ad"
    with h5py.File(path, "w") as file:
        write_arrays(write_all_but_values(file, FEW, genes), counts_of(FEW, len(genes)))
        add_long_categories(file, n_names)
    line = must_fail(2, "convert", path, out, "--memory", "16M")
    assert f"{path}: /obs/long/categories: its {n_names} texts take about 155M while they are read" in line
    assert not out.exists()
    memory = line.split("Give --memory ")[1].rstrip(".\n")
    peak = peak_megabytes("convert", path, out, "--memory", memory)
    assert anndata.read_h5ad(out).obs.equals(anndata.read_h5ad(path).obs)
    if HAS_SANITIZER:
        pytest.skip("done; how much memory it took is not told under a sanitizer")
    assert peak < int(memory.rstrip("M")) + 200, (memory, peak)
