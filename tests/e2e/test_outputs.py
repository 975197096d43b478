"""What the walk-through writes: every file, its content, and the same bytes each time."""

import hashlib
import json
import pathlib
import re
import subprocess
import sys

import anndata
import h5py
import numpy as np
import pytest
from sklearn import metrics

from conftest import COLUMNS, HAS_SANITIZER, PROGRAM, SMALL, SOURCE, must, run, write_tenx_folder

FIGURES = ["accuracy", "calibration", "confusion_validation", "loss", "qc", "umap_all_confidence",
           "umap_all_label", "umap_all_predicted", "umap_training", "umap_validation"]
FILES = sorted(["annotated.h5ad", "confusion_validation.tsv", "history.tsv", "metrics.json",
                "model.saithe", "predictions.tsv", "report.html", "run.json", "umap_training.tsv",
                "umap_validation.tsv"]
               + [f"figures/{name}.{kind}" for name in FIGURES for kind in ("png", "svg")])


def files_below(folder):
    return sorted(str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*")
                  if path.is_file())


def table(path):
    rows = [line.split("\t") for line in pathlib.Path(path).read_text().splitlines()]
    return rows[0], rows[1:]


@pytest.fixture(scope="module")
def pbmc3k(tmp_path_factory):
    """The whole walk-through on the bundled PBMC3K, as `make demo` runs it."""
    folder = tmp_path_factory.mktemp("pbmc3k") / "out"
    result = must("walkthrough", "-o", folder)
    return folder, result


def test_all_files_are_there_and_no_other(pbmc3k):
    assert files_below(pbmc3k[0]) == FILES


def test_a_line_per_epoch_and_the_summary(pbmc3k):
    lines = pbmc3k[1].out.splitlines()
    epochs = [line for line in lines if line.startswith("Epoch: ")]
    assert len(epochs) == 10
    assert epochs[0].startswith("Epoch: 0, Train loss: ")
    for word in ("Val loss: ", "Train acc: ", "Val acc: "):
        assert word in epochs[0]
    text = pbmc3k[1].out
    for word in ("cells: 2638", "genes: 13656", "accuracy: ", "most confused: ", " s, peak memory ",
                 "report.html"):
        assert word in text, word


def test_annotated_h5ad_is_read_by_anndata(pbmc3k):
    cells = anndata.read_h5ad(pbmc3k[0] / "annotated.h5ad")
    assert cells.shape == (2638, 13656)
    assert (cells.X.data == np.floor(cells.X.data)).all()
    assert cells.X.sum() == 6254765
    for column in ("louvain", "predicted_cell_type", "predicted_cell_type_confidence", "split"):
        assert column in cells.obs, column
    probabilities = cells.obsm["predicted_cell_type_probabilities"]
    types = list(cells.uns["saithe"]["types"])
    assert probabilities.shape == (2638, 8)
    assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-6)
    assert [types[i] for i in probabilities.argmax(axis=1)] == list(cells.obs.predicted_cell_type)
    assert np.array_equal(probabilities.max(axis=1), cells.obs.predicted_cell_type_confidence)
    assert cells.obsm["X_saithe_hidden"].shape == (2638, 128)
    assert cells.obsm["X_umap"].shape == (2638, 2)
    assert np.isfinite(cells.obsm["X_umap"]).all()
    colors = cells.uns["predicted_cell_type_colors"]
    assert len(colors) == len(cells.obs.predicted_cell_type.cat.categories)
    assert all(len(color) == 7 and color[0] == "#" for color in colors)
    parameters = cells.uns["saithe"]["parameters"]
    assert parameters["epochs"] == "10" and parameters["umap-neighbors"] == "15"
    assert parameters["use-raw"] == "false" and parameters["layer"] == ""
    assert (cells.obs.split == "training").sum() == 2110


@pytest.fixture(scope="module")
def sliced_files(pbmc3k, cells, tmp_path_factory):
    """An h5ad of each kind that saithe gives, and one whose full matrix needs 64 bits to count."""
    wide = tmp_path_factory.mktemp("wide") / "wide.h5ad"
    must("simulate", "-o", wide, "--cells", 22000, "--genes", 100000, "--types", 2,
         "--stored-per-cell", 1)
    return {"walkthrough": pbmc3k[0] / "annotated.h5ad", "simulate": cells, "wide": wide,
            "bundled": SOURCE / "data" / "pbmc3k.h5ad"}


@pytest.mark.parametrize("name", ["walkthrough", "simulate", "wide", "bundled"])
def test_cells_and_genes_can_be_sliced(sliced_files, name):
    data = anndata.read_h5ad(sliced_files[name])
    with h5py.File(sliced_files[name]) as file:
        width = np.int64 if name == "wide" else np.int32
        assert file["X/indices"].dtype == file["X/indptr"].dtype == width
    some = slice(0, 100)
    genes = np.arange(data.n_vars) % 3 == 0
    mask = np.arange(data.n_obs) % 2 == 0
    dense = data.X[some].toarray()
    assert (data[:, genes].copy().X[some].toarray() == dense[:, genes]).all()
    assert (data.X[:, [1, 2]][some].toarray() == dense[:, [1, 2]]).all()
    assert (data[mask].copy().X[:50].toarray() == dense[mask[some]]).all()


def test_metrics_equal_scikit_learn(pbmc3k):
    cells = anndata.read_h5ad(pbmc3k[0] / "annotated.h5ad")
    said = json.loads((pbmc3k[0] / "metrics.json").read_text())
    types = list(cells.uns["saithe"]["types"])
    for name, split in (("train", "training"), ("validation", "validation")):
        chosen = cells[cells.obs.split == split]
        p = np.asarray(chosen.obsm["predicted_cell_type_probabilities"], dtype=np.float64)
        p /= p.sum(axis=1, keepdims=True)
        truth = chosen.obs.louvain.astype(str).to_numpy()
        index = np.array([types.index(t) for t in truth])
        called = np.array(types)[p.argmax(axis=1)]
        got = said[name]
        assert got["n_cells"] == len(truth)
        assert got["accuracy"] == pytest.approx(metrics.accuracy_score(truth, called), abs=1e-9)
        precision, recall, f1, support = metrics.precision_recall_fscore_support(
            truth, called, labels=types, zero_division=0)
        for i, cell_type in enumerate(types):
            scores = got["per_type"][cell_type]
            assert scores["precision"] == pytest.approx(precision[i], abs=1e-9)
            assert scores["recall"] == pytest.approx(recall[i], abs=1e-9)
            assert scores["f1"] == pytest.approx(f1[i], abs=1e-9)
            assert scores["support"] == support[i]
        assert got["macro_f1"] == pytest.approx(f1.mean(), abs=1e-9)
        assert got["median_f1"] == pytest.approx(np.median(f1), abs=1e-9)
        assert got["nll"] == pytest.approx(metrics.log_loss(truth, p, labels=types), abs=1e-9)
        brier = ((p - np.eye(len(types))[index]) ** 2).sum(axis=1).mean()
        assert got["brier"] == pytest.approx(brier, abs=1e-9)


def test_tables_agree_with_each_other(pbmc3k):
    head, rows = table(pbmc3k[0] / "predictions.tsv")
    assert head == ["barcode", "split", "label", "predicted", "confidence"]
    assert len(rows) == 2638
    head, history = table(pbmc3k[0] / "history.tsv")
    assert head == ["epoch", "train_loss", "val_loss", "train_accuracy", "val_accuracy"]
    assert [row[0] for row in history] == [str(i) for i in range(10)]
    # With softmax twice and eight types the loss cannot fall below ln((e + 7) / e).
    assert 1.274 < float(history[-1][1]) < 1.29
    assert 0.9 < float(history[-1][4]) < 0.98
    head, confusion = table(pbmc3k[0] / "confusion_validation.tsv")
    assert len(confusion) == 8 and len(head) == 9
    total = sum(int(n) for row in confusion for n in row[1:])
    diagonal = sum(int(row[1 + i]) for i, row in enumerate(confusion))
    validation = [row for row in rows if row[1] == "validation"]
    assert total == len(validation) == 528
    assert diagonal == sum(row[2] == row[3] for row in validation)
    for name, n in (("training", 2110), ("validation", 528)):
        head, layout = table(pbmc3k[0] / f"umap_{name}.tsv")
        assert head == ["barcode", "label", "umap_1", "umap_2"]
        assert len(layout) == n
        assert {row[0] for row in layout} == {row[0] for row in rows if row[1] == name}


def test_run_json_tells_what_may_differ(pbmc3k):
    said = json.loads((pbmc3k[0] / "run.json").read_text())
    assert len(said["epoch_seconds"]) == 10
    assert said["threads"] >= 1 and said["hardware"] and said["peak_memory_bytes"] > 1e6
    assert "walkthrough" in said["command"]
    assert {"read", "train", "embed", "write"} <= set(said["stage_seconds"])


def test_peak_memory_is_the_programs_own(cells, model, tmp_path):
    """Not that of a notebook that starts it."""
    script = ("import subprocess, sys; ballast = bytes(range(256)) * 2000000; "
              "sys.exit(subprocess.run(sys.argv[1:]).returncode)")
    said = subprocess.run([sys.executable, "-c", script, PROGRAM, "predict", model, cells, "-o",
                           tmp_path / "out.tsv"], capture_output=True, text=True)
    assert said.returncode == 0, said.stderr
    peak = int(re.search(r"peak memory (\d+) MB", said.stderr).group(1))
    assert HAS_SANITIZER or peak < 300


def test_model_is_a_plain_safetensors_file(pbmc3k):
    data = (pbmc3k[0] / "model.saithe").read_bytes()
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8:8 + length])
    metadata = header.pop("__metadata__")
    assert all(isinstance(value, str) for value in metadata.values())
    assert header["member0.layer0.weight"]["shape"] == [13656, 1028]
    end = max(entry["data_offsets"][1] for entry in header.values())
    assert 8 + length + end == len(data)
    # The checksum covers the file with its own digits set to 0 (docs/model_format.md).
    assert metadata["sha256"].encode() in data
    blank = data.replace(metadata["sha256"].encode(), b"0" * 64, 1)
    assert hashlib.sha256(blank).hexdigest() == metadata["sha256"]


def test_report_is_one_page_with_all_pictures(pbmc3k):
    page = (pbmc3k[0] / "report.html").read_text()
    assert page.count("<svg") == len(FIGURES)
    for forbidden in ("<script", "http://", "https://"):
        outside = page.replace("http://www.w3.org", "")
        assert forbidden not in outside, forbidden
    assert "CD14+ Monocytes" in page
    for option, value in (("seed", "0"), ("label-key", "louvain"), ("umap-neighbors", "15")):
        assert f"<tr><td>--{option}</td><td>{value}</td></tr>" in page, option
    assert page.count("are laid out apart") == 2 and "rejects none" in page


def test_predict_repeats_what_the_walkthrough_said(pbmc3k, tmp_path):
    must("predict", pbmc3k[0] / "model.saithe", SOURCE / "data" / "pbmc3k.h5ad", "-o",
         tmp_path / "again.tsv")
    head, again = table(tmp_path / "again.tsv")
    assert head == COLUMNS
    _, said = table(pbmc3k[0] / "predictions.tsv")
    assert [row[:3] for row in again] == [[row[0], row[3], row[4]] for row in said]
    assert all(row[6] == "" for row in again)  # the article's network knows no novelty


def test_same_bytes_for_any_threads(cells, tmp_path):
    for threads in (1, 2):
        must("walkthrough", cells, "--label-key", "cell_type", "-o", tmp_path / str(threads),
             "--threads", threads, "--seed", 3, *SMALL)
    one, two = tmp_path / "1", tmp_path / "2"
    assert files_below(one) == files_below(two) == FILES
    for name in FILES:
        if name != "run.json":
            assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_same_bytes_however_the_input_is_spelled(cells, tmp_path):
    """With a warning that names the file, and with a folder as input."""
    data = anndata.read_h5ad(cells)
    names = list(data.obs_names)
    names[5] = names[4]
    data.obs_names = names
    (tmp_path / "deep").mkdir()
    data.write_h5ad(tmp_path / "deep" / "twice.h5ad")
    spellings = ["deep/twice.h5ad", "./deep/../deep/twice.h5ad", tmp_path / "deep" / "twice.h5ad"]
    for i, spelling in enumerate(spellings):
        result = must("walkthrough", spelling, "--label-key", "cell_type", "-o", tmp_path / str(i),
                      *SMALL, cwd=tmp_path)
        assert f"warning: {spelling}: 1 cell has the barcode" in result.err
    page = (tmp_path / "0" / "report.html").read_text()
    assert "twice.h5ad: 1 cell has the barcode of an earlier one" in page
    assert "deep" not in page and str(tmp_path) not in page
    for name in FILES:
        if name != "run.json":
            first = (tmp_path / "0" / name).read_bytes()
            assert all((tmp_path / str(i) / name).read_bytes() == first for i in (1, 2)), name


def test_a_folder_is_called_by_its_name(cells, tmp_path):
    data = anndata.read_h5ad(cells)
    folder = tmp_path / "my_cells"
    write_tenx_folder(folder, data, n_other_features=1)
    labels = tmp_path / "labels.tsv"
    labels.write_text("".join(f"{n}\t{t}\n" for n, t in zip(data.obs_names, data.obs.cell_type)))
    pages = set()
    for i, spelling in enumerate([folder, f"{folder}/", "."]):
        must("walkthrough", spelling, "--labels", labels, "-o", tmp_path / str(i), *SMALL, cwd=folder)
        pages.add((tmp_path / str(i) / "report.html").read_text())
    (page,) = pages
    assert "walk-through: my_cells<" in page and str(tmp_path) not in page
    assert "my_cells/features.tsv.gz: 1 feature is not of the type" in page


def test_another_seed_gives_another_split(cells, tmp_path):
    for seed in (1, 2):
        must("walkthrough", cells, "--label-key", "cell_type", "-o", tmp_path / str(seed), "--seed",
             seed, *SMALL)
    read = lambda seed: (tmp_path / seed / "predictions.tsv").read_text()
    assert read("1") != read("2")


def test_compare_losses_trains_with_both(cells, tmp_path):
    result = must("walkthrough", cells, "--label-key", "cell_type", "-o", tmp_path / "out",
                  "--compare-losses", *SMALL)
    assert "loss article:" in result.out and "loss cross-entropy:" in result.out
    _, first = table(tmp_path / "out" / "history.tsv")
    _, other = table(tmp_path / "out" / "history_compared.tsv")
    assert len(first) == len(other) == 3 and first != other


def test_overwrite_replaces_our_files_and_touches_nothing_else(cells, tmp_path):
    folder = tmp_path / "out"
    arguments = ["walkthrough", cells, "--label-key", "cell_type", "-o", folder, *SMALL]
    must(*arguments)
    (folder / "mine.txt").write_text("keep me")
    (folder / "figures" / "mine.png").write_text("keep me too")
    refused = run(*arguments)
    assert refused.code == 1 and str(folder / "annotated.h5ad") in refused.err
    before = (folder / "predictions.tsv").read_bytes()
    must(*arguments, "--overwrite", "--seed", 9)
    assert (folder / "predictions.tsv").read_bytes() != before
    assert (folder / "mine.txt").read_text() == "keep me"
    assert (folder / "figures" / "mine.png").read_text() == "keep me too"
    assert files_below(folder) == sorted([*FILES, "mine.txt", "figures/mine.png"])
