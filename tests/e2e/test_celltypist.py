"""Models of CellTypist, imported: the same labels and probabilities that CellTypist gives."""

import json
import pickle
from types import SimpleNamespace

import anndata
import numpy as np
import pytest

from conftest import SOURCE, must, must_fail, rows_of

FIXTURES = SOURCE / "tests/golden/celltypist"
EXPECTED = json.loads((FIXTURES / "expected.json").read_text())
RUNS = EXPECTED["runs"]
# CellTypist computes in float64 on float32 input; saithe too, with the weights in float32.
TOLERANCE = 5e-6


class Numbers(pickle.Unpickler):
    """The fixtures' own pickles, whatever NumPy and scikit-learn there are: of the latter the attributes only."""

    def find_class(self, module, name):
        if module.startswith("sklearn.") or module == "_loss":  # the latter: scikit-learn's of SGD
            return type(name, (SimpleNamespace,), {})
        return super().find_class(module.replace("numpy._core", "numpy.core"), name)


def arrays_of(path):
    """What the classifier and the scaler of a model hold, by scikit-learn's names."""
    with open(path, "rb") as file:
        content = Numbers(file).load()
    return {**vars(content["Scaler_"]), **vars(content["Model"])}


@pytest.fixture(scope="module")
def queries(tmp_path_factory):
    """The cells as the fixtures' queries: whole, with every second gene, and named by Ensembl ids."""
    folder = tmp_path_factory.mktemp("celltypist")
    cells = anndata.read_h5ad(SOURCE / "data/pbmc3k.h5ad")[::EXPECTED["every_cell"]].copy()
    cells.write_h5ad(folder / "all.h5ad")
    cells[:, ::2].copy().write_h5ad(folder / "even_genes.h5ad")
    cells.var_names = cells.var["gene_ids"].astype(str)
    cells.var_names.name = None
    cells.write_h5ad(folder / "gene_ids.h5ad")
    return {path.stem: path for path in folder.iterdir()}


@pytest.fixture(scope="module")
def query(queries):
    return queries["all"]


def labelled(model, query, folder):
    """(types, probabilities, best labels, what stderr says) of saithe's predictions."""
    said = must("predict", model, query, "-o", folder / "labels.tsv", "--probabilities",
                folder / "probabilities.tsv", "--overwrite")
    table, labels = rows_of(folder / "probabilities.tsv"), rows_of(folder / "labels.tsv")
    probabilities = np.array([[float(value) for value in row[1:]] for row in table[1:]])
    best = labels[0].index("best_label")
    return table[0][1:], probabilities, [row[best] for row in labels[1:]], said.err


@pytest.mark.parametrize("expected", RUNS, ids=[f"{run['model']}-{run['query']}" for run in RUNS])
def test_predicts_as_celltypist(expected, queries, tmp_path):
    """With all genes, and with what CellTypist does where the query lacks some: those count nothing."""
    model = tmp_path / "model.saithe"
    must("import-celltypist", FIXTURES / f"{expected['model']}.pkl", "-o", model)
    names, found, best, said = labelled(model, queries[expected["query"]], tmp_path)
    types = [str(name) for name in expected["cell_types"]]
    found = found[:, [names.index(name) for name in types]]
    wanted = np.array(expected["probabilities"]).reshape(found.shape)
    assert np.abs(found - wanted).max() < TOLERANCE
    assert best == [types[label] if isinstance(label, int) else str(label) for label in expected["labels"]]
    n_genes = json.loads(must("inspect", model, "--json").out)["n_genes"]
    assert (expected["query"] == "even_genes") == (expected["n_genes_matched"] < n_genes)
    assert f"genes: {expected['n_genes_matched']} of the model's {n_genes} " in said


def test_scores_and_runners_up_are_of_decisions(queries, tmp_path):
    """Large weights: many sigmoids are rounded to 0 or 1, and only decisions tell which is more."""
    model = tmp_path / "model.saithe"
    must("import-celltypist", FIXTURES / "sgd_large.pkl", "-o", model)
    cells = anndata.read_h5ad(queries["all"])
    must("predict", model, queries["all"], "-o", tmp_path / "labels.tsv")
    rows = rows_of(tmp_path / "labels.tsv")[1:]
    accuracy = np.mean([row[3] == truth for row, truth in zip(rows, cells.obs.louvain)])
    scores = json.loads(must("evaluate", model, queries["all"], "--label-key", "louvain").out)
    assert scores["accuracy"] == pytest.approx(accuracy)
    assert scores["rejecting"]["n_unassigned"] == 0
    numbers = arrays_of(FIXTURES / "sgd_large.pkl")
    x = cells.X.toarray().astype(np.float64)
    x = np.log1p((x * (1e4 / x.sum(axis=1, keepdims=True))).astype(np.float32))
    z = (x[:, cells.var_names.get_indexer(numbers["features"])] - numbers["mean_"]) / numbers["scale_"]
    scores = np.minimum(z, 10) @ numbers["coef_"].T + numbers["intercept_"]
    assert (1 / (1 + np.exp(-np.sort(scores)[:, -2])) < 1e-6).mean() > 0.3
    second = np.array(list(map(str, numbers["classes_"])))[np.argsort(scores, axis=1)[:, -2]]
    assert [row[4] for row in rows] == list(second)


def test_a_rate_of_rejection_is_refused_where_nothing_is_rejected(query, tmp_path):
    must("import-celltypist", FIXTURES / "logistic.pkl", "-o", tmp_path / "m.saithe")
    line = must_fail(2, "predict", tmp_path / "m.saithe", query, "-o", tmp_path / "x.tsv",
                     "--false-reject-rate", "0.2")
    assert "--false-reject-rate has no effect on this model: it has no novelty score" in line
    assert not (tmp_path / "x.tsv").exists()


@pytest.mark.parametrize("share", [0.9, 0.4])
def test_genes_that_a_query_lacks_count_nothing(query, tmp_path, share):
    """By NumPy, from the numbers in the pickle: CellTypist takes the model's columns of the genes that are there,
    so that an absent one adds 0 to each type's score, as its training mean would."""
    model = tmp_path / "model.saithe"
    must("import-celltypist", FIXTURES / "logistic.pkl", "-o", model)
    numbers = arrays_of(FIXTURES / "logistic.pkl")
    cells = anndata.read_h5ad(query)
    wanted_genes = set(numbers["features"])
    generator = np.random.default_rng(4)
    kept = np.array([name not in wanted_genes or generator.random() < share for name in cells.var_names])
    cells = cells[:, kept].copy()
    cells.write_h5ad(tmp_path / "query.h5ad")

    counts = cells.X.toarray().astype(float)
    logs = np.log1p(counts * (1e4 / counts.sum(axis=1, keepdims=True)))
    is_there = np.isin(numbers["features"], cells.var_names)
    assert 0.2 < is_there.mean() < 0.95
    at = cells.var_names.get_indexer(numbers["features"][is_there])
    z = (logs[:, at] - numbers["mean_"][is_there]) / numbers["scale_"][is_there]
    scores = np.minimum(z, 10) @ numbers["coef_"][:, is_there].T + numbers["intercept_"]
    wanted = 1 / (1 + np.exp(-scores))

    names, found, best, _ = labelled(model, tmp_path / "query.h5ad", tmp_path)
    types = list(numbers["classes_"])
    found = found[:, [names.index(name) for name in types]]
    assert np.abs(found - wanted).max() < TOLERANCE
    assert best == [types[i] for i in scores.argmax(axis=1)]


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


def test_types_called_by_the_words_for_no_type_are_warned_of(query, tmp_path):
    data = (FIXTURES / "logistic.pkl").read_bytes()
    for name, word in (("CD4 T cells", "unassigned"), ("CD8 T cells", "heterogeneous")):
        old, new = (b"\x8c" + bytes([len(text)]) + text.encode() for text in (name, word))
        assert data.count(old) == 1
        n_frame = int.from_bytes(data[3:11], "little") + len(new) - len(old)
        data = data[:3] + n_frame.to_bytes(8, "little") + data[11:].replace(old, new)
    (tmp_path / "words.pkl").write_bytes(data)
    said = must("import-celltypist", tmp_path / "words.pkl", "-o", tmp_path / "words.saithe")
    again = must("predict", tmp_path / "words.saithe", query, "-o", tmp_path / "labels.tsv")
    plain = must("import-celltypist", FIXTURES / "logistic.pkl", "-o", tmp_path / "plain.saithe")
    for word in ("unassigned", "heterogeneous"):
        assert f"warning: the model has a type called '{word}'" in said.err
        assert f"warning: the model has a type called '{word}'" in again.err
        assert f"type called '{word}'" not in plain.err


def test_a_pickle_of_another_kind_is_refused_and_not_run(tmp_path):
    path = tmp_path / "evil.pkl"
    marker = tmp_path / "marker"
    path.write_bytes(b"cos\nsystem\n(S'touch " + str(marker).encode() + b"'\ntR.")
    line = must_fail(3, "import-celltypist", path, "-o", tmp_path / "m.saithe")
    assert "os.system" in line or "os system" in line
    assert not marker.exists() and not (tmp_path / "m.saithe").exists()


def test_clusters_are_the_same_whatever_types_are_allowed(query, tmp_path):
    model = tmp_path / "model.saithe"
    must("import-celltypist", FIXTURES / f"{RUNS[0]['model']}.pkl", "-o", model)
    clusters = []
    for options in ([], ["--labels-deny", str(RUNS[0]["cell_types"][0])]):
        must("predict", model, query, "-o", tmp_path / "labels.tsv", "--majority-vote", "leiden", *options,
             "--overwrite")
        rows = rows_of(tmp_path / "labels.tsv")
        clusters.append([row[rows[0].index("cluster")] for row in rows[1:]])
    assert clusters[0] == clusters[1]


def test_the_card_of_an_imported_model_claims_nothing(tmp_path):
    model = tmp_path / "model.saithe"
    must("import-celltypist", FIXTURES / f"{RUNS[0]['model']}.pkl", "-o", model)
    said = json.loads(must("inspect", model, "--json").out)
    assert said["accuracy"] is None and said["n_suspects"] is None
    text, card = must("inspect", model).out, must("inspect", model, "--card").out
    assert "training cells: not stated" in text and "| training cells | not stated |" in card
    assert "values: log1p(CP10k)" in text and "Sigmoid over" in text
    assert "not calibrated" in text and "were not calibrated" in card
