"""The tasks: for each split a training and a test file, written once, and a list of them.

    python bench/accuracy/tasks.py --work FOLDER [--data FOLDER]

Writes FOLDER/tasks/TASK/SPLIT/*.h5ad (raw counts in X, obs["cell_type"], obs["donor"]; pbmc68k: log
values, it has no counts), the truth as text, and FOLDER/tasks.json, one entry per training set:
task, split, variant, train, test, truth. Variants of split 0: "noise" (a fifth of the training
cells with another label, uniformly), "unseen-TYPE" (no training cell of that type). --data: folder
with pbmc3k/, kang/, cellbench/, baron_mouse/, pbmc68k_reduced/ and the GENCODE table; without it
SAITHE_TEST_DATA, or ../shared/data beside the repository.
"""

import argparse
import json
import os
import pathlib
import re

import anndata
import numpy as np
import pandas as pd
import scipy.sparse
from sklearn.model_selection import StratifiedShuffleSplit

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NOISE_SHARE = 0.2
NOISE_SEED = 2026
MIN_CELLS_PER_TYPE = 5


def cells_of(counts, barcodes, genes, types, donors, gene_ids=None):
    """AnnData of float32 CSR values with the two obs columns every task has."""
    obs = pd.DataFrame({"cell_type": np.asarray(types, dtype=str),
                        "donor": np.asarray(donors, dtype=str)},
                       index=np.asarray(barcodes, dtype=str))
    var = pd.DataFrame(index=np.asarray(genes, dtype=str))
    if gene_ids is not None:
        var["gene_ids"] = np.asarray(gene_ids, dtype=str)
    return anndata.AnnData(scipy.sparse.csr_matrix(counts, dtype=np.float32), obs=obs, var=var)


def without_small_types(cells):
    sizes = cells.obs["cell_type"].value_counts()
    kept = sizes.index[sizes >= MIN_CELLS_PER_TYPE]
    return cells[cells.obs["cell_type"].isin(kept).to_numpy()].copy()


def read_pbmc3k(data):
    cells = anndata.read_h5ad(data / "pbmc3k" / "pbmc3k_raw.h5ad")
    return cells_of(cells.X, cells.obs_names, cells.var_names, cells.obs["louvain"],
                    ["pbmc3k"] * cells.n_obs, cells.var["gene_ids"])


def read_kang(data):
    cells = anndata.read_h5ad(data / "kang" / "kang_ctrl_8donors_1287g.h5ad")
    return cells_of(cells.X, cells.obs_names, cells.var_names, cells.obs["cell_type"],
                    cells.obs["donor"], cells.var["gene_ids"])


def read_baron_mouse(data):
    cells = anndata.read_h5ad(data / "baron_mouse" / "baron_mouse1.h5ad")
    return without_small_types(
        cells_of(cells.X, cells.obs_names, cells.var_names, cells.obs["cell_type"],
                 ["mouse1"] * cells.n_obs))


def read_pbmc68k(data):
    """Its X is scaled and its counts are not in the file: raw holds log1p values."""
    cells = anndata.read_h5ad(data / "pbmc68k_reduced" / "10x_pbmc68k_reduced.2022on.h5ad")
    return cells_of(cells.raw.X, cells.obs_names, cells.raw.var_names, cells.obs["bulk_labels"],
                    ["pbmc68k"] * cells.n_obs)


def read_cellbench_10x(data):
    cells = anndata.read_h5ad(data / "cellbench" / "plnmodels_sc_10x_5cl_500g.h5ad")
    return cells_of(cells.X, cells.obs_names, cells.var_names, cells.obs["cell_line"],
                    ["10x"] * cells.n_obs)


def read_cellbench_dropseq(data):
    cells = anndata.read_h5ad(data / "cellbench" / "dropseq_3cl_symbols.h5ad")
    cells = cells[(cells.obs["demuxlet_cls"] == "SNG").to_numpy()]
    return cells_of(cells.X, cells.obs_names, cells.var_names, cells.obs["cell_line"],
                    ["dropseq"] * cells.n_obs)


def read_cellbench_celseq2(data):
    """Genes x cells with Ensembl ids: ids become symbols where GENCODE has one, doubles summed."""
    folder = data / "cellbench"
    counts = pd.read_csv(folder / "sc_celseq2_5cl_p1.count.csv.gz", index_col=0)
    about = pd.read_csv(folder / "sc_celseq2_5cl_p1.metadata.csv.gz", index_col=0)
    table = pd.read_csv(data / "GENCODEv44_Gene_id2name.csv", header=None, names=["id", "name"])
    names = dict(zip(table["id"], table["name"]))
    counts = counts.groupby([names.get(gene, gene) for gene in counts.index]).sum()
    counts = counts.loc[:, (about["demuxlet_cls"].reindex(counts.columns) == "SNG").to_numpy()]
    return cells_of(counts.to_numpy().T, counts.columns, counts.index,
                    about["cell_line_demuxlet"].reindex(counts.columns),
                    ["celseq2"] * counts.shape[1])


def random_splits(cells, n_splits):
    """Stratified 80/20; split s is drawn with random_state s."""
    types = cells.obs["cell_type"].to_numpy()
    for split in range(n_splits):
        draw = StratifiedShuffleSplit(1, test_size=0.2, random_state=split)
        train, test = next(draw.split(types, types))
        yield cells[np.sort(train)].copy(), cells[np.sort(test)].copy()


def donor_splits(cells):
    """Each donor in turn is the test set."""
    for donor in sorted(cells.obs["donor"].unique()):
        is_test = (cells.obs["donor"] == donor).to_numpy()
        yield cells[~is_test].copy(), cells[is_test].copy()


def transfer_splits(reference, query, n_splits=5):
    """Types of both only. The query stays; split s trains on a stratified 80 % of the reference."""
    common = set(reference.obs["cell_type"]) & set(query.obs["cell_type"])
    reference = reference[reference.obs["cell_type"].isin(common).to_numpy()].copy()
    query = query[query.obs["cell_type"].isin(common).to_numpy()].copy()
    for train, _ in random_splits(reference, n_splits):
        yield train, query


def all_tasks(data):
    """(name, splits) of every task. The eight type names of PBMC3K and Kang are the same."""
    pbmc3k, kang, cellbench = read_pbmc3k(data), read_kang(data), read_cellbench_10x(data)
    yield "pbmc3k", random_splits(pbmc3k, 10)
    yield "kang", donor_splits(kang)
    yield "pbmc3k_kang", transfer_splits(pbmc3k, kang)
    yield "cellbench_dropseq", transfer_splits(cellbench, read_cellbench_dropseq(data))
    yield "cellbench_celseq2", transfer_splits(cellbench, read_cellbench_celseq2(data))
    yield "baron_mouse", random_splits(read_baron_mouse(data), 5)
    yield "pbmc68k", random_splits(read_pbmc68k(data), 5)


def with_noise(train):
    """A fifth of the cells, drawn without regard to type, get one of the other labels."""
    generator = np.random.default_rng(NOISE_SEED)
    labels = train.obs["cell_type"].astype(str).to_numpy().copy()
    types = np.unique(labels)
    for cell in generator.choice(len(labels), round(NOISE_SHARE * len(labels)), replace=False):
        labels[cell] = generator.choice(types[types != labels[cell]])
    noisy = train.copy()
    noisy.obs["cell_type"] = labels
    return noisy


def variants(train, has_all):
    """(variant, the type left out or None, training cells)"""
    yield "clean", None, train
    if not has_all:
        return
    yield "noise", None, with_noise(train)
    for name in np.unique(train.obs["cell_type"]):
        word = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")
        yield f"unseen-{word}", name, train[(train.obs["cell_type"] != name).to_numpy()].copy()


def write_cells(cells, path):
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        cells.write_h5ad(partial, compression="gzip")
        partial.rename(path)


def write_split(work, task, split, train, test, has_all):
    """The files of one split; gives its entries of tasks.json. With has_all also those with wrong
    labels and with a type left out."""
    folder = pathlib.Path("tasks") / task / str(split)
    write_cells(test, work / folder / "test.h5ad")
    truth = [str(name) for name in test.obs["cell_type"]]
    (work / folder / "truth.txt").write_text("\n".join(truth) + "\n")
    entries = []
    for variant, unseen, cells in variants(train, has_all):
        if unseen is not None and unseen not in truth:
            continue
        path = folder / f"train-{variant}.h5ad"
        write_cells(cells, work / path)
        entries.append({"task": task, "split": split, "variant": variant, "unseen": unseen,
                        "train": str(path), "test": str(folder / "test.h5ad"),
                        "truth": str(folder / "truth.txt"), "n_train": cells.n_obs,
                        "n_test": test.n_obs, "n_types": int(cells.obs["cell_type"].nunique())})
    return entries


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, default=os.environ.get(
        "SAITHE_TEST_DATA", ROOT.parent / "shared" / "data"))
    arguments = parser.parse_args()
    entries = []
    for task, splits in all_tasks(pathlib.Path(arguments.data)):
        for split, (train, test) in enumerate(splits):
            entries += write_split(arguments.work, task, split, train, test, has_all=split == 0)
        print(f"{task}: {entries[-1]['split'] + 1} splits", flush=True)
    (arguments.work / "tasks.json").write_text(json.dumps(entries, indent=1) + "\n")


if __name__ == "__main__":
    main()
