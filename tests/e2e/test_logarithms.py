"""Files of logarithms, log1p(CP10k): of all genes of their cells, or of selected ones."""

import re

import anndata
import numpy as np
import pytest
import scipy.sparse

from conftest import must, must_fail
from test_recipes import SMALL_RECIPE, predictions, train, words_of


def test_log_normalised_cells_train_and_are_said_to_be(cells, tmp_path):
    data = anndata.read_h5ad(cells)
    x = data.X.multiply(1e4 / data.X.sum(axis=1)).tocsr()
    x.data = np.log1p(x.data)
    logs = anndata.AnnData(x.astype(np.float32), obs=data.obs, var=data.var[[]])
    logs.write_h5ad(tmp_path / "logs.h5ad")
    said = train(tmp_path / "logs.h5ad", tmp_path / "m.saithe", *SMALL_RECIPE, "--report", tmp_path / "r")
    assert "logarithms" in said.err
    assert re.search(r"--thin-share</t[dh]><td[^>]*>0</td>", (tmp_path / "r" / "report.html").read_text())
    assert words_of(tmp_path / "m.saithe")["value_kind"] == "log1p(CP10k)"
    for query in (cells, tmp_path / "logs.h5ad"):  # counts and logarithms both are understood
        rows = predictions(tmp_path / "m.saithe", query, tmp_path, "--no-reject")
        assert np.mean([row[1] == t for row, t in zip(rows, data.obs.cell_type)]) > 0.9
    line = must_fail(3, "walkthrough", tmp_path / "logs.h5ad", "--label-key", "cell_type", "-o",
                     tmp_path / "walk")
    assert "whole numbers" in line
    must_fail(3, "train", tmp_path / "logs.h5ad", "--label-key", "cell_type", "-o",
              tmp_path / "x.saithe", "--max-percent-mt", "5")


def test_counts_for_a_model_of_selected_logarithms(cells, tmp_path):
    """The reference keeps some genes of its cells after log1p(CP10k); the query is of whole cells."""
    data = anndata.read_h5ad(cells)
    padded = scipy.sparse.random(data.n_obs, 10000, density=0.02, random_state=0, format="csr",
                                 data_rvs=lambda n: np.full(n, 20.0))
    x = scipy.sparse.hstack([data.X, padded]).tocsr().astype(np.float32)
    var = [*data.var_names, *(f"other{i}" for i in range(padded.shape[1]))]
    whole = anndata.AnnData(x, obs=data.obs)
    whole.var_names = var
    whole.write_h5ad(tmp_path / "counts.h5ad")
    logs = whole.copy()
    logs.X = logs.X.multiply(1e4 / logs.X.sum(axis=1)).tocsr()
    logs.X.data = np.log1p(logs.X.data).astype(np.float32)
    logs.X = logs.X.astype(np.float32)
    logs.write_h5ad(tmp_path / "logs.h5ad")
    selected = logs[:, :data.n_vars].copy()
    assert np.expm1(selected.X.toarray()).sum(axis=1).mean() < 9000
    selected.write_h5ad(tmp_path / "selected.h5ad")
    train(tmp_path / "selected.h5ad", tmp_path / "m.saithe", "--preset", "fast")
    of_counts = predictions(tmp_path / "m.saithe", tmp_path / "counts.h5ad", tmp_path)
    of_logs = predictions(tmp_path / "m.saithe", tmp_path / "logs.h5ad", tmp_path)
    assert [row[1] for row in of_counts] == [row[1] for row in of_logs]
    for a, b in zip(of_counts, of_logs):
        assert float(a[2]) == pytest.approx(float(b[2]), abs=1e-4)
    # Logarithms are of 10 000.
    line = must_fail(2, "train", tmp_path / "selected.h5ad", "--label-key", "cell_type", "-o",
                     tmp_path / "x.saithe", "--preset", "fast", "--target-sum", "5000")
    assert "--target-sum: the values are log1p(CP10k) already" in line


@pytest.mark.parametrize("odd", [np.nan, -3, 80])
def test_the_one_that_is_no_logarithm_is_named(cells, model, tmp_path, odd):
    data = anndata.read_h5ad(cells)
    x = data.X.multiply(1e4 / data.X.sum(axis=1)).tocsr().astype(np.float32)
    x.data = np.log1p(x.data)
    x.data[x.indptr[200]] = odd
    anndata.AnnData(x, obs=data.obs, var=data.var[[]]).write_h5ad(tmp_path / "logs.h5ad")
    must("convert", tmp_path / "logs.h5ad", tmp_path / "same.h5ad", "--layer", "X")
    line = must_fail(3, "predict", model, tmp_path / "logs.h5ad", "-o", tmp_path / "x.tsv", "--layer", "X")
    assert f"cell '{data.obs_names[200]}' (row 200) has the value {odd}" in line


def test_convert_says_what_all_values_are(cells, tmp_path):
    data = anndata.read_h5ad(cells)
    x = data.X.multiply(1e4 / data.X.sum(axis=1)).tocsr().astype(np.float32)
    x.data = np.log1p(x.data)
    for name, first in (("logs", None), ("mixed", data.X[:50])):
        values = x if first is None else scipy.sparse.vstack([first.astype(np.float32), x[50:]]).tocsr()
        anndata.AnnData(values, obs=data.obs, var=data.var[[]]).write_h5ad(tmp_path / f"{name}.h5ad")
    said = must("convert", tmp_path / "logs.h5ad", tmp_path / "a.h5ad").err
    assert "values: log1p(CP10k)\n" in said and "no known kind" not in said
    assert "values: counts\n" in must("convert", cells, tmp_path / "b.h5ad").err
    said = must("convert", tmp_path / "mixed.h5ad", tmp_path / "c.h5ad").err
    assert "values: other log\n" in said or "warning: the values are no counts: they are of no known kind" in said
