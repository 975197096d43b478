"""Where the programs are, and runs of them that several tests look at.

SAITHE_PROGRAM names the program; saithe_oracle_driver and umap_driver lie beside it. A program that
is missing is an error; only test_seurat.py skips without R, and test_cellxgene.py without cellxgene.
"""

import json
import os
import pathlib
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.sparse

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "tests" / "golden"), str(ROOT / "bench")]
PBMC3K = ROOT / "data" / "pbmc3k.h5ad"


@pytest.fixture(scope="session")
def program():
    path = pathlib.Path(os.environ["SAITHE_PROGRAM"])
    assert path.exists(), f"{path}: no such program; make oracle builds it"
    return path


@pytest.fixture(scope="session")
def run_driver(program, tmp_path_factory):
    """Steps of training by saithe, each kind once: (losses, description, folder of raw files)."""
    driver = program.with_name("saithe_oracle_driver")
    assert driver.exists(), f"{driver}: no such program; make oracle builds it"
    done = {}

    def run(loss, seed, n_steps, dropout):
        key = (loss, seed, n_steps, dropout)
        if key not in done:
            folder = tmp_path_factory.mktemp("driver")
            command = [driver, PBMC3K, "louvain", folder, loss, seed, n_steps, dropout, 2]
            result = subprocess.run([str(word) for word in command], check=True,
                                    capture_output=True, text=True)
            done[key] = SimpleNamespace(folder=folder, **json.loads(result.stdout))
        return done[key]

    return run


def load_features(run):
    """(z in float64 (cells, genes), labels, training cells) of a driver's run."""
    folder = run.folder
    values = scipy.sparse.csr_matrix(
        (np.fromfile(folder / "values.f32", np.float32),
         np.fromfile(folder / "columns.i32", np.int32),
         np.fromfile(folder / "row_start.i64", np.int64)),
        shape=(run.n_cells, run.n_genes))
    z = values.toarray().astype(np.float64)
    z -= np.fromfile(folder / "shift.f32", np.float32).astype(np.float64)
    return (z, np.fromfile(folder / "labels.i32", np.int32).astype(np.int64),
            np.fromfile(folder / "training.i64", np.int64))


@pytest.fixture(scope="session")
def walkthrough(program, tmp_path_factory):
    """The folder of a whole walk-through on the bundled data."""
    folder = tmp_path_factory.mktemp("walkthrough") / "out"
    subprocess.run([str(program), "walkthrough", str(PBMC3K), "--label-key", "louvain", "--seed",
                    "0", "--quiet", "-o", str(folder)], check=True)
    return folder
