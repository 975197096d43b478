"""Probabilities that mean what they say: of rare types, and of cells that are two types at once."""

import json

import anndata
import numpy as np
import scipy.sparse

from conftest import must, rows_of


def train(cells, model, *arguments):
    must("train", cells, "--label-key", "cell_type", "-o", model, "--preset", "fast", *arguments)


def test_a_rare_type_that_overlaps_another_is_as_probable_as_it_is_frequent(tmp_path):
    """The linear model is trained as if all types were as common: that must not be what it says."""
    def draw(n_cells, seed):
        random = np.random.default_rng(seed)
        is_rare = random.random(n_cells) < 0.08
        effect = np.where(np.arange(120) < 30, 1.5, 1.0)
        level = np.random.default_rng(7).gamma(1, 1, 120)
        counts = random.poisson(level * np.where(is_rare[:, None], effect, 1))
        data = anndata.AnnData(scipy.sparse.csr_matrix(counts.astype(np.float32)))
        data.obs_names = [f"cell{i}" for i in range(n_cells)]
        data.var_names = [f"gene{i}" for i in range(120)]
        data.obs["cell_type"] = np.where(is_rare, "rare", "common")
        return data, is_rare

    draw(1500, 1)[0].write_h5ad(tmp_path / "training.h5ad")
    query, is_rare = draw(3000, 2)
    query.write_h5ad(tmp_path / "query.h5ad")
    train(tmp_path / "training.h5ad", tmp_path / "m.saithe", "--drop-suspects", "never")
    common, rare = json.loads(must("inspect", tmp_path / "m.saithe", "--json").out)["type_offsets"]
    assert rare < common - 1
    must("predict", tmp_path / "m.saithe", tmp_path / "query.h5ad", "-o", tmp_path / "labels.tsv",
         "--probabilities", tmp_path / "p.tsv")
    p = np.array([row[2] for row in rows_of(tmp_path / "p.tsv")[1:]], dtype=float)
    assert abs(p.mean() - is_rare.mean()) < 0.02
    for low, high in ((0.1, 0.3), (0.3, 0.6)):
        inside = (p >= low) & (p < high)
        error = np.sqrt(0.25 / inside.sum())
        assert abs(p[inside].mean() - is_rare[inside].mean()) < 0.05 + 2 * error


def test_two_cells_in_one_droplet_are_both_types(cells, tmp_path):
    train(cells, tmp_path / "m.saithe")
    data = anndata.read_h5ad(cells)
    types = np.array(data.obs.cell_type.astype(str))
    random = np.random.default_rng(1)
    rows, pairs = [], []
    while len(pairs) < 100:
        first, second = random.integers(0, 300, 2)
        if types[first] != types[second]:
            rows.append(data.X[first] + data.X[second])
            pairs.append({types[first], types[second]})
    doublets = anndata.AnnData(scipy.sparse.vstack(rows).tocsr(), var=data.var)
    doublets.obs_names = [f"doublet{i}" for i in range(100)]
    doublets.write_h5ad(tmp_path / "doublets.h5ad")

    def labels_of(query):
        must("predict", tmp_path / "m.saithe", query, "-o", tmp_path / "labels.tsv", "--multi-label", "0.5",
             "--no-reject", "--overwrite")
        rows = rows_of(tmp_path / "labels.tsv")
        return [set(row[rows[0].index("multi_label")].split("|")) for row in rows[1:]]

    of_doublets = labels_of(tmp_path / "doublets.h5ad")
    both = np.mean([found == pair for found, pair in zip(of_doublets, pairs)])
    own = np.mean([found == {label} for found, label in zip(labels_of(cells), types)])
    assert both > 0.7 and own > 0.9, (both, own)
