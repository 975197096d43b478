"""Labels for many cells: `saithe predict` against CellTypist on the same gzip h5ad.

    python bench/compare_predicting.py SAITHE [--cells 100000] [--rounds 3]

Needs celltypist (1.7.1, with scikit-learn < 1.7) and scanpy in the Python that runs it: the
environment of bench/accuracy/README.md. Cells are simulated: 8 types, 13 700 genes, counts. Both
train on the first 5 000 of them: CellTypist a logistic regression on all genes, saithe its standard
model. CellTypist's part reads the file, normalises to 10 000, takes log1p and annotates, without
majority voting. Each round runs both in processes of their own. Prints Markdown.
"""

import argparse
import pathlib
import statistics
import sys
import tempfile

from peers import print_table, run_child, spread

TRAIN = """
import sys
import celltypist, scanpy
cells = scanpy.read_h5ad(sys.argv[1])
scanpy.pp.normalize_total(cells, target_sum=1e4)
scanpy.pp.log1p(cells)
celltypist.train(cells, labels="cell_type", n_jobs=2, check_expression=True).write(sys.argv[2])
"""

PREDICT = """
import sys
import celltypist, scanpy
cells = scanpy.read_h5ad(sys.argv[1])
scanpy.pp.normalize_total(cells, target_sum=1e4)
scanpy.pp.log1p(cells)
labels = celltypist.annotate(cells, model=sys.argv[2], majority_voting=False).predicted_labels
labels.to_csv(sys.argv[3], sep="\\t")
"""

N_GENES = 13700


def simulate(saithe, path, n_cells, seed):
    run_child([saithe, "simulate", "-o", path, "--cells", n_cells, "--genes", N_GENES, "--seed", seed,
               "--poor-cells", 0, "--quiet"])


def truth_of(path):
    import anndata
    return anndata.read_h5ad(path, backed="r").obs["cell_type"].astype(str).tolist()


def labels_in(path, column):
    lines = [line.rstrip("\n").split("\t") for line in open(path)]
    at = lines[0].index(column)
    return [line[at] for line in lines[1:]]


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("saithe", type=pathlib.Path)
    parser.add_argument("--cells", type=int, default=100000)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    saithe = arguments.saithe.resolve()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        reference, query = folder / "reference.h5ad", folder / "query.h5ad"
        simulate(saithe, reference, 5000, 1)
        simulate(saithe, query, arguments.cells, 1)
        run_child([saithe, "train", reference, "--label-key", "cell_type", "-o",
                   folder / "model.saithe", "--quiet"])
        run_child([sys.executable, "-c", TRAIN, reference, folder / "model.pkl"])
        commands = {
            "CellTypist": [sys.executable, "-c", PREDICT, query, folder / "model.pkl",
                           folder / "celltypist.tsv"],
            "saithe predict": [saithe, "predict", folder / "model.saithe", query, "-o",
                               folder / "saithe.tsv", "--overwrite", "--quiet"]}
        runs = {key: [] for key in commands}
        for _ in range(arguments.rounds):
            for key, command in commands.items():
                runs[key].append(run_child(command)[1:])
        truth = truth_of(query)
        right = {"CellTypist": labels_in(folder / "celltypist.tsv", "predicted_labels"),
                 "saithe predict": labels_in(folder / "saithe.tsv", "best_label")}
        print(f"## Labels of {arguments.cells} cells x {N_GENES} genes from a gzip h5ad "
              f"({arguments.rounds} rounds, median (range))\n")
        print_table(["program", "seconds", "peak memory", "accuracy"],
                    [[key, spread([run[0] for run in own], 1),
                      f"{statistics.median(run[1] for run in own) / 1e6:.0f} MB",
                      f"{sum(a == b for a, b in zip(right[key], truth)) / len(truth):.4f}"]
                     for key, own in runs.items()])
        ratios = [a[0] / b[0] for a, b in zip(runs["CellTypist"], runs["saithe predict"])]
        print(f"CellTypist / saithe: {spread(ratios, 1)} times the seconds\n")


if __name__ == "__main__":
    main()
