"""Fixtures of the end-to-end tests: the program, simulated cells, a model."""

import gzip
import mmap
import os
import pathlib
import subprocess

import anndata
import pytest
import scipy.io
import scipy.sparse

PROGRAM = os.environ.get("SAITHE_PROGRAM", "")
SOURCE = pathlib.Path(os.environ.get("SAITHE_SOURCE", pathlib.Path(__file__).parents[2]))

COLUMNS = ["barcode", "predicted", "confidence", "best_label", "runner_up", "runner_up_confidence",
           "novelty"]

# Sanitizers keep freed memory and tables of their own: what is resident says nothing of saithe.
def has_sanitizer(program):
    with open(program, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(b"__asan_init") >= 0 or content.find(b"__tsan_init") >= 0


HAS_SANITIZER = os.access(PROGRAM, os.R_OK) and has_sanitizer(PROGRAM)

# A training of a moment: one small network, no folds, no search for suspects.
QUICK = ["--hidden", "8", "--epochs", "1", "--min-steps", "0", "--validate", "none",
         "--no-find-suspects"]

# A network small enough that a walk-through takes a second.
SMALL = ["--hidden", "32,16", "--dropout", "0.2", "--epochs", "3", "--learning-rate", "0.003",
         "--umap-epochs", "50", "--max-genes", "0"]


class Result:
    def __init__(self, done):
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr

    def __repr__(self):
        return f"exit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


def run(*arguments, **options):
    """Runs the program; never raises for its exit code."""
    assert os.access(PROGRAM, os.X_OK), f"SAITHE_PROGRAM={PROGRAM!r} is no program"
    done = subprocess.run([PROGRAM, *map(str, arguments)], capture_output=True, text=True,
                          timeout=600, **options)
    return Result(done)


def must(*arguments, **options):
    result = run(*arguments, **options)
    assert result.code == 0, result
    return result


def must_fail(code, *arguments, **options):
    """The run fails with one line on stderr, which is returned, and that exit code."""
    result = run(*arguments, **options)
    assert result.code == code, result
    errors = [line for line in result.err.splitlines() if line.startswith("saithe: error: ")]
    assert len(errors) == 1, result
    return errors[0]


def write_tenx_folder(folder, data, n_other_features=0):
    """The cells as a 10x MTX folder v3, whose first features are no gene expression."""
    folder.mkdir(exist_ok=True)
    with gzip.open(folder / "matrix.mtx.gz", "wb") as file:
        scipy.io.mmwrite(file, scipy.sparse.csr_matrix(data.X.T).astype(int), field="integer")
    with gzip.open(folder / "features.tsv.gz", "wt") as file:
        for i, name in enumerate(data.var_names):
            kind = "Antibody Capture" if i < n_other_features else "Gene Expression"
            file.write(f"ENSG{i:011}\t{name}\t{kind}\n")
    with gzip.open(folder / "barcodes.tsv.gz", "wt") as file:
        file.write("".join(name + "\n" for name in data.obs_names))


def as_plain_user(command, folder):
    """The command as somebody who may not write where root may; its folders are opened to all."""
    if os.geteuid() == 0:
        for place in [folder, *folder.parents]:
            if place.stat().st_uid == 0 and not place.stat().st_mode & 1:
                place.chmod(place.stat().st_mode | 0o55)  # pytest's folders are private
        command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, cwd=folder)


def rows_of(path):
    """The rows of a table, its head first."""
    return [line.split("\t") for line in pathlib.Path(path).read_text().splitlines()]


@pytest.fixture(scope="session")
def cells(tmp_path_factory):
    """300 simulated cells x 600 genes, three types, two donors."""
    path = tmp_path_factory.mktemp("data") / "cells.h5ad"
    must("simulate", "-o", path, "--cells", 300, "--genes", 600, "--types", 3, "--donors", 2,
         "--stored-per-cell", 250, "--poor-cells", 0.03, "--seed", 5)
    return path


@pytest.fixture(scope="session")
def model(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("model") / "small.saithe"
    must("train", cells, "--label-key", "cell_type", "-o", path, "--hidden", "32,16", "--epochs", 5,
         "--learning-rate", 0.003, "--min-steps", 0)
    return path


@pytest.fixture(scope="session")
def mislabelled(tmp_path_factory, cells):
    """The simulated cells, every fifth with the label of another type."""
    data = anndata.read_h5ad(cells)
    labels = data.obs.cell_type.astype(str).to_numpy().copy()
    types = sorted(set(labels))
    for i in range(0, len(labels), 5):
        labels[i] = types[(types.index(labels[i]) + 1) % len(types)]
    data.obs["cell_type"] = labels
    path = tmp_path_factory.mktemp("mislabelled") / "mislabelled.h5ad"
    data.write_h5ad(path)
    return path
