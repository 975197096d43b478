"""Writes expected.json: small graphs and the modularity that leidenalg reaches on them.

    python generate.py data/pbmc3k.h5ad [expected.json]

leidenalg maximises RBConfigurationVertexPartition until it is stable (n_iterations=-1), as
scanpy.tl.leiden does, with five seeds; its modularity is quality() / (2 * sum of weights). One
membership of each is kept with it, so that modularity itself can be compared. igraph's modularity
is the measure where there are loops. Graphs: Zachary's karate club (as igraph has it), five planted
groups, pieces with weights and nodes without links, and Scanpy's connectivities of 700 cells of
PBMC3K. Made with the versions that stand in the file; leidenalg and igraph are GPL, and saithe
neither links nor copies them.
"""

import json
import platform
import sys
import warnings
from pathlib import Path

import anndata
import igraph
import leidenalg
import numpy as np
import scanpy as sc
from scipy.sparse import triu

SEEDS = range(5)


def planted(rng, sizes, p_inside, p_outside):
    """(links, group of each node): a link has one probability inside a group, one outside."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    rng.shuffle(group)
    a, b = np.triu_indices(len(group), 1)
    kept = rng.random(len(a)) < np.where(group[a] == group[b], p_inside, p_outside)
    return [[int(x), int(y)] for x, y in zip(a[kept], b[kept])], group.tolist()


def weighted(rng, links):
    return [[a, b, float(f"{w:.4g}")] for (a, b), w in zip(links, rng.gamma(2, 0.5, len(links)))]


def pieces(rng):
    """Three unconnected graphs with weights, and six nodes without links among and after them."""
    links, first = [], 2
    for size in (40, 25, 60):
        inside, _ = planted(rng, [size // 2, size - size // 2], 0.35, 0.03)
        links += [[a + first, b + first] for a, b in inside]
        first += size + 1
    return first + 1, weighted(rng, links)


def cells(path):
    """Scanpy's connectivities of some cells, as (number of cells, links)."""
    data = anndata.read_h5ad(path)
    data.X = data.X.astype(np.float32)
    data = data[np.random.default_rng(3).choice(data.n_obs, 700, replace=False)].copy()
    sc.pp.normalize_total(data, target_sum=1e4)
    sc.pp.log1p(data)
    sc.pp.highly_variable_genes(data, n_top_genes=1000, subset=True)
    sc.pp.scale(data, max_value=10)
    sc.pp.pca(data, n_comps=20, random_state=0)
    sc.pp.neighbors(data, n_neighbors=10, random_state=0)
    upper = triu(data.obsp["connectivities"], 1).tocoo()
    return data.n_obs, [[int(a), int(b), float(f"{w:.4g}")]
                        for a, b, w in zip(upper.row, upper.col, upper.data)]


def case(n_nodes, links, resolutions, groups=None):
    graph = igraph.Graph(n_nodes, [link[:2] for link in links])
    weights = [link[2] if len(link) > 2 else 1.0 for link in links]
    graph.es["weight"] = weights
    runs = []
    for resolution in resolutions:
        found = [leidenalg.find_partition(
            graph, leidenalg.RBConfigurationVertexPartition, weights="weight", seed=seed,
            resolution_parameter=resolution, n_iterations=-1) for seed in SEEDS]
        runs.append({"resolution": resolution,
                     "modularity": [part.quality() / (2 * sum(weights)) for part in found],
                     "n_clusters": [len(part) for part in found],
                     "membership": found[0].membership})
    result = {"n_nodes": n_nodes, "links": links, "runs": runs}
    if groups is not None:
        result["groups"] = groups
    return result


def loops(rng):
    """Modularity of any membership in a graph with loops and repeated links."""
    links = [[int(a), int(b)] for a, b in rng.integers(0, 12, (60, 2))] + [[3, 3], [3, 3], [7, 7]]
    links = weighted(rng, links)
    graph = igraph.Graph(13, [link[:2] for link in links])
    membership = rng.integers(0, 4, 13).tolist()
    runs = [{"resolution": resolution, "membership": membership,
             "modularity": [graph.modularity(membership, weights=[link[2] for link in links],
                                             resolution=resolution)]}
            for resolution in (1, 2.5)]
    return {"n_nodes": 13, "links": links, "runs": runs}


def main():
    target = Path(sys.argv[2] if len(sys.argv) > 2 else Path(__file__).parent / "expected.json")
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(11)
    karate = igraph.Graph.Famous("Zachary")
    graphs = {"karate": case(34, [list(edge) for edge in karate.get_edgelist()], [0.5, 1, 2])}
    links, groups = planted(rng, [150, 120, 100, 80, 50], 0.2, 0.015)
    graphs["planted"] = case(500, links, [1], groups)
    graphs["pieces"] = case(*pieces(rng), [0.3, 1, 3])
    graphs["cells"] = case(*cells(sys.argv[1]), [0.5, 1, 5])
    content = {
        "versions": {"python": platform.python_version(), "numpy": np.__version__,
                     "leidenalg": leidenalg.version, "igraph": igraph.__version__,
                     "scanpy": sc.__version__},
        "graphs": graphs, "loops": loops(rng)}
    text = json.dumps(content, separators=(",", ":"))
    target.write_text(text.replace('"links"', '\n"links"').replace('"runs"', '\n"runs"') + "\n")


if __name__ == "__main__":
    main()
