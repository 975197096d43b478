"""Models of CellTypist, imported: the same labels and probabilities that CellTypist gives."""

import json

import anndata
import numpy as np
import pytest

from conftest import SOURCE, must, must_fail, rows_of

FIXTURES = SOURCE / "tests/golden/celltypist"
EXPECTED = json.loads((FIXTURES / "expected.json").read_text())
RUNS = [run for run in EXPECTED["runs"] if run["query"] == "all"]
# CellTypist computes in float64 on float32 input, saithe in float32 throughout.
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def query(tmp_path_factory):
    path = tmp_path_factory.mktemp("celltypist") / "query.h5ad"
    cells = anndata.read_h5ad(SOURCE / "data/pbmc3k.h5ad")
    cells[::EXPECTED["every_cell"]].copy().write_h5ad(path)
    return path


@pytest.mark.parametrize("expected", RUNS, ids=[run["model"] for run in RUNS])
def test_predicts_as_celltypist(expected, query, tmp_path):
    model = tmp_path / "model.saithe"
    must("import-celltypist", FIXTURES / f"{expected['model']}.pkl", "-o", model)
    must("predict", model, query, "-o", tmp_path / "labels.tsv", "--probabilities",
         tmp_path / "probabilities.tsv")
    types = [str(name) for name in expected["cell_types"]]
    table = rows_of(tmp_path / "probabilities.tsv")
    columns = [table[0].index(name) for name in types]
    found = np.array([[float(row[c]) for c in columns] for row in table[1:]])
    wanted = np.array(expected["probabilities"]).reshape(found.shape)
    assert np.abs(found - wanted).max() < TOLERANCE
    labels = rows_of(tmp_path / "labels.tsv")
    best = labels[0].index("best_label")
    names = [types[label] if isinstance(label, int) else str(label) for label in expected["labels"]]
    assert [row[best] for row in labels[1:]] == names


def test_labels_above_a_threshold_are_those_of_prob_match(query, tmp_path):
    model = tmp_path / "model.saithe"
    must("import-celltypist", FIXTURES / "logistic.pkl", "-o", model)
    must("predict", model, query, "-o", tmp_path / "labels.tsv", "--multi-label", "0.5",
         "--probabilities", tmp_path / "probabilities.tsv")
    labels = rows_of(tmp_path / "labels.tsv")
    table = rows_of(tmp_path / "probabilities.tsv")
    at = labels[0].index("multi_label")
    for row, p in zip(labels[1:], table[1:]):
        above = {name for name, value in zip(table[0][1:], p[1:]) if float(value) >= 0.5}
        assert set(row[at].split("|")) == (above or {"unassigned"})


def test_a_pickle_of_another_kind_is_refused_and_not_run(tmp_path):
    path = tmp_path / "evil.pkl"
    marker = tmp_path / "marker"
    path.write_bytes(b"cos\nsystem\n(S'touch " + str(marker).encode() + b"'\ntR.")
    line = must_fail(3, "import-celltypist", path, "-o", tmp_path / "m.saithe")
    assert "os.system" in line or "os system" in line
    assert not marker.exists() and not (tmp_path / "m.saithe").exists()
