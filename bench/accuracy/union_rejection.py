"""How many cells a false-reject rate rejects where references or queries lack genes.

    python union_rejection.py --saithe build/release/bin/saithe [--data data/pbmc3k.h5ad]

Two references of 700 cells of PBMC3K, each without another fifth of the genes, are trained on
together with --genes union and with --genes common, and the same cells with all genes; the other
cells are judged, with all genes and without some. At a rate R a share R of them should be
unassigned. One draw (seed 0). Needs anndata and NumPy.
"""

import argparse
import pathlib
import subprocess
import tempfile

import anndata
import numpy as np

RATES = ("0.01", "0.2", "0.5")
CELLS = 700


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--saithe", required=True, help="the program")
    parser.add_argument("--data", default="data/pbmc3k.h5ad")
    arguments = parser.parse_args()
    cells = anndata.read_h5ad(arguments.data)
    rng = np.random.default_rng(0)
    order = rng.permutation(cells.n_obs)
    fifth = rng.permutation(cells.n_vars) % 5
    queries = {"all genes": fifth >= 0, "four fifths": fifth != 2, "three fifths": fifth % 2 == 0}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for i in range(2):
            drawn = cells[order[i * CELLS:(i + 1) * CELLS]]
            drawn.copy().write_h5ad(folder / f"whole{i}.h5ad")
            drawn[:, fifth != i].copy().write_h5ad(folder / f"some{i}.h5ad")
        rest = order[2 * CELLS:]
        for number, genes in enumerate(queries.values()):
            cells[rest][:, genes].copy().write_h5ad(folder / f"query{number}.h5ad")

        def run(*texts):
            done = subprocess.run([arguments.saithe, *map(str, texts), "--quiet", "--overwrite"],
                                  check=True, capture_output=True, text=True)
            return done.stdout

        print(f"unassigned of {len(rest)} cells at the rates {', '.join(RATES)}")
        for files, genes in (("whole", "common"), ("some", "union"), ("some", "common")):
            run("train", folder / f"{files}0.h5ad", folder / f"{files}1.h5ad", "--genes", genes,
                "--label-key", "louvain", "--preset", "fast", "--no-find-suspects", "-o",
                folder / "model.saithe")
            for number, judged in enumerate(queries):
                found = []
                for rate in RATES:
                    table = run("predict", folder / "model.saithe", folder / f"query{number}.h5ad",
                                "-o", "-", "--false-reject-rate", rate)
                    lines = table.splitlines()[1:]
                    found.append(sum(line.split("\t")[1] == "unassigned" for line in lines))
                shares = ", ".join(f"{100 * n / len(rest):.1f} %" for n in found)
                print(f"references of {files} genes, --genes {genes}, query of {judged}: {shares}",
                      flush=True)


if __name__ == "__main__":
    main()
