"""The files of a whole walk-through, read by the tools that users read them with."""

import hashlib
import json

import anndata
import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from sklearn import metrics

TOLERANCE = 1e-9
# Probabilities are stored as float32.
FLOAT32 = 1e-6


@pytest.fixture(scope="module")
def annotated(walkthrough):
    return anndata.read_h5ad(walkthrough / "annotated.h5ad")


def test_the_newest_anndata_reads_the_annotated_cells(annotated, walkthrough):
    assert annotated.shape == (2638, 13656)
    assert annotated.X.dtype == np.float32 and (annotated.X.data == annotated.X.data.round()).all()
    obs = annotated.obs
    assert isinstance(obs["predicted_cell_type"].dtype, pd.CategoricalDtype)
    types = list(obs["predicted_cell_type"].cat.categories)
    probabilities = annotated.obsm["predicted_cell_type_probabilities"]
    assert probabilities.shape == (2638, len(types)) == (2638, 8)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, atol=FLOAT32)
    np.testing.assert_array_equal(obs["predicted_cell_type"].cat.codes,
                                  probabilities.argmax(axis=1))
    np.testing.assert_array_equal(
        obs["predicted_cell_type_confidence"].to_numpy().astype(np.float32),
        probabilities.max(axis=1))
    assert annotated.obsm["X_saithe_hidden"].shape == (2638, 128)
    assert annotated.obsm["X_umap"].shape == (2638, 2)
    assert np.isfinite(annotated.obsm["X_umap"]).all()
    assert len(annotated.uns["predicted_cell_type_colors"]) == 8
    assert dict(obs["split"].value_counts()) == {"training": 2110, "validation": 528}

    table = pd.read_csv(walkthrough / "predictions.tsv", sep="\t", index_col="barcode")
    assert list(table.index) == list(annotated.obs_names)
    assert list(table["predicted"]) == list(obs["predicted_cell_type"])
    assert list(table["split"]) == list(obs["split"])
    assert list(table["label"]) == list(obs["louvain"])


def expected_calibration_error(confidence, hits):
    """15 equal bins (i/15, (i+1)/15] of the largest probability."""
    bins = np.clip(np.ceil(confidence * 15).astype(int) - 1, 0, 14)
    gaps = [abs(hits[bins == b].sum() - confidence[bins == b].sum()) for b in range(15)]
    return sum(gaps) / len(hits)


@pytest.mark.parametrize("split, name", [("training", "train"), ("validation", "validation")])
def test_metrics_are_scikit_learns(annotated, walkthrough, split, name):
    ours = json.loads((walkthrough / "metrics.json").read_text())[name]
    cells = annotated[annotated.obs["split"] == split]
    types = list(annotated.obs["predicted_cell_type"].cat.categories)
    truth = cells.obs["louvain"].astype(str).to_numpy()
    p = cells.obsm["predicted_cell_type_probabilities"].astype(np.float64)
    p /= p.sum(axis=1, keepdims=True)  # float32 rows sum to 0.9999999; scores are of rows of 1
    predicted = np.array(types)[p.argmax(axis=1)]

    assert ours["n_cells"] == len(truth)
    near = lambda value: pytest.approx(value, abs=TOLERANCE, rel=0)  # noqa: E731
    assert ours["accuracy"] == near(metrics.accuracy_score(truth, predicted))
    assert ours["nll"] == near(metrics.log_loss(truth, p, labels=types))
    scores = metrics.precision_recall_fscore_support(truth, predicted, labels=types,
                                                     zero_division=0)
    present = scores[3] > 0
    assert ours["macro_f1"] == near(scores[2][present].mean())
    assert ours["median_f1"] == near(np.median(scores[2][present]))
    for index, cell_type in enumerate(types):
        row = ours["per_type"][cell_type]
        for key, column in zip(("precision", "recall", "f1", "support"), scores):
            assert row[key] == near(column[index]), (cell_type, key)
    y = (truth[:, None] == np.array(types)[None, :]).astype(float)
    assert ours["brier"] == near(((p - y) ** 2).sum(axis=1).mean())
    assert ours["ece"] == near(expected_calibration_error(p.max(axis=1), predicted == truth))


def test_the_confusion_table_is_scikit_learns(annotated, walkthrough):
    table = pd.read_csv(walkthrough / "confusion_validation.tsv", sep="\t", index_col=0)
    cells = annotated.obs[annotated.obs["split"] == "validation"]
    types = list(annotated.obs["predicted_cell_type"].cat.categories)
    assert list(table.index) == list(table.columns) == types
    expected = metrics.confusion_matrix(cells["louvain"].astype(str),
                                        cells["predicted_cell_type"].astype(str), labels=types)
    np.testing.assert_array_equal(table.to_numpy(), expected)


def test_safetensors_opens_the_model(annotated, walkthrough):
    path = walkthrough / "model.saithe"
    with safe_open(path, framework="numpy") as model:
        tensors = {name: model.get_tensor(name) for name in model.keys()}
        words = json.loads(model.metadata()["saithe"])
        checksum = model.metadata()["sha256"]
    data = path.read_bytes()
    start = data.index(checksum.encode())
    zeroed = data[:start] + b"0" * 64 + data[start + 64 :]
    assert hashlib.sha256(zeroed).hexdigest() == checksum
    types = list(annotated.obs["predicted_cell_type"].cat.categories)
    assert words["types"] == types
    sizes = [13656, 1028, 256, 128, 8]
    for layer, (n_in, n_out) in enumerate(zip(sizes[:-1], sizes[1:])):
        shape = (n_in, n_out) if layer == 0 else (n_out, n_in)
        assert tensors[f"member0.layer{layer}.weight"].shape == shape
        assert tensors[f"member0.layer{layer}.bias"].shape == (n_out,)

    # The whole network by NumPy, in float64, from the counts and tensors of the two files.
    counts = annotated.X.toarray().astype(np.float64)
    x = np.log1p(counts * (1e4 / counts.sum(axis=1, keepdims=True)))
    sd = tensors["gene_sd"]
    x = np.where(sd > 0, (x - tensors["gene_mean"]) / np.where(sd > 0, sd, 1), 0)
    for layer in range(4):
        weight = tensors[f"member0.layer{layer}.weight"].astype(np.float64)
        x = x @ (weight if layer == 0 else weight.T) + tensors[f"member0.layer{layer}.bias"]
        if layer < 3:
            x = np.maximum(x, 0)
        if layer == 2:
            scale = np.abs(x).max()
            assert np.abs(x - annotated.obsm["X_saithe_hidden"]).max() < 1e-5 * scale
    e = np.exp(x - x.max(axis=1, keepdims=True))
    difference = np.abs(
        e / e.sum(axis=1, keepdims=True) - annotated.obsm["predicted_cell_type_probabilities"])
    assert difference.max() < 1e-5
