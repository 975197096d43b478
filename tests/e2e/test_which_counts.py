"""Where the values of an h5ad come from: layers, raw or X, and what is said of it."""

import json
import pathlib
import shutil

import anndata
import h5py
import numpy as np
import pytest

from cell_files import write_loom
from conftest import must, must_fail, rows_of

FORMS = pathlib.Path(__file__).resolve().parents[1] / "golden" / "h5ad" / "forms"


def log_normalised(counts):
    logs = counts.multiply(1e4 / counts.sum(axis=1)).tocsr().astype(np.float32)
    logs.data = np.log1p(logs.data)
    return logs


@pytest.fixture(scope="module")
def data(cells):
    return anndata.read_h5ad(cells)


@pytest.fixture(scope="module")
def files(data, tmp_path_factory):
    """The same cells with their counts in another place each, and log1p(CP10k) or z-scores in X."""
    folder = tmp_path_factory.mktemp("places")
    logs = log_normalised(data.X)
    dense = logs.toarray()
    scores = (dense - dense.mean(axis=0)) / np.maximum(dense.std(axis=0), 1e-3)
    obs, var = data.obs, data.var
    made = {
        "x": anndata.AnnData(data.X, obs, var),
        "layer": anndata.AnnData(logs, obs, var, layers={"counts": data.X}),
        "by_gene": anndata.AnnData(logs, obs, var, layers={"raw_counts": data.X.tocsc()}),
        "raw": anndata.AnnData(data.X, obs, var),
        "logs": anndata.AnnData(logs, obs, var),
        "scores": anndata.AnnData(scores.astype(np.float32), obs, var),
        "lies": anndata.AnnData(data.X, obs, var, layers={"counts": logs}),
    }
    made["raw"].raw = made["raw"].copy()
    made["raw"].X = logs
    made["raw"] = made["raw"][:, :200].copy()  # raw has more genes
    for name, one in made.items():
        one.write_h5ad(folder / f"{name}.h5ad")
    return folder


@pytest.mark.parametrize("name, place", [("x", None), ("layer", "layers/counts"),
                                         ("by_gene", "layers/raw_counts"), ("raw", "raw/X"),
                                         ("lies", "X")])
def test_counts_give_the_same_labels_wherever_they_are(files, model, tmp_path, name, place):
    must("predict", model, files / "x.h5ad", "-o", tmp_path / "x.tsv")
    said = must("predict", model, files / f"{name}.h5ad", "-o", tmp_path / "out.tsv")
    assert rows_of(tmp_path / "out.tsv") == rows_of(tmp_path / "x.tsv")
    assert ("counts are read from" in said.err) == (place is not None)
    assert place is None or f"counts are read from {place}" in said.err


def test_inspect_lists_the_places(files, data):
    keys = {"format", "n_cells", "n_genes", "n_stored", "value_kind", "total", "obs", "warnings"}
    said = json.loads(must("inspect", files / "raw.h5ad", "--json").out)
    assert keys <= set(said)
    assert said["n_genes"] == data.n_vars and said["total"] == data.X.sum()
    assert said["value_kind"] == "counts"
    assert {name: place["value_kind"] for name, place in said["places"].items()} == {
        "raw/X": "counts", "X": "log1p(CP10k)"}
    assert "counts are read from raw/X" in said["warnings"][0]
    for name, kind in [("logs", "log1p(CP10k)"), ("scores", "z-scored")]:
        said = json.loads(must("inspect", files / f"{name}.h5ad", "--json").out)
        assert said["value_kind"] == kind and said["places"]["X"]["value_kind"] == kind
    assert "place: X holds z-scored values" in must("inspect", files / "scores.h5ad").out


def test_logarithms_are_used_and_said_to_be(files, model, tmp_path):
    said = must("predict", model, files / "logs.h5ad", "-o", tmp_path / "out.tsv")
    assert "no counts were found" in said.err and "X is used as it is" in said.err
    # Asked for by name, nothing needs to be said.
    said = must("predict", model, files / "layer.h5ad", "--layer", "counts", "-o", tmp_path / "b.tsv")
    assert "counts are read" not in said.err


def test_neither_is_refused_by_every_command(files, model, tmp_path):
    path = files / "scores.h5ad"
    out = ["-o", tmp_path / "out.h5ad"]
    for command in (["predict", model, path, *out], ["embed", model, path, *out],
                    ["train", path, "--label-key", "cell_type", "-o", tmp_path / "out.saithe"],
                    ["evaluate", model, path, "--label-key", "cell_type", "-o",
                     tmp_path / "out.json"]):
        line = must_fail(3, *command)
        assert "neither counts nor log1p(CP10k)" in line and "X holds z-scored values" in line
        assert line.rstrip().endswith("Give a file that holds counts.")


def test_counts_of_a_loom_are_looked_for_in_its_layers(files, data, model, tmp_path):
    path = tmp_path / "cells.loom"
    write_loom(anndata.read_h5ad(files / "logs.h5ad"), path)
    with h5py.File(path, "r+") as file:
        file["layers/counts"] = data.X.toarray().T
        file["layers/spliced"] = data.X.toarray().T
    must("predict", model, files / "x.h5ad", "-o", tmp_path / "x.tsv")
    said = must("predict", model, path, "-o", tmp_path / "out.tsv")
    assert rows_of(tmp_path / "out.tsv") == rows_of(tmp_path / "x.tsv")
    assert "counts are read from layers/counts" in said.err
    said = must("convert", path, tmp_path / "out.h5ad").err
    assert "not kept: layers spliced\n" in said and "not kept: matrix\n" in said
    assert (anndata.read_h5ad(tmp_path / "out.h5ad").X != data.X).nnz == 0
    said = must("convert", path, tmp_path / "logs.h5ad", "--layer", "matrix").err
    assert "not kept: layers counts, spliced\n" in said and "not kept: matrix" not in said
    with h5py.File(path, "r+") as file:
        del file["layers"], file["matrix"]
        file["matrix"] = data.X.toarray().T > 0
    said = must("convert", path, tmp_path / "flags.h5ad").err
    assert "matrix holds booleans" in said and "not kept" not in said


def test_forms_that_anndata_alone_does_not_write(tmp_path):
    for path in sorted(FORMS.glob("*.h5ad")):
        said = json.loads(must("inspect", path, "--json").out)
        assert said["n_cells"] == 60 and said["n_genes"] == 24 and said["value_kind"] == "counts"


def pack_x_by_an_unknown_filter(path):
    with h5py.File(path, "r+") as file:
        n = file["X/data"].shape[0]
        del file["X/data"]
        creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        creation.set_chunk((n,))
        creation.set_filter(32008, h5py.h5z.FLAG_OPTIONAL, ())
        h5py.h5d.create(file["X"].id, b"data", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple((n,)),
                        creation)


def test_a_filter_that_is_not_read_is_named(cells, model, tmp_path):
    path = tmp_path / "bitshuffle.h5ad"
    shutil.copy(cells, path)
    pack_x_by_an_unknown_filter(path)
    line = must_fail(3, "predict", model, path, "-o", tmp_path / "out.tsv")
    assert "filter 32008" in line and "X/data" in line


def test_a_place_that_is_not_used_need_not_be_readable(files, data, model, tmp_path):
    path = tmp_path / "half.h5ad"
    shutil.copy(files / "layer.h5ad", path)
    pack_x_by_an_unknown_filter(path)
    said = json.loads(must("inspect", path, "--json").out)
    assert said["value_kind"] == "counts" and said["total"] == data.X.sum()
    assert said["places"]["layers/counts"]["value_kind"] == "counts"
    assert said["places"]["X"]["value_kind"] == "unknown"
    finding = said["places"]["X"]["finding"]
    assert finding.startswith("X cannot be read: ") and "filter 32008" in finding
    assert f"place: {finding}" in must("inspect", path).out
    must("convert", path, tmp_path / "out.h5ad")
    assert (anndata.read_h5ad(tmp_path / "out.h5ad").X != data.X).nnz == 0
    must("predict", model, path, "-o", tmp_path / "out.tsv")
    line = must_fail(3, "convert", path, tmp_path / "x.h5ad", "--layer", "X")
    assert "filter 32008" in line


def test_a_layer_that_leads_nowhere_is_not_passed_over(files, model, tmp_path):
    path = tmp_path / "cells.h5ad"
    shutil.copy(files / "x.h5ad", path)
    with h5py.File(path, "r+") as file:
        file.require_group("layers")["counts"] = h5py.SoftLink("/none")
    line = must_fail(3, "predict", model, path, "-o", tmp_path / "t.tsv")
    assert "/layers/counts: is a link that leads nowhere" in line
    must("predict", model, path, "-o", tmp_path / "t.tsv", "--layer", "X")
    with h5py.File(path, "r+") as file:
        file["layers"].move("counts", "spliced")  # where nobody looks
    must("predict", model, path, "-o", tmp_path / "t.tsv", "--overwrite")
    shutil.copy(files / "layer.h5ad", path)
    with h5py.File(path, "r+") as file:
        del file["X"]
        file["X"] = h5py.SoftLink("/none")
    must("predict", model, path, "-o", tmp_path / "t.tsv", "--overwrite")
    assert "X cannot be read" in must("inspect", path).out


@pytest.mark.parametrize("n_genes", [120, 600])
def test_logarithms_of_few_genes_give_what_their_counts_give(data, model, tmp_path, n_genes):
    """Normalised over the file's own genes, which hold a part of a cell's counts."""
    some = data[:, :n_genes].copy()
    some.write_h5ad(tmp_path / "counts.h5ad")
    anndata.AnnData(log_normalised(some.X), some.obs, some.var).write_h5ad(tmp_path / "logs.h5ad")
    tables = []
    for name in ("counts", "logs"):
        must("predict", model, tmp_path / f"{name}.h5ad", "-o", tmp_path / f"{name}.tsv", "--force")
        tables.append(rows_of(tmp_path / f"{name}.tsv")[1:])
    for counts, logs in zip(*tables):
        assert counts[:2] == logs[:2]
        assert abs(float(counts[2]) - float(logs[2])) < 1e-4
