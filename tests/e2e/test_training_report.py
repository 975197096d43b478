"""What train --report writes, row by row, against what is known of the cells."""

import html
import json
import re

import anndata
import numpy as np
import pandas
import pytest
from sklearn import metrics

from conftest import must, must_fail, rows_of


def train(cells, folder, *arguments):
    return must("train", cells, "--label-key", "cell_type", "--preset", "fast", "-o", folder / "m.saithe",
                "--report", folder / "report", *arguments)


def html_rows(page, heading):
    """The cells of the table below a heading of report.html."""
    table = page.split(f"<h2>{heading}</h2>")[1].split("<table")[1].split("</table>")[0]
    return [[html.unescape(re.sub("<[^>]*>", "", cell)).strip()
             for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)]
            for row in re.findall(r"<tr.*?>(.*?)</tr>", table, re.S)]


def words_of(model):
    data = model.read_bytes()
    header = json.loads(data[8:8 + int.from_bytes(data[:8], "little")])
    return json.loads(header["__metadata__"]["saithe"])


def test_the_report_of_a_training_holds_what_it_promises(cells, tmp_path):
    folder = tmp_path / "report"
    must("train", cells, "--label-key", "cell_type", "-o", tmp_path / "m.saithe", "--preset", "fast",
         "--find-suspects", "--report", folder)
    judged = rows_of(folder / "out_of_fold.tsv")
    assert judged[0] == ["barcode", "fold", "label", "predicted", "confidence", "novelty"]
    assert len(judged) > 250 and {row[1] for row in judged[1:]} == set("01234")
    metrics_of = json.loads((folder / "metrics.json").read_text())["validation"]
    right = sum(row[2] == row[3] for row in judged[1:]) / (len(judged) - 1)
    assert abs(right - metrics_of["accuracy"]) < 1e-9
    assert rows_of(folder / "suspects.tsv")[0] == [
        "barcode", "label", "looks_like", "label_probability", "probability"]
    page = (folder / "report.html").read_text()
    assert "Scores" in page and "calibration" in page.lower()
    assert "# Model card" in (folder / "model_card.md").read_text()
    line = must_fail(1, "train", cells, "--label-key", "cell_type", "-o", tmp_path / "n.saithe",
                     "--preset", "fast", "--report", folder)
    assert "report.html" in line and not (tmp_path / "n.saithe").exists()


@pytest.mark.parametrize("drop", ["always", "never"])
def test_wrong_labels_are_listed_with_what_the_cells_look_like(cells, mislabelled, tmp_path, drop):
    train(mislabelled, tmp_path, "--find-suspects", "--drop-suspects", drop, "--seed", 3)
    truth = anndata.read_h5ad(cells).obs.cell_type.astype(str)
    given = anndata.read_h5ad(mislabelled).obs.cell_type.astype(str)
    wrong = set(truth.index[truth != given])
    table = rows_of(tmp_path / "report" / "suspects.tsv")
    assert table[0][:5] == ["barcode", "label", "looks_like", "label_probability", "probability"]
    rows = table[1:]
    found = {row[0] for row in rows}
    assert len(found) == len(rows) and found <= set(truth.index)
    # three types that are easily told apart: nearly every wrong label, and little else
    assert len(found & wrong) >= 0.9 * len(wrong) and len(found - wrong) <= 0.1 * len(wrong)
    for barcode, label, looks_like, *_ in rows:
        assert label == given[barcode] and looks_like != label
    assert np.mean([looks_like == truth[barcode] for barcode, _, looks_like, *_ in rows]) > 0.9
    sureness = [float(row[4]) - float(row[3]) for row in rows]
    assert sureness == sorted(sureness, reverse=True) and sureness[-1] > 0

    page = (tmp_path / "report" / "report.html").read_text()
    shown = html_rows(page, "Labels that look wrong")[1:]
    assert len(shown) == min(50, len(rows))
    assert [row[:3] for row in shown] == [row[:3] for row in rows[:50]]
    for on_page, row in zip(shown, rows):
        assert on_page[3:5] == [f"{float(value):.4f}" for value in row[3:5]]
    assert f"<p>{len(rows)} cells" in page
    assert ("They were left out of the training." in page) == (drop == "always")
    assert ("They were trained on all the same." in page) == (drop == "never")


def test_a_donors_cells_are_judged_by_models_of_the_other_donors(cells, tmp_path):
    train(cells, tmp_path, "--donor-key", "donor", "--validate", "by-donor")
    obs = anndata.read_h5ad(cells).obs
    table = rows_of(tmp_path / "report" / "out_of_fold.tsv")
    assert table[0][:6] == ["barcode", "fold", "label", "predicted", "confidence", "novelty"]
    rows = table[1:]
    judged = [row[0] for row in rows]
    assert sorted(judged) == sorted(obs.index)  # every cell, once
    donor = obs.donor.astype(str)
    donors_of_fold = {fold: {donor[row[0]] for row in rows if row[1] == fold} for fold in {row[1] for row in rows}}
    assert sorted(map(sorted, donors_of_fold.values())) == [[name] for name in sorted(set(donor))]
    labels, predicted = [row[2] for row in rows], [row[3] for row in rows]
    assert labels == list(obs.cell_type.astype(str)[judged])
    assert all(0 < float(row[4]) <= 1 and float(row[5]) >= 0 for row in rows)
    said = json.loads((tmp_path / "report" / "metrics.json").read_text())["validation"]
    assert abs(said["accuracy"] - metrics.accuracy_score(labels, predicted)) < 1e-9
    assert abs(said["macro_f1"] - metrics.f1_score(labels, predicted, average="macro")) < 1e-9


def standardized_variance(x):
    """As tests/golden/variable_genes/generate.py: over what a quadratic of log variance on log mean expects."""
    n = x.shape[0]
    mean, variance = x.mean(axis=0), x.var(axis=0, ddof=1)
    trend = np.polyfit(np.log10(mean), np.log10(variance), 2)
    sd = np.sqrt(10 ** np.polyval(trend, np.log10(mean)))
    cut = np.minimum(x, mean + sd * np.sqrt(n))
    return ((cut - mean) ** 2).sum(axis=0) / (n - 1) / sd**2


def test_of_logarithms_genes_are_chosen_and_the_report_says_so(cells, tmp_path):
    n_chosen = 50
    data = anndata.read_h5ad(cells)
    counts = data.X.toarray().astype(float)
    logs = np.log1p(counts * (1e4 / counts.sum(axis=1, keepdims=True))).astype(np.float32)
    anndata.AnnData(logs, obs=data.obs, var=data.var[[]]).write_h5ad(tmp_path / "logs.h5ad")
    train(tmp_path / "logs.h5ad", tmp_path, "--variable-genes", n_chosen, "--validate", "none")
    words = words_of(tmp_path / "m.saithe")
    expressed = (counts > 0).sum(axis=0) >= 3
    names = data.var_names[expressed]
    assert words["gene_names"] == list(names)

    def most_variable(x):
        order = np.argsort(-standardized_variance(x[:, expressed].astype(float)), kind="stable")
        return set(names[order[:n_chosen]])

    chosen = {words["gene_names"][gene] for gene in words["input_genes"]}
    assert chosen == most_variable(logs)
    assert len(chosen & most_variable(counts)) < n_chosen  # those of counts are others
    page = (tmp_path / "report" / "report.html").read_text()
    assert ("The values were taken for log1p(CP10k): genes were chosen by the variance of the logarithms, and no "
            "cell was thinned.") in page

    counted = tmp_path / "counted"
    counted.mkdir()
    train(cells, counted, "--validate", "none")
    page = (counted / "report" / "report.html").read_text()
    assert "The values were taken for counts.</p>" in page and "logarithms" not in page


def test_what_did_not_train_is_kept_with_the_model(cells, tmp_path):
    data = anndata.read_h5ad(cells)
    labels = data.obs.cell_type.astype(str).to_numpy(dtype=object)
    labels[:3] = "Odd | one"
    labels[3:10] = None
    data.obs["cell_type"] = pandas.Categorical(labels)
    data.write_h5ad(tmp_path / "some.h5ad")
    train(tmp_path / "some.h5ad", tmp_path, "--no-find-suspects", "--quiet")
    said = "7 cells without a label, type 'Odd | one' of 3 cells"
    assert said in html.unescape((tmp_path / "report" / "report.html").read_text())
    assert said.replace("|", "\\|") in (tmp_path / "report" / "model_card.md").read_text()
    assert said in must("inspect", tmp_path / "m.saithe").out
    told = json.loads(must("inspect", tmp_path / "m.saithe", "--json").out)
    assert told["left_out"] == {"without_label": 7, "without_counts": 0,
                                "small_types": {"Odd | one": 3}}
    totals = np.sort(np.asarray(data.X[10:].sum(axis=1)).ravel())
    assert told["shallow_counts"] == pytest.approx(totals[len(totals) // 100])
