"""How many cells a false-reject rate rejects where references lack genes.

    python union_rejection.py --saithe build/release/bin/saithe [--data data/pbmc3k.h5ad]

Two references of 700 cells of PBMC3K, each without another fifth of the genes, are trained on
together with --genes union and with --genes common; the other cells, with all genes, are judged. At
a rate R a share R of them should be unassigned. One draw (seed 0). Needs anndata and NumPy.
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
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for i in range(2):
            drawn = order[i * CELLS:(i + 1) * CELLS]
            cells[drawn][:, fifth != i].copy().write_h5ad(folder / f"{i}.h5ad")
        rest = order[2 * CELLS:]
        cells[rest].copy().write_h5ad(folder / "judged.h5ad")

        def run(*texts):
            done = subprocess.run([arguments.saithe, *map(str, texts), "--quiet", "--overwrite"],
                                  check=True, capture_output=True, text=True)
            return done.stdout
        for genes in ("union", "common"):
            run("train", folder / "0.h5ad", folder / "1.h5ad", "--genes", genes, "--label-key",
                "louvain", "--preset", "fast", "--no-find-suspects", "--validate", "held-out", "-o",
                folder / "model.saithe")
            for rate in RATES:
                table = run("predict", folder / "model.saithe", folder / "judged.h5ad", "-o", "-",
                            "--false-reject-rate", rate)
                n = sum(line.split("\t")[1] == "unassigned" for line in table.splitlines()[1:])
                print(f"--genes {genes}, rate {rate}: {n} of {len(rest)} cells", flush=True)


if __name__ == "__main__":
    main()
