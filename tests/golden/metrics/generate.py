"""Makes the fixtures of evaluate(): predictions, and what scikit-learn and NumPy say of them.

usage: generate.py inputs     writes inputs.json (seeded)
       generate.py expected   writes expected_sklearn-VERSION.json for the scikit-learn that runs

Accuracy, precision, recall, F1, confusion and log loss come from scikit-learn; Brier score and
calibration error from the plain NumPy below. Made with the versions named in each file. Rows are
normalised in float64 first: scikit-learn 1.2 divides by the row's sum after cutting, newer ones do
not divide at all; of normalised rows both say the same.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent


def softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))
    return e / e.sum(axis=1, keepdims=True)


def make_case(rng, n_cells, n_types, noise, types_in_truth, n_unknown):
    """Softmax rows in float32 with labels; -1 is a label that the model lacks."""
    truth = rng.choice(types_in_truth, size=n_cells)
    logits = noise * rng.normal(size=(n_cells, n_types))
    logits[np.arange(n_cells), truth] += 2.0
    logits[:, -1] -= 50.0  # the last type is never predicted
    truth[rng.choice(n_cells, size=n_unknown, replace=False)] = -1
    return {"truth": truth.tolist(),
            "probabilities": softmax(logits).astype(np.float32).astype(float).tolist()}


def make_extremes():
    """Exact zeros and ones, ties, and confidences on the borders of the 15 bins."""
    rows, truth = [], []
    for i in range(1, 15):
        for label in range(3):
            rows.append([i / 15, 1 - i / 15, 0.0])
            truth.append(label)
    rows += [[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.25, 0.25, 0.5],
             [1e-30, 1.0, 0.0], [1 / 3, 1 / 3, 1 / 3]]
    truth += [0, 0, 1, 2, 0, 2]
    return {"truth": truth,
            "probabilities": np.array(rows, dtype=np.float32).astype(float).tolist()}


def write(name, content):
    text = json.dumps(content, separators=(",", ":"))
    (FOLDER / name).write_text(text.replace("],[", "],\n[") + "\n")


def make_inputs():
    rng = np.random.default_rng(5)
    write("inputs.json", {
        "numpy": np.__version__,
        "cases": {
            "eight_types": make_case(rng, 300, 8, 1.5, [0, 1, 2, 4, 5, 6, 7], 20),
            "six_present": make_case(rng, 200, 7, 0.8, [0, 1, 2, 3, 4, 5], 0),
            "two_types": make_case(rng, 60, 2, 1.0, [0, 1], 3),
            "extremes": make_extremes()}})


def calibration_error(confidence, is_correct):
    """Mean |accuracy - confidence| over 15 bins (lo, hi], weighted by their cells."""
    edges = np.arange(1, 16) / 15
    bins = np.minimum(np.searchsorted(edges, confidence, side="left"), 14)
    error = 0.0
    for b in np.unique(bins):
        inside = bins == b
        error += inside.mean() * abs(is_correct[inside].mean() - confidence[inside].mean())
    return error


def expect(case):
    from sklearn import metrics

    truth = np.array(case["truth"])
    given = np.array(case["probabilities"])[truth >= 0]
    truth = truth[truth >= 0]
    p = given / given.sum(axis=1, keepdims=True)
    types = np.arange(p.shape[1])
    predicted = given.argmax(axis=1)
    precision, recall, f1, support = metrics.precision_recall_fscore_support(
        truth, predicted, labels=types, zero_division=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 1.2 warns of rows whose sum is 1 up to rounding
        nll = metrics.log_loss(truth, p, labels=types)
    present = support > 0
    return {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "precision": precision.tolist(), "recall": recall.tolist(), "f1": f1.tolist(),
        "support": support.tolist(),
        "macro_f1": metrics.f1_score(truth, predicted, labels=types[present], average="macro",
                                     zero_division=0),
        "median_f1": float(np.median(f1[present])),
        "confusion": metrics.confusion_matrix(truth, predicted, labels=types).ravel().tolist(),
        "nll": float(nll),
        "brier": float(((p - np.eye(p.shape[1])[truth]) ** 2).sum(axis=1).mean()),
        "ece": float(calibration_error(p.max(axis=1), predicted == truth))}


def make_expected():
    import sklearn

    cases = json.loads((FOLDER / "inputs.json").read_text())["cases"]
    write(f"expected_sklearn-{sklearn.__version__}.json", {
        "python": sys.version.split()[0], "numpy": np.__version__,
        "scikit-learn": sklearn.__version__,
        "cases": {name: expect(case) for name, case in cases.items()}})


if __name__ == "__main__":
    {"inputs": make_inputs, "expected": make_expected}[sys.argv[1]]()
