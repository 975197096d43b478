"""saithe as a user runs it: `saithe train`, then `saithe predict`, two programs after another.

Seconds are those of both from start to end; memory is the larger peak.
"""

import csv
import os
import pathlib
import sys
import tempfile

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent))
from peers import run_child  # noqa: E402

MEBIBYTE = 2**20


def read_tsv(path):
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return rows[0], rows[1:]


def read_results(folder):
    """The dict of methods/__init__.py from the two tables that predict wrote."""
    header, rows = read_tsv(folder / "cells.tsv")
    column = {name: np.array([row[i] for row in rows]) for i, name in enumerate(header)}
    types, rows = read_tsv(folder / "probabilities.tsv")
    probabilities = np.array([[float(value) for value in row[1:]] for row in rows])
    if [row[0] for row in rows] != column["barcode"].tolist():
        sys.exit("the tables of labels and of probabilities name other cells")
    return {"labels": column["best_label"], "types": np.array(types[1:]),
            "probabilities": probabilities, "novelty": column["novelty"].astype(float),
            "assigned": column["predicted"] != "unassigned"}


def fit_predict(train_path, test_path, seed, preset, program, train_flags=(), predict_flags=()):
    common = ["--quiet", "--threads", os.environ.get("OMP_NUM_THREADS", "1")]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        _, train_seconds, train_memory = run_child(
            [program, "train", train_path, "--label-key", "cell_type", "--preset", preset,
             "--seed", seed, "-o", folder / "model.saithe", *common, *train_flags])
        _, test_seconds, test_memory = run_child(
            [program, "predict", folder / "model.saithe", test_path, "-o", folder / "cells.tsv",
             "--probabilities", folder / "probabilities.tsv", *common, *predict_flags])
        result = read_results(folder)
    result["seconds"] = train_seconds + test_seconds
    result["peak_memory_mb"] = max(train_memory, test_memory) / MEBIBYTE
    result["note"] = f"train {train_seconds:.2f} s, predict {test_seconds:.2f} s"
    return result
