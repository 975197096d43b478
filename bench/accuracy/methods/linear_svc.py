"""Linear support vector machine, C by cross-validation among the training cells.

All genes, log1p(CP10k), class weights "balanced", one against the rest. It has no probabilities;
the novelty score is minus the greatest margin.
"""

import time

import numpy as np
from sklearn.model_selection import GridSearchCV, StratifiedKFold
from sklearn.svm import LinearSVC

from methods.preparation import labels_of, log_normalise, read_pair

C_VALUES = [0.0001, 0.001, 0.01, 0.1, 1]


def fit_predict(train_path, test_path, seed):
    start = time.perf_counter()
    train, test = read_pair(train_path, test_path)
    log_normalise(train)
    log_normalise(test)
    search = GridSearchCV(
        LinearSVC(class_weight="balanced", random_state=seed), {"C": C_VALUES},
        scoring="f1_macro", cv=StratifiedKFold(3, shuffle=True, random_state=seed))
    search.fit(train.X, labels_of(train))
    margins = search.decision_function(test.X)
    if margins.ndim == 1:
        margins = np.column_stack([-margins, margins])
    return {"labels": search.classes_[np.argmax(margins, axis=1)], "types": None,
            "probabilities": None, "novelty": -margins.max(axis=1), "assigned": None,
            "seconds": time.perf_counter() - start, "note": f"C = {search.best_params_['C']}"}
