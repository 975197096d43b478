"""saithe's Leiden against leidenalg on the same graphs: modularity and time.

    python bench/leiden_compare.py LEIDEN_DRIVER [--cells 50000] [--neighbors 15] [--seeds 5]

The graph is umap-learn's of points as a hidden layer gives them. leidenalg runs until
it is stable (n_iterations=-1, Scanpy's default), and for its own default of two iterations; pairs of
runs one after the other. Both on one thread, processor time. Prints Markdown; ends with 1 if saithe's mean
modularity is more than 0.005 below leidenalg's stable one.

Needs leidenalg and igraph beside the oracle's packages; both are GPL and only compared with.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import igraph
import leidenalg
import numpy as np

TOLERANCE = 0.005


def hidden_like(n_points, n_types=12, n_dims=64, n_latent=12, seed=1):
    """Points as a hidden layer of ReLUs gives them: types of unequal size, some close, curved."""
    random = np.random.default_rng(seed)
    share = random.dirichlet(np.full(n_types, 2.0))
    types = random.choice(n_types, n_points, p=share)
    centres = random.normal(size=(n_types, n_latent)) * 2.5
    latent = centres[types] + random.normal(size=(n_points, n_latent))
    weights = random.normal(size=(n_latent, n_dims)) / np.sqrt(n_latent)
    points = np.maximum(latent @ weights + 0.3 * random.normal(size=n_dims), 0)
    return (points + 0.05 * random.normal(size=points.shape)).astype(np.float32)


def make_edges(n_cells, n_neighbors):
    """The links of UMAP's graph, each once: (n, 3) int32, int32, float32."""
    from scipy.sparse import triu
    from umap.umap_ import fuzzy_simplicial_set

    graph = fuzzy_simplicial_set(hidden_like(n_cells), n_neighbors,
                                 np.random.RandomState(0), "euclidean")[0]
    upper = triu(graph, 1).tocoo()
    edges = np.empty(upper.nnz, dtype=[("a", "<i4"), ("b", "<i4"), ("weight", "<f4")])
    edges["a"], edges["b"], edges["weight"] = upper.row, upper.col, upper.data
    return edges


def run_leidenalg(graph, resolution, seed, n_iterations):
    start = time.process_time()
    partition = leidenalg.find_partition(
        graph, leidenalg.RBConfigurationVertexPartition, weights="weight", seed=seed,
        resolution_parameter=resolution, n_iterations=n_iterations)
    seconds = time.process_time() - start
    total = 2 * sum(graph.es["weight"])
    return {"seconds": seconds, "modularity": partition.quality() / total,
            "clusters": len(partition)}


def run_saithe(driver, path, n_cells, resolution, seed):
    return json.loads(subprocess.run(
        [driver, path, str(n_cells), str(resolution), str(seed)],
        check=True, capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("driver")
    parser.add_argument("--cells", type=int, default=50000)
    parser.add_argument("--neighbors", type=int, default=15)
    parser.add_argument("--resolutions", type=float, nargs="+", default=[1, 20])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--edges", type=Path, help="keep the graph in this file, or take it from it")
    options = parser.parse_args()
    if options.edges and options.edges.exists():
        edges = np.fromfile(options.edges, dtype=[("a", "<i4"), ("b", "<i4"), ("weight", "<f4")])
    else:
        edges = make_edges(options.cells, options.neighbors)
    path = options.edges or Path(tempfile.mkdtemp()) / "edges.bin"
    edges.tofile(path)
    graph = igraph.Graph(options.cells, np.stack([edges["a"], edges["b"]], 1))
    graph.es["weight"] = edges["weight"].astype(float)

    print(f"{options.cells} cells, {len(edges)} links, {options.seeds} seeds, leidenalg "
          f"{leidenalg.version}, igraph {igraph.__version__}; medians of processor seconds, means of "
          "modularity (sd)\n")
    print("| resolution | program | seconds | modularity | clusters |\n|---|---|---|---|---|")
    is_worse = False
    for resolution in options.resolutions:
        runs = {"saithe": [], "leidenalg, stable": [], "leidenalg, 2 iterations": []}
        for seed in range(options.seeds):
            runs["saithe"].append(run_saithe(options.driver, path, options.cells, resolution, seed))
            runs["leidenalg, stable"].append(run_leidenalg(graph, resolution, seed, -1))
            runs["leidenalg, 2 iterations"].append(run_leidenalg(graph, resolution, seed, 2))
        means = {}
        for program, results in runs.items():
            quality = [run["modularity"] for run in results]
            means[program] = np.mean(quality)
            print(f"| {resolution:g} | {program} | {np.median([r['seconds'] for r in results]):.2f} | "
                  f"{np.mean(quality):.5f} ({np.std(quality):.5f}) | "
                  f"{np.mean([r['clusters'] for r in results]):.0f} |", flush=True)
        is_worse |= means["saithe"] < means["leidenalg, stable"] - TOLERANCE
    sys.exit(1 if is_worse else 0)


if __name__ == "__main__":
    main()
