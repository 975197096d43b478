"""Runs methods on tasks; every result is kept, so that a stopped run goes on where it was.

    python bench/accuracy/run.py --work FOLDER [--methods A,B] [--tasks A,B] [--variants A,B]
        [--max-split S] [--saithe PROGRAM [--train-flags "..."] [--predict-flags "..."]] [--tag TAG]

Makes the task files first where they are missing. The seed of a run is its split. Results lie in
FOLDER/results/METHOD[@TAG]/TASK-SPLIT-VARIANT.{json,npz}; saithe's are done anew when the program
or the flags have changed, the others' with --anew. --variants takes clean, noise and unseen. A run
that fails is reported, kept as an error and tried again next time.
"""

# Only the standard library: a child's peak memory begins with what this process holds.
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tempfile
import time

from methods import METHODS

HERE = pathlib.Path(__file__).resolve().parent


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--work", type=pathlib.Path, required=True)
    parser.add_argument("--data", help="the folder of the data sets, see tasks.py")
    parser.add_argument("--methods", default=",".join(METHODS))
    parser.add_argument("--tasks", default="", help="all, if none are named")
    parser.add_argument("--variants", default="clean,noise,unseen")
    parser.add_argument("--max-split", type=int, default=1000, help="the last split to run")
    parser.add_argument("--saithe", default="build/release/bin/saithe", help="the program")
    parser.add_argument("--train-flags", default="", help="more flags of saithe train")
    parser.add_argument("--predict-flags", default="", help="more flags of saithe predict")
    parser.add_argument("--tag", default="", help="keeps these results beside those without it")
    parser.add_argument("--anew", action="store_true", help="run even what has a result")
    parser.add_argument("--jobs", type=int, default=1)
    # On a busy machine two threads that wait for each other take six times one's processor time.
    parser.add_argument("--threads", type=int, default=1, help="of each run")
    parser.add_argument("--timeout", type=float, default=1800, help="seconds of one run")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.methods.split(",") if name not in METHODS]
    if unknown:
        parser.error(f"no method {', '.join(unknown)}; there are {', '.join(METHODS)}")
    return arguments


def read_entries(arguments):
    """The entries of tasks.json that were asked for."""
    path = arguments.work / "tasks.json"
    if not path.exists():
        data = ["--data", arguments.data] if arguments.data else []
        subprocess.run([sys.executable, HERE / "tasks.py", "--work", arguments.work, *data],
                       check=True)
    entries = json.loads(path.read_text())
    tasks = arguments.tasks.split(",") if arguments.tasks else {e["task"] for e in entries}
    unknown = set(tasks) - {entry["task"] for entry in entries}
    if unknown:
        sys.exit(f"--tasks: no task {', '.join(sorted(unknown))}")
    kinds = arguments.variants.split(",")
    return [entry for entry in entries
            if entry["task"] in tasks and entry["split"] <= arguments.max_split
            and entry["variant"].split("-")[0] in kinds]


def saithe_source(arguments):
    """(options of its fit_predict, what its results depend on)"""
    program = shutil.which(arguments.saithe)
    if program is None:
        sys.exit(f"--saithe: no program {arguments.saithe}")
    flags = [shlex.split(arguments.train_flags), shlex.split(arguments.predict_flags)]
    options = {"program": str(pathlib.Path(program).resolve()), "train_flags": flags[0],
               "predict_flags": flags[1]}
    content = pathlib.Path(program).read_bytes()
    return options, {"sha256": hashlib.sha256(content).hexdigest(), "flags": flags}


def list_runs(arguments):
    """(method, entry, options, what the result depends on) of each run, in order: all methods on
    true labels first, so that a run that is stopped has something to compare."""
    entries, sources = read_entries(arguments), {}
    for kind in ("clean", "noise", "unseen"):
        for method in arguments.methods.split(","):
            module, _, most_splits = METHODS[method]
            if method not in sources:
                is_saithe = module == "saithe_program"
                sources[method] = saithe_source(arguments) if is_saithe else ({}, {})
            for entry in entries:
                wanted = most_splits is None or entry["split"] < most_splits
                if wanted and entry["variant"].split("-")[0] == kind:
                    yield method, entry, *sources[method]


def is_done(path, source, anew):
    if anew or not path.exists():
        return False
    record = json.loads(path.read_text())
    return "error" not in record and record["source"] == source


def run_one(arguments, method, entry, options, source):
    """Starts the worker unless the result is there; gives a line to print or None."""
    folder = arguments.work / "results" / (method + ("@" + arguments.tag if arguments.tag else ""))
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{entry['task']}-{entry['split']}-{entry['variant']}"
    if is_done(folder / f"{name}.json", source, arguments.anew):
        return None
    threads = {f"{library}_NUM_THREADS": str(arguments.threads)
               for library in ("OMP", "OPENBLAS", "MKL", "NUMBA")}
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        (scratch / "request.json").write_text(json.dumps({
            "method": method, "train": str(arguments.work / entry["train"]),
            "test": str(arguments.work / entry["test"]), "seed": entry["split"],
            "options": options}))
        try:
            child = subprocess.run(
                [sys.executable, HERE / "worker.py", scratch / "request.json", scratch / "result"],
                env={**os.environ, **threads}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                text=True, timeout=arguments.timeout)
            error = child.stderr.strip()[-2000:] if child.returncode != 0 else None
        except subprocess.TimeoutExpired:
            error = f"stopped after {arguments.timeout} s"
        record = {"error": error} if error is not None else json.loads(
            (scratch / "result.json").read_text())
        if (scratch / "result.npz").exists():
            shutil.copy(scratch / "result.npz", folder / f"{name}.npz")
    record.update(source=source, task=entry["task"], split=entry["split"],
                  variant=entry["variant"], threads=arguments.threads)
    (folder / f"{name}.json").write_text(json.dumps(record) + "\n")
    last = record["error"].split("\n")[-1] if error else record.get("not_applicable", "")
    return f"{folder.name} {name}: {time.perf_counter() - start:.1f} s {last}".rstrip()


def main():
    arguments = parse_arguments()
    arguments.work = arguments.work.resolve()
    with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
        runs = [pool.submit(run_one, arguments, *run) for run in list_runs(arguments)]
        for run in runs:
            line = run.result()
            if line:
                print(line, flush=True)


if __name__ == "__main__":
    main()
