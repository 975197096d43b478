"""Training that one can trust and predictions that may say no: presets, validation, rejection,
allowed types, and queries whose genes are not the reference's."""

import json
import os
import pathlib
import re

import anndata
import numpy as np
import pytest
import scipy.sparse
from sklearn import metrics

from conftest import COLUMNS, SOURCE, must, must_fail, rows_of

# The standard recipe with a network that is trained in a moment.
SMALL_RECIPE = ["--hidden", "12", "--epochs", "4", "--min-steps", "0"]


def train(cells, model, *arguments):
    return must("train", cells, "--label-key", "cell_type", "-o", model, *arguments)


def predictions(model, query, folder, *arguments):
    """The rows of predict's table without its head."""
    path = folder / "predictions.tsv"
    must("predict", model, query, "-o", path, "--overwrite", *arguments)
    rows = rows_of(path)
    assert rows[0] == COLUMNS
    return rows[1:]


def words_of(model):
    data = model.read_bytes()
    header = json.loads(data[8:8 + int.from_bytes(data[:8], "little")])
    return json.loads(header["__metadata__"]["saithe"])


@pytest.fixture(scope="module")
def fast(cells, tmp_path_factory):
    path = tmp_path_factory.mktemp("fast") / "fast.saithe"
    train(cells, path, "--preset", "fast")
    return path


@pytest.mark.parametrize("preset, members, arguments", [
    ("fast", 1, []), ("standard", 2, SMALL_RECIPE), ("thorough", 6, SMALL_RECIPE),
    ("walkthrough", 1, ["--hidden", "8", "--dropout", "0.2", "--epochs", "2", "--max-genes", "0"])])
def test_every_preset_trains_a_model_that_predicts(cells, tmp_path, preset, members, arguments):
    model = tmp_path / "m.saithe"
    train(cells, model, "--preset", preset, *arguments)
    words = words_of(model)
    assert len(words["members"]) == members
    assert dict(words["options"])["networks"] == str(members - (preset != "walkthrough"))
    rows = predictions(model, cells, tmp_path, "--no-reject")
    truth = list(anndata.read_h5ad(cells).obs.cell_type)
    if preset != "walkthrough":  # two epochs of the article's network are too few
        assert np.mean([row[1] == label for row, label in zip(rows, truth)]) > 0.9


def test_standard_is_the_default_and_flags_win(cells, tmp_path):
    train(cells, tmp_path / "a.saithe", *SMALL_RECIPE)
    train(cells, tmp_path / "b.saithe", *SMALL_RECIPE, "--preset", "standard")
    assert (tmp_path / "a.saithe").read_bytes() == (tmp_path / "b.saithe").read_bytes()
    train(cells, tmp_path / "c.saithe", *SMALL_RECIPE, "--no-linear", "--weight-decay", "0.5")
    options = dict(words_of(tmp_path / "c.saithe")["options"])
    assert options["linear"] == "false" and options["weight-decay"] == "0.5"
    assert options["validate"] == "5-fold" and options["hidden"] == "12"
    line = must_fail(2, "train", cells, "--label-key", "cell_type", "-o", tmp_path / "d.saithe",
                     "--preset", "default")
    assert "standard, fast, thorough, walkthrough" in line


def test_memory_does_not_change_the_model(cells, tmp_path):
    for memory in ("2G", "1K"):  # with the second everything lies in the temporary file
        train(cells, tmp_path / f"{memory}.saithe", *SMALL_RECIPE, "--memory", memory)
    assert (tmp_path / "2G.saithe").read_bytes() == (tmp_path / "1K.saithe").read_bytes()
    error = must_fail(2, "train", cells, "--label-key", "cell_type", "-o", tmp_path / "x.saithe",
                      "--memory", "much")
    assert "--memory" in error and "2G" in error
    error = must_fail(1, "train", cells, "--label-key", "cell_type", "-o", tmp_path / "x.saithe",
                      "--memory", "1K", env={**os.environ, "TMPDIR": "/no/such/folder"})
    assert "/no/such/folder" in error
    assert not (tmp_path / "x.saithe").exists()


def test_any_number_of_threads_gives_the_same_model(cells, tmp_path):
    for threads in (1, 3):
        train(cells, tmp_path / f"{threads}.saithe", *SMALL_RECIPE, "--threads", threads)
    assert (tmp_path / "1.saithe").read_bytes() == (tmp_path / "3.saithe").read_bytes()


def test_folds_and_donors_validate_and_the_card_says_so(cells, tmp_path):
    n_cells = 300
    folds = train(cells, tmp_path / "folds.saithe", "--preset", "fast", "--validate", "5-fold")
    assert f"validation (5-fold): {n_cells} cells" in folds.err
    card = words_of(tmp_path / "folds.saithe")["card"]
    assert card["scores"]["validation"] == "5-fold" and card["scores"]["n_cells"] == n_cells
    assert card["scores"]["accuracy"] > 0.9 and len(card["scores"]["f1_of_type"]) == 3
    assert sum(card["cells_of_type"]) == n_cells and card["n_donors"] == 0
    for arguments in (["--validate", "by-donor", "--donor-key", "donor"], ["--donor-key", "donor"]):
        donors = train(cells, tmp_path / "donors.saithe", "--preset", "fast", *arguments,
                       "--overwrite")
        assert f"validation (by-donor): {n_cells} cells" in donors.err
        assert words_of(tmp_path / "donors.saithe")["card"]["n_donors"] == 2
    held_out = train(cells, tmp_path / "held.saithe", "--preset", "fast", "--validation-fraction",
                     "0.3")
    n_held_out = int(held_out.err.split("validation (held-out): ")[1].split()[0])
    assert 87 <= n_held_out <= 90  # of each type the share, rounded down
    must_fail(2, "train", cells, "--label-key", "cell_type", "-o", tmp_path / "x.saithe",
              "--validate", "by-donor")
    must_fail(3, "train", cells, "--label-key", "cell_type", "-o", tmp_path / "x.saithe",
              "--donor-key", "patient")
    must_fail(2, "train", cells, "--label-key", "cell_type", "-o", tmp_path / "x.saithe",
              "--validate", "leave-one-out")


def test_suspects_are_told_and_left_out(mislabelled, tmp_path):
    said = train(mislabelled, tmp_path / "m.saithe", *SMALL_RECIPE)
    assert "left out of the training" in said.err
    card = words_of(tmp_path / "m.saithe")["card"]
    assert 50 <= card["n_suspects"] <= 75 and card["n_suspects_dropped"] == card["n_suspects"]
    kept = train(mislabelled, tmp_path / "kept.saithe", *SMALL_RECIPE, "--drop-suspects", "never")
    assert "suspect labels: " in kept.err and "left out" not in kept.err


def test_many_rejected_cells_are_warned_of(cells, fast, tmp_path):
    """Cells of no known type, made by exchanging the names of genes."""
    said = must("predict", fast, cells, "-o", tmp_path / "like.tsv")
    assert "unlike every known type" not in said.err
    data = anndata.read_h5ad(cells)
    data.var_names = list(data.var_names[::-1])
    data.var = data.var[[]]
    data.write_h5ad(tmp_path / "unlike.h5ad")
    said = must("predict", fast, tmp_path / "unlike.h5ad", "-o", tmp_path / "unlike.tsv")
    n = sum(row[1] == "unassigned" for row in rows_of(tmp_path / "unlike.tsv")[1:])
    assert n > 10
    assert f"{100 * n / data.n_obs:.0f} % of the cells are unlike every known type" in said.err
    rows = rows_of(tmp_path / "unlike.tsv")[1:]
    for label in {row[3] for row in rows if row[3]}:
        of_type = [row for row in rows if row[3] == label]
        rejected = sum(row[1] == "unassigned" for row in of_type)
        is_named = f"{rejected} of {len(of_type)} '{label}'" in said.err
        assert is_named == (rejected >= 10 and 2 * rejected > len(of_type)), label
    assert "--false-reject-rate expects 1 %" in said.err
    said = must("predict", fast, tmp_path / "unlike.h5ad", "-o", tmp_path / "all.tsv", "--no-reject")
    assert "unlike every known type" not in said.err


def test_cells_much_shallower_than_the_reference_are_warned_of(cells, fast, tmp_path):
    words = "less than half the"
    for name in ("predict", "evaluate"):
        given = ["--label-key", "cell_type"] if name == "evaluate" else []
        assert words not in must(name, fast, cells, *given, "-o", tmp_path / name).err
    data = anndata.read_h5ad(cells)
    limit = words_of(fast)["card"]["shallow_counts"]
    counts = data.X.astype(int).toarray()
    kept = np.minimum(1, 0.4 * limit / counts.sum(axis=1, keepdims=True))
    counts = np.random.default_rng(1).binomial(counts, kept)
    data.X = scipy.sparse.csr_matrix(counts.astype("float32"))
    data.write_h5ad(tmp_path / "shallow.h5ad")
    share = np.mean(counts.sum(axis=1) < limit / 2)
    assert share > 0.5
    for name in ("predict", "evaluate"):
        given = ["--label-key", "cell_type"] if name == "evaluate" else []
        said = must(name, fast, tmp_path / "shallow.h5ad", *given, "-o", tmp_path / name, "--overwrite")
        assert f"{100 * share:.0f} % of the cells have {words} {limit:.0f} counts" in said.err


def test_rejection_can_be_tuned_and_switched_off(cells, fast, tmp_path):
    rows = predictions(fast, cells, tmp_path)
    data = anndata.read_h5ad(cells)
    assert [row[0] for row in rows] == list(data.obs_names)
    for _, predicted, confidence, best, runner_up, second, novelty in rows:
        assert predicted == ("unassigned" if float(novelty) > 1 else best)
        assert best != runner_up and 0 <= float(second) <= float(confidence) <= 1
    n_before = -1
    for rate in ("0", "0.05", "0.3"):
        again = predictions(fast, cells, tmp_path, "--false-reject-rate", rate)
        assert [row[2:6] for row in again] == [row[2:6] for row in rows]
        n = sum(row[1] == "unassigned" for row in again)
        assert n > n_before
        n_before = n
        if rate == "0":
            assert n == 0
    everything = predictions(fast, cells, tmp_path, "--no-reject", "--false-reject-rate", "0.3")
    assert all(row[1] == row[3] for row in everything)
    assert any(float(row[6]) > 1 for row in everything)
    must_fail(2, "predict", fast, cells, "-o", tmp_path / "x.tsv", "--false-reject-rate", "1.5")


def test_a_type_of_one_donor_does_not_spoil_the_calibration(cells, tmp_path):
    data = anndata.read_h5ad(cells)
    random = np.random.default_rng(5)
    data.obs["donor"] = [f"d{i}" for i in random.integers(0, 3, data.n_obs)]
    first = sorted(set(data.obs.cell_type))[0]
    alone = (data.obs.cell_type == first).to_numpy()
    said, temperatures = [], []
    for name in ("spread", "alone"):
        if name == "alone":
            data.obs.loc[alone, "donor"] = "d0"
        data.write_h5ad(tmp_path / f"{name}.h5ad")
        said.append(train(tmp_path / f"{name}.h5ad", tmp_path / f"{name}.saithe", "--preset", "fast",
                          "--donor-key", "donor", "--validate", "by-donor").err)
        temperatures.append(words_of(tmp_path / f"{name}.saithe")["temperature"])
    assert "no model that judged" not in said[0]
    assert f"'{first}' ({alone.sum()} cells): no model that judged these cells" in said[1]
    assert temperatures[1] < 1.3 * temperatures[0], temperatures


def test_what_rejects_nothing_says_so(cells, tmp_path):
    train(cells, tmp_path / "m.saithe", "--preset", "fast", "--validate", "none")
    said = must("predict", tmp_path / "m.saithe", cells, "-o", tmp_path / "a.tsv")
    assert "--validate none" in said.err and "no cell with counts is unassigned" in said.err
    said = must("predict", tmp_path / "m.saithe", cells, "-o", tmp_path / "b.tsv", "--no-reject")
    assert "--validate none" not in said.err


def with_seven_called(label, cells, path):
    data = anndata.read_h5ad(cells)
    labels = data.obs.cell_type.astype(str)
    labels.iloc[:7] = label
    data.obs["cell_type"] = labels
    data.write_h5ad(path)
    return path


def test_labels_of_blanks_are_none(cells, tmp_path):
    blank = with_seven_called("  ", cells, tmp_path / "blank.h5ad")
    said = train(blank, tmp_path / "m.saithe", "--preset", "fast")
    assert "7 cells without a label" in said.err
    assert len(words_of(tmp_path / "m.saithe")["types"]) == 3


def test_unassigned_is_no_type(cells, tmp_path):
    called = with_seven_called("unassigned", cells, tmp_path / "c.h5ad")
    said = train(called, tmp_path / "m.saithe", "--preset", "fast")
    assert "7 cells called 'unassigned'" in said.err and "7 cells without a label" in said.err
    assert "unassigned" not in words_of(tmp_path / "m.saithe")["types"]


def test_every_type_of_the_bundled_model_has_a_term(tmp_path):
    path = tmp_path / "o.tsv"
    said = must("predict", "pbmc3k", SOURCE / "data" / "pbmc3k.h5ad", "-o", path, "--no-reject",
                "--ontology", "bundled", "--ontology-map", "bundled")
    assert "without a term" not in said.err
    rows = rows_of(path)
    at = rows[0].index("ontology_term_id")
    ids = {row[3]: row[at] for row in rows[1:]}
    assert len(ids) == 8 and all(value.startswith("CL:") for value in ids.values()), ids
    assert ids["CD4 T cells"] == "CL:0000624"


def test_a_model_of_celltypist_is_named_as_one(cells, tmp_path):
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04.")
    line = must_fail(3, "predict", tmp_path / "model.pkl", cells, "-o", tmp_path / "o.tsv")
    assert "saithe import-celltypist" in line


def test_clusters_without_a_hidden_layer_are_those_of_the_logits(cells, fast, tmp_path):
    path = tmp_path / "v.tsv"
    said = must("predict", fast, cells, "-o", path, "--majority-vote", "leiden")
    rows = rows_of(path)
    clusters = {row[rows[0].index("cluster")] for row in rows[1:]}
    assert f"{len(clusters)} clusters found" in said.err
    majority = rows[0].index("majority")
    truth = list(anndata.read_h5ad(cells).obs.cell_type)
    assert np.mean([row[majority] == label for row, label in zip(rows[1:], truth)]) > 0.9


def test_allowed_and_denied_types(cells, fast, tmp_path):
    types = sorted(set(anndata.read_h5ad(cells).obs.cell_type))
    matrix = tmp_path / "p.tsv"
    predictions(fast, cells, tmp_path, "--no-reject", "--probabilities", matrix)
    whole = np.array([row[1:] for row in rows_of(matrix)[1:]], dtype=float)
    rows = predictions(fast, cells, tmp_path, "--no-reject", "--labels-deny", types[0],
                       "--probabilities", matrix)
    assert {row[1] for row in rows} == set(types[1:])
    rest = np.array([row[1:] for row in rows_of(matrix)[1:]], dtype=float)
    assert (rest[:, 0] == 0).all()
    known = whole[:, 1:].sum(axis=1) > 1e-3
    expected = whole[:, 1:] / whole[:, 1:].sum(axis=1, keepdims=True)
    assert np.allclose(rest[known, 1:], expected[known], atol=1e-3)
    allowed = predictions(fast, cells, tmp_path, "--no-reject", "--labels-allow",
                          f"{types[1]},{types[2]}")
    assert allowed == rows
    one = predictions(fast, cells, tmp_path, "--no-reject", "--labels-allow", types[2])
    assert {row[1] for row in one} == {types[2]} and {row[2] for row in one} == {"1"}
    assert {(row[4], row[5]) for row in one} == {("unassigned", "0")}  # nothing else may be second
    line = must_fail(2, "predict", fast, cells, "-o", tmp_path / "x.tsv", "--labels-allow", "")
    assert "--labels-allow" in line and "empty" in line  # a variable of the shell that is not set
    line = must_fail(2, "predict", fast, cells, "-o", tmp_path / "x.tsv", "--labels-allow", "Martian")
    assert "Martian" in line and types[0] in line
    must_fail(2, "predict", fast, cells, "-o", tmp_path / "x.tsv", "--labels-allow", types[0],
              "--labels-deny", types[0])


def test_probabilities_are_a_table_of_cells_and_types(cells, fast, tmp_path):
    matrix = tmp_path / "p.tsv"
    rows = predictions(fast, cells, tmp_path, "--probabilities", matrix)
    table = rows_of(matrix)
    assert table[0] == ["barcode", *sorted(set(anndata.read_h5ad(cells).obs.cell_type))]
    assert [row[0] for row in table[1:]] == [row[0] for row in rows]
    p = np.array([row[1:] for row in table[1:]], dtype=float)
    assert np.allclose(p.sum(axis=1), 1, atol=1e-5)
    assert [table[0][1 + i] for i in p.argmax(axis=1)] == [row[3] for row in rows]
    assert np.allclose(p.max(axis=1), [float(row[2]) for row in rows])
    line = must_fail(1, "predict", fast, cells, "-o", tmp_path / "new.tsv", "--probabilities", matrix)
    assert str(matrix) in line and not (tmp_path / "new.tsv").exists()


def test_an_annotated_copy_has_the_same_columns(cells, fast, tmp_path):
    rows = predictions(fast, cells, tmp_path)
    must("predict", fast, cells, "-o", tmp_path / "out.h5ad")
    obs = anndata.read_h5ad(tmp_path / "out.h5ad").obs
    assert list(obs.predicted_cell_type) == [row[1] for row in rows]
    assert list(obs.predicted_cell_type_best) == [row[3] for row in rows]
    assert list(obs.predicted_cell_type_runner_up) == [row[4] for row in rows]
    for column, place in (("confidence", 2), ("runner_up_confidence", 5), ("novelty", 6)):
        assert np.allclose(obs[f"predicted_cell_type_{column}"], [float(row[place]) for row in rows],
                           rtol=1e-5)


def with_genes(data, order, names=None):
    """The same cells with these genes in this order."""
    var = data.var.iloc[order][[]]
    if names is not None:
        var.index = names
    return anndata.AnnData(scipy.sparse.csr_matrix(data.X[:, order]), obs=data.obs, var=var)


def test_other_orders_of_genes_and_extra_genes_change_nothing(cells, fast, tmp_path):
    data = anndata.read_h5ad(cells)
    rows = predictions(fast, cells, tmp_path)
    shuffled = with_genes(data, np.random.default_rng(1).permutation(data.n_vars))
    shuffled.write_h5ad(tmp_path / "shuffled.h5ad")
    assert predictions(fast, tmp_path / "shuffled.h5ad", tmp_path) == rows
    extra = anndata.AnnData(scipy.sparse.csr_matrix(np.random.default_rng(2).poisson(
        3, (data.n_obs, 100)).astype(np.float32)), obs=data.obs)
    extra.var_names = [f"FOREIGN{i}" for i in range(100)]
    wider = anndata.concat([extra, with_genes(data, np.arange(data.n_vars))], axis=1, merge="first")
    wider.write_h5ad(tmp_path / "wider.h5ad")
    assert predictions(fast, tmp_path / "wider.h5ad", tmp_path) == rows


def test_a_query_with_a_twentieth_of_the_genes_is_refused_unless_forced(cells, fast, tmp_path):
    data = anndata.read_h5ad(cells)
    part = with_genes(data, np.arange(0, data.n_vars, 20))
    part.write_h5ad(tmp_path / "part.h5ad")
    line = must_fail(4, "predict", fast, tmp_path / "part.h5ad", "-o", tmp_path / "x.tsv")
    n_matched = int(line.split(" has ")[1].split()[0])
    assert n_matched <= 30 and "% of its weight" in line and "--force" in line
    assert not (tmp_path / "x.tsv").exists()
    assert len(predictions(fast, tmp_path / "part.h5ad", tmp_path, "--force")) == 300


def test_ensembl_ids_meet_a_symbol_model_by_its_ids_or_are_refused(cells, fast, tmp_path):
    data = anndata.read_h5ad(cells)
    ids = [f"ENSG{i:011}" for i in range(data.n_vars)]
    by_id = with_genes(data, np.arange(data.n_vars), ids)
    by_id.write_h5ad(tmp_path / "ids.h5ad")
    # A model that knows no ids cannot be asked with them ...
    assert "ENSG" in must_fail(4, "predict", fast, tmp_path / "ids.h5ad", "-o", tmp_path / "x.tsv")
    # ... unless the query has the symbols in another column, ...
    by_id.var["feature_name"] = list(data.var_names)
    by_id.write_h5ad(tmp_path / "both.h5ad")
    said = must("predict", fast, tmp_path / "both.h5ad", "-o", tmp_path / "both.tsv")
    assert "feature_name" in said.err
    assert rows_of(tmp_path / "both.tsv")[1:] == predictions(fast, cells, tmp_path)
    # ... or the reference has ids beside its symbols.
    with_ids = with_genes(data, np.arange(data.n_vars))
    with_ids.var["gene_ids"] = ids
    with_ids.write_h5ad(tmp_path / "reference.h5ad")
    train(tmp_path / "reference.h5ad", tmp_path / "m.saithe", "--preset", "fast")
    said = must("predict", tmp_path / "m.saithe", tmp_path / "ids.h5ad", "-o", tmp_path / "ids.tsv")
    assert "gene_ids" in said.err
    assert rows_of(tmp_path / "ids.tsv")[1:] == predictions(fast, cells, tmp_path)


ODD = ["T cells, CD4+/CD45RA+ (naive)", 'B "memory"', "caf\u00e9 \u03b3\u03b4 T", "it's; 50 % #1"]


def test_labels_with_odd_characters_come_back_as_they_are(cells, tmp_path):
    data = anndata.read_h5ad(cells)
    names = dict(zip(sorted(set(data.obs.cell_type)), ODD))
    labels = [names[label] for label in data.obs.cell_type]
    labels[:20] = [ODD[3]] * 20
    data.obs["cell_type"] = labels
    data.write_h5ad(tmp_path / "odd.h5ad")
    train(tmp_path / "odd.h5ad", tmp_path / "m.saithe", "--preset", "fast")
    assert words_of(tmp_path / "m.saithe")["types"] == sorted(ODD, key=lambda t: t.encode())
    matrix = tmp_path / "p.tsv"
    rows = predictions(tmp_path / "m.saithe", cells, tmp_path, "--no-reject", "--probabilities",
                       matrix, "--labels-deny", ODD[3])
    assert {row[1] for row in rows} == set(ODD[:3])
    assert rows_of(matrix)[0] == ["barcode", *sorted(ODD, key=lambda t: t.encode())]
    must("predict", tmp_path / "m.saithe", cells, "-o", tmp_path / "out.h5ad")
    obs = anndata.read_h5ad(tmp_path / "out.h5ad").obs
    assert set(obs.predicted_cell_type_best) <= set(ODD)


def test_a_bar_in_the_name_of_a_type_does_not_look_like_two_types(cells, tmp_path):
    data = anndata.read_h5ad(cells)
    names = dict(zip(sorted(set(data.obs.cell_type)), ["T|NK", "B\\plasma", "mono", "DC"]))
    data.obs["cell_type"] = [names[label] for label in data.obs.cell_type]
    data.write_h5ad(tmp_path / "bars.h5ad")
    train(tmp_path / "bars.h5ad", tmp_path / "m.saithe", "--preset", "fast")
    must("predict", tmp_path / "m.saithe", cells, "-o", tmp_path / "labels.tsv", "--multi-label",
         "0.5")
    rows = rows_of(tmp_path / "labels.tsv")
    texts = {row[rows[0].index("multi_label")] for row in rows[1:]}
    assert {r"T\|NK", r"B\\plasma"} <= texts
    parts = {part for text in texts for part in re.split(r"(?<!\\)\|", text)}
    assert parts <= {r"T\|NK", r"B\\plasma", "mono", "DC", "unassigned"}


@pytest.mark.parametrize("bad", ["a\ttab", "a\nline"])
def test_labels_and_barcodes_that_would_break_a_table_do_not(cells, tmp_path, bad):
    data = anndata.read_h5ad(cells)
    first = sorted(set(data.obs.cell_type))[0]
    data.obs["cell_type"] = [bad if t == first else t for t in data.obs.cell_type.astype(str)]
    data.write_h5ad(tmp_path / "odd.h5ad")
    line = must_fail(3, "train", tmp_path / "odd.h5ad", "--label-key", "cell_type", "-o",
                     tmp_path / "m.saithe", "--preset", "fast")
    assert bad.replace("\t", "?").replace("\n", "?") in line and "control character" in line
    assert not (tmp_path / "m.saithe").exists()
    # A query may call its cells what it likes; the table stays whole.
    train(cells, tmp_path / "m.saithe", "--preset", "fast")
    data.obs_names = [bad, *data.obs_names[1:]]
    data.write_h5ad(tmp_path / "odd.h5ad")
    matrix = tmp_path / "p.tsv"
    rows = predictions(tmp_path / "m.saithe", tmp_path / "odd.h5ad", tmp_path, "--probabilities",
                       matrix)
    assert len(rows) == 300 and all(len(row) == len(COLUMNS) for row in rows)
    table = rows_of(matrix)
    assert len(table) == 301 and all(len(row) == 4 for row in table)


# ---- real data, where SAITHE_TEST_DATA names it


@pytest.fixture(scope="module")
def shared():
    if "SAITHE_TEST_DATA" not in os.environ:
        pytest.skip("SAITHE_TEST_DATA names no folder of test data")
    return pathlib.Path(os.environ["SAITHE_TEST_DATA"])


# Five networks in the time of one; the linear member, whose weight counts, is as it always is.
SHORT = ["--hidden", "24", "--epochs", "8"]


@pytest.mark.parametrize("preset", ["fast", "standard", "thorough"])
def test_pbmc3k_labels_cells_of_another_study_with_a_tenth_of_the_genes(shared, tmp_path, preset):
    model = tmp_path / "m.saithe"
    must("train", shared / "pbmc3k" / "pbmc3k_raw.h5ad", "--labels",
         shared / "pbmc3k" / "labels.tsv", "-o", model, "--preset", preset, "--validate", "none",
         "--no-find-suspects", *(SHORT if preset == "thorough" else []))
    query = shared / "kang" / "kang_ctrl_8donors_1287g.h5ad"
    said = must("predict", model, query, "-o", tmp_path / "out.tsv", "--no-reject")
    matched = [line for line in said.err.splitlines() if line.startswith("genes: ")]
    assert len(matched) == 1
    n_found, n_genes, weight = re.match(r"genes: (\d+) of the model's (\d+) found by .* \(([\d.]+) % of its weight\)",
                                        matched[0]).groups()
    assert int(n_found) / int(n_genes) < 0.3 <= float(weight) / 100  # by its weight alone it is not refused
    truth = anndata.read_h5ad(query).obs.cell_type.astype(str)  # the same names as PBMC3K's
    called = [row[1] for row in rows_of(tmp_path / "out.tsv")[1:]]
    # measured: fast 0.847
    assert metrics.accuracy_score(truth, called) > 0.82
    assert metrics.f1_score(truth, called, average="macro") > 0.65


def test_pbmc68k_reduced_trains_on_its_logarithms(shared, tmp_path):
    reference = shared / "pbmc68k_reduced" / "10x_pbmc68k_reduced.2022on.h5ad"
    found = must("train", reference, "--label-key", "bulk_labels", "-o", tmp_path / "x.saithe")
    # its counts were divided by another number before the genes were chosen
    assert "raw/X holds log1p(CP10k), or another logarithm: 10 000 over" in found.err
    assert ", X holds z-scored values" in found.err
    said = must("train", reference, "--label-key", "bulk_labels", "--use-raw", "-o",
                tmp_path / "m.saithe")
    assert "logarithms" in said.err and "validation (5-fold): 700 cells" in said.err
    assert (tmp_path / "x.saithe").read_bytes() == (tmp_path / "m.saithe").read_bytes()
    card = words_of(tmp_path / "m.saithe")["card"]
    assert card["scores"]["accuracy"] > 0.7
    must("predict", tmp_path / "m.saithe", reference, "--use-raw", "-o", tmp_path / "out.tsv")


def test_the_bundled_model_answers_without_a_reference_and_says_what_it_knows(tmp_path):
    said = must("predict", "pbmc3k", SOURCE / "data" / "pbmc3k.h5ad", "-o", tmp_path / "out.tsv")
    assert "trained on 2638 peripheral blood cells" in said.err and "Megakaryocytes" in said.err
    truth = anndata.read_h5ad(SOURCE / "data" / "pbmc3k.h5ad").obs.louvain.astype(str)
    best = [row[3] for row in rows_of(tmp_path / "out.tsv")[1:]]
    assert metrics.accuracy_score(truth, best) > 0.97  # the cells it was trained on
    assert "## Made from" in must("inspect", "pbmc3k", "--card").out
    line = must_fail(3, "predict", "pbmc4k", SOURCE / "data" / "pbmc3k.h5ad", "-o", tmp_path / "x.tsv")
    assert "pbmc4k" in line
