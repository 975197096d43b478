"""saithe's UMAP against umap-learn's, on the same input: the last hidden layer of PBMC3K, and points in pieces.

Trustworthiness and the share of 15 neighbours kept, means over seeds of each: saithe may be worse
by no more than 0.01. bench/umap_compare.py has more inputs; its limits are shown to hold it.
"""

import subprocess
import warnings

import anndata
import numpy as np
import umap
import pytest
from conftest import PBMC3K
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors
from umap_compare import (QUALITY_INPUTS, Driver, mean_qualities, quality_shortfalls,
                          speed_shortfalls)

N_SEEDS = 5
N_SEEDS_OF_PIECES = 3  # each takes umap-learn several seconds
N_NEIGHBORS = 15
TOLERANCE = 0.01


def neighbors(points):
    finder = NearestNeighbors(n_neighbors=N_NEIGHBORS).fit(points)
    return finder.kneighbors(return_distance=False)


def quality(hidden, hidden_neighbors, layout):
    """(trustworthiness, share of the neighbours kept)."""
    kept = [len(np.intersect1d(a, b)) for a, b in zip(hidden_neighbors, neighbors(layout))]
    return (trustworthiness(hidden, layout, n_neighbors=N_NEIGHBORS),
            np.mean(kept) / N_NEIGHBORS)


def test_layouts_are_as_good_as_umap_learns(program, walkthrough, tmp_path):
    hidden, ours, theirs = None, [], []
    for seed in range(N_SEEDS):
        output = tmp_path / f"seed{seed}.h5ad"
        subprocess.run([str(program), "embed", str(walkthrough / "model.saithe"), str(PBMC3K),
                        "--seed", str(seed), "--quiet", "-o", str(output)], check=True)
        cells = anndata.read_h5ad(output)
        if hidden is None:
            hidden = cells.obsm["X_saithe_hidden"]
            hidden_neighbors = neighbors(hidden)
        np.testing.assert_array_equal(cells.obsm["X_saithe_hidden"], hidden)
        ours.append(quality(hidden, hidden_neighbors, cells.obsm["X_umap"]))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a seed makes umap-learn use one thread; it says so
            layout = umap.UMAP(random_state=seed).fit_transform(hidden)
        theirs.append(quality(hidden, hidden_neighbors, layout))
    ours, theirs = np.mean(ours, axis=0), np.mean(theirs, axis=0)
    print(f"\ntrustworthiness {ours[0]:.4f} (umap-learn {theirs[0]:.4f}), "
          f"neighbours kept {ours[1]:.4f} (umap-learn {theirs[1]:.4f})")
    assert (ours > theirs - TOLERANCE).all()


@pytest.mark.parametrize("name", ["40 pieces", "three blobs, very far"])
def test_graphs_that_fall_apart_are_laid_out_as_well(program, tmp_path, name):
    driver = Driver(program.with_name("umap_driver"), tmp_path, n_threads=2)
    ours, theirs = mean_qualities(driver, QUALITY_INPUTS[name](), N_SEEDS_OF_PIECES)
    print(f"\n{name}: saithe {ours.round(4)}, umap-learn {theirs.round(4)}")
    assert quality_shortfalls(name, ours, theirs) == []


def test_the_benchmark_fails_below_its_limits():
    assert speed_shortfalls([4, 5, 9], 0.95) == []
    assert len(speed_shortfalls([4.9, 4.9, 9], 0.95)) == 1
    assert len(speed_shortfalls([6], 0.9499)) == 1
    assert len(speed_shortfalls([float("nan")], float("nan"))) == 2
    assert quality_shortfalls("x", [0.95, 0.5, 0.1], [0.959, 0.509, 0.091]) == []
    assert len(quality_shortfalls("x", [0.95, 0.5, 0.1], [0.961, 0.511, 0.089])) == 3
