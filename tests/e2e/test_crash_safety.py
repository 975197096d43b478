"""The program is killed while it writes: the old file or the new one, whole, and nothing else.

SAITHE_KILLS says how often for each kind of output (20 by default; `make soak` asks for 200).
"""

import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import time

import anndata
import numpy as np
import pytest

from conftest import PROGRAM, must

N_KILLS = int(os.environ.get("SAITHE_KILLS", "20"))
SEED = 5

# What a killed run leaves, as docs/file_formats.md says.
LEFTOVER = re.compile(r"^\.saithe-.*\.[A-Za-z0-9]{6}$")


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def padded(cells, tmp_path_factory):
    """Cells beside enough other values that copying and flushing the file takes its time."""
    data = anndata.read_h5ad(cells)
    data.obsm["X_padding"] = np.random.default_rng(SEED).random((data.n_obs, 8000))
    path = tmp_path_factory.mktemp("padded") / "cells.h5ad"
    data.write_h5ad(path)
    return path


def start(arguments):
    return subprocess.Popen([PROGRAM, *map(str, arguments), "--quiet"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE)


def wait_for_writing(process, folder, names):
    """Until a file appears beside `names` that holds something, or the program has ended."""
    while process.poll() is None:
        for entry in os.scandir(folder):
            try:
                if entry.name not in names and entry.stat().st_size > 0:
                    return
            except FileNotFoundError:
                continue
        time.sleep(0.0005)


def seconds_of_writing(arguments, folder):
    names = set(os.listdir(folder))
    process = start(arguments)
    wait_for_writing(process, folder, names)
    begin = time.monotonic()
    assert process.wait() == 0, process.stderr.read()
    return time.monotonic() - begin


def kill_while_writing(arguments, folder, seconds, chance):
    """Whether the program was killed before its end."""
    process = start(arguments)
    wait_for_writing(process, folder, set(os.listdir(folder)))
    time.sleep(chance.random() * seconds)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return process.returncode == -signal.SIGKILL


def assert_only_known_leftovers(folder, names):
    others = [name for name in os.listdir(folder) if name not in names]
    assert all(LEFTOVER.match(name) for name in others), others
    for name in others:
        os.unlink(folder / name)
    return len(others)


@pytest.mark.parametrize("kind", ["in place", "over an output", "convert", "model"])
def test_a_kill_leaves_the_old_file_or_the_new_one(model, cells, padded, tmp_path, kind):
    path = tmp_path / ("m.saithe" if kind == "model" else "own.h5ad")
    shutil.copy(model if kind == "model" else padded, path)
    arguments = {"in place": ["predict", model, path, "--in-place"],
                 "over an output": ["predict", model, padded, "-o", path, "--overwrite"],
                 "convert": ["convert", padded, path, "--overwrite"],
                 "model": ["train", cells, "--label-key", "cell_type", "-o", path, "--overwrite",
                           "--hidden", "1024,512", "--epochs", "1", "--min-steps", "0", "--validate",
                           "none", "--no-find-suspects"]}[kind]
    kills = max(1, N_KILLS // 10) if kind in ("convert", "model") else N_KILLS
    old_bytes, old = path.read_bytes(), digest(path)
    seconds = seconds_of_writing(arguments, tmp_path)
    new = digest(path)
    assert new != old
    chance = random.Random(SEED)
    n_killed = n_left = 0
    for _ in range(kills):
        path.write_bytes(old_bytes)
        n_killed += kill_while_writing(arguments, tmp_path, seconds, chance)
        assert digest(path) in (old, new)
        n_left += assert_only_known_leftovers(tmp_path, [path.name])
    # of a few kills none may fall into the writing
    assert kills < 10 or (n_killed > 0 and n_left > 0), (n_killed, n_left)
    # What the two digests stand for is read by AnnData; a run after all the kills works as ever.
    path.write_bytes(old_bytes)
    must(*arguments)
    assert digest(path) == new
    if kind != "model":
        assert anndata.read_h5ad(path).n_obs == anndata.read_h5ad(padded).n_obs == 300


def test_a_new_output_is_whole_or_not_there(model, padded, tmp_path):
    path = tmp_path / "out.h5ad"
    arguments = ["predict", model, padded, "-o", path]
    seconds = seconds_of_writing(arguments, tmp_path)
    new = digest(path)
    chance = random.Random(SEED + 1)
    for _ in range(max(1, N_KILLS // 4)):
        path.unlink(missing_ok=True)
        kill_while_writing(arguments, tmp_path, seconds, chance)
        assert not path.exists() or digest(path) == new
        assert_only_known_leftovers(tmp_path, [path.name])
