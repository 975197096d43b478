"""Running programs for the comparisons: seconds, peak memory, tables."""

import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
PBMC3K = ROOT / "data" / "pbmc3k.h5ad"


# A process that a large one starts inherits its peak: a small one stands between.
LAUNCH = """
import os, subprocess, sys
child = subprocess.Popen(sys.argv[2:])
status, usage = os.wait4(child.pid, 0)[1:]
open(sys.argv[1], "w").write(str(usage.ru_maxrss * 1024))
sys.exit(min(os.waitstatus_to_exitcode(status) % 256, 255))
"""


def run_child(command):
    """(standard output, seconds, peak memory in bytes) of a program that must succeed."""
    with tempfile.NamedTemporaryFile("r") as peak:
        start = time.perf_counter()
        child = subprocess.run([sys.executable, "-S", "-c", LAUNCH, peak.name]
                               + [str(word) for word in command], stdout=subprocess.PIPE, text=True)
        seconds = time.perf_counter() - start
        if child.returncode != 0:
            sys.exit(f"{command[0]} ended with {child.returncode}")
        return child.stdout, seconds, int(peak.read())


def measure(command):
    """The JSON in the last line that a program prints, with its peak memory in bytes."""
    output, _, memory = run_child(command)
    return json.loads(output.strip().split("\n")[-1]) | {"memory": memory}


def run_walkthrough(program, folder, *options):
    """(run.json, seconds, peak memory) of `saithe walkthrough` on the bundled PBMC3K."""
    _, seconds, memory = run_child([program, "walkthrough", PBMC3K, "--label-key", "louvain",
                                    "--quiet", "--overwrite", "-o", folder, *options])
    return json.loads((pathlib.Path(folder) / "run.json").read_text()), seconds, memory


def run_article(folder, *options):
    """(the JSON it prints, seconds, peak memory) of article.py."""
    output, seconds, memory = run_child(
        [sys.executable, ROOT / "bench" / "article.py", PBMC3K, "-o", folder, *options])
    return json.loads(output.strip().split("\n")[-1]), seconds, memory


def spread(values, digits=3):
    """Median with the range, as text."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{middle:.{digits}f} ({low:.{digits}f} - {high:.{digits}f})"


def print_table(header, rows):
    """A Markdown table."""
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print(flush=True)
