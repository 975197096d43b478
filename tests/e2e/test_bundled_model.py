"""The model that comes with the program is what the program makes."""

import json

import numpy as np

from conftest import SOURCE, must, must_fail, rows_of


def labels_and_confidences(model, cells, path):
    must("predict", model, cells, "-o", path, "--no-reject")
    head, *rows = rows_of(path)
    rows = np.array(rows)
    return rows[:, head.index("best_label")], rows[:, head.index("confidence")].astype(float)


def test_the_bundled_model_is_what_train_makes_now(tmp_path):
    """The same bits on the machine that made it; other processors round otherwise."""
    cells, bundled, new = SOURCE / "data/pbmc3k.h5ad", SOURCE / "data/pbmc3k.saithe", tmp_path / "new.saithe"
    must("train", cells, "--label-key", "louvain", "-o", new)
    told = [json.loads(must("inspect", model, "--json").out) for model in (bundled, new)]
    for key in ("options", "types", "input_sha256", "saithe_version"):
        assert told[0][key] == told[1][key], key
    labels, confidences = zip(*(labels_and_confidences(model, cells, tmp_path / f"{i}.tsv")
                                for i, model in enumerate((bundled, new))))
    assert np.mean(labels[0] == labels[1]) > 0.998
    assert np.abs(confidences[0] - confidences[1]).mean() < 0.005


def test_who_misspells_a_model_is_told_which_are_bundled(tmp_path):
    out = tmp_path / "labels.tsv"
    line = must_fail(3, "predict", "pbmc4k", SOURCE / "data/pbmc3k.h5ad", "-o", out)
    assert "pbmc4k: there is no such model file, and none of this name is bundled (pbmc3k is)" in line
    assert not out.exists()
