"""h5ad files of every generation: what AnnData reads from them now, and what saithe says of them.

Every value of them is compared by test_formats.py.
"""

import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest

from conftest import ROOT

FOLDER = ROOT / "tests" / "golden" / "h5ad"
sys.path.insert(0, str(FOLDER))
from digests import lines_of  # noqa: E402  (beside the fixtures)


def expected(table):
    lines = (FOLDER / table).read_text().splitlines()
    files = {}
    for line in lines:
        files.setdefault(line.split("\t")[0], []).append(line)
    return files


def inspect(program, path, *options):
    done = subprocess.run([program, "inspect", path, "--json", *options], capture_output=True,
                          text=True, check=True)
    return json.loads(done.stdout)


def compare(program, folder, table):
    import anndata

    for file, lines in expected(table).items():
        # AnnData alone does not read these: the lines are those of the same numbers, by generate.py.
        if any(word in file for word in ("big_endian", "blosc", "zstd")):
            continue
        assert list(lines_of(folder, file)) == lines  # of which the C++ tests read every value
        data = anndata.read_h5ad(pathlib.Path(folder) / file)
        places = {("--layer", name): values for name, values in data.layers.items()}
        if data.raw is not None:
            places[("--use-raw",)] = data.raw.X
        elif data.X is not None and not places:
            places[()] = data.X
        for options, values in places.items():
            said = inspect(program, pathlib.Path(folder) / file, *options)
            assert (said["n_cells"], said["n_genes"]) == values.shape
            # float64 is read as float32: each value is off by up to 6e-8 of itself.
            assert said["total"] == pytest.approx(values.sum(dtype=np.float64),
                                                  abs=6e-8 * abs(values).sum(dtype=np.float64))
            assert list(said["obs"]) == list(data.obs)


def test_forms_that_scripts_make(program):
    compare(program, FOLDER, "forms.tsv")


def test_real_files(program):
    if "SAITHE_TEST_DATA" not in os.environ:
        pytest.skip("SAITHE_TEST_DATA names no folder of test data")
    compare(program, pathlib.Path(os.environ["SAITHE_TEST_DATA"]) / "formats", "real_files.tsv")
