"""Every command: what it writes, says and refuses; signals; help."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import time

import anndata
import numpy as np
import pandas
import pytest

from conftest import (COLUMNS, PROGRAM, QUICK, SMALL, SOURCE, must, must_fail, rows_of, run,
                      write_tenx_folder)

COMMANDS = ["walkthrough", "train", "predict", "evaluate", "embed", "explain",
            "import-celltypist", "inspect", "convert", "simulate"]


@pytest.fixture(scope="module")
def tenx_folder(cells, tmp_path_factory):
    """The simulated cells as a 10x folder with a table of labels."""
    folder = tmp_path_factory.mktemp("tenx")
    data = anndata.read_h5ad(cells)
    write_tenx_folder(folder, data)
    labels = folder.parent / "labels.tsv"
    labels.write_text("".join(f"{name}\t{label}\n" for name, label
                              in zip(data.obs_names[:-20], data.obs.cell_type[:-20]))
                      + "unknown-1\tB cells\n")
    return folder, labels


def test_version_is_bare():
    result = must("--version")
    assert result.out.splitlines()[0].count(".") == 2
    assert result.out.strip()[0].isdigit()


def test_help_of_every_command_names_the_common_options():
    assert all(command in must("--help").out for command in COMMANDS)
    for command in COMMANDS:
        text = must(command, "--help").out
        for option in ("--threads", "--seed", "--quiet", "--device", "--overwrite", "--help"):
            assert option in text, (command, option)


def test_unknown_options_and_commands_are_usage_errors():
    assert "no command 'trian'; the commands are walkthrough, train, " in must_fail(2, "trian", "x")
    bare = run()
    assert bare.code == 2 and bare.out == "" and bare.err == must("--help").out
    line = must_fail(2, "simulate", "-o", "x.h5ad", "--tpyes", "3")
    assert "saithe simulate has no option '--tpyes' (saithe simulate --help shows" in line
    assert "saithe predict has no option '--hlep'" in must_fail(2, "predict", "--hlep")
    assert "no option '--epoch'" in must_fail(2, "train", "--epoch", "3", "x.h5ad", "-o", "m")
    line = must_fail(2, "simulate", "-o", "x.h5ad", "--types", "3", "--types", "4")
    assert "--types was given more than once" in line
    line = must_fail(2, "inspect", "x.h5ad", "y.h5ad")
    assert "'y.h5ad' is one argument too many: saithe inspect takes FILE" in line
    line = must_fail(2, "simulate", "-o", "x.h5ad", "--types", "x")
    assert line == "saithe: error: --types: 'x' is not a whole number"
    must_fail(2, "simulate", "-o", "x.h5ad", "--types", "many")
    must_fail(2, "simulate", "-o", "x.h5ad", "--types", "1")
    must_fail(2, "simulate", "-o", "x.h5ad", "--threads", "-1")


def test_help_names_values_and_has_no_marks_of_the_parser():
    text = must("train", "--help").out
    for words in ("(held-out, 5-fold, by-donor, none)", "(random, stratified, donor)",
                  "(auto, cpu, cuda, cuda:N)", "(cross-entropy, article)", "--layer NAME", "--donor-key COLUMN",
                  "--mt-genes NAMES", "(joined by commas)", "--novelty,--no-novelty ",
                  "Example: saithe train reference.h5ad"):
        assert words in text, words
    for mark in ("--no-overwrite", "{false}", "=false", "=true", "TEXT"):
        assert mark not in text, mark
    assert "\n\n\n" not in text
    assert "{false}" not in must("--help").out


def test_names_of_outputs_say_what_is_written(model, cells, tmp_path):
    for arguments in (["embed", model, cells, "-o", "-"], ["embed", model, cells, "-o", "emb.tsv"],
                      ["simulate", "-o", "s.tsv"]):
        assert "ends in .h5ad" in must_fail(2, *arguments, cwd=tmp_path)
    for arguments in (["-o", "x.csv"], ["-o", "x.tsv", "--probabilities", "p.csv.gz"]):
        assert "separated by tabs" in must_fail(2, "predict", model, cells, *arguments, cwd=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_model_in_the_place_of_the_cells_is_told(model, cells, tmp_path):
    for arguments in (["predict", cells, model, "-o", tmp_path / "x.tsv"],
                      ["embed", cells, model, "-o", tmp_path / "x.h5ad"],
                      ["evaluate", cells, model, "--label-key", "cell_type"]):
        line = must_fail(2, *arguments)
        assert "is an h5ad" in line and "the model comes first" in line


def test_labels_come_from_one_place_that_is_named(cells, tmp_path):
    labels = tmp_path / "labels.tsv"
    labels.write_text("a\tb\n")
    line = must_fail(2, "train", cells, "--label-key", "cell_type", "--labels", labels, "-o",
                     tmp_path / "m")
    assert "give only one of --label-key and --labels" in line
    line = must_fail(2, "walkthrough", cells, "-o", tmp_path / "out")
    assert "--label-key KEY (a column of obs: cell_type" in line


def test_a_reader_that_leaves_ends_the_output_quietly(model, cells):
    done = subprocess.run(f"'{PROGRAM}' predict '{model}' '{cells}' -o - --quiet | true; "
                          "echo ${PIPESTATUS[0]}", shell=True, executable="/bin/bash",
                          capture_output=True, text=True)
    assert done.stdout.strip() in ("0", "141") and done.stderr == "", done


def test_a_model_that_learned_nothing_is_warned_of(cells, tmp_path):
    result = must("train", cells, "--label-key", "cell_type", "-o", tmp_path / "m", "--preset",
                  "walkthrough", "--hidden", "2", "--dropout", "0", "--epochs", "1", "--learning-rate",
                  "1e-7", "--max-genes", "0", "--seed", "3")
    assert "is below the share of the most frequent type" in result.err


@pytest.mark.parametrize("command", COMMANDS)
def test_a_gpu_that_is_not_there_is_refused(model, cells, tmp_path, command):
    arguments = {"walkthrough": [cells, "--label-key", "cell_type", "-o", tmp_path / "x"],
                 "train": [cells, "--label-key", "cell_type", "-o", tmp_path / "x"],
                 "predict": [model, cells, "-o", tmp_path / "x.tsv"],
                 "evaluate": [model, cells, "--label-key", "cell_type"],
                 "embed": [model, cells, "-o", tmp_path / "x.h5ad"],
                 "explain": [model, cells, "-o", tmp_path / "x"],
                 "import-celltypist": [SOURCE / "tests/golden/celltypist/sgd.pkl", "-o", tmp_path / "x"],
                 "inspect": [cells],
                 "convert": [cells, tmp_path / "x.h5ad"],
                 "simulate": ["-o", tmp_path / "x.h5ad"]}[command]
    line = must_fail(5, command, *arguments, "--device", "cuda:1000")
    assert "--device cuda:1000: " in line and "--device cpu" in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("n_genes, stored", [(100, 50), (200, 100), (1698, 849), (2000, 850)])
def test_simulated_cells_store_what_their_genes_allow(tmp_path, n_genes, stored):
    must("simulate", "-o", tmp_path / "s.h5ad", "--genes", n_genes, "--cells", 400, "--poor-cells", 0)
    data = anndata.read_h5ad(tmp_path / "s.h5ad")
    assert data.X.nnz / 400 == pytest.approx(stored, rel=0.06)


def test_filters_are_told_before_the_training(cells, tmp_path):
    done = subprocess.run([PROGRAM, "walkthrough", cells, "--label-key", "cell_type", "-o",
                           tmp_path / "out", *SMALL], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout
    lines = done.stdout.splitlines()
    filters = [i for i, line in enumerate(lines) if line.startswith("filter ")]
    epochs = [i for i, line in enumerate(lines) if line.startswith("Epoch: ")]
    assert len(filters) == 3 and filters[-1] < epochs[0], done.stdout


def test_simulated_cells_are_repeatable_and_streamed(tmp_path):
    arguments = ["--cells", 9000, "--genes", 200, "--stored-per-cell", 40, "--types", 2]
    must("simulate", "-o", tmp_path / "a.h5ad", *arguments, "--threads", 1)
    must("simulate", "-o", tmp_path / "b.h5ad", *arguments, "--threads", 2)
    assert (tmp_path / "a.h5ad").read_bytes() == (tmp_path / "b.h5ad").read_bytes()
    data = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert data.shape == (9000, 200)
    assert {"cell_type", "true_cell_type", "donor", "is_poor"} <= set(data.obs)
    assert (data.obs.cell_type == data.obs.true_cell_type).all()


def test_inspect_says_what_a_file_holds(cells, model, tenx_folder, tmp_path):
    data = anndata.read_h5ad(cells)
    said = json.loads(must("inspect", cells, "--json").out)
    assert said["n_cells"] == 300 and said["n_genes"] == 600
    assert said["n_stored"] == data.X.nnz and said["total"] == data.X.sum()
    assert said["value_kind"] == "counts"
    assert said["obs"]["cell_type"] == {"kind": "category", "n_values": 3}
    folder = json.loads(must("inspect", tenx_folder[0], "--json").out)
    assert folder["format"] == "10x MTX folder v3" and folder["total"] == data.X.sum()
    text = must("inspect", cells).out
    assert "cells: 300" in text and "obs cell_type: category, 3 distinct values" in text
    embedded = tmp_path / "embedded.h5ad"
    must("embed", model, cells, "-o", embedded)
    text = must("inspect", embedded).out
    assert "obsm: X_umap\n" in text and "uns: saithe\n" in text
    assert json.loads(must("inspect", embedded, "--json").out)["obsm"] == ["X_saithe_hidden", "X_umap"]
    assert json.loads(must("inspect", model, "--json").out)["format"] == "saithe model"


def test_inspect_tells_in_words_what_the_card_of_a_model_holds(mislabelled, tmp_path):
    """Every number of the card is compared with those of --json, which come another way. A fifth of wrong labels
    gives suspects and a temperature that is not 1."""
    model = tmp_path / "m.saithe"
    must("train", mislabelled, "--label-key", "cell_type", "--donor-key", "donor", "--preset", "fast",
         "--find-suspects", "--drop-suspects", "never", "--seed", 7, "-o", model)
    text, said = must("inspect", model).out, json.loads(must("inspect", model, "--json").out)
    lines = dict(line.split(": ", 1) for line in text.splitlines() if ": " in line)
    assert lines["reference"] == "mislabelled.h5ad" and lines["values"] == "counts"
    assert lines["training cells"] == str(sum(said["cells_of_type"])) == "300"
    assert lines["donors"] == str(said["n_donors"]) == "2"
    assert lines["genes"] == f"{said['n_genes']} inputs of {said['n_reference_genes']} in the reference"
    assert lines["cells whose label looks wrong"] == f"{said['n_suspects']} (0 not trained on)"
    assert said["n_suspects"] > 0
    assert len(said["input_sha256"]) == 64
    assert lines["SHA-256 of the training cells"] == said["input_sha256"]
    assert lines["made by"] == f"saithe {said['saithe_version']}, seed 7"
    assert lines["validation"].startswith(f"by-donor, {said['n_validated']} cells")
    for name, field in [("accuracy", "accuracy"), ("macro F1", "macro_f1"), ("median F1", "median_f1")]:
        assert lines[name] == f"{said[field]:.4f}"
    for name, field in [("NLL", "nll"), ("Brier", "brier"), ("calibration error", "ece")]:
        assert said[field] != said[f"{field}_uncalibrated"], "a calibration that changes nothing shows nothing"
        assert lines[name] == f"{said[field]:.4f} ({said[f'{field}_uncalibrated']:.4f} before calibration)"
    assert lines["calibrated by"].startswith(f"temperature {said['temperature']:.3f}")
    assert lines["unassigned"] == (
        f"beyond a distance of {said['novelty_threshold']:.4g} (novelty 1), which 1 % of held-out "
        "cells pass")
    types = text.split("\nTypes\n")[1].split("\n\n")[0].splitlines()[1:]
    assert [line.split(maxsplit=2) for line in types] == [
        [str(n), f"{f1:.4f}", name]
        for n, f1, name in zip(said["cells_of_type"], said["f1_of_type"], said["types"])]
    assert "--linear-c 0.1\n" in text and "Linear(" in text
    # before calibration is what a model that is never calibrated has
    plain = tmp_path / "plain.saithe"
    must("train", mislabelled, "--label-key", "cell_type", "--donor-key", "donor", "--preset", "fast",
         "--find-suspects", "--drop-suspects", "never", "--seed", 7, "--no-calibrate", "-o", plain)
    uncalibrated = json.loads(must("inspect", plain, "--json").out)
    assert uncalibrated["temperature"] == 1 and uncalibrated["type_offsets"] == []
    for field in ["nll", "brier", "ece"]:
        assert uncalibrated[field] == said[f"{field}_uncalibrated"]
    card = must("inspect", model, "--card").out
    for name, field in [("NLL (before calibration)", "nll"), ("Brier (before)", "brier"),
                        ("calibration error (before)", "ece")]:
        assert f"| {name} | {said[field]:.4f} ({said[f'{field}_uncalibrated']:.4f}) |" in card


def test_inspect_says_what_the_card_of_a_model_lacks(cells, tmp_path):
    model = tmp_path / "m.saithe"
    must("train", cells, "--label-key", "cell_type", "-o", model, *QUICK)
    text = must("inspect", model).out
    for line in ["donors: not stated", "cells whose label looks wrong: not looked for", "validation: none",
                 "unassigned: cells without counts alone; no cell was held out"]:
        assert line in text
    assert json.loads(must("inspect", model, "--json").out)["novelty_threshold"] is None


def test_predict_writes_one_row_a_cell_in_the_files_order(model, cells, tmp_path):
    must("predict", model, cells, "-o", tmp_path / "out.tsv")
    rows = rows_of(tmp_path / "out.tsv")
    data = anndata.read_h5ad(cells)
    assert rows[0] == COLUMNS
    assert [row[0] for row in rows[1:]] == list(data.obs_names)
    accuracy = np.mean([row[3] == label for row, label in zip(rows[1:], data.obs.cell_type)])
    assert accuracy > 0.8
    stdout = must("predict", model, cells, "-o", "-", "--quiet")
    assert stdout.out == (tmp_path / "out.tsv").read_text() and stdout.err == ""


def test_predict_adds_columns_to_a_copy_and_keeps_the_rest(model, cells, tmp_path):
    data = anndata.read_h5ad(cells)
    data.layers["half"] = data.X * 0.5
    data.raw = data
    data.uns["note"] = "mine"
    data.write_h5ad(tmp_path / "query.h5ad")
    before = (tmp_path / "query.h5ad").read_bytes()
    must("predict", model, tmp_path / "query.h5ad", "-o", tmp_path / "out.h5ad")
    assert (tmp_path / "query.h5ad").read_bytes() == before
    out = anndata.read_h5ad(tmp_path / "out.h5ad")
    assert (out.layers["half"] != data.layers["half"]).nnz == 0
    assert out.raw.shape == data.raw.shape and out.uns["note"] == "mine"
    assert list(out.obs.columns[:4]) == list(data.obs.columns)
    assert out.obs.predicted_cell_type.dtype == "category"
    assert out.obsm["predicted_cell_type_probabilities"].shape == (300, 3)
    line = must_fail(1, "predict", model, tmp_path / "out.h5ad", "-o", tmp_path / "twice.h5ad")
    assert "predicted_cell_type" in line
    must("predict", model, tmp_path / "out.h5ad", "-o", tmp_path / "twice.h5ad", "--overwrite")
    same = must_fail(1, "predict", model, tmp_path / "out.h5ad", "-o", tmp_path / "out.h5ad",
                     "--overwrite")
    assert "input" in same


def test_tenx_folder_with_a_table_of_labels(tenx_folder, tmp_path):
    folder, labels = tenx_folder
    result = must("train", folder, "--labels", labels, "-o", tmp_path / "m.saithe", *QUICK)
    assert "280 cells joined by barcode, 20 cells without a label, 1 labels without a cell" in result.err
    must("predict", tmp_path / "m.saithe", folder, "-o", tmp_path / "out.h5ad")
    out = anndata.read_h5ad(tmp_path / "out.h5ad")
    assert out.shape == (300, 600) and "gene_ids" in out.var
    must("walkthrough", folder, "--labels", labels, "-o", tmp_path / "walk", *SMALL)
    annotated = anndata.read_h5ad(tmp_path / "walk" / "annotated.h5ad")
    given = {row[0]: row[1] for row in rows_of(labels)}
    assert annotated.obs.cell_type.dtype == "category"
    assert list(annotated.obs.cell_type) == [given[name] for name in annotated.obs_names]


def test_joined_labels_leave_a_column_of_the_input_as_it_is(cells, tmp_path):
    data = anndata.read_h5ad(cells)
    (tmp_path / "labels.tsv").write_text("".join(
        f"{name}\tjoined {label}\n" for name, label in zip(data.obs_names, data.obs.cell_type)))
    must("walkthrough", cells, "--labels", tmp_path / "labels.tsv", "-o", tmp_path / "out", *SMALL)
    obs = anndata.read_h5ad(tmp_path / "out" / "annotated.h5ad").obs
    assert list(obs.cell_type) == list(data.obs.cell_type[obs.index])
    assert list(obs.saithe_label) == [f"joined {label}" for label in obs.cell_type]


def test_evaluate_prints_one_json_object(model, cells, tmp_path):
    result = must("evaluate", model, cells, "--label-key", "cell_type")
    assert "genes: " in result.err and "unassigned: " in result.err
    said = json.loads(result.out)
    assert said["n_cells"] == 300 and said["accuracy"] > 0.8 and said["nll"] > 0
    n_rejected = int(result.err.split("unassigned: ")[1].split()[0])
    assert said["rejecting"]["n_unassigned"] == n_rejected > 0
    assert said["rejecting"]["accuracy"] < said["accuracy"]
    assert said["loss"] is None  # the mean of several members has no training loss
    must("evaluate", model, cells, "--label-key", "cell_type", "-o", tmp_path / "e.json")
    assert json.loads((tmp_path / "e.json").read_text()) == said
    labels = tmp_path / "labels.tsv"
    data = anndata.read_h5ad(cells)
    names = list(data.obs.cell_type.astype(str))
    names[:10] = ["Martian cells"] * 10
    labels.write_text("".join(f"{b}\t{n}\n" for b, n in zip(data.obs_names, names)))
    told = must("evaluate", model, cells, "--labels", labels)
    assert "10 cells are of types that the model does not know, in no score: 'Martian cells' (10)" in told.err
    partly = json.loads(told.out)
    assert partly["n_unknown_label"] == 10 and partly["n_cells"] == 290
    data.obs["none"] = pandas.Categorical([None] * data.n_obs, categories=["T"])
    data.obs["some"] = pandas.Categorical([None] * 7 + list(data.obs.cell_type.astype(str)[7:]))
    data.write_h5ad(tmp_path / "unlabelled.h5ad")
    assert "none of the 300 cells has a label: all are missing" in must_fail(
        4, "evaluate", model, tmp_path / "unlabelled.h5ad", "--label-key", "none")
    some = must("evaluate", model, tmp_path / "unlabelled.h5ad", "--label-key", "some")
    assert "not judged: 7 cells without a label" in some.err
    counts = json.loads(some.out)
    assert (counts["n_without_label"], counts["n_unknown_label"], counts["n_cells"]) == (7, 0, 293)
    labels.write_text("".join(f"{b}\tMartian cells\n" for b in data.obs_names))
    must_fail(4, "evaluate", model, cells, "--labels", labels)


def test_embed_writes_hidden_layer_and_layout(model, cells, tmp_path):
    result = must("embed", model, cells, "-o", tmp_path / "e.h5ad", "--umap-epochs", 30)
    assert "genes: " in result.err and "of its weight" in result.err
    out = anndata.read_h5ad(tmp_path / "e.h5ad")
    assert out.obsm["X_saithe_hidden"].shape == (300, 16)
    assert np.isfinite(out.obsm["X_umap"]).all()


def test_embed_of_too_few_cells_names_the_file(model, cells, tmp_path):
    for n in (0, 1):
        anndata.read_h5ad(cells)[:n].copy().write_h5ad(tmp_path / f"{n}.h5ad")
        line = must_fail(3, "embed", model, tmp_path / f"{n}.h5ad", "-o", tmp_path / "e.h5ad")
        assert f"{n}.h5ad: has {n} cell" in line and "UMAP needs 2" in line
    assert not (tmp_path / "e.h5ad").exists()


def test_a_model_without_a_hidden_layer_cannot_embed(cells, tmp_path):
    must("train", cells, "--label-key", "cell_type", "--preset", "fast", "-o", tmp_path / "m.saithe",
         *QUICK[6:])
    line = must_fail(4, "embed", tmp_path / "m.saithe", cells, "-o", tmp_path / "e.h5ad")
    assert "no hidden layer" in line


def test_donor_key_alone_holds_out_whole_donors(cells, tmp_path):
    must("walkthrough", cells, "--label-key", "cell_type", "--donor-key", "donor", "-o",
         tmp_path / "out", *SMALL)
    data = anndata.read_h5ad(tmp_path / "out" / "annotated.h5ad")
    assert (data.obs.groupby("donor")["split"].nunique() == 1).all()
    assert data.obs.split.nunique() == 2


def test_a_model_of_other_genes_is_refused_unless_forced(model, cells, tmp_path):
    data = anndata.read_h5ad(cells)
    data.var_names = [f"X{name}" for name in data.var_names]
    data.write_h5ad(tmp_path / "other.h5ad")
    assert "genes" in must_fail(4, "predict", model, tmp_path / "other.h5ad", "-o", tmp_path / "x.tsv")
    assert not (tmp_path / "x.tsv").exists()


def test_an_all_zero_cell_is_unassigned(model, cells, tmp_path):
    data = anndata.read_h5ad(cells)[:5].copy()
    dense = data.X.toarray()
    dense[2] = 0
    anndata.AnnData(dense, obs=data.obs[[]], var=data.var).write_h5ad(tmp_path / "q.h5ad")
    must("predict", model, tmp_path / "q.h5ad", "-o", tmp_path / "out.tsv")
    assert rows_of(tmp_path / "out.tsv")[3][1:] == ["unassigned", "0", "unassigned", "unassigned",
                                                    "0", ""]
    must("predict", model, tmp_path / "q.h5ad", "-o", tmp_path / "all.tsv", "--no-reject")
    assert [row[1] == "unassigned" for row in rows_of(tmp_path / "all.tsv")[1:]] == [
        False, False, True, False, False]


def test_quiet_says_nothing(cells, tmp_path):
    result = must("train", cells, "--label-key", "cell_type", "-o", tmp_path / "m.saithe", *QUICK,
                  "--quiet")
    assert result.out == "" and result.err == ""


def test_bundled_data_are_found_when_the_program_was_moved(tmp_path):
    source = SOURCE / "data" / "pbmc3k.h5ad"
    (tmp_path / "bin").mkdir()
    (tmp_path / "share" / "saithe").mkdir(parents=True)
    shutil.copy(PROGRAM, tmp_path / "bin" / "saithe")
    line = subprocess.run([tmp_path / "bin" / "saithe", "walkthrough", "-o", tmp_path / "out"],
                          capture_output=True, text=True)
    assert line.returncode == 3 and "pbmc3k.h5ad" in line.stderr
    shutil.copy(source, tmp_path / "share" / "saithe")
    moved = subprocess.run([tmp_path / "bin" / "saithe", "walkthrough", "-o", tmp_path / "out",
                            "--epochs", "1", "--hidden", "16", "--umap-epochs", "10"],
                           capture_output=True, text=True)
    assert moved.returncode == 0, moved.stderr


@pytest.mark.parametrize("number, code", [(signal.SIGINT, 130), (signal.SIGTERM, 143),
                                          (signal.SIGHUP, 129)])
def test_a_signal_after_an_epoch_leaves_the_model_of_that_epoch(cells, tmp_path, number, code):
    model = tmp_path / "m.saithe"
    process = subprocess.Popen([PROGRAM, "train", cells, "--label-key", "cell_type", "-o", model,
                                "--hidden", "256", "--epochs", "100000", "--validate", "none",
                                "--no-find-suspects"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline().startswith("Epoch: 0")
    process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == code, errors
    said = json.loads(must("inspect", model, "--json").out)
    assert said["was_interrupted"] is True and int(said["options"]["epochs-done"]) >= 1
    assert f"training: interrupted after {said['options']['epochs-done']} full epoch" in must(
        "inspect", model).out
    assert [path.name for path in tmp_path.iterdir()] == ["m.saithe"]


def test_a_signal_while_embedding_leaves_the_whole_model(cells, tmp_path):
    out = tmp_path / "out"
    process = subprocess.Popen([PROGRAM, "walkthrough", cells, "--label-key", "cell_type", "-o", out,
                                "--hidden", "16", "--epochs", "2", "--umap-epochs", "10000000"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not process.stdout.readline().startswith("Epoch: 1"):
        assert process.poll() is None
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert [path.name for path in out.iterdir()] == ["model.saithe"]
    assert json.loads(must("inspect", out / "model.saithe", "--json").out)["was_interrupted"] is False


def test_a_signal_before_the_first_epoch_leaves_nothing(tmp_path):
    big = tmp_path / "big.h5ad"
    must("simulate", "-o", big, "--cells", 6000, "--genes", 3000, "--stored-per-cell", 500)
    out = tmp_path / "out"
    process = subprocess.Popen([PROGRAM, "walkthrough", big, "--label-key", "cell_type", "-o", out,
                                "--hidden", "4096"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert not out.exists()


def start_writing(folder, *before):
    """A run of simulate that has begun to write its file, which takes it many seconds."""
    process = subprocess.Popen([*before, PROGRAM, "simulate", "-o", folder / "big.h5ad",
                                "--cells", "2000000", "--genes", "20000"],
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
    while not list(folder.iterdir()):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    return process


@pytest.mark.parametrize("number, code", [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_while_a_file_is_written_leaves_nothing_of_it(tmp_path, number, code):
    process = start_writing(tmp_path)
    process.send_signal(number)
    if number == signal.SIGHUP:  # a closed terminal sends it twice
        process.send_signal(number)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == code, errors
    assert not list(tmp_path.iterdir())


def test_nohup_lets_a_run_go_on(tmp_path):
    process = start_writing(tmp_path, "nohup")
    process.send_signal(signal.SIGHUP)
    time.sleep(1)
    assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 143, errors


def test_pages_say_what_the_program_does():
    scripts = SOURCE / "scripts"
    for command in (["make_cli_page.py", PROGRAM, "--check"], ["update_walkthrough.py", "--check"],
                    ["draw_walkthrough_images.py", "--check"]):
        done = subprocess.run(["/usr/bin/python3", scripts / command[0], *command[1:]],
                              capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
