"""scANVI: scVI first, then SCANVI.from_scvi_model, on the 2 000 most variable genes of the counts.

Donors are the batches. Test cells of donors that training lacks are mapped by load_query_data
(their labels unknown); others are predicted as they are. Epochs, chosen for a CPU: scVI as many as
make about 4 000 steps, between 20 and 400 (its default: 400 below 20 000 cells); scANVI 20 with 100
cells per type an epoch, as the tutorial; mapping 50, weight decay 0. Minibatches of 128, or the
next smaller size that leaves no last minibatch of a single cell, which its batch norm refuses.
"""

import time

import numpy as np
import scvi

from methods import NotApplicable
from methods.preparation import are_counts, probable, read_pair, variable_genes

N_GENES = 2000
UNKNOWN = "Unknown"
N_STEPS = 4000
MINIBATCH = 128
FINE_EPOCHS = 20
QUERY_EPOCHS = 50
QUIET = {"enable_progress_bar": False, "logger": False, "enable_checkpointing": False}


def train_reference(train, minibatch):
    scvi.model.SCVI.setup_anndata(train, batch_key="donor", labels_key="cell_type")
    base = scvi.model.SCVI(train)
    epochs = int(np.clip(round(N_STEPS * MINIBATCH / train.n_obs), 20, 400))
    base.train(max_epochs=epochs, batch_size=minibatch, accelerator="cpu", **QUIET)
    model = scvi.model.SCANVI.from_scvi_model(base, unlabeled_category=UNKNOWN)
    model.train(max_epochs=FINE_EPOCHS, n_samples_per_label=100, batch_size=minibatch,
                accelerator="cpu", **QUIET)
    return model, epochs


def train_for_query(train, test, minibatch):
    model, epochs = train_reference(train, minibatch)
    if not set(test.obs["donor"]) <= set(train.obs["donor"]):
        model = scvi.model.SCANVI.load_query_data(test, model)
        model.train(max_epochs=QUERY_EPOCHS, plan_kwargs={"weight_decay": 0.0},
                    batch_size=minibatch, accelerator="cpu", **QUIET)
    return model, epochs


def train_in_whole_minibatches(train, test, seed):
    for minibatch in (MINIBATCH, MINIBATCH - 1, MINIBATCH - 2):
        scvi.settings.seed = seed
        try:
            return train_for_query(train.copy(), test.copy(), minibatch)
        except ValueError as error:
            if "more than 1 value per channel" not in str(error):
                raise
    raise RuntimeError("every size of minibatch leaves a single cell")


def fit_predict(train_path, test_path, seed):
    start = time.perf_counter()
    train, test = read_pair(train_path, test_path)
    if not are_counts(train):
        raise NotApplicable("its likelihood is one of counts")
    genes = variable_genes(train, N_GENES)
    train, test = train[:, genes].copy(), test[:, genes].copy()
    test.obs["cell_type"] = UNKNOWN
    model, epochs = train_in_whole_minibatches(train, test, seed)
    table = model.predict(test, soft=True)
    result = probable(table.to_numpy(), table.columns)
    result["seconds"] = time.perf_counter() - start
    result["note"] = f"scVI {epochs} epochs"
    return result
