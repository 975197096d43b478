"""Writes expected.json: principal axes, and distances of cells from the types, by NumPy alone.

    python generate.py [expected.json]

Cells are a mixture of one normal distribution a type over scores on principal axes and logits; all
share one covariance, of which a tenth beside the diagonal is left out. For cells that lack genes
the distributions of all genes are written out, cut to the genes that are there and projected.
Quantiles are NumPy's own.
"""

import json
import pathlib
import platform
import sys

import numpy as np

N_CELLS, N_TYPES, N_TRAINING, N_GENES, N_AXES = 90, 4, 60, 12, 3
SHRINKAGE = 0.1
MISSING = [1, 4, 5, 9]


def mixture_distances(x, means, covariance, shares):
    kept = (1 - SHRINKAGE) * covariance + SHRINKAGE * np.diag(np.diag(covariance))
    away = x[:, None, :] - means[None, :, :]
    squares = np.einsum("nti,ij,ntj->nt", away, np.linalg.inv(kept), away)
    return -2 * np.log((shares * np.exp(-squares / 2)).sum(axis=1))


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

    # The same cells without some genes, which then have their training means.
    without = x.copy()
    without[:, MISSING] = center[MISSING]
    there = np.setdiff1d(np.arange(N_GENES), MISSING)
    values, vectors = np.linalg.eigh(covariance[:N_AXES, :N_AXES] - v.T @ np.diag(residual) @ v)
    of_axes = vectors @ np.diag(np.maximum(values, 0)) @ vectors.T
    all_genes = v @ of_axes @ v.T + np.diag(residual)
    both = np.hstack([v, w])
    missing_covariance = both[there].T @ all_genes[np.ix_(there, there)] @ both[there]
    type_genes = means[:, :N_AXES] @ v.T  # about the mean cell
    missing_means = means - type_genes[:, MISSING] @ both[MISSING]
    missing_scores = ((without - center) @ v).astype(np.float32)
    missing_logits = (without @ w).astype(np.float32)
    missing_distances = mixture_distances(
        np.hstack([missing_scores, missing_logits]).astype(np.float64), missing_means,
        missing_covariance, shares)

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
        "distances": distances,
        "quantiles": {str(q): float(np.quantile(distances[N_TRAINING:], q))
                      for q in (0, 0.001, 0.25, 0.5, 0.99, 0.995, 1)},
        "missing": {"genes": MISSING, "scores": missing_scores, "logits": missing_logits,
                    "means": missing_means, "covariance": missing_covariance,
                    "distances": missing_distances},
    }
    text = json.dumps(content, separators=(",", ":"), default=lambda array: array.tolist())
    pathlib.Path(target).write_text(text.replace('],"', '],\n"') + "\n")


if __name__ == "__main__":
    main()
