"""CellTypist as its tutorial uses it: train() and annotate() with their defaults.

log1p(CP10k) over all genes of each file, as its check of the input wants; the check is off only for
log values that no counts come with. Its probabilities are one sigmoid per type and do not sum to 1;
the novelty score is 1 - its conf_score. "best match", the default, rejects nothing.
"""

import time

import anndata
import celltypist
import numpy as np

from methods.preparation import are_counts, labels_of, log_normalise, probable


def fit_predict(train_path, test_path, seed):
    np.random.seed(seed)
    start = time.perf_counter()
    train, test = anndata.read_h5ad(train_path), anndata.read_h5ad(test_path)
    check = are_counts(train)
    log_normalise(train)
    log_normalise(test)
    model = celltypist.train(train, labels=labels_of(train), check_expression=check)
    annotation = celltypist.annotate(test, model=model)
    sigmoids = annotation.probability_matrix
    result = probable(sigmoids.to_numpy(), sigmoids.columns)
    result["labels"] = annotation.predicted_labels["predicted_labels"].to_numpy(dtype=str)
    result["seconds"] = time.perf_counter() - start
    return result
