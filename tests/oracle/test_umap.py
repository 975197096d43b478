"""saithe's UMAP of the last hidden layer of PBMC3K against umap-learn's, on the same input.

Trustworthiness and the share of 15 neighbours kept, means over 5 seeds of each: saithe may be worse
by no more than 0.01.
"""

import subprocess
import warnings

import anndata
import numpy as np
import umap
from conftest import PBMC3K
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

N_SEEDS = 5
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
