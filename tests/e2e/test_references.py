"""train on several reference files: genes, labels, barcodes, and what is refused."""

import pathlib
import resource
import shutil
import subprocess

import anndata
import numpy as np
import pytest

from conftest import HAS_SANITIZER, PROGRAM, QUICK, must, must_fail

QUICK = ["--preset", "fast"]


def write(data, path):
    data.write_h5ad(path)
    return path


@pytest.fixture(scope="module")
def halves(cells, tmp_path_factory):
    folder = tmp_path_factory.mktemp("halves")
    data = anndata.read_h5ad(cells)
    return (write(data[:120].copy(), folder / "first.h5ad"),
            write(data[120:].copy(), folder / "second.h5ad"))


def table_of(path):
    lines = [line.split("\t") for line in pathlib.Path(path).read_text().splitlines()]
    return lines[1:]


def test_halves_of_a_file_are_the_file(cells, halves, tmp_path):
    must("train", cells, "--label-key", "cell_type", "-o", tmp_path / "whole.saithe", *QUICK)
    said = must("train", *halves, "--label-key", "cell_type", "-o", tmp_path / "halves.saithe",
                *QUICK).err
    assert "common to the 2 files" in said
    for name in ("whole", "halves"):
        must("predict", tmp_path / f"{name}.saithe", cells, "-o", tmp_path / f"{name}.tsv")
    assert (tmp_path / "whole.tsv").read_bytes() == (tmp_path / "halves.tsv").read_bytes()
    model = (tmp_path / "halves.saithe").read_bytes()
    assert b"first.h5ad" in model and b"second.h5ad" in model and b"/first.h5ad" not in model
    assert b"cells.h5ad" in (tmp_path / "whole.saithe").read_bytes()


def test_the_order_of_files_does_not_change_the_genes(cells, halves, tmp_path):
    data = anndata.read_h5ad(halves[1])
    other = write(data[:, ::-1][:, 50:].copy(), tmp_path / "reversed.h5ad")
    for name, files in (("ab", [halves[0], other]), ("ba", [other, halves[0]])):
        must("train", *files, "--genes", "union", "--label-key", "cell_type", "-o",
             tmp_path / f"{name}.saithe", *QUICK)
        must("predict", tmp_path / f"{name}.saithe", cells, "-o", tmp_path / f"{name}.tsv",
             "--no-reject")
    ab, ba = table_of(tmp_path / "ab.tsv"), table_of(tmp_path / "ba.tsv")
    assert np.mean([a[1] == b[1] for a, b in zip(ab, ba)]) > 0.99
    assert np.allclose([float(a[2]) for a in ab], [float(b[2]) for b in ba], atol=0.05)


def test_a_table_of_labels_serves_all_files(cells, halves, tmp_path):
    data = anndata.read_h5ad(cells)
    labels = tmp_path / "labels.tsv"
    labels.write_text("".join(f"{name}\t{label}\n" for name, label
                              in zip(data.obs_names, data.obs.cell_type)))
    said = must("train", *halves, "--labels", labels, "-o", tmp_path / "m.saithe", *QUICK).err
    assert "labels: 300 cells joined by barcode, 0 cells without a label" in said


def test_a_file_under_two_names_is_given_once(halves, tmp_path):
    (tmp_path / "link.h5ad").symlink_to(halves[0])
    line = must_fail(2, "train", halves[0], tmp_path / "link.h5ad", "--label-key", "cell_type", "-o",
                     tmp_path / "m.saithe", *QUICK)
    assert "link.h5ad are the same file" in line


def test_barcodes_may_repeat_across_files(halves, tmp_path):
    data = anndata.read_h5ad(halves[1])
    data.obs_names = [f"cell{i}" for i in range(data.n_obs)]
    first = write(data[:90].copy(), tmp_path / "a.h5ad")
    data = data[90:].copy()
    data.obs_names = [f"cell{i}" for i in range(data.n_obs)]
    said = must("train", first, write(data, tmp_path / "b.h5ad"), "--label-key", "cell_type",
                "-o", tmp_path / "m.saithe", *QUICK).err
    assert "barcodes: 90 stand in several files" in said


def test_what_does_not_fit_is_refused_with_the_names(cells, halves, tmp_path):
    data = anndata.read_h5ad(halves[1])
    out = ["--label-key", "cell_type", "-o", tmp_path / "m.saithe"]

    other = data.copy()
    other.var_names = [f"other{i}" for i in range(other.n_vars)]
    for column in list(other.var.columns):
        del other.var[column]
    line = must_fail(3, "train", halves[0], write(other, tmp_path / "mouse.h5ad"), *out)
    assert "first.h5ad" in line and "mouse.h5ad" in line and "30 %" in line

    logs = data.copy()
    logs.X = logs.X.multiply(1e4 / logs.X.sum(axis=1)).tocsr().astype(np.float32)
    logs.X.data = np.log1p(logs.X.data)
    line = must_fail(3, "train", halves[0], write(logs, tmp_path / "logs.h5ad"), *out)
    assert "first.h5ad" in line and "logs.h5ad" in line and "counts" in line

    unlabelled = data.copy()
    del unlabelled.obs["cell_type"]
    line = must_fail(3, "train", halves[0], write(unlabelled, tmp_path / "bare.h5ad"), *out)
    assert "bare.h5ad" in line and "cell_type" in line

    line = must_fail(2, "train", cells, cells, *out)
    assert "given twice" in line
    must_fail(2, "train", *halves, "--genes", "some", *out)
    assert not (tmp_path / "m.saithe").exists()


def test_tables_and_donors_of_several_files(cells, tmp_path):
    data = anndata.read_h5ad(cells)
    data.obs["donor"] = np.where(np.arange(data.n_obs) % 2, "1", "2")
    data.obs_names = [f"cell{i % 120}" for i in range(data.n_obs)]  # those of both files alike
    files = [write(data[:120].copy(), tmp_path / "first.h5ad"),
             write(data[120:240].copy(), tmp_path / "second.h5ad")]
    said = must("train", *files, "--label-key", "cell_type", "--donor-key", "donor", "-o",
                tmp_path / "m.saithe", "--find-suspects", "--report", tmp_path / "report", *QUICK).err
    assert "donors '1', '2' stand in several files and are taken as one each" in said
    rows = table_of(tmp_path / "report" / "out_of_fold.tsv")
    assert len(rows) == 240 and {row[-1] for row in rows} == {"first.h5ad", "second.h5ad"}
    suffixed = [row for row in rows if row[0].endswith("-1")]
    assert len(suffixed) == 120 and {row[-1] for row in suffixed} == {"second.h5ad"}
    head = (tmp_path / "report" / "suspects.tsv").read_text().splitlines()[0]
    assert head.endswith("\tprobability\treference")


@pytest.mark.skipif(HAS_SANITIZER, reason="sanitizers need descriptors of their own")
def test_as_many_files_are_open_as_the_system_allows(halves, tmp_path):
    files = [shutil.copy(halves[0], tmp_path / f"{i}.h5ad") for i in range(30)]

    def train(hard_limit):
        # 30 files take 90 descriptors.
        return subprocess.run(
            [PROGRAM, "train", *map(str, files), "--label-key", "cell_type", "-o", tmp_path / "m.saithe",
             "--no-find-suspects", "--validate", "none", *QUICK], capture_output=True, text=True,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (48, hard_limit)))

    run = train(48)
    assert run.returncode == 3 and "oo many" in run.stderr and "bug" not in run.stderr, run.stderr
    assert not (tmp_path / "m.saithe").exists()
    assert train(256).returncode == 0


def test_labels_that_are_no_types_are_warned_of(cells, tmp_path):
    """Most cells have one of their own, as where a measure is taken for the column of types."""
    names = list(anndata.read_h5ad(cells, backed="r").obs_names)
    labels = [f"{i * 1.5}" if i % 5 else ("a", "b")[i % 2] for i in range(len(names))]
    table = tmp_path / "labels.tsv"
    table.write_text("".join(f"{name}\t{label}\n" for name, label in zip(names, labels)))
    said = must("train", cells, "--labels", table, *QUICK, "-o", tmp_path / "m.saithe").err
    n_left = sum(i % 5 > 0 for i in range(len(names)))
    assert f"{cells}: {n_left} cells are left out for labels that too few cells have, " \
           f"{len(names) - n_left} remain" in said
