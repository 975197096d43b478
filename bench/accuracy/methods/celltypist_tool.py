"""CellTypist as its tutorial uses it: train() and annotate(), C at its default or chosen.

log1p(CP10k) over all genes of each file, as its check of the input wants; the check is off only for
log values that no counts come with. Its probabilities are one sigmoid per type and do not sum to 1;
the novelty score is 1 - its conf_score. "best match", the default, rejects nothing.

Tuned, C is the one of five around its default 1 with the best macro-F1 in 3-fold cross-validation.
To bound the time that is done once a task, in the training cells of its split 0 with their true
labels; the choice is kept beside that split's folder and serves the other splits, the noisy labels
and the types left out. So a random task's later splits, some of whose test cells split 0 trains on,
have a C that has seen them. The choice is in no run's seconds; the note tells how long it took.
"""

import json
import os
import pathlib
import time

import anndata
import celltypist
import numpy as np
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedKFold

from methods.preparation import are_counts, labels_of, log_normalise, probable

C_VALUES = [0.01, 0.1, 1.0, 10.0, 100.0]
DEFAULT_C = 1.0
N_FOLDS = 3


def read_logarithms(path):
    """(cells, whether they came as counts)"""
    cells = anndata.read_h5ad(path)
    check = are_counts(cells)
    log_normalise(cells)
    return cells, check


def macro_f1_of_fold(cells, check, fold, c):
    train, held_out = fold
    labels = labels_of(cells)
    model = celltypist.train(cells[train].copy(), labels=labels[train], check_expression=check, C=c)
    annotation = celltypist.annotate(cells[held_out].copy(), model=model)
    predicted = annotation.predicted_labels["predicted_labels"].to_numpy(dtype=str)
    return float(f1_score(labels[held_out], predicted, average="macro", zero_division=0))


def choose_c(train_path):
    """The choice inside the cells of one training file: C, the scores, what it took."""
    np.random.seed(0)
    start, cpu_start = time.perf_counter(), time.process_time()
    cells, check = read_logarithms(train_path)
    folds = StratifiedKFold(N_FOLDS, shuffle=True, random_state=0)
    folds = list(folds.split(cells.obs_names, labels_of(cells)))
    scores = [np.mean([macro_f1_of_fold(cells, check, fold, c) for fold in folds])
              for c in C_VALUES]
    return {"C": C_VALUES[int(np.argmax(scores))], "C_values": C_VALUES, "macro_f1": scores,
            "train": train_path.name, "seconds": time.perf_counter() - start,
            "cpu_seconds": time.process_time() - cpu_start}


def chosen_c(train_path):
    """(the task's choice, CPU seconds that making it took in this process); tasks.py tells where
    split 0 lies. Whatever runs first makes the choice, and any run makes the same."""
    task = pathlib.Path(train_path).resolve().parent.parent
    kept = task / "celltypist-C.json"
    if kept.exists():
        choice = json.loads(kept.read_text())
        if choice["C_values"] == C_VALUES:
            return choice, 0.0
    choice = choose_c(task / "0" / "train-clean.h5ad")
    partial = kept.with_suffix(f".{os.getpid()}")
    partial.write_text(json.dumps(choice) + "\n")
    partial.rename(kept)
    return choice, choice["cpu_seconds"]


def fit_predict(train_path, test_path, seed, tuned=False):
    c, note, untimed = DEFAULT_C, "", 0.0
    if tuned:
        choice, untimed = chosen_c(train_path)
        c, note = choice["C"], f"C = {choice['C']:g}, chosen in {choice['seconds']:.1f} s"
    np.random.seed(seed)
    start = time.perf_counter()
    train, check = read_logarithms(train_path)
    test, _ = read_logarithms(test_path)
    model = celltypist.train(train, labels=labels_of(train), check_expression=check, C=c)
    annotation = celltypist.annotate(test, model=model)
    sigmoids = annotation.probability_matrix
    result = probable(sigmoids.to_numpy(), sigmoids.columns)
    result["labels"] = annotation.predicted_labels["predicted_labels"].to_numpy(dtype=str)
    result["seconds"] = time.perf_counter() - start
    result["note"], result["untimed_cpu_seconds"] = note, untimed
    return result
