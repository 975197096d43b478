"""A result of saithe in cellxgene itself: the server is started on it and asked what its page asks.

SAITHE_CELLXGENE names the program, otherwise it is looked for in PATH; skips without it. In an
environment of its own (its pins meet no others; what it serves fails under the Flask that it asks for,
"applications must write bytes"):

    python3 -m venv cellxgene && cellxgene/bin/pip install cellxgene==1.3.0
    cellxgene/bin/pip install 'flask<2.3' 'werkzeug<2.3'

Made for cellxgene 1.3.0, Flask 2.2.5, Werkzeug 2.2.3, AnnData 0.12.19, Python 3.11. The rules that its
files must keep to are also tested without it (tests/e2e/test_write_back.py).
"""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request

import anndata
import numpy as np
import pytest
import scipy.sparse

from conftest import PBMC3K

N_CELLS = 300
SECONDS_TO_START = 180

# Answers are flat buffers, which cellxgene's own code unpacks.
DECODE = """
import sys
from server.common.fbs.matrix import decode_matrix_fbs
frame = decode_matrix_fbs(open(sys.argv[1], "rb").read())
for name in frame.select_dtypes("category"):
    frame[name] = frame[name].astype(object)
frame.to_json(sys.argv[2], orient="split", double_precision=15)
"""


@pytest.fixture(scope="module")
def cellxgene():
    found = os.environ.get("SAITHE_CELLXGENE") or shutil.which("cellxgene")
    if not found:
        pytest.skip("there is no cellxgene here (SAITHE_CELLXGENE; see tests/oracle/test_cellxgene.py)")
    return pathlib.Path(found)


@pytest.fixture(scope="module")
def result(program, tmp_path_factory):
    """Labels, a vote, an unassigned cell and a layout in a copy of some bundled cells."""
    folder = tmp_path_factory.mktemp("cellxgene")
    data = anndata.read_h5ad(PBMC3K)[:N_CELLS].copy()
    counts = scipy.sparse.csr_matrix(data.X)
    counts.data[counts.indptr[5]:counts.indptr[6]] = 0  # a cell without counts is unassigned
    counts.eliminate_zeros()
    data.X = counts
    data.write_h5ad(folder / "query.h5ad")
    out = folder / "result.h5ad"
    subprocess.run([program, "predict", "pbmc3k", folder / "query.h5ad", "-o", out, "--quiet",
                    "--majority-vote", "louvain", "--multi-label", "0.3"], check=True)
    subprocess.run([program, "embed", "pbmc3k", out, "--in-place", "--umap-epochs", "20", "--quiet"],
                   check=True)
    return out, list(data.obs)


class Server:
    def __init__(self, program, path, folder):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.python, self.folder, self.n = program.parent / "python", folder, 0
        self.log = open(folder / "log", "w+")
        self.process = subprocess.Popen(
            [program, "launch", path, "--host", "127.0.0.1", "--port", str(self.port),
             "--disable-annotations", "--disable-diffexp"],
            stdout=self.log, stderr=subprocess.STDOUT)

    def get(self, what, kind="application/json", **query):
        address = f"http://127.0.0.1:{self.port}/api/v0.2/{what}"
        if query:
            address += "?" + urllib.parse.urlencode(
                {name.replace("_", "-"): value for name, value in query.items()}, doseq=True)
        request = urllib.request.Request(address, headers={"Accept": kind})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def matrix(self, what, **query):
        """{column: values} of an answer."""
        self.n += 1
        packed, plain = self.folder / f"{self.n}.fbs", self.folder / f"{self.n}.json"
        packed.write_bytes(self.get(what, "application/octet-stream", **query))
        subprocess.run([self.python, "-c", DECODE, packed, plain], check=True)
        frame = json.loads(plain.read_text())
        return {name: [row[i] for row in frame["data"]] for i, name in enumerate(frame["columns"])}

    def wait(self):
        for _ in range(SECONDS_TO_START):
            assert self.process.poll() is None, pathlib.Path(self.log.name).read_text()
            try:
                return self.get("config")
            except OSError:
                time.sleep(1)
        raise TimeoutError(pathlib.Path(self.log.name).read_text())


@pytest.fixture(scope="module")
def server(cellxgene, result, tmp_path_factory):
    server = Server(cellxgene, result[0], tmp_path_factory.mktemp("server"))
    try:
        server.wait()
        yield server
    finally:
        server.process.terminate()
        server.process.wait()


@pytest.fixture(scope="module")
def added(result):
    path, before = result
    data = anndata.read_h5ad(path)
    names = [name for name in data.obs if name not in before]
    assert len(names) >= 8 and "unassigned" in data.obs.predicted_cell_type.cat.categories
    return data, names


def test_the_schema_has_our_columns_and_layouts(server, added):
    data, names = added
    schema = json.loads(server.get("schema"))["schema"]
    assert schema["dataframe"]["nObs"] == N_CELLS and schema["dataframe"]["nVar"] == data.n_vars
    columns = {column["name"]: column for column in schema["annotations"]["obs"]["columns"]}
    for name in names:
        if data.obs[name].dtype == "category":
            assert columns[name]["type"] == "categorical", name
            assert columns[name]["categories"] == list(data.obs[name].cat.categories), name
        else:
            assert columns[name]["type"] == "float32", name
    layouts = {layout["name"] for layout in schema["layout"]["obs"]}
    assert {"umap", "saithe_hidden"} <= layouts


def test_the_values_of_our_columns_are_served(server, added):
    data, names = added
    for name in names:
        (values,) = server.matrix("annotations/obs", annotation_name=name).values()
        if data.obs[name].dtype == "category":
            expected = [None if value != value else value for value in data.obs[name]]
            assert values == expected, name  # the cell without counts is in no cluster
        else:
            found = np.array([np.nan if value is None else value for value in values], np.float32)
            assert np.array_equal(found, data.obs[name].to_numpy(), equal_nan=True), name


def test_the_layout_is_served(server, added):
    data, _ = added
    served = server.matrix("layout/obs", layout_name="umap")
    assert list(served) == ["umap_0", "umap_1"]
    for axis, values in enumerate(served.values()):
        ours, theirs = data.obsm["X_umap"][:, axis], np.array(values)
        assert np.isfinite(theirs).all() and theirs.min() >= 0 and theirs.max() <= 1
        # The page's unit square: each axis is moved and scaled.
        assert np.corrcoef(ours, theirs)[0, 1] == pytest.approx(1, abs=1e-5)


def test_our_colours_are_taken(server, added):
    data, _ = added
    levels = data.obs.predicted_cell_type.cat.categories
    colours = json.loads(server.get("colors"))["predicted_cell_type"]
    assert colours == dict(zip(levels, data.uns["predicted_cell_type_colors"]))
