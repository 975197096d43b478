"""How many artificial doublets --multi-label finds, and how many single cells it takes for two.

    python doublets.py --saithe build/release/bin/saithe [--preset fast]

Trained on 70 % of the bundled PBMC3K; 300 pairs of unlike types among the rest, counts summed.
Needs anndata, NumPy, SciPy and pandas.
"""

import argparse
import pathlib
import subprocess
import tempfile

import anndata
import numpy as np
import pandas
import scipy.sparse

CELLS = pathlib.Path(__file__).resolve().parents[2] / "data" / "pbmc3k.h5ad"
N_PAIRS = 300


def draw(folder):
    """Writes the files; the types of the single cells, and of the pairs."""
    cells = anndata.read_h5ad(CELLS)
    cells = cells[~cells.obs["louvain"].isna()].copy()
    random = np.random.default_rng(5)
    is_test = random.random(cells.n_obs) < 0.3
    cells[~is_test].copy().write_h5ad(folder / "training.h5ad")
    singles = cells[is_test].copy()
    singles.write_h5ad(folder / "singles.h5ad")
    types = singles.obs["louvain"].astype(str).to_numpy()
    rows, pairs = [], []
    while len(pairs) < N_PAIRS:
        first, second = random.integers(0, singles.n_obs, 2)
        if types[first] != types[second]:
            rows.append(singles.X[first] + singles.X[second])
            pairs.append({types[first], types[second]})
    doublets = anndata.AnnData(scipy.sparse.vstack(rows).tocsr().astype(np.float32),
                               var=singles.var)
    doublets.obs_names = [f"doublet{i}" for i in range(N_PAIRS)]
    doublets.write_h5ad(folder / "doublets.h5ad")
    return types, pairs


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--saithe", required=True, help="the program")
    parser.add_argument("--preset", default="fast")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        types, pairs = draw(folder)

        def run(*words):
            subprocess.run([arguments.saithe, *map(str, words), "--overwrite", "--quiet"],
                           check=True)

        def labels(query, threshold):
            run("predict", folder / "model.saithe", folder / f"{query}.h5ad", "-o",
                folder / "labels.tsv", "--no-reject", "--multi-label", threshold)
            table = pandas.read_csv(folder / "labels.tsv", sep="\t")
            return [set(text.split("|")) for text in table["multi_label"]]

        run("train", folder / "training.h5ad", "--label-key", "louvain", "--preset",
            arguments.preset, "-o", folder / "model.saithe")
        for threshold in (0.5, 0.3, 0.1):
            of_pairs = labels("doublets", threshold)
            of_cells = labels("singles", threshold)
            both = np.mean([pair <= found for pair, found in zip(pairs, of_pairs)])
            several = np.mean([len(found) > 1 for found in of_cells])
            own = np.mean([type_ in found for type_, found in zip(types, of_cells)])
            print(f"{threshold}: both types of {both:.2f} of the doublets; of the single cells "
                  f"{several:.3f} have more than one type, {own:.3f} their own")


if __name__ == "__main__":
    main()
