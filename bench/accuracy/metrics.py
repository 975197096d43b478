"""The numbers of the table, from the labels and probabilities of one run."""

import numpy as np
from sklearn.metrics import f1_score, roc_auc_score

N_BINS = 15
N_RESAMPLES = 200
# What the probability of the true type counts at least: float32's smallest step at one.
MIN_PROBABILITY = 2.0**-24
UNASSIGNED = "unassigned"


def f1_per_type(truth, labels):
    """F1 of each type that the truth has; labels beyond those count as errors only."""
    return f1_score(truth, labels, labels=np.unique(truth), average=None, zero_division=0)


def ece(confidence, is_right):
    """Expected calibration error: 15 bins of equal width over the confidence."""
    bins = np.minimum((confidence * N_BINS).astype(int), N_BINS - 1)
    gap = np.bincount(bins, is_right - confidence, minlength=N_BINS)
    return float(np.abs(gap).sum() / len(confidence))


def calibrated_ece(confidence):
    """Mean ECE of cells whose label is right with exactly the probability that is stated."""
    generator = np.random.default_rng(0)
    return float(np.mean([ece(confidence, generator.random(len(confidence)) < confidence)
                          for _ in range(N_RESAMPLES)]))


def nll(truth, types, probabilities):
    """Mean -log of the true type's share of the probabilities; a type unknown to it has none."""
    columns = {name: i for i, name in enumerate(types)}
    shares = probabilities / np.maximum(probabilities.sum(axis=1, keepdims=True), MIN_PROBABILITY)
    own = np.array([shares[i, columns[name]] if name in columns else 0.0
                    for i, name in enumerate(truth)])
    return float(-np.log(np.maximum(own, MIN_PROBABILITY)).mean())


def confidences(arrays):
    """Highest probability of each cell, as the method reports it."""
    return np.clip(arrays["probabilities"].max(axis=1).astype(float), 0, 1)


def of_labels(truth, arrays):
    """The numbers of a run whose training set had every type; what cannot be had is absent."""
    labels = arrays["labels"]
    per_type = f1_per_type(truth, labels)
    numbers = {"accuracy": 100 * np.mean(labels == truth), "macro_f1": 100 * per_type.mean(),
               "median_f1": 100 * np.median(per_type), "unassigned": 0.0,
               "macro_f1_rejecting": 100 * per_type.mean()}
    if "assigned" in arrays:
        kept = arrays["assigned"].astype(bool)
        numbers["unassigned"] = 100 * np.mean(~kept)
        numbers["macro_f1_rejecting"] = 100 * f1_per_type(
            truth, np.where(kept, labels, UNASSIGNED)).mean()
    if "probabilities" in arrays:
        numbers["ece"] = ece(confidences(arrays), (labels == truth).astype(float))
        numbers["nll"] = nll(truth, arrays["types"], arrays["probabilities"])
    return numbers


def of_unseen(truth, arrays, unseen):
    """How well novelty tells the cells of a type that training lacked, and 1 - the highest
    probability in its place, and how many cells the method rejects."""
    is_new = truth == unseen
    if "novelty" not in arrays or is_new.all() or not is_new.any():
        return {}
    numbers = {"auroc": roc_auc_score(is_new, arrays["novelty"]), "unseen_rejected": 0.0,
               "known_rejected": 0.0}
    if "probabilities" in arrays:
        numbers["auroc_of_confidence"] = roc_auc_score(is_new, 1 - confidences(arrays))
    if "assigned" in arrays:
        rejected = ~arrays["assigned"].astype(bool)
        numbers["unseen_rejected"] = 100 * rejected[is_new].mean()
        numbers["known_rejected"] = 100 * rejected[~is_new].mean()
    return numbers
