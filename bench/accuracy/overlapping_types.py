"""Whether probabilities fit the shares of two types that overlap, one of them rare.

    python overlapping_types.py --saithe build/release/bin/saithe

3 000 training and 6 000 test cells, 6 % of the rare type; 120 of 400 genes differ by a quarter to
a third. Printed for each preset, calibrated and not: the mean probability of the rare type beside
its share, and the share among cells of like probability. Needs anndata, NumPy, SciPy and pandas.
"""

import argparse
import pathlib
import subprocess
import tempfile

import anndata
import numpy as np
import pandas
import scipy.sparse

N_GENES = 400
SHARE = 0.06
BINS = (0, 0.1, 0.3, 0.5, 0.7, 0.9, 1.0)


def draw_cells(n_cells, seed):
    random = np.random.default_rng(seed)
    is_rare = random.random(n_cells) < SHARE
    level = np.random.default_rng(7).gamma(1, 1, N_GENES) * 0.6
    effect = np.ones((2, N_GENES))
    effect[1, :60], effect[1, 60:120] = 1.35, 0.75
    depth = random.lognormal(0, 0.3, (n_cells, 1))
    counts = random.poisson(level * effect[is_rare.astype(int)] * depth)
    cells = anndata.AnnData(scipy.sparse.csr_matrix(counts.astype(np.float32)))
    cells.obs_names = [f"cell{i}" for i in range(n_cells)]
    cells.var_names = [f"gene{i}" for i in range(N_GENES)]
    cells.obs["cell_type"] = np.where(is_rare, "rare", "common")
    return cells


def judge(saithe, preset, calibrate, folder, is_rare):
    def run(*arguments):
        subprocess.run([saithe, *map(str, arguments), "--overwrite", "--quiet"], check=True)

    run("train", folder / "training.h5ad", "--label-key", "cell_type", "--preset", preset, calibrate,
        "-o", folder / "model.saithe")
    run("predict", folder / "model.saithe", folder / "test.h5ad", "-o", folder / "labels.tsv",
        "--probabilities", folder / "probabilities.tsv")
    p = pandas.read_csv(folder / "probabilities.tsv", sep="\t", index_col=0)["rare"].to_numpy()
    print(f"{preset} {calibrate}: mean probability {p.mean():.3f}, share {is_rare.mean():.3f}")
    for low, high in zip(BINS, BINS[1:]):
        inside = (p >= low) & ((p < high) | (high == 1))
        if inside.any():
            print(f"  {low:.1f} to {high:.1f}: {inside.sum()} cells, "
                  f"mean probability {p[inside].mean():.3f}, share {is_rare[inside].mean():.3f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--saithe", required=True, help="the program")
    saithe = parser.parse_args().saithe
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        draw_cells(3000, 1).write_h5ad(folder / "training.h5ad")
        test = draw_cells(6000, 2)
        test.write_h5ad(folder / "test.h5ad")
        for preset in ("standard", "fast"):
            for calibrate in ("--no-calibrate", "--calibrate"):
                judge(saithe, preset, calibrate, folder,
                      (test.obs["cell_type"] == "rare").to_numpy())


if __name__ == "__main__":
    main()
