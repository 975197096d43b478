"""Writes expected.json: what scikit-learn's LogisticRegression makes of a small sparse problem.

    python generate.py [expected.json]

120 cells x 25 genes, 4 types of unequal size, about 35 % of the values stored. Three fits: plain,
with weights n_k^-1 scaled to a mean of 1 ("balanced"), and of the centred values x - shift. The
solver is Newton's, run until its gradient is below 1e-12, so that the fits are the minimum itself.
"""

import json
import pathlib
import platform
import sys

import numpy as np
import sklearn
from sklearn.linear_model import LogisticRegression

N_CELLS, N_GENES, N_TYPES = 120, 25, 4
N_TRAINING = 100  # the others are only judged


def fit(x, labels, weights, c):
    model = LogisticRegression(C=c, solver="newton-cg", tol=1e-12, max_iter=100000)
    model.fit(x[:N_TRAINING], labels[:N_TRAINING], sample_weight=weights[:N_TRAINING])
    return {
        "c": c,
        "weights": weights.tolist(),
        "coefficients": model.coef_.tolist(),  # (types, genes)
        "intercepts": (model.intercept_ - model.intercept_.mean()).tolist(),
        "probabilities": model.predict_proba(x).tolist(),
    }


def main():
    target = sys.argv[1] if len(sys.argv) > 1 else "expected.json"
    rng = np.random.default_rng(3)
    labels = rng.choice(N_TYPES, N_CELLS, p=[0.5, 0.3, 0.15, 0.05])
    labels[:N_TYPES] = np.arange(N_TYPES)
    is_marker = np.arange(N_GENES)[None, :] // 5 == labels[:, None]
    is_stored = rng.random((N_CELLS, N_GENES)) < np.where(is_marker, 0.6, 0.3)
    height = np.round(rng.gamma(2.0, 1.0, (N_CELLS, N_GENES)) + is_marker, 2)
    values = np.where(is_stored, height, 0).astype(np.float32)
    shift = np.round(rng.random(N_GENES), 3).astype(np.float32)
    x = values.astype(np.float64)
    n_cells = np.bincount(labels[:N_TRAINING], minlength=N_TYPES)
    balanced = 1.0 / n_cells[labels]
    balanced = (balanced / balanced[:N_TRAINING].mean()).astype(np.float32).astype(np.float64)
    ones = np.ones(N_CELLS)
    rows, columns = np.nonzero(values)
    content = {
        "versions": {"python": platform.python_version(), "scikit-learn": sklearn.__version__,
                     "numpy": np.__version__},
        "n_training": N_TRAINING,
        "labels": labels.tolist(),
        "row_start": [0] + np.cumsum(np.bincount(rows, minlength=N_CELLS)).tolist(),
        "columns": columns.tolist(),
        "values": [float(v) for v in values[rows, columns]],
        "shift": [float(v) for v in shift],
        "fits": {
            "plain": fit(x, labels, ones, 1.0),
            "balanced": fit(x, labels, balanced, 0.1),
            "centred": fit(x - shift.astype(np.float64), labels, ones, 0.1),
        },
    }
    text = json.dumps(content, separators=(",", ":"))
    pathlib.Path(target).write_text(text.replace('],"', '],\n"') + "\n")


if __name__ == "__main__":
    main()
