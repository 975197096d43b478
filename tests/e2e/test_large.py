"""What is large in one way or another: more values than 31 bits count, chunks larger than --memory,
long tables, matrices of all barcodes; and booleans, of which there are few kinds."""

import gzip
import json
import os
import pathlib
import subprocess
import time

import anndata
import h5py
import numpy as np
import pytest
import scipy.io
import scipy.sparse

from conftest import HAS_SANITIZER, PROGRAM, must, must_fail


def write_frame(file, name, names):
    frame = file.create_group(name)
    frame.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0",
                        "_index": "_index"})
    frame.attrs["column-order"] = np.array([], dtype=h5py.string_dtype())
    frame.create_dataset("_index", data=np.array(names, dtype="S"), compression="gzip", shuffle=True)


def peak_megabytes(*arguments):
    """Of a run that succeeds."""
    program = [PROGRAM, *map(str, arguments), "--quiet"]
    script = ("import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]).returncode; "
              "print(done, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    said = subprocess.run(["/usr/bin/python3", "-c", script, *program], capture_output=True, text=True)
    code, kilobytes = said.stdout.split()
    assert code == "0", said.stderr
    return int(kilobytes) / 1000


def write_all_but_values(file, n_cells, names):
    """An h5ad of which the group X waits for its three arrays."""
    file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
    write_frame(file, "obs", [f"c{i}" for i in range(n_cells)])
    write_frame(file, "var", names)
    x = file.create_group("X")
    x.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0"})
    x.attrs["shape"] = np.array([n_cells, len(names)])
    return x


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


def peak_of_all_processes(*arguments):
    """Megabytes of a run that succeeds, of the program and its children together: what they share
    counts once."""
    def members(process):
        yield process
        try:
            for task in os.listdir(f"/proc/{process}/task"):
                for child in pathlib.Path(f"/proc/{process}/task/{task}/children").read_text().split():
                    yield from members(int(child))
        except OSError:  # it has just ended
            pass

    def kilobytes(process):
        try:
            lines = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            return 0
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))

    peak = 0
    with subprocess.Popen([PROGRAM, *map(str, arguments), "--quiet"], stderr=subprocess.PIPE) as run:
        while run.poll() is None:
            peak = max(peak, sum(kilobytes(process) for process in members(run.pid)))
            time.sleep(0.02)
        assert run.returncode == 0, run.stderr.read()
    return peak / 1000


@pytest.fixture(scope="module")
def many_values(cells, tmp_path_factory):
    """3 000 cells that express 9 000 genes each, as whole transcripts of single wells do."""
    chance = np.random.default_rng(3)
    names = list(anndata.read_h5ad(cells, backed="r").var_names)
    names += [f"other{i}" for i in range(12000 - len(names))]
    n_cells, n_each, n_kinds = 3000, 9000, 10
    indices = np.concatenate([np.sort(chance.choice(len(names), n_each, replace=False))
                              for _ in range(n_kinds)]).astype(np.int32)
    path = tmp_path_factory.mktemp("many") / "many.h5ad"
    with h5py.File(path, "w") as file:
        x = write_all_but_values(file, n_cells, names)
        for name, kinds in (("data", (1 + indices % 7).astype(np.float32)), ("indices", indices)):
            x.create_dataset(name, data=np.tile(kinds, n_cells // n_kinds), chunks=(30000,))
        x.create_dataset("indptr", data=np.arange(n_cells + 1) * n_each)
    return path


@pytest.mark.parametrize("command", ["predict", "inspect", "convert"])
def test_memory_is_kept_where_cells_have_many_values(command, many_values, model, tmp_path):
    """--memory, the model, which is small, and 200 MB. A block of 3 000 cells alone has 216 MB."""
    out = tmp_path / ("out.tsv" if command == "predict" else "out.h5ad")
    words = [command, *([model] if command == "predict" else []), many_values,
             *([] if command == "inspect" else [*(["-o"] if command == "predict" else []), out])]
    assert peak_of_all_processes(*words, "--memory", "16M") < 16 * 1.049 + 200
    if command == "predict":
        little = out.read_bytes()
        must(*words, "--overwrite")
        assert out.read_bytes() == little


@pytest.mark.parametrize("preset, options", [
    # All genes are inputs: the features of all cells would take 216 MB, by cells and by genes 432 MB.
    ("fast", ["--variable-genes", "0", "--no-find-suspects", "--validate", "none"]),
    ("standard", ["--variable-genes", "0", "--no-find-suspects", "--validate", "none", "--hidden", "16",
                  "--epochs", "1", "--min-steps", "1"]),
    ("walkthrough", ["--hidden", "16", "--epochs", "1", "--max-genes", "0"]),
])
def test_training_keeps_to_memory(preset, options, many_values, tmp_path):
    """--memory, the model, which is small, and 200 MB; and the model does not depend on it."""
    labels = tmp_path / "labels.tsv"
    labels.write_text("".join(f"c{i}\ttype{i % 10 % 3}\n" for i in range(3000)))
    words = ["train", many_values, "--labels", labels, "--preset", preset, *options, "-o"]
    little, much = tmp_path / "little.saithe", tmp_path / "much.saithe"
    peak = peak_of_all_processes(*words, little, "--memory", "16M")
    if preset == "fast":
        must(*words, much)
        assert little.read_bytes() == much.read_bytes()
    if HAS_SANITIZER:
        pytest.skip("the same model; how much memory it took is not told under a sanitizer")
    assert peak < 16 * 1.049 + 200


def write_few_values(path, n_cells, names):
    """Cells of 40 genes each, with a name and a text of their own in obs."""
    with h5py.File(path, "w") as file:
        x = write_all_but_values(file, n_cells, names)
        obs = file["obs"]
        texts = np.char.add("a text of cell ", np.arange(n_cells).astype(str)).astype("S")
        column = obs.create_dataset("text", data=texts, compression="gzip", shuffle=True)
        column.attrs.update({"encoding-type": "string-array", "encoding-version": "0.2.0"})
        obs.attrs["column-order"] = np.array(["text"], dtype=h5py.string_dtype())
        indices = np.concatenate([np.arange(kind, kind + 400, 10) for kind in range(10)])
        kinds = {"data": np.tile(1 + indices % 7, n_cells // 10).astype(np.float32),
                 "indices": np.tile(indices, n_cells // 10).astype(np.int32)}
        for name, values in kinds.items():
            x.create_dataset(name, data=values, chunks=(1 << 16,), compression="gzip", shuffle=True)
        x.create_dataset("indptr", data=np.arange(n_cells + 1) * 40, compression="gzip")


@pytest.mark.parametrize("ending", ["tsv", "h5ad"])
def test_memory_does_not_grow_with_the_number_of_cells(ending, cells, model, tmp_path):
    """Names, labels and probabilities of the additional cells would take 50 MB, their texts 20."""
    names = list(anndata.read_h5ad(cells, backed="r").var_names)
    peaks = []
    for n_cells in (20000, 320000):
        path = tmp_path / f"{n_cells}.h5ad"
        write_few_values(path, n_cells, names)
        peaks.append(peak_of_all_processes("predict", model, path, "-o",
                                           tmp_path / f"out{n_cells}.{ending}", "--memory", "16M"))
    if HAS_SANITIZER:
        pytest.skip("the same values; how much memory they took is not told under a sanitizer")
    assert peaks[1] < peaks[0] + 15, peaks


def test_a_long_table_keeps_to_memory(tmp_path, model, cells):
    """Six million lines, by gene: their entries alone would take 100 MB."""
    names = list(anndata.read_h5ad(cells, backed="r").var_names)[:600]
    path = tmp_path / "long.tsv"
    n_cells = 10000
    with open(path, "w") as file:
        file.write("gene\tcell\tcount\n")
        for i, name in enumerate(names):
            file.write("".join(f"{name}\tcell{c:05}\t{1 + (c + i) % 3}\n" for c in range(n_cells)))
    little = peak_megabytes("convert", path, tmp_path / "little.h5ad", "--memory", "16M")
    much = peak_megabytes("convert", path, tmp_path / "much.h5ad", "--memory", "1G")
    assert (tmp_path / "little.h5ad").read_bytes() == (tmp_path / "much.h5ad").read_bytes()
    read = anndata.read_h5ad(tmp_path / "little.h5ad")
    assert read.shape == (n_cells, 600) and list(read.var_names) == sorted(names)
    i = names.index(read.var_names[5])
    assert list(read.X[:, 5].toarray()[:4, 0]) == [1 + (c + i) % 3 for c in range(4)]
    if HAS_SANITIZER:
        pytest.skip("the same values; how much memory they took is not told under a sanitizer")
    assert little + 50 < much


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
