"""h5ad files of every generation of AnnData: the same results, read back by AnnData 0.8 (Debian's)."""

import json
import os
import pathlib
import shutil

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from conftest import QUICK, must, must_fail

CATEGORIES = ["predicted_cell_type", "predicted_cell_type_best", "predicted_cell_type_runner_up"]
NUMBERS = ["predicted_cell_type_confidence", "predicted_cell_type_runner_up_confidence",
           "predicted_cell_type_novelty"]


# ---- the simulated cells as each generation writes them ---------------------------------------


def write_sparse(file, name, matrix, is_old):
    group = file.create_group(name)
    if is_old:
        group.attrs["h5sparse_format"] = matrix.format
        group.attrs["h5sparse_shape"] = np.array(matrix.shape)
    else:
        group.attrs["encoding-type"] = f"{matrix.format}_matrix"
        group.attrs["encoding-version"] = "0.1.0"
        group.attrs["shape"] = np.array(matrix.shape)
    for part in ("data", "indices", "indptr"):
        group[part] = getattr(matrix, part)


def as_records(frame, categories):
    """One array of records; names of categories go into uns."""
    columns = {"index": frame.index.to_numpy().astype("S")}
    for name, column in frame.items():
        if column.dtype == "category":
            columns[name] = column.cat.codes.to_numpy()
            categories[f"{name}_categories"] = column.cat.categories.to_numpy().astype("S")
        else:
            columns[name] = column.to_numpy()
    records = np.zeros(len(frame), dtype=[(name, values.dtype) for name, values in columns.items()])
    for name, values in columns.items():
        records[name] = values
    return records


def write_generation_06(path, data):
    """AnnData 0.5 and 0.6: counts in raw.X, their logarithms in X."""
    categories = {}
    with h5py.File(path, "w") as file:
        file["obs"] = as_records(data.obs, categories)
        file["var"] = as_records(data.var[[]], categories)
        file["raw.var"] = file["var"][:]
        logs = data.X.copy()
        logs.data = np.log1p(logs.data * np.repeat(1e4 / np.asarray(data.X.sum(axis=1)).ravel(),
                                                   np.diff(data.X.indptr)).astype("f4"))
        write_sparse(file, "X", logs, True)
        write_sparse(file, "raw.X", data.X.tocsc(), True)
        for name, names in categories.items():
            file[f"uns/{name}"] = names


def write_generation_07(path, data):
    """AnnData 0.7: codes that refer to their categories."""
    with h5py.File(path, "w") as file:
        for key, frame in (("obs", data.obs), ("var", data.var[[]])):
            group = file.create_group(key)
            group.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.1.0",
                                "_index": "_index"})
            group.attrs["column-order"] = np.array(list(frame), dtype=h5py.string_dtype())
            group["_index"] = frame.index.to_numpy().astype(object)
            for name, column in frame.items():
                if column.dtype != "category":
                    group[name] = column.to_numpy()
                    continue
                group[name] = column.cat.codes.to_numpy()
                levels = f"__categories/{name}"
                group[levels] = column.cat.categories.to_numpy().astype(object)
                group[levels].attrs["ordered"] = column.cat.ordered
                group[name].attrs["categories"] = group[levels].ref
        write_sparse(file, "X", data.X, False)


@pytest.fixture(scope="module")
def data(cells):
    data = anndata.read_h5ad(cells)
    data.X = scipy.sparse.csr_matrix(data.X)
    stages = [["late", "early", "middle"][i % 3] for i in range(data.n_obs)]
    data.obs["stage"] = pd.Categorical(stages, ["early", "middle", "late"], ordered=True)
    return data


@pytest.fixture(scope="module")
def files(data, tmp_path_factory):
    folder = tmp_path_factory.mktemp("generations")
    data.write_h5ad(folder / "0.8.h5ad")
    write_generation_07(folder / "0.7.h5ad", data)
    write_generation_06(folder / "0.6.h5ad", data)
    return folder


def assert_added(written, before):
    """The columns that were added have the types that AnnData's users expect; the others stay."""
    for name in CATEGORIES:
        assert written.obs[name].dtype == "category", name
        assert all(isinstance(level, str) for level in written.obs[name].cat.categories)
    for name in NUMBERS:
        assert written.obs[name].dtype == np.float32, name
    assert np.isfinite(written.obsm["predicted_cell_type_probabilities"]).all()
    assert written.obsm["predicted_cell_type_probabilities"].dtype == np.float32
    assert len(written.uns["predicted_cell_type_colors"]) == len(
        written.obs["predicted_cell_type"].cat.categories)
    pd.testing.assert_frame_equal(written.obs[list(before.obs)], before.obs, check_names=False)


@pytest.mark.parametrize("generation", ["0.6", "0.7", "0.8"])
def test_every_command_gives_the_same_of_every_generation(files, data, model, tmp_path, generation):
    path = files / f"{generation}.h5ad"
    said = json.loads(must("inspect", path, "--json").out)
    assert {"0.6": "AnnData 0.6 or earlier", "0.7": "AnnData 0.7",
            "0.8": "AnnData 0.8 or later"}[generation] in said["format"]
    assert said["n_cells"] == 300 and said["value_kind"] == "counts"
    assert said["total"] == data.X.sum() and "stage" in said["obs"]
    texts = {}
    for name, source in (("new", files / "0.8.h5ad"), ("old", path)):
        table, scores = tmp_path / f"{name}.tsv", tmp_path / f"{name}.json"
        must("predict", model, source, "-o", table)
        must("evaluate", model, source, "--label-key", "cell_type", "-o", scores)
        trained = tmp_path / f"{name}.saithe"
        must("train", source, "--label-key", "cell_type", "-o", trained, *QUICK)
        must("predict", trained, files / "0.8.h5ad", "-o", tmp_path / f"{name}-own.tsv")
        texts[name] = [table.read_text(), json.loads(scores.read_text())["accuracy"],
                       (tmp_path / f"{name}-own.tsv").read_text()]
    assert texts["old"] == texts["new"]


def as_read(data, generation):
    """AnnData 0.6 does not say that categories are ordered."""
    if generation != "0.6":
        return data
    data = data.copy()
    data.obs["stage"] = data.obs["stage"].cat.as_unordered()
    return data


@pytest.mark.parametrize("generation", ["0.6", "0.7", "0.8"])
def test_results_are_read_by_anndata(files, data, model, tmp_path, generation):
    path = files / f"{generation}.h5ad"
    before = path.read_bytes()
    said = must("predict", model, path, "-o", tmp_path / "out.h5ad")
    assert path.read_bytes() == before
    written = anndata.read_h5ad(tmp_path / "out.h5ad")
    assert_added(written, as_read(data, generation))
    is_new = h5py.File(tmp_path / "out.h5ad").attrs.get("encoding-type") == "anndata"
    assert is_new == (generation != "0.7"), said
    assert (written.X != data.X).nnz == 0  # counts, also where X held their logarithms
    own = tmp_path / "own.h5ad"
    own.write_bytes(before)
    if generation == "0.6":
        for command in ("predict", "embed"):
            line = must_fail(3, command, model, own, "--in-place")
            assert "AnnData 0.7 or later" in line and "-o" in line
        assert own.read_bytes() == before and len(list(tmp_path.iterdir())) == 2
        return
    must("predict", model, own, "--in-place")
    must("embed", model, own, "--in-place", "--umap-epochs", 5)
    written = anndata.read_h5ad(own)
    assert_added(written, data)
    assert written.obsm["X_umap"].shape == (300, 2)


@pytest.mark.parametrize("generation", ["0.6", "0.7", "0.8"])
def test_convert_keeps_columns_and_their_order(files, data, tmp_path, generation):
    out = tmp_path / "out.h5ad"
    said = must("convert", files / f"{generation}.h5ad", out)
    assert ("not kept: X" in said.err) == (generation == "0.6")
    assert "not kept: raw" not in said.err
    written = anndata.read_h5ad(out)
    assert (written.X != data.X).nnz == 0
    expected = as_read(data, generation).obs
    pd.testing.assert_frame_equal(written.obs, expected, check_names=False)
    assert list(written.var_names) == list(data.var_names)


# ---- real data, where SAITHE_TEST_DATA names it -----------------------------------------------


@pytest.fixture(scope="module")
def archives():
    if "SAITHE_TEST_DATA" not in os.environ:
        pytest.skip("SAITHE_TEST_DATA names no folder of test data")
    return pathlib.Path(os.environ["SAITHE_TEST_DATA"]) / "formats" / "anndata_archives"


def train_on_genes(genes, folder):
    """A model of any three types, whose genes are called `genes`."""
    rng = np.random.default_rng(3)
    types = np.repeat(["a", "b", "c"], 40)
    counts = rng.poisson(1 + 9 * (np.arange(len(genes)) % 3 == np.unique(types, return_inverse=True)[1]
                                  [:, None])).astype("f4")
    made = anndata.AnnData(scipy.sparse.csr_matrix(counts), pd.DataFrame({"type": types}),
                           pd.DataFrame(index=genes))
    made.obs_names = [f"c{i}" for i in range(made.n_obs)]
    made.write_h5ad(folder / "made.h5ad")
    must("train", folder / "made.h5ad", "--label-key", "type", "-o", folder / "made.saithe", *QUICK)
    return folder / "made.saithe"


@pytest.mark.parametrize("version", ["v0.7.0", "v0.7.8"])
def test_real_files_of_07_take_results(archives, tmp_path, version):
    path = archives / version / "adata.h5ad"
    before = anndata.read_h5ad(path)
    made = train_on_genes(list(before.var_names), tmp_path)
    own = tmp_path / "own.h5ad"
    own.write_bytes(path.read_bytes())
    must("predict", made, path, "-o", tmp_path / "out.h5ad")
    must("predict", made, own, "--in-place")
    assert own.read_bytes() == (tmp_path / "out.h5ad").read_bytes()
    written = anndata.read_h5ad(own)
    assert_added(written, before)
    assert written.obs["cat_ordered"].cat.ordered
    assert (written.X != before.X).nnz == 0 and set(written.layers) == {"array", "sparse"}
    must("convert", path, tmp_path / "new.h5ad")
    kept = anndata.read_h5ad(tmp_path / "new.h5ad").obs
    assert kept["cat_ordered"].cat.ordered and not kept["obs_cat"].cat.ordered
    assert list(kept["cat_ordered"].cat.categories) == list(before.obs["cat_ordered"].cat.categories)


def test_a_real_file_of_05_end_to_end(archives, tmp_path):
    path = shutil.copy(archives / "v0.5.0" / "adata.h5ad", tmp_path / "own.h5ad")
    os.chmod(path, 0o644)
    before = anndata.read_h5ad(path)
    said = json.loads(must("inspect", path, "--json").out)
    assert {name: place["value_kind"] for name, place in said["places"].items()} == {
        "raw.X": "log1p(CP10k)", "X": "z-scored"}
    assert said["obs"]["bulk_labels"]["n_values"] == 10 and said["value_kind"] == "log1p(CP10k)"
    own = tmp_path / "own.saithe"
    must("train", path, "--label-key", "bulk_labels", "-o", own, *QUICK)
    must("evaluate", own, path, "--label-key", "bulk_labels", "-o", tmp_path / "scores.json")
    must("predict", own, path, "-o", tmp_path / "out.h5ad")
    written = anndata.read_h5ad(tmp_path / "out.h5ad")
    assert_added(written, before)
    assert h5py.File(tmp_path / "out.h5ad").attrs["encoding-type"] == "anndata"
    # X is the logarithms of raw.X, which a model takes; z-scored values it does not.
    assert abs(written.X - before.raw.X).max() == 0
    line = must_fail(3, "predict", own, path, "--in-place")
    assert "AnnData 0.7 or later" in line


def test_a_real_file_without_a_matrix_is_looked_at_and_refused(archives, model, tmp_path):
    path = shutil.copy(archives / "v0.11.4" / "adata.h5ad", tmp_path / "own.h5ad")
    os.chmod(path, 0o644)
    said = json.loads(must("inspect", path, "--json").out)
    assert said["n_cells"] == 10 and said["total"] == 0
    for output in (["--in-place"], ["-o", tmp_path / "out.h5ad"]):
        assert "has no X, no raw" in must_fail(3, "predict", model, path, *output)
    assert list(tmp_path.iterdir()) == [path]


def test_names_of_rows_that_are_numbers_or_nullable_texts(cells, model, tmp_path):
    """In blocks, as others are: in whatever form they lie."""
    data = anndata.read_h5ad(cells)
    names = {"numbers": np.arange(7, 7 + data.n_obs), "small": np.arange(data.n_obs).astype("u2"),
             "large": np.arange(data.n_obs).astype("u8") + np.uint64(2 ** 63),
             "fractions": 1e16 * (1 + np.arange(data.n_obs)),
             "nullable": np.array(data.obs_names, dtype=object)}
    for kind, index in names.items():
        path = tmp_path / f"{kind}.h5ad"
        data.write_h5ad(path)
        with h5py.File(path, "r+") as file:
            del file["obs/_index"]
            if kind != "nullable":
                file["obs"].create_dataset("_index", data=index, chunks=(64,))
            else:
                group = file["obs"].create_group("_index")
                group.attrs.update({"encoding-type": "nullable-string-array", "encoding-version": "0.1.0"})
                group.create_dataset("values", data=index, dtype=h5py.string_dtype(), chunks=(64,))
                group["mask"] = np.arange(len(index)) % 100 == 99
                index = np.where(group["mask"][:], "<NA>", index)  # as AnnData names them
        must("predict", model, path, "-o", tmp_path / "out.tsv", "--overwrite")
        lines = (tmp_path / "out.tsv").read_text().splitlines()[1:]
        assert [line.split("\t")[0] for line in lines] == [str(name) for name in index]


def test_h5seurat_with_the_cells_columns_as_records(tmp_path):
    path = tmp_path / "cells.h5seurat"
    texts = h5py.string_dtype()
    with h5py.File(path, "w") as file:
        file.attrs["active.assay"] = np.array(["RNA"], dtype=texts)
        file["cell.names"] = np.array(["c0", "c1", "c2"], dtype="S")
        records = np.zeros(3, dtype=[("nCount_RNA", "f8"), ("cluster", "i4"), ("label", "S2")])
        records["nCount_RNA"], records["cluster"] = [1, 2, 3], [4, -2 ** 31, 6]
        records["label"] = ["B", "T", "B"]
        file["meta.data"] = records
        assay = file.create_group("assays/RNA")
        assay["features"] = np.array(["CD3D", "LYZ"], dtype="S")
        counts = assay.create_group("counts")
        counts.attrs["dims"] = np.array([2, 3], dtype="i4")
        for name, values in (("data", [1.0, 2, 3]), ("indices", [0, 1, 0]), ("indptr", [0, 1, 2, 3])):
            counts[name] = np.array(values)
    must("convert", path, tmp_path / "out.h5ad")
    obs = anndata.read_h5ad(tmp_path / "out.h5ad").obs
    assert list(obs.nCount_RNA) == [1, 2, 3] and list(obs.label) == ["B", "T", "B"]
    assert list(obs.cluster.fillna(-1)) == [4, -1, 6]  # R's missing number
