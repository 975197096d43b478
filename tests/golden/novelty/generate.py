"""Writes expected.json: distances of cells from the types by NumPy alone.

    python generate.py [expected.json]

The squared Mahalanobis distance of logits to the nearest mean; all types share one covariance, of
which a tenth is replaced by its mean variance on the diagonal. Quantiles are NumPy's own.
"""

import json
import pathlib
import platform
import sys

import numpy as np

N_CELLS, N_TYPES, N_TRAINING = 90, 4, 60
SHRINKAGE = 0.1


def main():
    target = sys.argv[1] if len(sys.argv) > 1 else "expected.json"
    rng = np.random.default_rng(8)
    labels = np.arange(N_CELLS) % N_TYPES
    mix = rng.normal(size=(N_TYPES, N_TYPES))
    logits = (6 * np.eye(N_TYPES)[labels] + rng.normal(size=(N_CELLS, N_TYPES)) @ mix)
    logits = logits.astype(np.float32)
    x = logits.astype(np.float64)
    training = x[:N_TRAINING]
    means = np.stack([training[labels[:N_TRAINING] == t].mean(axis=0) for t in range(N_TYPES)])
    rest = training - means[labels[:N_TRAINING]]
    covariance = rest.T @ rest / N_TRAINING
    variance = np.trace(covariance) / N_TYPES
    precision = np.linalg.inv((1 - SHRINKAGE) * covariance
                              + SHRINKAGE * variance * np.eye(N_TYPES))
    away = x[:, None, :] - means[None, :, :]
    distances = np.einsum("nti,ij,ntj->nt", away, precision, away).min(axis=1)
    held_out = distances[N_TRAINING:]
    content = {
        "versions": {"python": platform.python_version(), "numpy": np.__version__},
        "n_training": N_TRAINING,
        "labels": labels.tolist(),
        "logits": [[float(v) for v in row] for row in logits],
        "means": means.tolist(),
        "precision": precision.tolist(),
        "distances": distances.tolist(),
        "quantiles": {str(q): float(np.quantile(held_out, q))
                      for q in (0, 0.001, 0.25, 0.5, 0.99, 0.995, 1)},
    }
    text = json.dumps(content, separators=(",", ":"))
    pathlib.Path(target).write_text(text.replace('],"', '],\n"') + "\n")


if __name__ == "__main__":
    main()
