"""SingleR (singler), the cells of the reference normalised by scranpy.

Markers between pairs of types by AUC, as its manual advises where the reference is single cells;
the rest are its defaults. It has scores and no probabilities. Novelty is minus the difference of
the best score and the median score of the cell; rejected is what R's pruneScores() prunes by
default: a difference more than 3 median absolute deviations below the median of its label.
"""

import os
import time

import anndata
import numpy as np
import scranpy
import singler

from methods.preparation import are_counts, labels_of

N_MADS = 3
# R's mad(): makes it the standard deviation of a normal distribution.
MAD_SCALE = 1.4826


def kept_by_pruning(labels, difference):
    assigned = np.ones(len(labels), dtype=bool)
    for name in np.unique(labels):
        own = labels == name
        median = np.median(difference[own])
        spread = MAD_SCALE * np.median(np.abs(difference[own] - median))
        assigned[own] = difference[own] >= median - N_MADS * spread
    return assigned


def fit_predict(train_path, test_path, seed):
    del seed  # nothing in it is random
    threads = int(os.environ.get("OMP_NUM_THREADS", "1"))
    start = time.perf_counter()
    train, test = anndata.read_h5ad(train_path), anndata.read_h5ad(test_path)
    reference, query = train.X.T.tocsc(), test.X.T.tocsc()
    # PBMC68k's rows are not sorted by gene, and singler refuses columns that are not.
    reference.sort_indices()
    query.sort_indices()
    if are_counts(train):
        totals = np.asarray(reference.sum(axis=0)).ravel()
        reference = scranpy.normalize_counts(reference, scranpy.center_size_factors(totals))
    built = singler.train_single(
        reference, labels_of(train).tolist(), train.var_names.tolist(),
        test_features=test.var_names.tolist(), marker_method="auc", num_threads=threads)
    result = singler.classify_single(query, built, num_threads=threads)
    names = [str(name) for name in result["scores"].get_column_names()]
    scores = np.column_stack([np.asarray(result["scores"][name]) for name in names])
    labels = np.asarray(list(result["best"]), dtype=str)
    chosen = scores[np.arange(len(labels)), [names.index(name) for name in labels]]
    difference = chosen - np.median(scores, axis=1)
    return {"labels": labels, "types": None, "probabilities": None, "novelty": -difference,
            "assigned": kept_by_pruning(labels, difference),
            "seconds": time.perf_counter() - start}
