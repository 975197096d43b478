"""Options that would change nothing are refused, words in the place of a type are no types."""

import json
import signal
import subprocess

import anndata
import numpy as np
import pytest

from conftest import PROGRAM, QUICK, must, must_fail

# What is given, and which of it would change nothing.
TRAIN = [("--validate none --calibrate", "calibrate"),
         ("--validate 5-fold --split random", "split"),
         ("--validate none --validation-fraction 0.3", "validation-fraction"),
         ("--validate none --fold-cells 9", "fold-cells"),
         ("--no-find-suspects --drop-suspects always", "drop-suspects"),
         ("--no-find-suspects --suspect-cells 9", "suspect-cells"),
         ("--drop-suspects never --suspect-gate 0.1", "suspect-gate"),
         ("--no-linear --linear-c 1", "linear-c"),
         ("--no-linear --no-find-suspects --linear-cells 9", "linear-cells"),
         ("--preset fast --hidden 8", "hidden"),
         ("--preset fast --epochs 3", "epochs"),
         ("--preset fast --linear-share 0.3", "linear-share"),
         ("--weight-decay 0 --decay-biases", "decay-biases"),
         ("--thin-share 0 --thin-minimum 0.5", "thin-minimum"),
         ("--max-value 3", "max-value"),
         ("--max-percent-mt 5 --mt-genes MT-ND1 --mt-prefixes mt", "mt-prefixes"),
         ("--mt-genes MT-ND1", "mt-genes")]
PREDICT = [("--min-proportion 0.5", "min-proportion"),
           ("--ontology-threshold 0.5", "ontology-threshold"),
           ("--ontology-map bundled", "ontology-map")]
EXPLAIN = [("--background-cells 5", "background-cells"),
           ("--no-reject --false-reject-rate 0.05", "false-reject-rate")]
EXPLAIN_MODEL = [("--cells 5", "cells"), ("--steps 8", "steps"), ("--force", "force"),
                 ("--labels-deny X", "labels-deny"), ("--layer counts", "layer"),
                 ("--match-case-insensitive", "match-case-insensitive")]


@pytest.mark.parametrize("options, idle", TRAIN)
def test_train_refuses_what_would_change_nothing(cells, tmp_path, options, idle):
    line = must_fail(2, "train", cells, "--label-key", "cell_type", "-o", tmp_path / "m", *options.split())
    assert f"--{idle} has no effect " in line
    assert list(tmp_path.iterdir()) == []


def test_what_a_preset_says_or_what_is_switched_off_is_no_mistake(cells, tmp_path):
    said = must("train", cells, "--label-key", "cell_type", "-o", tmp_path / "m", *QUICK, "--no-calibrate",
                "--weight-decay", "0", "--no-decay-biases", "--genes", "union")
    assert "warning: --genes has no effect on one reference file" in said.err


@pytest.mark.parametrize("options, idle", [("--thin-share 0.3", "thin-share"),
                                           ("--thin-minimum 0.5", "thin-minimum")])
def test_what_needs_counts_is_refused_on_logarithms(cells, tmp_path, options, idle):
    data = anndata.read_h5ad(cells)
    totals = np.asarray(data.X.sum(axis=1)).ravel()
    data.X = data.X.astype(np.float32)
    data.X.data = np.log1p(data.X.data * np.repeat(1e4 / totals, np.diff(data.X.indptr))).astype(np.float32)
    data.write_h5ad(tmp_path / "logs.h5ad")
    command = ["train", tmp_path / "logs.h5ad", "--label-key", "cell_type", "-o", tmp_path / "m"]
    assert f"--{idle} has no effect on logarithms" in must_fail(2, *command, *options.split())
    must(*command, *QUICK)  # a preset that thins is none of the user's


@pytest.mark.parametrize("options, idle", PREDICT)
def test_predict_refuses_what_would_change_nothing(model, cells, tmp_path, options, idle):
    assert f"--{idle} has no effect " in must_fail(2, "predict", model, cells, "-o", tmp_path / "x.tsv",
                                                   *options.split())


@pytest.mark.parametrize("query, options, idle", [(True, *case) for case in EXPLAIN] +
                         [(False, *case) for case in EXPLAIN_MODEL])
def test_explain_refuses_what_would_change_nothing(model, cells, tmp_path, query, options, idle):
    line = must_fail(2, "explain", model, *([cells] if query else []), "-o", tmp_path / "x", *options.split())
    assert f"--{idle} has no effect " in line


def test_a_rejection_that_the_model_cannot_make_is_refused(cells, tmp_path):
    must("train", cells, "--label-key", "cell_type", "-o", tmp_path / "m", *QUICK)
    for command in ("predict", "explain"):
        for option in (["--reject"], ["--false-reject-rate", "0.1"]):
            line = must_fail(2, command, tmp_path / "m", cells, "-o", tmp_path / "x", *option)
            assert f"{option[0]} has no effect on this model" in line and "--validate none" in line


def test_steps_through_a_linear_model_are_refused(cells, tmp_path):
    must("train", cells, "--label-key", "cell_type", "-o", tmp_path / "m", "--preset", "fast",
         "--validate", "none", "--no-find-suspects")
    line = must_fail(2, "explain", tmp_path / "m", cells, "-o", tmp_path / "x", "--steps", "8")
    assert "--steps has no effect on this model: it is linear" in line


def test_inspect_refuses_what_a_model_has_no_use_for(model):
    assert "--use-raw has no effect on a model" in must_fail(2, "inspect", model, "--use-raw")
    assert "--json has no effect with --card" in must_fail(2, "inspect", model, "--card", "--json")


@pytest.mark.parametrize("command, options", [("train", ["--find-suspects", "--no-find-suspects"]),
                                              ("predict", ["--no-reject", "--reject"])])
def test_opposites_are_refused(model, cells, tmp_path, command, options):
    inputs = [cells, "--label-key", "cell_type"] if command == "train" else [model, cells]
    line = must_fail(2, command, *inputs, "-o", tmp_path / "x", *options)
    assert all(option in line for option in options) and "both given" in line


def test_a_denied_type_that_is_not_allowed_is_refused(model, cells, tmp_path):
    types = sorted(set(anndata.read_h5ad(cells).obs.cell_type))
    command = ["predict", model, cells, "-o", tmp_path / "x.tsv", "--labels-allow", types[0], "--labels-deny"]
    assert f"--labels-deny has no effect on '{types[1]}'" in must_fail(2, *command, types[1])
    assert "leave no type" in must_fail(2, *command, types[0])


@pytest.mark.parametrize("seed", ["-1", "18446744073709551616"])
def test_the_range_of_seeds_is_said(tmp_path, seed):
    line = must_fail(2, "simulate", "-o", tmp_path / "x.h5ad", f"--seed={seed}")
    assert f"--seed: '{seed}' is not a whole number from 0 to 9223372036854775807" in line


@pytest.mark.parametrize("word", ["heterogeneous", "unassigned"])
def test_words_in_the_place_of_a_type_are_not_learned(cells, tmp_path, word):
    data = anndata.read_h5ad(cells)
    names = data.obs.cell_type.astype(str).to_numpy().copy()
    names[:40] = word
    names[40:60] = word.capitalize()
    data.obs["cell_type"] = names
    data.write_h5ad(tmp_path / "cells.h5ad")
    said = must("train", tmp_path / "cells.h5ad", "--label-key", "cell_type", "-o", tmp_path / "m", *QUICK)
    assert f"left out, as without a label: 40 cells called '{word}'" in said.err
    assert f"left out, as without a label: 20 cells called '{word.capitalize()}'" in said.err
    types = json.loads(must("inspect", tmp_path / "m", "--json").out)["types"]
    assert word not in types and word.capitalize() not in types
    scores = json.loads(must("evaluate", tmp_path / "m", tmp_path / "cells.h5ad", "--label-key", "cell_type").out)
    assert scores["n_without_label"] == 60 and scores["n_unknown_label"] == 0


def test_the_genes_of_a_background_are_told_and_too_few_refused(model, cells, tmp_path):
    data = anndata.read_h5ad(cells)
    data[:, :data.n_vars // 2].copy().write_h5ad(tmp_path / "half.h5ad")
    data[:, :20].copy().write_h5ad(tmp_path / "few.h5ad")
    explain = ["explain", model, cells, "--cells", 2, "--steps", 2, "-o", tmp_path / "x", "--background"]
    said = must(*explain, tmp_path / "half.h5ad")
    assert "background: genes: " in said.err and "% of its weight)" in said.err
    few = must_fail(4, *explain, tmp_path / "few.h5ad", "--overwrite")
    assert "few.h5ad: has " in few and "expected at least 30 %" in few
    must(*explain, tmp_path / "few.h5ad", "--overwrite", "--force")


def test_an_interrupted_ensemble_says_what_it_has_and_how_to_go_on(cells, tmp_path):
    model = tmp_path / "m.saithe"
    command = [PROGRAM, "train", cells, "--label-key", "cell_type", "-o", model, "--preset", "thorough",
               "--hidden", "256", "--epochs", "100000", "--max-steps", "0", "--validate", "none",
               "--no-find-suspects"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline().startswith("Epoch: 0")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "1 of 5 networks, the last cut short" in errors and "--checkpoint FILE" in errors
    assert "1 of 5 networks, the last cut short" in must("inspect", model).out
