"""What the Python methods do to counts before they learn: the field's usual steps."""

import anndata
import numpy as np
import scanpy as sc

TARGET_SUM = 1e4


def are_counts(cells):
    """Whether X holds whole numbers, judged by its first 100 000 stored values."""
    values = cells.X.data[:100000]
    return bool(np.all(values == np.round(values)))


def read_pair(train_path, test_path, min_cells=3):
    """Both sets on the genes they share that at least min_cells training cells express."""
    train, test = anndata.read_h5ad(train_path), anndata.read_h5ad(test_path)
    genes = train.var_names[np.asarray((train.X > 0).sum(axis=0)).ravel() >= min_cells]
    genes = genes[genes.isin(test.var_names)]
    return train[:, genes].copy(), test[:, genes].copy()


def log_normalise(cells):
    """log1p of counts per 10 000, in place; values that are no counts are logarithms already."""
    if are_counts(cells):
        sc.pp.normalize_total(cells, target_sum=TARGET_SUM)
        sc.pp.log1p(cells)


def variable_genes(train, n_genes):
    """Names of the n_genes most variable genes of the training counts (Seurat v3's ranking)."""
    if train.n_vars <= n_genes or not are_counts(train):
        return train.var_names
    chosen = sc.pp.highly_variable_genes(train, flavor="seurat_v3", n_top_genes=n_genes,
                                         inplace=False)
    return train.var_names[chosen["highly_variable"].to_numpy()]


def labels_of(cells):
    return cells.obs["cell_type"].astype(str).to_numpy()


def probable(probabilities, types):
    """The parts of a result that follow from probabilities: novelty is 1 - the highest."""
    types = np.asarray(types, dtype=str)
    return {"labels": types[np.argmax(probabilities, axis=1)], "types": types,
            "probabilities": probabilities, "novelty": 1 - probabilities.max(axis=1),
            "assigned": None}
