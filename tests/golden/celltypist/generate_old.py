"""Trains small models with the CellTypist of 2022 and writes what it predicts with them.

    python generate_old.py data/pbmc3k.h5ad [FOLDER]

As generate.py, for what models of that time look like: NumPy 1, scikit-learn 0.24, an SGD
classifier that keeps its loss. Ran with Python 3.8, celltypist 0.1.9, scikit-learn 0.24.2,
numpy 1.19.5. That anndata does not read the bundled file, so h5py does.
"""

import json
import os
import platform
import sys
import tempfile

os.environ["CELLTYPIST_FOLDER"] = tempfile.mkdtemp()

import anndata
import celltypist
import h5py
import numpy as np
import pandas as pd
import scanpy as sc
import scipy.sparse
import sklearn

EVERY_CELL = 24


def read_counts(path):
    with h5py.File(path, "r") as file:
        x = file["X"]
        matrix = scipy.sparse.csr_matrix(
            (x["data"][:].astype(np.float32), x["indices"][:], x["indptr"][:]), x.attrs["shape"])
        names = [[text.decode() for text in file[group]["_index"][:]] for group in ("obs", "var")]
        labels = file["obs/louvain"]
        types = [text.decode() for text in labels["categories"][:]]
        labels = np.array([types[code] for code in labels["codes"][:]])
    cells = anndata.AnnData(matrix, pd.DataFrame(index=names[0]), pd.DataFrame(index=names[1]))
    sc.pp.normalize_total(cells, target_sum=1e4)
    sc.pp.log1p(cells)
    return cells, labels


def main():
    cells, labels = read_counts(sys.argv[1])
    folder = sys.argv[2] if len(sys.argv) > 2 else os.path.dirname(os.path.abspath(__file__))
    spread = np.stack([np.asarray(cells.X[labels == t].mean(axis=0)).ravel()
                       for t in np.unique(labels)]).std(axis=0)
    chosen = np.sort(np.argsort(-spread, kind="stable")[:80])
    few = cells[:, chosen].copy()
    query = cells[::EVERY_CELL].copy()
    runs = []
    for name, options in [("old_logistic", {"C": 0.02}),
                          ("old_sgd", {"use_SGD": True, "alpha": 0.05, "random_state": 0})]:
        np.random.seed(0)
        # it asks for 10 000 counts among the genes given: say so of one cell only
        checked = few.copy()
        first = np.asarray(checked.X[0].todense()).ravel()
        first[-1] = np.log1p(10000 - np.expm1(np.delete(first, -1)).sum())
        checked.X = scipy.sparse.vstack([scipy.sparse.csr_matrix(first), checked.X[1:]]).tocsr()
        model = celltypist.train(checked, labels=labels, n_jobs=1, date="2000-01-01 00:00:00",
                                 **options)
        model.write(os.path.join(folder, f"{name}.pkl"))
        result = celltypist.annotate(query.copy(), model=model)
        runs.append({
            "model": name,
            "query": "all",
            "n_genes_matched": 80,
            "cell_types": model.cell_types.tolist(),
            "labels": result.predicted_labels["predicted_labels"].astype(str).tolist(),
            "probabilities": [[float(f"{p:.7g}") for p in row]
                              for row in result.probability_matrix.to_numpy()],
        })
    content = {
        "versions": {
            "python": platform.python_version(),
            "celltypist": celltypist.__version__,
            "scikit-learn": sklearn.__version__,
            "numpy": np.__version__,
            "scipy": scipy.__version__,
            "pandas": pd.__version__,
            "anndata": anndata.__version__,
            "scanpy": sc.__version__,
        },
        "every_cell": EVERY_CELL,
        "runs": runs,
    }
    with open(os.path.join(folder, "expected_old.json"), "w", encoding="ascii") as file:
        json.dump(content, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
