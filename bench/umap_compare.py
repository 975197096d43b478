"""saithe's UMAP against umap-learn on the same inputs: quality, recall of neighbours, time.

    python bench/umap_compare.py UMAP_DRIVER [--seeds 5] [--rounds 3] [--skip-quality] [--skip-speed]

Quality: trustworthiness, the share of 15 neighbours kept and the share of neighbours torn apart
(more than 3 units from each other, where a cluster is about 5 wide), means over the seeds of each.
saithe may be worse by no more than 0.01. Speed: 50 000 x 128, neighbours' recall, pairs of runs one after
the other, umap-learn with a seed and its second run; 5 times as fast and a recall of 0.95 are the least.
Prints Markdown, then what falls short of these limits, and ends with 1 if anything does.
"""

import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time
import warnings

import numpy as np
import umap
from peers import PBMC3K, print_table, spread
from sklearn.datasets import load_digits
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

N_NEIGHBORS = 15
TOLERANCE = 0.01
LEAST_RATIO = 5
LEAST_RECALL = 0.95
TORN_LENGTH = 3
MEASURES = ("trustworthiness", "neighbours kept", "torn")
HIGHER_IS_BETTER = np.array([1, 1, -1])


def hidden_like(n_points, n_types, n_dims=128, n_latent=12, seed=1):
    """Points as a hidden layer of ReLUs gives them: types of unequal size, some close, curved."""
    random = np.random.default_rng(seed)
    share = random.dirichlet(np.full(n_types, 2.0))
    types = random.choice(n_types, n_points, p=share)
    centres = random.normal(size=(n_types, n_latent)) * 2.5
    latent = centres[types] + random.normal(size=(n_points, n_latent))
    weights = random.normal(size=(n_latent, n_dims)) / np.sqrt(n_latent)
    points = np.maximum(latent @ weights + 0.3 * random.normal(size=n_dims), 0)
    return (points + 0.05 * random.normal(size=points.shape)).astype(np.float32)


def pbmc3k_hidden():
    """128 hidden activations of a small network that learnt the types of PBMC3K."""
    import anndata
    import scanpy as sc
    from sklearn.neural_network import MLPClassifier

    cells = anndata.read_h5ad(PBMC3K)
    cells.X = cells.X.astype(np.float32)
    sc.pp.normalize_total(cells, target_sum=1e4)
    sc.pp.log1p(cells)
    sc.pp.highly_variable_genes(cells, n_top_genes=2000, subset=True)
    sc.pp.scale(cells)
    network = MLPClassifier((128,), max_iter=20, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # twenty rounds do not converge, nor need they
        network.fit(cells.X, cells.obs["louvain"])
    return np.maximum(cells.X @ network.coefs_[0] + network.intercepts_[0], 0)


def blobs(spread_of_centres):
    random = np.random.default_rng(2)
    centres = random.normal(size=(3, 20)) * spread_of_centres
    return (centres.repeat(400, axis=0) + random.normal(size=(1200, 20))).astype(np.float32)


def many_pieces():
    """Forty far pieces of 6 to 120 points, so that the graph falls apart."""
    random = np.random.default_rng(3)
    sizes = random.integers(6, 120, 40)
    centres = random.normal(size=(40, 20)) * 60
    return np.concatenate([centre + random.normal(size=(size, 20))
                           for centre, size in zip(centres, sizes)]).astype(np.float32)


def with_duplicates():
    points = hidden_like(1500, 6, seed=4)
    points[1000:] = points[np.random.default_rng(5).integers(0, 300, 500)]
    points[:60] = points[0]
    return points


QUALITY_INPUTS = {
    "PBMC3K, hidden layer": pbmc3k_hidden,
    "digits": lambda: load_digits().data,
    "hidden-like, 8 types": lambda: hidden_like(3000, 8),
    "three blobs": lambda: blobs(10),
    "three blobs, very far": lambda: blobs(3000),
    "40 pieces": many_pieces,
    "duplicates": with_duplicates,
}


class Driver:
    """umap_driver on one input."""

    def __init__(self, program, folder, n_threads):
        self.program, self.folder, self.n_threads = program, pathlib.Path(folder), n_threads

    def run(self, what, points, seed=0):
        """(the program's output as a flat file's bytes, seconds)."""
        source, target = self.folder / "points", self.folder / "result"
        np.ascontiguousarray(points, dtype=np.float32).tofile(source)
        output = subprocess.run(
            [str(word) for word in (self.program, what, source, *points.shape, target, seed,
                                    self.n_threads)], check=True, capture_output=True, text=True)
        return target.read_bytes(), json.loads(output.stdout)["seconds"]

    def layout(self, points, seed):
        raw, seconds = self.run("umap", points, seed)
        return np.frombuffer(raw, np.float32).reshape(-1, 2), seconds

    def neighbors(self, points):
        raw, seconds = self.run("neighbors", points)
        return np.frombuffer(raw, np.int32).reshape(len(points), -1), seconds


def umap_learn(points, seed):
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a seed makes it use one thread; it says so
        layout = umap.UMAP(random_state=seed).fit_transform(points)
    return layout, time.perf_counter() - start


def neighbors_of(points):
    return NearestNeighbors(n_neighbors=N_NEIGHBORS).fit(points).kneighbors(return_distance=False)


def shared(a, b):
    return np.mean([len(np.intersect1d(x, y)) for x, y in zip(a, b)]) / N_NEIGHBORS


def torn(true_neighbors, layout):
    """Trustworthiness does not see a cluster in two pieces; its neighbours far apart do."""
    length = np.linalg.norm(layout[:, None] - layout[true_neighbors], axis=2)
    return np.mean(length > TORN_LENGTH)


def quality(points, true_neighbors, layout):
    return (trustworthiness(points, layout, n_neighbors=N_NEIGHBORS),
            shared(true_neighbors, neighbors_of(layout)),
            torn(true_neighbors, layout))


def mean_qualities(driver, points, n_seeds):
    """(saithe's, umap-learn's) means over the seeds."""
    true_neighbors = neighbors_of(points.astype(np.float64))
    ours, theirs = [], []
    for seed in range(n_seeds):
        ours.append(quality(points, true_neighbors, driver.layout(points, seed)[0]))
        theirs.append(quality(points, true_neighbors, umap_learn(points, seed)[0]))
    return np.mean(ours, axis=0), np.mean(theirs, axis=0)


def quality_shortfalls(name, ours, theirs):
    """What of (trustworthiness, neighbours kept, torn) is worse than the tolerance allows, in words."""
    return [f"{name}: {what} {a:.4f} against umap-learn's {b:.4f}"
            for what, sign, a, b in zip(MEASURES, HIGHER_IS_BETTER, ours, theirs)
            if not sign * (a - b) > -TOLERANCE]


def speed_shortfalls(ratios, recall):
    """What is below the least ratio of the medians or the least recall, in words."""
    short = []
    if not statistics.median(ratios) >= LEAST_RATIO:
        short.append(f"{statistics.median(ratios):.2f} times as fast, at least {LEAST_RATIO} wanted")
    if not recall >= LEAST_RECALL:
        short.append(f"recall of neighbours {recall:.4f}, at least {LEAST_RECALL} wanted")
    return short


def compare_quality(driver, n_seeds):
    rows, short = [], []
    for name, make in QUALITY_INPUTS.items():
        points = np.asarray(make(), dtype=np.float32)
        ours, theirs = mean_qualities(driver, points, n_seeds)
        short += quality_shortfalls(name, ours, theirs)
        rows.append([name, f"{len(points)} x {points.shape[1]}"]
                    + [f"{value:.4f}" for pair in zip(ours, theirs) for value in pair])
    print(f"## Quality (umap-learn {umap.__version__}, means over {n_seeds} seeds)\n")
    print_table(["input", "shape", "trustworthiness", "umap-learn", "neighbours kept",
                 "umap-learn", "torn", "umap-learn"], rows)
    return short


def compare_speed(driver, n_rounds):
    points = hidden_like(50000, 20)
    found, _ = driver.neighbors(points)
    chosen = np.random.default_rng(0).choice(len(points), 2000, replace=False)
    finder = NearestNeighbors(n_neighbors=N_NEIGHBORS + 1, algorithm="brute").fit(points)
    true = finder.kneighbors(points[chosen], return_distance=False)[:, 1:]
    umap_learn(points[:2000], 0)  # compiles
    ours, theirs, search = [], [], []
    for seed in range(n_rounds):
        ours.append(driver.layout(points, seed)[1])
        theirs.append(umap_learn(points, seed)[1])
        search.append(driver.neighbors(points)[1])
    print(f"## 50 000 x 128 ({driver.n_threads} threads, {n_rounds} rounds, median (range))\n")
    print_table(["what", "seconds"], [["saithe", spread(ours, 2)],
                                      ["of this, neighbours", spread(search, 2)],
                                      ["umap-learn with a seed", spread(theirs, 2)]])
    ratios = [b / a for a, b in zip(ours, theirs)]
    recall = shared(true, found[chosen])
    print(f"saithe is {spread(ratios, 1)} times as fast; recall of 15 neighbours {recall:.4f}.\n")
    return speed_shortfalls(ratios, recall)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("driver", type=pathlib.Path)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--skip-quality", action="store_true")
    parser.add_argument("--skip-speed", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        driver = Driver(arguments.driver, folder, arguments.threads)
        short = [] if arguments.skip_speed else compare_speed(driver, arguments.rounds)
        short += [] if arguments.skip_quality else compare_quality(driver, arguments.seeds)
    if short:
        sys.exit("below the limits: " + "; ".join(short))


if __name__ == "__main__":
    main()
