"""The article's program: every step of the walk-through in Python, what saithe is measured against.

    python bench/article.py DATA.h5ad -o OUT [--seed 0] [--epochs 10] [--split FILE] [--fused]

Scanpy, PyTorch and umap-learn as the article uses them, on the CPU. Prints one JSON object: seconds
of each stage, the history, and the peak memory. --split takes the cells of training and validation
from saithe's predictions.tsv instead of drawing them. --fused uses Adam(fused=True), which the
article does not.
"""

import argparse
import json
import pathlib
import resource
import time

import anndata
import matplotlib
import numpy as np
import pandas as pd
import scanpy as sc
import torch
from sklearn.metrics import confusion_matrix
from sklearn.preprocessing import OneHotEncoder

matplotlib.use("Agg")

MINIBATCH = 64
LEARNING_RATE = 1e-4


class SmallPollock(torch.nn.Module):
    """Linear layers of 1028, 256 and 128 units, ReLU, dropout after two; then a softmax layer."""

    def __init__(self, n_genes, n_types):
        super().__init__()
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(n_genes, 1028), torch.nn.ReLU(), torch.nn.Dropout(0.2),
            torch.nn.Linear(1028, 256), torch.nn.ReLU(), torch.nn.Dropout(0.2),
            torch.nn.Linear(256, 128), torch.nn.ReLU())
        self.final_layer = torch.nn.Sequential(
            torch.nn.Linear(128, n_types), torch.nn.Softmax(dim=1))
        self.loss_function = torch.nn.CrossEntropyLoss()

    def forward(self, x):
        return self.final_layer(self.layers(x))


def preprocess(path):
    """The cells and genes that pass, z-scored; labels in obs["label"]."""
    cells = anndata.read_h5ad(path)
    cells.X = cells.X.astype(np.float32)
    cells.obs["label"] = cells.obs["louvain"].astype(str)
    sc.pp.filter_cells(cells, min_genes=200)
    sc.pp.filter_genes(cells, min_cells=3)
    cells.var["mt"] = cells.var_names.str.startswith("MT-")
    sc.pp.calculate_qc_metrics(cells, qc_vars=["mt"], percent_top=None, log1p=False, inplace=True)
    cells = cells[cells.obs.n_genes_by_counts < 2500, :]
    cells = cells[cells.obs.pct_counts_mt < 5, :].copy()
    sc.pp.normalize_total(cells, target_sum=1e4)
    sc.pp.log1p(cells)
    sc.pp.scale(cells)
    return cells


def split_cells(cells, split_file):
    """Barcodes of training and validation: drawn, or those of a predictions.tsv."""
    if split_file is not None:
        split = pd.read_csv(split_file, sep="\t", index_col="barcode")["split"]
        return split.index[split == "training"], split.index[split == "validation"]
    training = np.random.choice(cells.obs.index, replace=False, size=int(0.8 * cells.shape[0]))
    chosen = set(training)
    return training, np.array([name for name in cells.obs.index if name not in chosen])


class Problem:
    """Tensors and minibatches of both sets."""

    def __init__(self, cells, training, validation):
        encoder = OneHotEncoder().fit(cells.obs["label"].to_numpy().reshape(-1, 1))
        self.types = encoder.categories_[0]
        self.n_genes = cells.shape[1]
        self.cells = {"training": cells[training], "validation": cells[validation]}
        self.x, self.y, self.minibatches = {}, {}, {}
        for name, subset in self.cells.items():
            one_hot = encoder.transform(subset.obs["label"].to_numpy().reshape(-1, 1)).toarray()
            self.x[name] = torch.tensor(np.asarray(subset.X, dtype=np.float32))
            self.y[name] = torch.tensor(one_hot.astype(np.float32))
            self.minibatches[name] = torch.utils.data.DataLoader(
                torch.utils.data.TensorDataset(self.x[name], self.y[name]),
                batch_size=MINIBATCH, shuffle=name == "training")

    def names_of(self, scores):
        return np.asarray([self.types[i] for i in scores.numpy().argmax(axis=1)])

    def accuracy(self, probabilities, targets):
        hits = self.names_of(probabilities.detach()) == self.names_of(targets)
        return np.sum(hits) / len(hits)


def make_network(problem, fused=False):
    """A fresh network and its optimiser."""
    network = SmallPollock(problem.n_genes, len(problem.types))
    options = {"fused": True} if fused else {}
    return network, torch.optim.Adam(network.parameters(), lr=LEARNING_RATE, **options)


def run_epoch(problem, network, optimizer):
    """(training loss, validation loss, training accuracy, validation accuracy) of one epoch."""
    record = []
    for name in ("training", "validation"):
        trains = name == "training"
        network.train(trains)
        loss_sum, accuracy_sum = 0.0, 0.0
        with torch.set_grad_enabled(trains):
            for x, y in problem.minibatches[name]:
                if trains:
                    optimizer.zero_grad()
                probabilities = network(x)
                loss = network.loss_function(probabilities, y)
                loss_sum += loss.item()
                accuracy_sum += problem.accuracy(probabilities, y)
                if trains:
                    loss.backward()
                    optimizer.step()
        n = len(problem.minibatches[name])
        record += [loss_sum / n, accuracy_sum / n]
    return record[0], record[2], record[1], record[3]


def draw_curves(history, output):
    import matplotlib.pyplot as plt

    columns = ["train_loss", "val_loss", "train_accuracy", "val_accuracy"]
    curves = pd.DataFrame(history, columns=columns)
    for what in ("loss", "accuracy"):
        plt.figure()
        plt.plot(curves.index, curves[f"train_{what}"], label=f"train {what}")
        plt.plot(curves.index, curves[f"val_{what}"], label=f"validation {what}")
        plt.xlabel("Epoch")
        plt.ylabel(what.capitalize())
        plt.legend()
        plt.savefig(output / f"{what}.png")
        plt.close()


def draw_confusion(problem, probabilities, output):
    import matplotlib.pyplot as plt
    import seaborn as sns

    table = confusion_matrix(problem.names_of(problem.y["validation"]),
                             problem.names_of(probabilities), labels=problem.types,
                             normalize="true")
    plt.figure()
    sns.heatmap(pd.DataFrame(table, index=problem.types, columns=problem.types), cmap="viridis")
    plt.savefig(output / "confusion.png", bbox_inches="tight")
    plt.close()


def embed(problem, network, output):
    """UMAP of the last hidden layer of both sets, each with its picture."""
    import matplotlib.pyplot as plt
    import umap

    for name, subset in problem.cells.items():
        with torch.no_grad():
            hidden = network.layers(problem.x[name]).numpy()
        subset = subset.copy()
        subset.obsm["X_umap"] = umap.UMAP().fit_transform(hidden)
        sc.pl.umap(subset, color="label", show=False)
        plt.savefig(output / f"umap_{name}.png", bbox_inches="tight")
        plt.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data")
    parser.add_argument("-o", "--output", type=pathlib.Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--split")
    parser.add_argument("--fused", action="store_true")
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    np.random.seed(arguments.seed)
    torch.manual_seed(arguments.seed)

    stages, last = {}, time.perf_counter()

    def end_stage(name):
        nonlocal last
        now = time.perf_counter()
        stages[name], last = now - last, now

    cells = preprocess(arguments.data)
    end_stage("preprocess")
    problem = Problem(cells, *split_cells(cells, arguments.split))
    end_stage("split")
    network, optimizer = make_network(problem, arguments.fused)
    history, epoch_seconds = [], []
    for _ in range(arguments.epochs):
        start = time.perf_counter()
        history.append(run_epoch(problem, network, optimizer))
        epoch_seconds.append(time.perf_counter() - start)
    end_stage("train")
    network.eval()
    with torch.no_grad():
        probabilities = {name: network(x) for name, x in problem.x.items()}
    draw_curves(history, arguments.output)
    draw_confusion(problem, probabilities["validation"], arguments.output)
    end_stage("predict and draw")
    embed(problem, network, arguments.output)
    end_stage("embed")
    print(json.dumps({
        "torch": torch.__version__, "threads": torch.get_num_threads(), "stage_seconds": stages,
        "epoch_seconds": epoch_seconds, "history": history,
        "validation_accuracy": problem.accuracy(probabilities["validation"],
                                                problem.y["validation"]),
        "peak_memory_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024}))


if __name__ == "__main__":
    main()
