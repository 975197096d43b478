"""Writes expected.json: principal axes, and distances of cells from the types, by NumPy alone.

    python generate.py [expected.json]

Cells are a mixture of one normal distribution a type over scores on principal axes and logits; all
share one covariance, of which a tenth beside the diagonal is left out. For cells that lack genes
the normal distributions of all genes are written out: conditioned on the genes that are there for
what is to be expected of the others, cut to them and projected for the coordinates. Quantiles are
NumPy's own. Cells of two groups that lack different genes: each type's mean features over the cells that have
them, and least squares for the covariance of the scores, whose normal equations are written out with
Kronecker products. A model with misfits weighs the mixture against an unseen type: the type's mean is a
normal variable with the known means' covariance, shrunken; the misfit is 1 - the highest cosine to
a type's mean cell as the axes keep it, less a straight line in ln(expressed features).
"""

import json
import pathlib
import platform
import sys

import numpy as np

N_CELLS, N_TYPES, N_TRAINING, N_GENES, N_AXES = 90, 4, 60, 12, 3
SHRINKAGE = 0.1
MISSING = [1, 4, 5, 9]
SMALLEST_SHARE = 0.01  # of the mean residual variance
UNSEEN_DEGREES, UNSEEN_MISFIT = 2, 1.5
GROUPS_LACK = [[1, 4], [0, 9, 10]]
RIDGE, ROUNDS = 1e-4, 5


def mixture_distances(x, means, covariance, shares):
    kept = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.diag(np.diag(covariance))
    away = x[:, None, :] - means[None, :, :]
    squares = np.einsum("nti,ij,ntj->nt", away, np.linalg.inv(kept), away)
    return -2 * np.log((shares * np.exp(-squares / 2)).sum(axis=1))


def against_unseen_type(x, means, covariance, shares, misfits):
    """2 ln(1 + exp(t / 2)), t = S + distance to the known - distance to an unseen type + 3 misfits."""
    size = len(covariance)
    kept = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.diag(np.diag(covariance))
    center = means.mean(axis=0)
    between = np.cov(means.T)
    likeness = np.trace(np.linalg.inv(kept) @ between) / size
    degrees = len(means) - 1
    shrunken = (degrees * between + UNSEEN_DEGREES * likeness * kept) / (degrees + UNSEEN_DEGREES)
    away = x - center
    unseen = np.einsum("ni,ij,nj->n", away, np.linalg.inv(kept + shrunken), away)
    total = (size + mixture_distances(x, means, covariance, shares) - unseen
             + 2 * UNSEEN_MISFIT * misfits)
    return 2 * np.log1p(np.exp(total / 2))


def raw_misfits(x, profiles):
    lengths = np.linalg.norm(x, axis=1)[:, None] * np.linalg.norm(profiles, axis=1)
    return 1 - (x @ profiles.T / lengths).max(axis=1)


def log_expressed(x):
    return np.log((x != 0).sum(axis=1))


def line_without_genes(line, profiles, variance, center, shares):
    """Intercept, slope and deviation for cells that lack genes."""
    there = np.setdiff1d(np.arange(N_GENES), MISSING)

    def expected(genes):
        squares = (profiles[:, genes] ** 2).sum(axis=1)
        return 1 - np.sqrt(squares / (squares + variance[genes].sum()))

    stretch = shares @ (expected(np.arange(N_GENES)) / expected(there))
    fewer = np.log(center[there].sum() / center.sum())
    return np.array([line[0] - line[1] * fewer, line[1], line[2]]) / stretch


def without_genes(x, center, v, w, means, covariance, residual, shares):
    """The same cells without some genes: what is expected of them by the normal distribution of all
    genes, and the distributions of the coordinates."""
    scores_covariance = covariance[:N_AXES, :N_AXES]
    factors = nothing_below_zero(scores_covariance - v.T @ np.diag(residual) @ v)
    score_means = means[:, :N_AXES]
    away = score_means - shares @ score_means
    between = away.T @ np.diag(shares) @ away
    own = np.maximum(residual, SMALLEST_SHARE * residual.mean())
    genes = v @ (factors + between) @ v.T + np.diag(own)
    there = np.setdiff1d(np.arange(N_GENES), MISSING)
    slopes = np.linalg.solve(genes[np.ix_(there, there)], genes[np.ix_(there, MISSING)])
    completed = x.copy()
    completed[:, MISSING] = center[MISSING] + (x - center)[:, there] @ slopes

    # What the genes that are there do to scores (missing genes at their means) and logits.
    both = np.hstack([v[there], w[there] + slopes @ w[MISSING]])
    within = within_types(v, factors, residual)
    missing_covariance = both.T @ within[np.ix_(there, there)] @ both
    of_types = score_means @ v.T  # genes about the mean cell
    missing_means = means - of_types @ np.hstack([v, w]) + of_types[:, there] @ both
    coordinates = np.hstack([(x - center)[:, there] @ v[there], completed @ w])
    return {"genes": MISSING, "scores": coordinates[:, :N_AXES], "logits": coordinates[:, N_AXES:],
            "means": missing_means, "covariance": missing_covariance,
            "distances": mixture_distances(coordinates, missing_means, missing_covariance, shares)}


def within_types(v, factors, residual):
    return v @ factors @ v.T + np.diag(residual)


def nothing_below_zero(symmetric):
    values, vectors = np.linalg.eigh(symmetric)
    return vectors @ np.diag(np.maximum(values, 0)) @ vectors.T


def group_of_cells(labels):
    """Every other four cells; the last type's are all of the second group."""
    return np.where(labels == N_TYPES - 1, 1, np.arange(len(labels)) // N_TYPES % 2)


def fit_groups(x, scores, labels, v, variance, center):
    """Mean features of each type's whole cells and the covariance of their scores, of the groups'."""
    of_cells = group_of_cells(labels)
    groups = []
    for group, lacks in enumerate(GROUPS_LACK):
        there = v.copy()
        there[lacks] = 0
        groups.append((of_cells == group, there, there.T @ there))
    has_gene = np.ones((len(labels), N_GENES), dtype=bool)
    for group, lacks in enumerate(GROUPS_LACK):
        has_gene[np.ix_(of_cells == group, lacks)] = False
    of_genes = np.empty((N_TYPES, N_GENES))
    for of_type in range(N_TYPES):
        n_cells = has_gene[labels == of_type].sum(axis=0)
        known = n_cells > 0
        sums = np.where(has_gene, x, 0)[labels == of_type].sum(axis=0)
        of_genes[of_type, known] = sums[known] / n_cells[known]
        away = of_genes[of_type, known] - center[known]
        factors = np.linalg.solve(v[known].T @ v[known] + RIDGE * np.eye(N_AXES),
                                  v[known].T @ away)
        of_genes[of_type, ~known] = center[~known] + v[~known] @ factors
    away = of_genes - center
    residual = variance
    for _ in range(ROUNDS):
        left, right = np.zeros((N_AXES ** 2, N_AXES ** 2)), np.zeros((N_AXES, N_AXES))
        for cells, there, seen in groups:
            rest = scores[cells] - away[labels[cells]] @ there
            added = there.T @ np.diag(residual) @ there
            left += cells.sum() * np.kron(seen @ seen, seen @ seen)
            right += seen @ (rest.T @ rest - cells.sum() * added) @ seen
        left += RIDGE * len(labels) * np.eye(N_AXES ** 2)
        factors = np.linalg.solve(left, right.ravel()).reshape(N_AXES, N_AXES)
        covariance = nothing_below_zero((factors + factors.T) / 2) + v.T @ np.diag(residual) @ v
        residual = np.maximum(0, variance - np.diag(v @ covariance @ v.T))
    return {"lack": GROUPS_LACK, "of_cells": of_cells, "type_means": of_genes, "means": away @ v,
            "covariance": covariance}


def main():
    target = sys.argv[1] if len(sys.argv) > 1 else "expected.json"
    rng = np.random.default_rng(8)
    labels = np.arange(N_CELLS) % N_TYPES
    level = rng.uniform(0, 2, size=(N_TYPES, N_GENES)) * (rng.random((N_TYPES, N_GENES)) < 0.6)
    features = level[labels] + rng.normal(scale=0.5, size=(N_CELLS, N_GENES))
    features = np.maximum(features, 0).astype(np.float32)
    x = features.astype(np.float64)
    training, of_training = x[:N_TRAINING], labels[:N_TRAINING]
    center = training.mean(axis=0)
    axes = np.linalg.svd(training - center, full_matrices=False)[2][:N_AXES].T
    axes *= np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(N_AXES)])
    axes = axes.astype(np.float32)
    weights = rng.normal(size=(N_GENES, N_TYPES)).astype(np.float32)
    v, w = axes.astype(np.float64), weights.astype(np.float64)
    scores = ((x - center) @ v).astype(np.float32)
    logits = (x @ w).astype(np.float32)

    coordinates = np.hstack([scores, logits]).astype(np.float64)
    shares = np.bincount(of_training) / N_TRAINING
    means = np.stack([coordinates[:N_TRAINING][of_training == t].mean(axis=0)
                      for t in range(N_TYPES)])
    rest = coordinates[:N_TRAINING] - means[of_training]
    covariance = rest.T @ rest / N_TRAINING
    of_genes = np.stack([training[of_training == t].mean(axis=0) for t in range(N_TYPES)])
    explained = v @ covariance[:N_AXES, :N_AXES] @ v.T
    variance = ((training - of_genes[of_training]) ** 2).mean(axis=0)
    residual = np.maximum(0, variance - np.diag(explained))
    distances = mixture_distances(coordinates, means, covariance, shares)

    profiles = center + means[:, :N_AXES] @ v.T
    raw = raw_misfits(x, profiles)
    slope, intercept = np.polyfit(log_expressed(training), raw[:N_TRAINING], 1)
    rest = raw[:N_TRAINING] - intercept - slope * log_expressed(training)
    line = np.array([intercept, slope, np.sqrt((rest ** 2).mean())])
    misfits = (raw - intercept - slope * log_expressed(x)) / line[2]

    missing = without_genes(x, center, v, w, means, covariance, residual, shares)
    there = np.setdiff1d(np.arange(N_GENES), MISSING)
    missing["misfit"] = line_without_genes(line, profiles, variance, center, shares)
    missing["misfits"] = ((raw_misfits(x[:, there], profiles[:, there]) - missing["misfit"][0]
                           - missing["misfit"][1] * log_expressed(x[:, there]))
                          / missing["misfit"][2])

    factors = nothing_below_zero(covariance[:N_AXES, :N_AXES] - v.T @ np.diag(residual) @ v)
    of_coordinates = np.hstack([v, w])
    factor_covariance = of_coordinates.T @ within_types(v, factors, residual) @ of_coordinates

    content = {
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "n_training": N_TRAINING,
        "labels": labels,
        "features": features,
        "center": center,
        "axes": axes,
        "weights": weights,
        "scores": scores,
        "logits": logits,
        "type_shares": shares,
        "means": means,
        "covariance": covariance,
        "feature_variance": variance,
        "factor_covariance": factor_covariance,
        "groups": fit_groups(training, scores[:N_TRAINING].astype(np.float64), of_training, v,
                             variance, center),
        "distances": distances,
        "misfit": line,
        "misfits": misfits,
        "against_unseen": against_unseen_type(coordinates, means, covariance, shares, misfits),
        "quantiles": {str(q): float(np.quantile(distances[N_TRAINING:], q))
                      for q in (0, 0.001, 0.25, 0.5, 0.99, 0.995, 1)},
        "missing": missing,
    }
    text = json.dumps(content, separators=(",", ":"), default=lambda array: array.tolist())
    pathlib.Path(target).write_text(text.replace('],"', '],\n"') + "\n")


if __name__ == "__main__":
    main()
