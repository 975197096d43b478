"""How sure a model is of cells with few counts, and how often it is right.

    python shallow_cells.py --saithe build/release/bin/saithe [--data data/pbmc3k.h5ad]

A fifth of PBMC3K is held out (seed 0). Of its counts, shares are drawn (binomially, seed 0), down to
what an empty droplet has; each preset, trained on the other cells as they are, labels them all
(--no-reject). Prints, as Markdown, accuracy and mean confidence: they should be alike. Needs anndata,
NumPy and SciPy.
"""

import argparse
import pathlib
import subprocess
import tempfile

import anndata
import numpy as np
import scipy.sparse

SHARES = (1, 0.5, 0.3, 0.2, 0.1, 0.03)
PRESETS = ("fast", "standard", "thorough")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--saithe", required=True, help="the program")
    parser.add_argument("--data", default="data/pbmc3k.h5ad")
    parser.add_argument("--label-key", default="louvain")
    parser.add_argument("--presets", default=",".join(PRESETS))
    arguments = parser.parse_args()
    presets = arguments.presets.split(",")
    cells = anndata.read_h5ad(arguments.data)
    rng = np.random.default_rng(0)
    order = rng.permutation(cells.n_obs)
    held_out = cells[order[:cells.n_obs // 5]].copy()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        cells[order[cells.n_obs // 5:]].copy().write_h5ad(folder / "reference.h5ad")

        def run(*texts):
            done = subprocess.run([arguments.saithe, *map(str, texts), "--quiet"], check=True,
                                  capture_output=True, text=True)
            return done.stdout

        for preset in presets:
            run("train", folder / "reference.h5ad", "--label-key", arguments.label_key, "--preset",
                preset, "-o", folder / f"{preset}.saithe")
        print("| share of the counts | median counts | "
              + " | ".join(f"{preset}: right | sure" for preset in presets) + " |")
        print("|" + "---|" * (2 + 2 * len(presets)))
        counts = held_out.X.astype(int).tocsr()
        for share in SHARES:
            thinned = held_out.copy()
            thinned.X = scipy.sparse.csr_matrix(
                (rng.binomial(counts.data, share).astype("float32"), counts.indices, counts.indptr),
                shape=counts.shape, copy=True)
            thinned.X.eliminate_zeros()
            thinned.write_h5ad(folder / "query.h5ad")
            row = [f"{share}", f"{np.median(np.asarray(thinned.X.sum(axis=1))):.0f}"]
            for preset in presets:
                lines = run("predict", folder / f"{preset}.saithe", folder / "query.h5ad", "-o", "-",
                            "--no-reject").splitlines()[1:]
                fields = [line.split("\t") for line in lines]
                truth = held_out.obs[arguments.label_key]
                right = np.mean([f[3] == label for f, label in zip(fields, truth)])
                row += [f"{right:.3f}", f"{np.mean([float(f[2]) for f in fields]):.3f}"]
            print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
