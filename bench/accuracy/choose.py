"""Numbers of saithe's recipe, one after the other, inside the training cells alone.

    python bench/accuracy/choose.py --inside FOLDER --saithe PROGRAM [--methods A,B] [--jobs 2]

FOLDER was made by inside.py. Each line of the table is the preset with one option changed, trained
on every inner split without the search for suspect labels (which has numbers of its own); macro-F1
and NLL are means of a task's splits, then of the tasks. Results are kept as run.py keeps them.
"""

import argparse
import pathlib
import subprocess
import sys

from table import Results, markdown, mean_or_none

HERE = pathlib.Path(__file__).resolve().parent

# The values that are tried beside the preset's own, by method and option.
LINEAR = {"linear-c": (0.01, 0.03, 0.3, 1), "linear-class-weights": (0, 0.5),
          "variable-genes": (1000, 2000, 5000)}
NETWORK = {"hidden": (64, 256, 512, 1024), "dropout": (0.1, 0.5), "input-mask": (0, 0.1, 0.4),
           "thin-share": (0, 1), "class-weights": (0, 1), "epochs": (8, 30),
           "learning-rate": (0.0003, 0.003), "weight-decay": (0.001, 0.1),
           "linear-c": (0.03, 0.3)}
TRIED = {"saithe-fast": LINEAR, "saithe-standard": NETWORK}


def settings(method):
    """(tag, flags) of the preset as it is and of each value."""
    yield "base", ""
    for option, values in TRIED[method].items():
        for value in values:
            yield f"{option}={value:g}", f"--{option} {value:g}"


def run(arguments, method, tag, flags):
    subprocess.run(
        [sys.executable, HERE / "run.py", "--work", arguments.inside, "--methods", method,
         "--variants", "clean", "--saithe", arguments.saithe, "--jobs", str(arguments.jobs),
         "--tag", tag, "--train-flags", f"--no-find-suspects {flags}"],
        check=True, stdout=subprocess.DEVNULL)


def means(results, method, field):
    return [mean_or_none(results.values(method, task, "clean", field).values())
            for task in results.tasks]


def print_method(arguments, method):
    tags = [tag for tag, _ in settings(method)]
    results = Results(arguments.inside, [f"{method}@{tag}" for tag in tags], [], 1000)
    rows = []
    for tag in tags:
        f1, nll = (means(results, f"{method}@{tag}", field) for field in ("macro_f1", "nll"))
        if None in f1:
            continue
        name = "as it is" if tag == "base" else f"`--{tag.replace('=', ' ')}`"
        rows.append([name, *(f"{a:.1f}, {b:.3f}" for a, b in zip(f1, nll)),
                     f"{sum(f1) / len(f1):.2f}", f"{sum(nll) / len(nll):.4f}"])
    markdown(f"{method}: macro-F1 %, NLL", ["", *results.tasks, "mean macro-F1 %", "mean NLL"],
             rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--inside", type=pathlib.Path, required=True, help="made by inside.py")
    parser.add_argument("--saithe", required=True, help="the program")
    parser.add_argument("--methods", default=",".join(TRIED))
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    for method in arguments.methods.split(","):
        for tag, flags in settings(method):
            run(arguments, method, tag, flags)
        print_method(arguments, method)


if __name__ == "__main__":
    main()
