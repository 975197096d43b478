"""--memory, the model and 200 MB are kept, whatever the number of cells and of their values."""

import anndata
import h5py
import numpy as np
import pytest
import scipy.sparse

from conftest import HAS_SANITIZER, must, must_fail
from large_files import peak_megabytes, peak_of_all_processes, write_all_but_values


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
    peak = peak_of_all_processes(*words, "--memory", "16M")
    if command == "predict":
        little = out.read_bytes()
        must(*words, "--overwrite")
        assert out.read_bytes() == little
    if HAS_SANITIZER:
        pytest.skip("done; how much memory it took is not told under a sanitizer")
    assert peak < 16 * 1.049 + 200


@pytest.fixture(scope="module")
def types_of_many(tmp_path_factory):
    path = tmp_path_factory.mktemp("types") / "labels.tsv"
    types = ["B cells", "CD14+ Monocytes", "CD4 T cells"]
    path.write_text("".join(f"c{i}\t{types[i % 3]}\n" for i in range(3000)))
    return path


@pytest.mark.parametrize("command", ["evaluate", "embed", "explain", "explain --background"])
def test_memory_is_kept_by_every_command(command, many_values, types_of_many, model, tmp_path):
    out = tmp_path / ("out.h5ad" if command == "embed" else "out")
    explained = ["--no-reject", "--steps", 2]
    options = {"evaluate": ["--labels", types_of_many], "embed": [], "explain": [*explained, "--cells", 0],
               "explain --background": [*explained, "--cells", 5, "--background", many_values]}
    peak = peak_of_all_processes(command.split()[0], model, many_values, "-o", out, *options[command],
                                 "--memory", "16M")
    if HAS_SANITIZER:
        pytest.skip("done; how much memory it took is not told under a sanitizer")
    assert peak < 16 * 1.049 + 200


def write_by_columns(path, rows, names):
    columns = rows.tocsc()
    with h5py.File(path, "w") as file:
        x = write_all_but_values(file, rows.shape[0], names)
        x.attrs["encoding-type"] = "csc_matrix"
        for name in ("data", "indices", "indptr"):
            x.create_dataset(name, data=getattr(columns, name), chunks=(10000,))


def write_dense(path, rows, names):
    with h5py.File(path, "w") as file:
        write_all_but_values(file, rows.shape[0], names)
        del file["X"]
        x = file.create_dataset("X", shape=rows.shape, dtype="f4", chunks=(100, 1000))
        x.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
        for begin in range(0, rows.shape[0], 100):
            x[begin : begin + 100] = rows[begin : begin + 100].toarray()


def write_mtx(path, rows, names):
    path.mkdir()
    (path / "genes.tsv").write_text("".join(f"{name}\t{name}\n" for name in names))
    (path / "barcodes.tsv").write_text("".join(f"c{i}\n" for i in range(rows.shape[0])))
    kinds = ["".join(f"{gene + 1} @ {int(value)}\n" for gene, value in zip(row.indices, row.data))
             for row in rows[:10]]
    with open(path / "matrix.mtx", "w") as file:
        file.write("%%MatrixMarket matrix coordinate integer general\n"
                   f"{len(names)} {rows.shape[0]} {rows.nnz}\n")
        for cell in range(rows.shape[0]):
            file.write(kinds[cell % 10].replace("@", str(cell + 1)))


@pytest.mark.parametrize("write", [write_by_columns, write_dense, write_mtx])
def test_memory_is_kept_in_other_layouts(write, many_values, model, tmp_path):
    """The same labels as those of the file by rows."""
    path = tmp_path / ("mtx" if write is write_mtx else "other.h5ad")
    read = anndata.read_h5ad(many_values)
    write(path, read.X, list(read.var_names))
    del read
    expected = tmp_path / "expected.tsv"
    must("predict", model, many_values, "-o", expected)
    peak = peak_of_all_processes("predict", model, path, "-o", tmp_path / "out.tsv", "--memory", "16M")
    assert (tmp_path / "out.tsv").read_bytes() == expected.read_bytes()
    if HAS_SANITIZER:
        pytest.skip("the same labels; how much memory it took is not told under a sanitizer")
    assert peak < 16 * 1.049 + 200


@pytest.mark.parametrize("preset, options", [
    # All genes are inputs: the features of all cells would take 216 MB, by cells and by genes 432 MB.
    ("fast", ["--variable-genes", "0", "--no-find-suspects", "--validate", "none"]),
    ("standard", ["--variable-genes", "0", "--no-find-suspects", "--validate", "none", "--hidden", "16",
                  "--epochs", "1", "--min-steps", "1"]),
    ("walkthrough", ["--hidden", "16", "--epochs", "1", "--max-genes", "0"]),
])
def test_training_keeps_to_memory(preset, options, many_values, types_of_many, tmp_path):
    """--memory, the model, which is small, and 200 MB; and the model does not depend on it."""
    words = ["train", many_values, "--labels", types_of_many, "--preset", preset, *options, "-o"]
    little, much = tmp_path / "little.saithe", tmp_path / "much.saithe"
    peak = peak_of_all_processes(*words, little, "--memory", "16M")
    if preset == "fast":
        must(*words, much)
        assert little.read_bytes() == much.read_bytes()
    if HAS_SANITIZER:
        pytest.skip("the same model; how much memory it took is not told under a sanitizer")
    assert peak < 16 * 1.049 + 200


def test_the_walkthrough_keeps_to_memory(many_values, types_of_many, tmp_path):
    """Its h5ad of all cells is written block by block."""
    peak = peak_of_all_processes("walkthrough", many_values, "--labels", types_of_many, "-o", tmp_path / "out",
                                 "--hidden", "16", "--epochs", "1", "--max-genes", "0", "--umap-epochs", "5",
                                 "--memory", "16M")
    written = anndata.read_h5ad(tmp_path / "out" / "annotated.h5ad")
    read = anndata.read_h5ad(many_values)
    genes = read.var_names.get_indexer(written.var_names)
    for cell in (0, 1500, 2999):
        assert (written.X[cell].toarray() == read.X[cell].toarray()[:, genes]).all()
    if HAS_SANITIZER:
        pytest.skip("done; how much memory it took is not told under a sanitizer")
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


def test_converting_holds_one_column_of_obs_at_a_time(tmp_path):
    """16 columns of numbers and the names of the additional cells would take 100 MB."""
    peaks = []
    for n_cells in (20000, 320000):
        path = tmp_path / f"{n_cells}.h5ad"
        write_few_values(path, n_cells, [f"g{i}" for i in range(400)])
        with h5py.File(path, "r+") as file:
            obs = file["obs"]
            names = [f"n{i}" for i in range(16)]
            for i, name in enumerate(names):
                column = obs.create_dataset(name, data=np.arange(n_cells) + i / 4, compression="gzip")
                column.attrs.update({"encoding-type": "array", "encoding-version": "0.2.0"})
            del obs["text"]
            obs.attrs["column-order"] = np.array(names, dtype=h5py.string_dtype())
        out = tmp_path / f"out{n_cells}.h5ad"
        peaks.append(peak_of_all_processes("convert", path, out, "--memory", "16M"))
        assert anndata.read_h5ad(out, backed="r").obs.equals(anndata.read_h5ad(path, backed="r").obs)
    if HAS_SANITIZER:
        pytest.skip("the same values; how much memory they took is not told under a sanitizer")
    assert peaks[1] < peaks[0] + 35, peaks


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


@pytest.mark.parametrize("names", ["texts", "numbers"])
def test_memory_is_kept_by_csc_of_many_cells(names, model, tmp_path):
    """What is kept for each cell: where its entries begin, and what of a gene is read at once."""
    n_cells, genes = 6000000, ["CD3D", "LYZ"]
    path = tmp_path / "many.h5ad"
    with h5py.File(path, "w") as file:
        x = write_all_but_values(file, 1, genes)
        x.attrs.update({"encoding-type": "csc_matrix", "shape": np.array([n_cells, len(genes)])})
        x.create_dataset("data", shape=(n_cells,), dtype="f4", fillvalue=1, chunks=(1 << 20,))
        x.create_dataset("indices", data=np.arange(n_cells, dtype="i4"), chunks=(1 << 16,),
                         compression="gzip", compression_opts=1, shuffle=True)
        x.create_dataset("indptr", data=np.array([0, n_cells // 2, n_cells]))
        del file["obs/_index"]
        kind = "i8" if names == "numbers" else "S7"
        index = file.create_dataset("obs/_index", shape=(n_cells,), dtype=kind, chunks=(1 << 16,),
                                    compression="gzip", compression_opts=1)
        for begin in range(0, n_cells, 1 << 20):
            part = np.arange(begin, min(n_cells, begin + (1 << 20)))
            index[begin:begin + len(part)] = part.astype(kind)
    out = tmp_path / "out.tsv"
    peak = peak_of_all_processes("predict", model, path, "-o", out, "--force", "--memory", "32M")
    with open(out) as table:
        last = [line for line in table][-1]
    assert last.startswith(f"{n_cells - 1}\t")
    if HAS_SANITIZER:
        pytest.skip("done; how much memory it took is not told under a sanitizer")
    assert peak < 32 * 1.049 + 200


def test_chunks_of_both_arrays_and_of_their_filters_count(tmp_path):
    """8 MiB and more a chunk: the one array's is kept while the other's is unpacked and unshuffled."""
    n_cells, n_genes = 20000, 100
    path = tmp_path / "one_chunk.h5ad"
    with h5py.File(path, "w") as file:
        x = write_all_but_values(file, n_cells, [f"g{i}" for i in range(n_genes)])
        for name, values in (("data", np.ones(n_cells * n_genes)),
                             ("indices", np.tile(np.arange(n_genes), n_cells))):
            x.create_dataset(name, data=values, chunks=values.shape, compression="gzip", shuffle=True)
        x.create_dataset("indptr", data=np.arange(n_cells + 1) * n_genes)
    line = must_fail(3, "convert", path, tmp_path / "out.h5ad", "--memory", "40M")
    assert "one of its chunks has 2000000 values, and unpacking it takes 46M, more than --memory (40M)" in line
    must("convert", path, tmp_path / "out.h5ad", "--memory", "46M")
