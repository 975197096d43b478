"""train --checkpoint and --resume: a run that is killed goes on to the bytes of one that was not."""

import os
import signal
import subprocess
import time

import anndata
import pytest

from conftest import PROGRAM, must, must_fail, run

OPTIONS = ["--label-key", "cell_type", "--hidden", "64", "--epochs", "12", "--min-steps", "0",
           "--minibatch-size", "16", "--networks", "3", "--seed", "4"]


@pytest.fixture(scope="module")
def whole(cells, tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "m.saithe"
    must("train", cells, "-o", path, *OPTIONS)
    return path.read_bytes()


def names_in(path):
    """The units that a checkpoint holds; None while there is none."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return None
    return data[8:8 + int.from_bytes(data[:8], "little")]


def kill_when(inputs, tmp_path, is_time, how):
    """Starts a training, and ends it once its checkpoint holds what is_time() waits for."""
    checkpoint = tmp_path / "run.checkpoint"
    process = subprocess.Popen(
        [PROGRAM, "train", *inputs, "-o", tmp_path / "m.saithe", *OPTIONS, "--checkpoint",
         checkpoint], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    until = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < until:
        names = names_in(checkpoint)
        if names is not None and is_time(names):
            break
        time.sleep(0.002)
    process.send_signal(how)
    _, said = process.communicate(timeout=60)
    return process.returncode, said, checkpoint


POINTS = {"in the search for suspects": lambda names: b'"suspects0.fold1"' in names,
          "after two folds": lambda names: b'"fold1.logits"' in names,
          "after some epochs": lambda names: b'"network0-now.history"' in names,
          "in the second network": lambda names: b'"network0.history"' in names}


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_training_goes_on_to_the_same_bytes(cells, whole, tmp_path, point, how):
    for _ in range(5):
        code, said, checkpoint = kill_when([cells], tmp_path, POINTS[point], how)
        if code != 0:
            break
        (tmp_path / "m.saithe").unlink()  # the training was faster than the signal: once more
    assert code == (143 if how == signal.SIGTERM else -signal.SIGKILL), said
    if how == signal.SIGTERM:
        assert "--resume" in said and str(checkpoint) in said
    assert not (tmp_path / "m.saithe").exists() and checkpoint.exists()
    must("train", cells, "-o", tmp_path / "m.saithe", *OPTIONS, "--checkpoint", checkpoint,
         "--resume", "--threads", 1)
    assert (tmp_path / "m.saithe").read_bytes() == whole
    assert not checkpoint.exists()


def test_a_killed_training_on_files_of_other_genes_goes_on_to_the_same_bytes(cells, tmp_path):
    data = anndata.read_h5ad(cells)
    n = data.n_vars // 5
    data[::2, n:].copy().write_h5ad(tmp_path / "a.h5ad")
    data[1::2, :-n].copy().write_h5ad(tmp_path / "b.h5ad")
    inputs = [tmp_path / "a.h5ad", tmp_path / "b.h5ad", "--genes", "union", "--donor-key", "reference",
              "--validate", "by-donor"]
    must("train", *inputs, "-o", tmp_path / "whole.saithe", *OPTIONS)
    for _ in range(5):
        code, said, checkpoint = kill_when(inputs, tmp_path, POINTS["in the second network"],
                                           signal.SIGKILL)
        if code != 0:
            break
        (tmp_path / "m.saithe").unlink()
    assert code == -signal.SIGKILL, said
    must("train", *inputs, "-o", tmp_path / "m.saithe", *OPTIONS, "--checkpoint", checkpoint, "--resume")
    assert (tmp_path / "m.saithe").read_bytes() == (tmp_path / "whole.saithe").read_bytes()


def test_a_checkpoint_changes_nothing_and_is_removed(cells, whole, tmp_path):
    must("train", cells, "-o", tmp_path / "m.saithe", *OPTIONS, "--checkpoint", tmp_path / "c")
    assert (tmp_path / "m.saithe").read_bytes() == whole
    assert os.listdir(tmp_path) == ["m.saithe"]


def test_what_does_not_fit_is_refused(cells, tmp_path):
    _, _, checkpoint = kill_when([cells], tmp_path, POINTS["after two folds"], signal.SIGKILL)
    command = ["train", cells, "-o", tmp_path / "m.saithe", *OPTIONS]
    line = must_fail(1, *command, "--checkpoint", checkpoint)
    assert "--resume" in line and "--overwrite" in line
    line = must_fail(4, *command, "--checkpoint", checkpoint, "--resume", "--learning-rate", "0.1")
    assert "--learning-rate is '0.1' here and '0.003' there" in line
    assert "--resume" in must_fail(2, *command, "--resume")
    must_fail(1, *command, "--checkpoint", cells)
    mine = tmp_path / "notes.txt"
    mine.write_text("mine")
    for code, way in ((1, ["--overwrite"]), (3, ["--resume"]), (3, ["--resume", "--overwrite"])):
        assert "not a checkpoint" in must_fail(code, *command, "--checkpoint", mine, *way)
        assert mine.read_text() == "mine"
    assert "start" in run(*command, "--checkpoint", tmp_path / "none", "--resume").err
