"""Reading and predicting from a gzip h5ad, and a million cells from end to end.

    python bench/compare_reading.py SAITHE READING_DRIVER [--cells 200000] [--rounds 5] [--million]

The cells are simulated (20 000 genes, 850 stored values each) and written as gzip h5ad. Each round
measures, one after the other in processes of their own: anndata.read_h5ad(), saithe reading the same
file block by block, saithe predicting from memory, saithe predicting from the file. Ratios are taken
round by round; the file is in the page cache. --million: `saithe train` and `saithe predict` of a
million cells, seconds and peak memory. Prints Markdown.
"""

import argparse
import pathlib
import statistics
import sys
import tempfile

from peers import measure, print_table, run_child, spread

ANNDATA = """
import json, sys, time
import anndata
start = time.perf_counter()
cells = anndata.read_h5ad(sys.argv[1])
print(json.dumps({"seconds": time.perf_counter() - start, "n_stored": int(cells.X.nnz)}))
"""


def simulate(saithe, path, n_cells, seed):
    run_child([saithe, "simulate", "-o", path, "--cells", n_cells, "--genes", 20000, "--seed", seed,
               "--quiet"])


def train_small(saithe, folder):
    simulate(saithe, folder / "reference.h5ad", 5000, 1)
    run_child([saithe, "train", folder / "reference.h5ad", "--label-key", "cell_type", "-o",
               folder / "model.saithe", "--quiet"])
    return folder / "model.saithe"


def compare(saithe, driver, n_cells, n_rounds, folder):
    model = train_small(saithe, folder)
    path = folder / "query.h5ad"
    simulate(saithe, path, n_cells, 2)
    commands = {"anndata.read_h5ad()": [sys.executable, "-c", ANNDATA, path],
                "saithe reads": [driver, "decode", path],
                "saithe predicts from memory": [driver, "compute", model, path],
                "saithe predicts from the file": [driver, "predict", model, path]}
    runs = {name: [] for name in commands}
    measure(commands["saithe reads"])  # into the page cache
    for _ in range(n_rounds):
        for name, command in commands.items():
            runs[name].append(measure(command))
    assert len({run["n_stored"] for run in runs["anndata.read_h5ad()"] + runs["saithe reads"]}) == 1
    seconds = {name: [run["seconds"] for run in own] for name, own in runs.items()}
    print(f"## A gzip h5ad of {n_cells} cells ({path.stat().st_size / 1e6:.0f} MB, {n_rounds} rounds, "
          "median (range))\n")
    print_table(["what", "seconds", "peak memory"],
                [[name, spread(seconds[name], 2),
                  f"{statistics.median(run['memory'] for run in own) / 1e6:.0f} MB"]
                 for name, own in runs.items()])
    reading, computing = seconds["saithe reads"], seconds["saithe predicts from memory"]
    print_table(["ratio", "median (range)"], [
        ["anndata.read_h5ad() / saithe reads",
         spread([a / b for a, b in zip(seconds["anndata.read_h5ad()"], reading)], 2)],
        ["from the file / (reads + predicts from memory)",
         spread([whole / (a + b) for whole, a, b in
                 zip(seconds["saithe predicts from the file"], reading, computing)], 2)]])


def measure_million(saithe, folder):
    path = folder / "million.h5ad"
    simulate(saithe, path, 1000000, 3)
    model = folder / "million.saithe"
    rows = []
    for name, command in (
            ("train, standard, --memory 3G",
             [saithe, "train", path, "--label-key", "cell_type", "-o", model, "--memory", "3G",
              "--quiet"]),
            ("predict", [saithe, "predict", model, path, "-o", folder / "labels.tsv", "--quiet"])):
        _, seconds, memory = run_child(command)
        rows.append([name, f"{seconds:.0f} s", f"{memory / 1e9:.2f} GB"])
    print(f"## A million cells x 20 000 genes ({path.stat().st_size / 1e9:.1f} GB)\n")
    print_table(["command", "seconds", "peak memory"], rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("saithe", type=pathlib.Path)
    parser.add_argument("driver", type=pathlib.Path)
    parser.add_argument("--cells", type=int, default=200000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--million", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        compare(arguments.saithe.resolve(), arguments.driver.resolve(), arguments.cells,
                arguments.rounds, pathlib.Path(folder))
    if arguments.million:
        with tempfile.TemporaryDirectory() as folder:
            measure_million(arguments.saithe.resolve(), pathlib.Path(folder))


if __name__ == "__main__":
    main()
