"""AUROC of the novelty score for types that were left out, inside the training cells alone.

    python unseen_inside.py --work WORK --saithe build/release/bin/saithe [--train-flags "..."]

WORK holds the files of tasks.py. Of the training cells of each task's split 0 a fifth is held out
(of kang one donor), each type in turn is left out of the rest, and the fifth is judged: no cell
that the table of run.py is about is looked at. pbmc3k_kang has pbmc3k's training cells. Prints the
mean over types of each task. Needs anndata, NumPy, pandas and scikit-learn.
"""

import argparse
import pathlib
import shlex
import statistics
import subprocess
import tempfile

import anndata
import numpy as np
import pandas
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedShuffleSplit

TASKS = ("pbmc3k", "kang", "cellbench_dropseq", "cellbench_celseq2", "baron_mouse", "pbmc68k")


def hold_out(cells, task):
    """Which cells are judged."""
    judged = np.zeros(cells.n_obs, dtype=bool)
    if task == "kang":
        return (cells.obs["donor"] == sorted(cells.obs["donor"].unique())[0]).to_numpy()
    types = cells.obs["cell_type"].astype(str)
    splits = StratifiedShuffleSplit(1, test_size=0.2, random_state=0).split(types, types)
    judged[next(splits)[1]] = True
    return judged


def judge(saithe, train_flags, cells, judged, cell_type, folder):
    """The AUROC of the cells of a type that was left out."""
    def run(*arguments):
        subprocess.run([saithe, *map(str, arguments), "--overwrite", "--quiet"], check=True)

    is_of_type = (cells.obs["cell_type"] == cell_type).to_numpy()
    cells[~judged & ~is_of_type].copy().write_h5ad(folder / "training.h5ad")
    run("train", folder / "training.h5ad", "--label-key", "cell_type", "--preset", "fast",
        "--seed", 1, *train_flags, "-o", folder / "model.saithe")
    run("predict", folder / "model.saithe", folder / "judged.h5ad", "-o", folder / "labels.tsv")
    novelty = pandas.read_csv(folder / "labels.tsv", sep="\t")["novelty"]
    return roc_auc_score(is_of_type[judged], novelty.fillna(np.inf).clip(upper=1e9))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--saithe", required=True, help="the program")
    parser.add_argument("--train-flags", default="", help="more flags of saithe train")
    arguments = parser.parse_args()
    train_flags = shlex.split(arguments.train_flags)
    means, cases = [], []
    for task in TASKS:
        cells = anndata.read_h5ad(arguments.work / "tasks" / task / "0" / "train-clean.h5ad")
        judged = hold_out(cells, task)
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            cells[judged].copy().write_h5ad(folder / "judged.h5ad")
            types = sorted(set(cells.obs["cell_type"][judged].astype(str)))
            found = [judge(arguments.saithe, train_flags, cells, judged, one, folder)
                     for one in types]
        print(f"{task}: {statistics.mean(found):.3f} ({len(found)} types)", flush=True)
        means.append(statistics.mean(found))
        cases += found
    print(f"mean of tasks {statistics.mean(means):.4f}, of {len(cases)} cases "
          f"{statistics.mean(cases):.4f}")


if __name__ == "__main__":
    main()
