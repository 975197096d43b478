"""The article's result on PBMC3K: saithe against PyTorch on the same random splits and seeds.

    python bench/compare_accuracy.py SAITHE [--splits 10] [--epochs 10] [--fused]

Split and seed s: `saithe walkthrough --seed s`, then the article's loop with torch.manual_seed(s)
on exactly the cells that its predictions.tsv names. The numbers are those of the last epoch, as the
article counts them (means of minibatch means, the training set with dropout). Prints Markdown and
exits 1 if saithe's mean accuracy or loss is worse than PyTorch's by more than one standard
deviation of PyTorch's. --fused takes Adam(fused=True), the same arithmetic in half the time.
"""

import argparse
import pathlib
import sys
import tempfile

import article
import numpy as np
import pandas as pd
import torch
from peers import PBMC3K, print_table, run_walkthrough

COLUMNS = ["train_loss", "val_loss", "train_accuracy", "val_accuracy"]


def run_saithe(program, folder, seed, epochs):
    """The last epoch's row of history.tsv."""
    run_walkthrough(program, folder, "--seed", seed, "--epochs", epochs)
    history = pd.read_csv(pathlib.Path(folder) / "history.tsv", sep="\t")
    return [float(history[name].iloc[-1]) for name in COLUMNS]


def run_pytorch(cells, split_file, seed, epochs, fused):
    """The same of the article's loop."""
    torch.manual_seed(seed)
    problem = article.Problem(cells, *article.split_cells(cells, split_file))
    network, optimizer = article.make_network(problem, fused)
    for _ in range(epochs):
        record = article.run_epoch(problem, network, optimizer)
    return list(record)


def judge(saithe, pytorch):
    """Prints the table; gives the columns in which saithe is worse by more than one sd."""
    worse, rows = [], []
    for i, name in enumerate(COLUMNS):
        ours, theirs = saithe[:, i], pytorch[:, i]
        deviation = theirs.std(ddof=1)
        gain = ours.mean() - theirs.mean() if "accuracy" in name else theirs.mean() - ours.mean()
        if gain < -deviation:
            worse.append(name)
        rows.append([name, f"{ours.mean():.4f} +- {ours.std(ddof=1):.4f}",
                     f"{theirs.mean():.4f} +- {deviation:.4f}", f"{gain / deviation:+.2f}"])
    print_table(["last epoch", "saithe", "PyTorch", "better by (sd of PyTorch)"], rows)
    return worse


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("saithe")
    parser.add_argument("--splits", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--fused", action="store_true")
    arguments = parser.parse_args()
    if arguments.splits < 2:
        sys.exit("--splits: a standard deviation needs two")
    cells = article.preprocess(PBMC3K)
    saithe, pytorch = [], []
    for seed in range(arguments.splits):
        with tempfile.TemporaryDirectory() as folder:
            saithe.append(run_saithe(arguments.saithe, folder, seed, arguments.epochs))
            pytorch.append(run_pytorch(cells, pathlib.Path(folder) / "predictions.tsv", seed,
                                       arguments.epochs, arguments.fused))
        print(f"split {seed}: saithe {np.round(saithe[-1], 4).tolist()}, "
              f"PyTorch {np.round(pytorch[-1], 4).tolist()}", file=sys.stderr, flush=True)
    print(f"PyTorch {torch.__version__}, {arguments.splits} splits, {arguments.epochs} epochs; "
          "mean +- sd over splits\n")
    worse = judge(np.array(saithe), np.array(pytorch))
    if worse:
        sys.exit("worse than PyTorch by more than one standard deviation: " + ", ".join(worse))


if __name__ == "__main__":
    main()
