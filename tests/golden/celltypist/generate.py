"""Trains small models with CellTypist on PBMC3K and writes what CellTypist predicts with them.

    pip install celltypist==1.7.1 'scikit-learn<1.7'    (celltypist.train fails with newer ones)
    python generate.py data/pbmc3k.h5ad [FOLDER]

Writes models (*.pkl, as celltypist.models.Model.write leaves them) and expected.json into FOLDER
(default: beside this script): for every model, and for a sample of cells, the labels and
probabilities of celltypist.annotate. The versions that made the files are in expected.json; others
give other models, which must pass as well.
"""

import json
import os
import pickle
import platform
import sys
import tempfile

os.environ["CELLTYPIST_FOLDER"] = tempfile.mkdtemp()  # its default is a folder in the user's home

import anndata
import celltypist
import numpy as np
import pandas as pd
import scanpy as sc
import scipy
import sklearn

DATE = "2000-01-01 00:00:00"  # the same run gives the same bytes
N_GENES = 240
EVERY_CELL = 24  # the cells that are predicted: 0, 24, 48, ...


def log_normalised(counts):
    """log1p of counts per 10 000 over all genes of the object."""
    cells = counts.copy()
    sc.pp.normalize_total(cells, target_sum=1e4)
    sc.pp.log1p(cells)
    return cells


def training_genes(cells, types):
    """Genes that tell types apart and rarely expressed ones, whose z-scores pass 10."""
    n_cells = np.asarray((cells.X > 0).sum(axis=0)).ravel()
    means = np.stack([np.asarray(cells.X[(types == t).to_numpy()].mean(axis=0)).ravel()
                      for t in types.cat.categories])
    spread = np.where(n_cells >= 20, means.std(axis=0), 0)
    marked = np.argsort(-spread, kind="stable")[: N_GENES * 3 // 4]
    rare = np.flatnonzero((n_cells >= 3) & (n_cells < 12))
    rare = np.random.default_rng(1).choice(rare, N_GENES - len(marked), replace=False)
    return np.sort(np.concatenate([marked, rare]))


def train(cells, labels, **options):
    """A model; the cells are normalised over more genes than it is given."""
    np.random.seed(0)
    return celltypist.train(cells, labels=labels, check_expression=False, date=DATE, n_jobs=1,
                            version="v1", source="PBMC3K", **options)


def make_models(cells):
    """(name, model) of every kind of model that CellTypist writes."""
    types = cells.obs["louvain"].astype("category")
    labels = types.astype(str).to_numpy()
    cells = cells[:, training_genes(cells, types)].copy()
    yield "logistic", train(cells, labels, C=0.02, details="one against the rest")
    is_pair = np.isin(labels, ["B cells", "NK cells"])
    pair = cells[is_pair][:, :80].copy()
    yield "two_types", train(pair, labels[is_pair], C=0.02)
    yield "sgd", train(cells, labels, use_SGD=True, alpha=0.05, random_state=0,
                       feature_selection=True, top_genes=20)
    # CellTypist's own alpha: weights so large that most sigmoids are rounded to 0 or 1
    yield "sgd_large", train(cells, labels, use_SGD=True, random_state=0)
    yield "without_mean", train(cells, labels, C=0.02, with_mean=False)
    dense = anndata.AnnData(cells.X.toarray().astype(np.float64), cells.obs, cells.var)
    codes = np.asarray(types.cat.codes)
    yield "numbered_types", train(dense, codes, C=0.02, solver="liblinear")
    kept = train(cells, labels, C=0.02)
    kept.subset(keep_cell_types=["B cells", "NK cells", "Megakaryocytes"])
    kept.description["date"] = DATE
    yield "three_kept", kept
    converted = train(cells, labels, C=0.02)
    with tempfile.TemporaryDirectory() as folder:
        table = os.path.join(folder, "ids.csv")
        pd.DataFrame({"a": cells.var_names, "b": cells.var["gene_ids"]}).iloc[:-20].to_csv(
            table, header=False, index=False)
        converted.convert(table)
    converted.description["date"] = DATE
    yield "converted", converted


def make_queries(counts):
    """(name, how it differs from the bundled file, query)."""
    yield "all", log_normalised(counts)
    yield "even_genes", log_normalised(counts[:, ::2])
    renamed = counts.copy()
    renamed.var_names = renamed.var["gene_ids"]
    yield "gene_ids", log_normalised(renamed)


def count_cut(model, query):
    """z-scores that the cut at 10 changes."""
    genes = [g for g in model.features if g in query.var_names]
    at = pd.Index(model.features).get_indexer(genes)
    x = query[:, genes].X.toarray()
    mean = model.scaler.mean_[at] if model.scaler.with_mean else 0
    return int(((x - mean) / model.scaler.scale_[at] > 10).sum())


def main():
    counts = anndata.read_h5ad(sys.argv[1])
    folder = sys.argv[2] if len(sys.argv) > 2 else os.path.dirname(os.path.abspath(__file__))
    counts.X = counts.X.astype(np.float32)
    queries = {name: query[::EVERY_CELL].copy() for name, query in make_queries(counts)}
    runs = []
    for name, model in make_models(log_normalised(counts)):
        path = os.path.join(folder, f"{name}.pkl")
        model.write(path)
        loaded = celltypist.models.Model.load(path)
        # 'all' has every gene of every model but the converted one, which has ids
        for query_name in ["gene_ids"] if name == "converted" else ["all", "even_genes"]:
            query = queries[query_name]
            given = query.copy()
            if not loaded.scaler.with_mean:
                given.X = given.X.toarray()  # CellTypist 1.7.1 stops on sparse cells here
            result = celltypist.annotate(given, model=loaded)
            runs.append({
                "model": name,
                "query": query_name,
                "n_genes_matched": int(np.isin(loaded.features, query.var_names).sum()),
                "n_cut": count_cut(loaded, query),
                "cell_types": [str(t) for t in loaded.cell_types],
                "labels": result.predicted_labels["predicted_labels"].astype(str).tolist(),
                "probabilities": [[float(f"{p:.7g}") for p in row]
                                  for row in result.probability_matrix.to_numpy()],
            })
        if name == "two_types":
            for protocol in (0, 1, 2, 3, 5):
                with open(os.path.join(folder, f"two_types_protocol_{protocol}.pkl"), "wb") as file:
                    pickle.dump(dict(Model=model.classifier, Scaler_=model.scaler,
                                     description=model.description), file, protocol=protocol)
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
    with open(os.path.join(folder, "expected.json"), "w", encoding="ascii") as file:
        json.dump(content, file, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
