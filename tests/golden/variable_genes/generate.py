"""Writes expected.json: the variable genes of PBMC3K by NumPy and by Scanpy.

    python generate.py data/pbmc3k.h5ad [expected.json]

NumPy: log10 variance fitted by a quadratic of log10 mean (numpy.polyfit), counts cut at
mean + sd_expected sqrt(cells), variance of these over the expected one. Scanpy:
highly_variable_genes(flavor="seurat_v3"), the same with a local regression (scikit-misc) in place
of the quadratic; only which genes it puts first is kept.
"""

import json
import pathlib
import platform
import sys

import anndata
import numpy as np
import scanpy as sc
import skmisc

N_TOP = 3000
N_SAMPLED = 400


def standardized_variance(x):
    n = x.shape[0]
    mean, variance = x.mean(axis=0), x.var(axis=0, ddof=1)
    result = np.zeros(x.shape[1])
    varies = (mean > 0) & (variance > 0)
    trend = np.polyfit(np.log10(mean[varies]), np.log10(variance[varies]), 2)
    sd = np.sqrt(10 ** np.polyval(trend, np.log10(mean[varies])))
    x, mean = x[:, varies], mean[varies]
    cut = np.minimum(x, mean + sd * np.sqrt(n))
    result[varies] = ((cut - mean) ** 2).sum(axis=0) / (n - 1) / sd**2
    return result


def main():
    source = sys.argv[1]
    target = sys.argv[2] if len(sys.argv) > 2 else "expected.json"
    cells = anndata.read_h5ad(source)
    x = cells.X.toarray().astype(np.float64)
    ours = standardized_variance(x)
    top = np.sort(np.argsort(-ours, kind="stable")[:N_TOP])
    expressed = np.flatnonzero(x.sum(axis=0) > 0)
    sample = np.sort(np.random.default_rng(0).choice(expressed, N_SAMPLED, replace=False))
    cells.X = cells.X.astype(np.float32)
    found = sc.pp.highly_variable_genes(cells, flavor="seurat_v3", n_top_genes=N_TOP, inplace=False)
    scanpys = np.flatnonzero(found.highly_variable.to_numpy())
    overlap = len(np.intersect1d(top, scanpys))
    content = {
        "versions": {"python": platform.python_version(), "numpy": np.__version__,
                     "scanpy": sc.__version__, "scikit-misc": skmisc.__version__},
        "n_genes": int(x.shape[1]),
        "gene": sample.tolist(),
        "standardized_variance": [float(f"{v:.12g}") for v in ours[sample]],
        "top_numpy": top.tolist(),
        "top_scanpy": scanpys.tolist(),
        "overlap": overlap,
    }
    print(f"{overlap} of the {N_TOP} genes are Scanpy's, too")
    text = json.dumps(content, separators=(",", ":"))
    pathlib.Path(target).write_text(text.replace('],"', '],\n"') + "\n")


if __name__ == "__main__":
    main()
