"""Speed on PBMC3K: saithe against the article's program, everything interleaved in one run.

    python bench/compare_training.py SAITHE [--floor UPDATE_FLOOR] [--rounds 5] [--skip-whole]

An epoch is a training and a validation pass. Each round measures an epoch of saithe (the median of
the epochs of a short walk-through), of the article's PyTorch loop, of the same with
Adam(fused=True), and a bare update of weights and moments, once a step. Then the whole walk-through
against the article's program; the first run of each is not counted. Ratios are taken round by
round. Prints Markdown.
"""

import argparse
import json
import pathlib
import statistics
import tempfile
import time

import article
import numpy as np
import torch
from peers import PBMC3K, print_table, run_article, run_child, run_walkthrough, spread

# The article's network on PBMC3K, and the minibatches of an epoch.
N_PARAMETERS = 13656 * 1028 + 1028 + 1028 * 256 + 256 + 256 * 128 + 128 + 128 * 8 + 8
N_STEPS = 33


class Measured:
    """Seconds by name, one a round."""

    def __init__(self):
        self.seconds = {}

    def add(self, name, seconds):
        self.seconds.setdefault(name, []).append(seconds)

    def ratios(self, name, base):
        return [a / b for a, b in zip(self.seconds[name], self.seconds[base])]


def timed_epoch(problem, network, optimizer):
    start = time.perf_counter()
    article.run_epoch(problem, network, optimizer)
    return time.perf_counter() - start


def compare_epochs(saithe, floor, n_rounds):
    np.random.seed(0)
    torch.manual_seed(0)
    cells = article.preprocess(PBMC3K)
    problem = article.Problem(cells, *article.split_cells(cells, None))
    peers = {"PyTorch, the article's loop": article.make_network(problem),
             "PyTorch, Adam(fused=True)": article.make_network(problem, fused=True)}
    for network, optimizer in peers.values():
        article.run_epoch(problem, network, optimizer)  # moments come into being in the first step
    measured = Measured()
    threads = torch.get_num_threads()
    for _ in range(n_rounds):
        with tempfile.TemporaryDirectory() as folder:
            run, _, _ = run_walkthrough(saithe, folder, "--epochs", 5, "--threads", threads)
        measured.add("saithe", statistics.median(run["epoch_seconds"]))
        for name, (network, optimizer) in peers.items():
            measured.add(name, timed_epoch(problem, network, optimizer))
        output, _, _ = run_child([floor, N_PARAMETERS, N_STEPS, threads])
        measured.add("bare update of weights and moments",
                     json.loads(output)["seconds_per_step"] * N_STEPS)
    print(f"## One epoch, training and validation ({threads} threads, {n_rounds} rounds, median "
          "(range))\n")
    print_table(["what", "seconds", "ratio to saithe"],
                [[name, spread(seconds), spread(measured.ratios(name, "saithe"), 2)]
                 for name, seconds in measured.seconds.items()])
    floor_ratio = measured.ratios("saithe", "bare update of weights and moments")
    print(f"saithe needs {spread(floor_ratio, 2)} times the bare update.\n")


def compare_whole(saithe, n_rounds):
    rows = {"saithe": [], "article.py": []}
    for number in range(n_rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            _, seconds, memory = run_walkthrough(saithe, folder)
            _, article_seconds, article_memory = run_article(pathlib.Path(folder) / "article")
        if number > 0:
            rows["saithe"].append((seconds, memory / 1e6))
            rows["article.py"].append((article_seconds, article_memory / 1e6))
    print(f"## The whole walk-through ({n_rounds} rounds after a first, median (range))\n")
    print_table(["what", "seconds", "peak memory, MB"],
                [[name, spread([s for s, _ in runs], 2), spread([m for _, m in runs], 0)]
                 for name, runs in rows.items()])
    pairs = list(zip(rows["article.py"], rows["saithe"]))
    print(f"saithe: {spread([a[0] / b[0] for a, b in pairs], 1)} times as fast, "
          f"{spread([b[1] / a[1] for a, b in pairs], 2)} of the memory.\n")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("saithe", type=pathlib.Path)
    parser.add_argument("--floor", type=pathlib.Path, help="default: beside the program")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--skip-whole", action="store_true")
    arguments = parser.parse_args()
    floor = arguments.floor or arguments.saithe.with_name("update_floor")
    print(f"PyTorch {torch.__version__}\n")
    compare_epochs(arguments.saithe, floor, arguments.rounds)
    if not arguments.skip_whole:
        compare_whole(arguments.saithe, arguments.rounds)


if __name__ == "__main__":
    main()
