"""Seconds that saithe explain takes for 100 cells with 100 background cells.

    python bench/explain_speed.py SAITHE [--runs 5] [--cells 100]

Pollock's README states about 15 minutes for SHAP values of that many. Trains the standard preset on
the bundled PBMC3K without the cells asked about, and explains these against 100 training cells and
against the mean of all. Prints Markdown; ends with 1 if a run takes more than a minute.
Needs anndata.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import anndata
import numpy as np
from peers import PBMC3K, print_table, run_child, spread

MOST_SECONDS = 60


def write_cells(folder, n_cells):
    """(reference, query, background) files; the background is of reference cells."""
    data = anndata.read_h5ad(PBMC3K)
    order = np.random.default_rng(0).permutation(data.n_obs)
    parts = {"query": order[:n_cells], "reference": order[n_cells:],
             "background": order[n_cells:2 * n_cells]}
    for name, cells in parts.items():
        data[np.sort(cells)].write_h5ad(folder / f"{name}.h5ad")
    return [folder / f"{name}.h5ad" for name in ("reference", "query", "background")]


def completeness(program, command):
    """What the program says of the sums of its attributions, in per cent."""
    done = subprocess.run([program, *map(str, command)], capture_output=True, text=True, check=True)
    return re.search(r"at most ([\d.e-]+) %", done.stderr).group(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("program")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--cells", type=int, default=100)
    options = parser.parse_args()
    rows, slowest = [], 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reference, query, background = write_cells(folder, options.cells)
        model = folder / "model.saithe"
        run_child([options.program, "train", reference, "--label-key", "louvain", "-o", model,
                   "--quiet"])
        for title, extra in ((f"{options.cells} cells", ["--background", background]),
                             ("mean of all", [])):
            for n_threads in (1, 2):
                command = ["explain", model, query, "-o", folder / "out", "--overwrite", "--cells",
                           0, "--no-reject", "--threads", n_threads, *extra]
                runs = [run_child([options.program, *command, "--quiet"])[1:]
                        for _ in range(options.runs)]
                seconds = [run[0] for run in runs]
                slowest = max(slowest, *seconds)
                rows.append([title, n_threads, spread(seconds, 2),
                             f"{max(run[1] for run in runs) / 1e6:.0f}",
                             completeness(options.program, command)])
    print(f"saithe explain, {options.cells} cells of PBMC3K, standard preset, {options.runs} runs; "
          "Pollock's README: about 15 minutes\n")
    print_table(["background", "threads", "seconds", "MB", "sum missed by at most, %"], rows)
    sys.exit(slowest > MOST_SECONDS)


if __name__ == "__main__":
    main()
