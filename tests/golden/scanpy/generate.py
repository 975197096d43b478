"""Writes expected.json: what Scanpy makes of PBMC3K, sampled small enough to live in the project.

    python generate.py data/pbmc3k.h5ad [expected.json]

The steps are the article's: filter_cells, filter_genes, calculate_qc_metrics, the two cell
filters, normalize_total, log1p, scale. All kept cells and genes enter the two SHA-256 sums; values
are sampled with a fixed seed, half of them among expressed genes.
"""

import hashlib
import json
import platform
import sys

import anndata
import numpy as np
import scanpy as sc
import scipy


def digest(names):
    return hashlib.sha256("\n".join(names).encode()).hexdigest()


def number(value, digits=9):
    return float(f"{value:.{digits}g}")


def main():
    source = sys.argv[1]
    target = sys.argv[2] if len(sys.argv) > 2 else "expected.json"
    cells = anndata.read_h5ad(source)
    cells.X = cells.X.astype(np.float32)
    sc.pp.filter_cells(cells, min_genes=200)
    sc.pp.filter_genes(cells, min_cells=3)
    cells.var["mt"] = cells.var_names.str.startswith("MT-")
    sc.pp.calculate_qc_metrics(
        cells, qc_vars=["mt"], percent_top=None, log1p=False, inplace=True
    )
    cells = cells[cells.obs.n_genes_by_counts < 2500, :]
    cells = cells[cells.obs.pct_counts_mt < 5, :].copy()
    sc.pp.normalize_total(cells, target_sum=1e4)
    sc.pp.log1p(cells)

    rng = np.random.default_rng(0)
    n_cells, n_genes = cells.shape
    stored = cells.X.tocoo()
    picked = rng.choice(stored.nnz, 5000, replace=False)
    sample_cells = np.concatenate([stored.row[picked], rng.integers(0, n_cells, 5000)])
    sample_genes = np.concatenate([stored.col[picked], rng.integers(0, n_genes, 5000)])
    order = np.lexsort((sample_genes, sample_cells))
    sample_cells, sample_genes = sample_cells[order], sample_genes[order]

    qc_cells = np.sort(rng.choice(n_cells, 200, replace=False))
    qc = cells.obs.iloc[qc_cells]
    sc.pp.scale(cells)
    genes = np.sort(rng.choice(n_genes, 500, replace=False))
    content = {
        "versions": {
            "python": platform.python_version(),
            "scanpy": sc.__version__,
            "anndata": anndata.__version__,
            "numpy": np.__version__,
            "scipy": scipy.__version__,
        },
        "n_cells": n_cells,
        "n_genes": n_genes,
        "sha256_of_cells": digest(cells.obs_names),
        "sha256_of_genes": digest(cells.var_names),
        "qc": {
            "cell": qc_cells.tolist(),
            "n_genes_by_counts": qc.n_genes_by_counts.astype(int).tolist(),
            "total_counts": qc.total_counts.astype(int).tolist(),
            "pct_counts_mt": [number(v) for v in qc.pct_counts_mt],
        },
        "statistics": {
            "gene": genes.tolist(),
            "mean": [number(v) for v in cells.var["mean"].to_numpy()[genes]],
            "sd": [number(v) for v in cells.var["std"].to_numpy()[genes]],
        },
        "z": {
            "cell": sample_cells.tolist(),
            "gene": sample_genes.tolist(),
            "value": [number(v) for v in np.asarray(cells.X)[sample_cells, sample_genes]],
        },
    }
    with open(target, "w", encoding="ascii") as file:
        json.dump(content, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
