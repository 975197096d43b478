"""Tasks inside the training cells alone: what the numbers of saithe's recipe are chosen by.

    python bench/accuracy/inside.py --work WORK --inside FOLDER

WORK holds the files of tasks.py. The training cells of each task's split 0 are split again as
that task is (kang by donors), so that no cell is looked at which split 0 of that task tests (kang's
training cells are among those that pbmc3k_kang tests, though). FOLDER becomes a work folder of the
same names, for `run.py --work FOLDER` and `table.py --work FOLDER`. Tasks of two studies have
one of them inside: pbmc3k_kang's held-out cells keep a random third of the genes instead. Every
split has the variants with wrong labels and with a type left out.
"""

import argparse
import itertools
import json
import pathlib

import anndata
import numpy as np
from tasks import donor_splits, random_splits, write_split

N_SPLITS = 5
N_DONORS = 3  # of kang, whose splits are large
GENES_LEFT = 1 / 3


def with_fewer_genes(cells, seed):
    generator = np.random.default_rng(seed)
    kept = generator.choice(cells.n_vars, round(GENES_LEFT * cells.n_vars), replace=False)
    return cells[:, np.sort(kept)].copy()


def inner_splits(cells, task):
    """(training, held out) of each inner split."""
    if task == "kang":
        yield from itertools.islice(donor_splits(cells), N_DONORS)
        return
    for split, (train, test) in enumerate(random_splits(cells, N_SPLITS)):
        yield train, with_fewer_genes(test, split) if task == "pbmc3k_kang" else test


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--work", type=pathlib.Path, required=True, help="made by tasks.py")
    parser.add_argument("--inside", type=pathlib.Path, required=True, help="the folder to make")
    arguments = parser.parse_args()
    tasks = [entry["task"] for entry in json.loads((arguments.work / "tasks.json").read_text())]
    entries = []
    for task in dict.fromkeys(tasks):
        cells = anndata.read_h5ad(arguments.work / "tasks" / task / "0" / "train-clean.h5ad")
        for split, (train, test) in enumerate(inner_splits(cells, task)):
            entries += write_split(arguments.inside, task, split, train, test, has_all=True)
        print(f"{task}: {cells.n_obs} cells", flush=True)
    (arguments.inside / "tasks.json").write_text(json.dumps(entries, indent=1) + "\n")


if __name__ == "__main__":
    main()
