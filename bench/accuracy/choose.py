"""Numbers of saithe's recipe, one after the other, inside the training cells alone.

    python bench/accuracy/choose.py --inside FOLDER --saithe PROGRAM [--methods A,B] [--tasks A,B]
        [--jobs 2]

FOLDER was made by inside.py. The first line of a table is the recipe that the search began with,
each other one has some options changed, first one by one, then what was better together. Each is
trained on every inner split without the search for suspect labels (which has numbers of its own);
macro-F1 and NLL are means of a task's splits, then of the tasks. Results are kept as run.py does.
"""

import argparse
import pathlib
import subprocess
import sys

from table import Results, markdown, mean_or_none

HERE = pathlib.Path(__file__).resolve().parent

# Where the recipe that the search began with is not the preset.
BEFORE = {"saithe-fast": {}, "saithe-standard": {"learning-rate": 0.001, "class-weights": 0.5}}
# The values that are tried in place of its own, by method and option.
TRIED = {
    "saithe-fast": {"linear-c": (0.01, 0.03, 0.3, 1), "linear-class-weights": (0, 0.5),
                    "variable-genes": (1000, 2000, 5000), "min-cells": (0,)},
    "saithe-standard": {"hidden": (64, 256, 512), "dropout": (0.1, 0.5),
                        "input-mask": (0, 0.1, 0.4), "thin-share": (0,), "class-weights": (0, 1),
                        "epochs": (8, 30), "learning-rate": (0.0003, 0.003, 0.01),
                        "weight-decay": (0.001, 0.1), "linear-c": (0.03, 0.3)},
}
TOGETHER = {
    "saithe-fast": [],
    "saithe-standard": [{"hidden": 256, "class-weights": 1}, {"hidden": 512, "class-weights": 1},
                        {"learning-rate": 0.003, "class-weights": 1},
                        {"learning-rate": 0.003, "class-weights": 1, "hidden": 256}],
}


def settings(method):
    """(tag, what is changed) of each line."""
    singles = [{option: value} for option, values in TRIED[method].items() for value in values]
    for changed in [{}, *singles, *TOGETHER[method]]:
        yield "+".join(f"{option}={value:g}" for option, value in changed.items()) or "base", changed


def flags_of(options):
    return " ".join(f"--{option} {value:g}" for option, value in options.items())


def run(arguments, method, tag, changed):
    flags = f"--no-find-suspects {flags_of(BEFORE[method] | changed)}"
    subprocess.run(
        [sys.executable, HERE / "run.py", "--work", arguments.inside, "--methods", method,
         "--tasks", arguments.tasks, "--variants", "clean", "--saithe", arguments.saithe,
         "--jobs", str(arguments.jobs), "--tag", tag, "--train-flags", flags],
        check=True, stdout=subprocess.DEVNULL)


def means(results, method, field):
    return [mean_or_none(results.values(method, task, "clean", field).values())
            for task in results.tasks]


def print_method(arguments, method):
    lines = dict(settings(method))
    tasks = arguments.tasks.split(",") if arguments.tasks else []
    results = Results(arguments.inside, [f"{method}@{tag}" for tag in lines], tasks, 1000)
    rows = []
    for tag, changed in lines.items():
        f1, nll = (means(results, f"{method}@{tag}", field) for field in ("macro_f1", "nll"))
        rows.append([f"`{flags_of(changed)}`" if changed else "before",
                     *(f"{a:.1f}, {b:.3f}" for a, b in zip(f1, nll)),
                     f"{sum(f1) / len(f1):.2f}", f"{sum(nll) / len(nll):.4f}"])
    markdown(f"{method}: macro-F1 %, NLL", ["", *results.tasks, "mean macro-F1 %", "mean NLL"],
             rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--inside", type=pathlib.Path, required=True, help="made by inside.py")
    parser.add_argument("--saithe", required=True, help="the program")
    parser.add_argument("--methods", default=",".join(TRIED))
    parser.add_argument("--tasks", default="", help="all, if none are named")
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    for method in arguments.methods.split(","):
        for tag, changed in settings(method):
            run(arguments, method, tag, changed)
        print_method(arguments, method)


if __name__ == "__main__":
    main()
