"""The program is killed while it writes: the old file or the new one, whole, and nothing else.

SAITHE_KILLS says how often for each kind of output (20 by default; `make soak` asks for 200).
"""

import hashlib
import json
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
import zarr

from conftest import PROGRAM, QUICK, must

N_KILLS = int(os.environ.get("SAITHE_KILLS", "20"))
SEED = 5

# What a killed run leaves, as docs/file_formats.md says.
LEFTOVER = re.compile(r"^\.saithe-.*\.[A-Za-z0-9]{6}$")


def digest(path):
    """Of a file, or of a folder's files and their names."""
    if path.is_file():
        return hashlib.sha256(path.read_bytes()).hexdigest()
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return hashlib.sha256(repr([(str(file.relative_to(path)), digest(file))
                                for file in files]).encode()).hexdigest()


def put_back(original, path):
    """The file or folder as it was before the run."""
    if original.is_file():
        shutil.copy(original, path)
        return
    shutil.rmtree(path, ignore_errors=True)
    shutil.copytree(original, path)


@pytest.fixture(scope="module")
def padded(cells, tmp_path_factory):
    """Cells beside enough other values that copying and flushing the file takes its time."""
    data = anndata.read_h5ad(cells)
    data.obsm["X_padding"] = np.random.default_rng(SEED).random((data.n_obs, 8000))
    path = tmp_path_factory.mktemp("padded") / "cells.h5ad"
    data.write_h5ad(path)
    return path


@pytest.fixture(scope="module")
def padded_store(padded):
    """The same as a Zarr store with consolidated metadata."""
    path = padded.with_name("cells.zarr")
    anndata.read_h5ad(padded).write_zarr(path)
    zarr.consolidate_metadata(str(path))
    return path


@pytest.fixture(scope="module")
def other_model(cells, tmp_path_factory):
    """A model of other types than `model`, and of another number of them."""
    data = anndata.read_h5ad(cells)
    data.obs["pair"] = ["one" if label == data.obs.cell_type.iloc[0] else "the other"
                        for label in data.obs.cell_type]
    folder = tmp_path_factory.mktemp("other")
    data.write_h5ad(folder / "cells.h5ad")
    must("train", folder / "cells.h5ad", "--label-key", "pair", "-o", folder / "m.saithe", *QUICK)
    return folder / "m.saithe"


def start(arguments):
    return subprocess.Popen([PROGRAM, *map(str, arguments), "--quiet"], stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE)


def wait_for_writing(process, folder, names):
    """Until a file appears beside `names` that holds something, or the program has ended."""
    while process.poll() is None:
        for entry in os.scandir(folder):
            try:
                if entry.name in names:
                    continue
                if os.listdir(entry.path) if entry.is_dir() else entry.stat().st_size > 0:
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
        shutil.rmtree(folder / name) if (folder / name).is_dir() else os.unlink(folder / name)
    return len(others)


@pytest.mark.parametrize("kind", ["in place", "over an output", "over a store", "convert", "model"])
def test_a_kill_leaves_the_old_file_or_the_new_one(model, cells, padded, padded_store, tmp_path, kind):
    path = tmp_path / {"model": "m.saithe", "over a store": "own.zarr"}.get(kind, "own.h5ad")
    original = {"model": model, "over a store": padded_store}.get(kind, padded)
    put_back(original, path)
    arguments = {"in place": ["predict", model, path, "--in-place"],
                 "over an output": ["predict", model, padded, "-o", path, "--overwrite"],
                 "over a store": ["predict", model, padded_store, "-o", path, "--overwrite"],
                 "convert": ["convert", padded, path, "--overwrite"],
                 "model": ["train", cells, "--label-key", "cell_type", "-o", path, "--overwrite",
                           "--hidden", "1024,512", "--epochs", "1", "--min-steps", "0", "--validate",
                           "none", "--no-find-suspects"]}[kind]
    kills = max(1, N_KILLS // 10) if kind == "model" else N_KILLS
    old = digest(path)
    seconds = seconds_of_writing(arguments, tmp_path)
    new = digest(path)
    assert new != old
    chance = random.Random(SEED)
    n_killed = n_left = 0
    for _ in range(kills):
        put_back(original, path)
        n_killed += kill_while_writing(arguments, tmp_path, seconds, chance)
        assert digest(path) in (old, new)
        n_left += assert_only_known_leftovers(tmp_path, [path.name])
    # of a few kills none may fall into the writing
    assert kills < 10 or (n_killed > 0 and n_left > 0), (n_killed, n_left)
    # What the two digests stand for is read by AnnData; a run after all the kills works as ever.
    put_back(original, path)
    must(*arguments)
    assert digest(path) == new
    if kind == "over a store":
        assert anndata.read_zarr(path).n_obs == anndata.read_zarr(padded_store).n_obs == 300
    elif kind != "model":
        assert anndata.read_h5ad(path).n_obs == anndata.read_h5ad(padded).n_obs == 300


@pytest.mark.parametrize("kind", ["file", "store"])
def test_a_new_output_is_whole_or_not_there(model, padded, padded_store, tmp_path, kind):
    path = tmp_path / ("out.h5ad" if kind == "file" else "out.zarr")
    arguments = ["predict", model, padded if kind == "file" else padded_store, "-o", path]
    seconds = seconds_of_writing(arguments, tmp_path)
    new = digest(path)
    chance = random.Random(SEED + 1)
    for _ in range(max(1, N_KILLS // 4)):
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        kill_while_writing(arguments, tmp_path, seconds, chance)
        assert not path.exists() or digest(path) == new
        assert_only_known_leftovers(tmp_path, [path.name])


# ---- a Zarr store in place, which changes by several renames ----------------------------------

KEY = "predicted_cell_type"


class StoreStates:
    """What a store may look like to AnnData: the columns of no run, or those of one run, whole."""

    def __init__(self, *stores):
        self.columns = [self.columns_of(store) for store in stores]
        self.seen = set()

    @staticmethod
    def columns_of(store):
        obs = anndata.read_zarr(store).obs
        return {name: [str(value) for value in np.asarray(obs[name])] for name in obs if name.startswith(KEY)}

    @staticmethod
    def check_consolidated(store):
        """Each node with its groups: newer versions of zarr-python open no store without them."""
        known = json.loads((store / ".zmetadata").read_text())["metadata"]
        nodes = {key.rpartition("/")[0] for key in known}
        for node in nodes - {""}:
            group = node.rpartition("/")[0]
            assert f"{group}/.zgroup".lstrip("/") in known, node

    def check(self, store):
        """Both ways to read it: node by node, and through the consolidated metadata."""
        self.check_consolidated(store)
        found = self.columns_of(store)
        assert found in self.columns, list(found)
        self.seen.add(self.columns.index(found))
        root = zarr.open_consolidated(str(store))
        known = {}
        for name in root["obs"].attrs["column-order"]:
            if not name.startswith(KEY):
                continue
            column = root["obs"][name]
            if isinstance(column, zarr.Group):
                levels = column["categories"][:]
                known[name] = [str(levels[code]) for code in column["codes"][:]]
            else:
                known[name] = [str(value) for value in column[:]]
        assert known in self.columns, list(known)
        for name in root["obsm"]:
            assert root["obsm"][name][:].shape[0] == 300


@pytest.fixture(scope="module")
def stores(model, other_model, padded_store, tmp_path_factory):
    """A store without results, with those of one model, and with those of another in their place."""
    folder = tmp_path_factory.mktemp("stores")
    must("predict", model, padded_store, "-o", folder / "first.zarr")
    must("predict", other_model, folder / "first.zarr", "-o", folder / "second.zarr", "--overwrite")
    return padded_store, folder / "first.zarr", folder / "second.zarr"


@pytest.mark.parametrize("kind", ["added", "replaced"])
def test_a_kill_leaves_a_store_without_or_with_the_columns(model, other_model, stores, tmp_path, kind):
    path = tmp_path / "own.zarr"
    original = stores[0] if kind == "added" else stores[1]
    arguments = (["predict", model, path, "--in-place"] if kind == "added" else
                 ["predict", other_model, path, "--in-place", "--overwrite"])
    put_back(original, path)
    states = StoreStates(*stores)
    seconds = seconds_of_writing(arguments, tmp_path)
    states.check(path)
    assert states.seen == {1 if kind == "added" else 2}
    assert digest(path) == digest(stores[1] if kind == "added" else stores[2])
    chance = random.Random(SEED + 2)
    n_killed = 0
    for _ in range(N_KILLS):
        put_back(original, path)
        n_killed += kill_while_writing(arguments, tmp_path, seconds, chance)
        states.check(path)
        assert_only_known_leftovers(tmp_path, [path.name])
    assert N_KILLS < 10 or n_killed > 0


# ---- a kill before each rename ----------------------------------------------------------------

SHIM = r"""
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Dies before the rename of that number. Those within what is under construction do not count.
extern "C" int rename(const char* from, const char* to) noexcept {
  static int left = std::atoi(std::getenv("KILL_BEFORE_RENAME"));
  const bool counts = std::strstr(from, "/.saithe-") == nullptr ||
                      std::strstr(to, "/.saithe-") == nullptr;
  if (counts && left-- == 0) std::raise(SIGKILL);
  return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
"""


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shim")
    (folder / "shim.cpp").write_text(SHIM)
    subprocess.run([os.environ.get("CXX", "c++"), "-shared", "-fPIC", "-o", folder / "shim.so",
                    folder / "shim.cpp"], check=True)
    return folder / "shim.so"


def killed_before_rename(shim, number, arguments):
    """Whether the run came to that rename, and died there."""
    done = subprocess.run([PROGRAM, *map(str, arguments), "--quiet"], capture_output=True,
                          env={**os.environ, "LD_PRELOAD": str(shim),
                               "KILL_BEFORE_RENAME": str(number)})
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


@pytest.mark.parametrize("kind", ["added", "replaced"])
def test_each_state_between_two_renames_is_valid(model, other_model, stores, shim, tmp_path, kind):
    path = tmp_path / "own.zarr"
    original = stores[0] if kind == "added" else stores[1]
    arguments = (["predict", model, path, "--in-place"] if kind == "added" else
                 ["predict", other_model, path, "--in-place", "--overwrite"])
    states = StoreStates(*stores)
    n = 0
    put_back(original, path)
    while killed_before_rename(shim, n, arguments):
        states.check(path)
        # What was left does not stand in the way of the next run.
        must(*arguments, *(["--overwrite"] if kind == "added" else []))
        assert StoreStates.columns_of(path) == states.columns[1 if kind == "added" else 2]
        StoreStates.check_consolidated(path)
        assert_only_known_leftovers(tmp_path, [path.name])
        put_back(original, path)
        n += 1
    states.check(path)
    assert states.seen == ({0, 1} if kind == "added" else {0, 1, 2})
    assert n >= 10


@pytest.mark.parametrize("kind", ["in place", "over an output", "convert"])
def test_an_h5ad_changes_by_one_rename(model, padded, shim, tmp_path, kind):
    path = tmp_path / "own.h5ad"
    arguments = {"in place": ["predict", model, path, "--in-place"],
                 "over an output": ["predict", model, padded, "-o", path, "--overwrite"],
                 "convert": ["convert", padded, path, "--overwrite"]}[kind]
    put_back(padded, path)
    assert killed_before_rename(shim, 0, arguments)
    assert digest(path) == digest(padded)
    assert not killed_before_rename(shim, 1, arguments)
    assert digest(path) != digest(padded)
