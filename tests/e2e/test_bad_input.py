"""Inputs that are wrong: one clear line, the right exit code, and nothing left behind."""

import gzip
import os
import pathlib
import shutil
import subprocess

import anndata
import h5py
import numpy as np
import pytest
import scipy.sparse

from conftest import PROGRAM, QUICK, SMALL, as_plain_user, must, must_fail, run


@pytest.fixture
def out(tmp_path):
    """A place to write to; afterwards nothing may lie there."""
    place = tmp_path / "results"
    place.mkdir()
    yield place / "model.saithe"
    assert list(place.iterdir()) == [], "something was left behind"


def train_fails(code, data, out, *arguments, key="cell_type"):
    return must_fail(code, "train", data, "--label-key", key, "-o", out, *QUICK, *arguments)


def changed(cells, path, change):
    data = anndata.read_h5ad(cells)
    data = change(data) or data
    data.write_h5ad(path)
    return path


def with_value(value):
    def change(data):
        data.X.data[1000] = value
    return change


def test_missing_file(out):
    line = train_fails(3, "nowhere.h5ad", out)
    assert "nowhere.h5ad" in line and "no such file" in line


def test_file_that_is_no_data(tmp_path, out):
    (tmp_path / "text.h5ad").write_text("this is no HDF5")
    assert "text.h5ad" in train_fails(3, tmp_path / "text.h5ad", out)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_truncated_h5ad(cells, tmp_path, out, share):
    data = cells.read_bytes()
    (tmp_path / "cut.h5ad").write_bytes(data[:int(len(data) * share)])
    line = train_fails(3, tmp_path / "cut.h5ad", out)
    assert "cut off" in line or "damaged" in line


def test_a_file_that_its_writer_never_closed(tmp_path, out):
    with h5py.File(tmp_path / "open.h5", "w", libver="latest") as file:
        file["x"] = [1, 2]
        file.flush()
        shutil.copy(tmp_path / "open.h5", tmp_path / "killed.h5ad")
    line = train_fails(3, tmp_path / "killed.h5ad", out)
    assert "killed.h5ad: is marked as open for writing" in line and "h5clear -s FILE" in line


def test_label_key_absent_lists_the_columns(cells, out):
    line = train_fails(3, cells, out, key="celltype")
    assert "celltype" in line and "true_cell_type" in line and "donor" in line


def test_no_place_of_labels_is_a_usage_error(cells, out):
    must_fail(2, "train", cells, "-o", out)


def test_one_type_only(cells, tmp_path, out):
    def change(data):
        data.obs["cell_type"] = ["B cells"] * data.n_obs
    path = changed(cells, tmp_path / "one.h5ad", change)
    assert "B cells" in train_fails(3, path, out)


def test_a_type_with_one_cell(cells, tmp_path):
    def change(data):
        data.obs["cell_type"] = data.obs.cell_type.astype(str)
        data.obs.iloc[0, list(data.obs.columns).index("cell_type")] = "Lonely cells"
    path = changed(cells, tmp_path / "lonely.h5ad", change)
    train = ["train", path, "--label-key", "cell_type", *QUICK[:-3], "--no-find-suspects"]
    left_out = must(*train, "-o", tmp_path / "a.saithe")
    assert "type 'Lonely cells' has 1 cell\n" in left_out.err
    for split in ("stratified", "random"):
        kept = must(*train, "-o", tmp_path / f"{split}.saithe", "--min-cells-per-type", 1, "--split",
                    split)
        assert "warning" in kept.err and "Lonely cells" in kept.err


@pytest.mark.parametrize("n_cells, n_types, least", [(6, 6, 1), (40, 20, 2)])
def test_types_too_small_for_a_search_for_suspects_are_trained_on(tmp_path, n_cells, n_types, least):
    numbers = np.arange(n_cells)
    data = anndata.AnnData(np.random.default_rng(0).poisson(1, (n_cells, 40)).astype(np.float32))
    data.obs["cell_type"] = [f"type {number % n_types}" for number in numbers]
    data.write_h5ad(tmp_path / "few.h5ad")
    said = must("train", tmp_path / "few.h5ad", "--label-key", "cell_type", "-o",
                tmp_path / "m.saithe", "--min-cells-per-type", least, "--min-cells", 0, "--epochs", 1,
                "--hidden", 8, "--validate", "none").err
    assert "warning: no label is looked at for being wrong" in said


def test_no_cell_left_says_which_filter_took_them(cells, out):
    line = train_fails(3, cells, out, "--min-genes", "100000")
    assert "min_genes 100000" in line


@pytest.mark.parametrize("value, word", [(-1, "negative"), (np.nan, "finite"), (-np.nan, "finite"),
                                         (np.inf, "finite"), (1.5, "whole")])
def test_values_that_are_no_counts_are_located(cells, tmp_path, out, value, word):
    path = changed(cells, tmp_path / "odd.h5ad", with_value(value))
    line = train_fails(3, path, out)
    data = anndata.read_h5ad(path)
    row = int(np.searchsorted(data.X.indptr, 1000, side="right") - 1)
    assert word in line and data.obs_names[row] in line
    assert data.var_names[data.X.indices[1000]] in line and "Give a file that holds counts" in line
    assert f"the value {value} " in line  # "nan" whatever its sign, which means nothing


def test_predict_of_values_that_are_no_counts(cells, model, tmp_path):
    path = changed(cells, tmp_path / "odd.h5ad", with_value(-3))
    must_fail(3, "predict", model, path, "-o", tmp_path / "out.tsv")
    assert not (tmp_path / "out.tsv").exists()


def test_an_ensembl_id_twice(cells, tmp_path, out):
    """A symbol twice is one gene (test_genes.py)."""
    ids = [f"ENSG{i:011}" for i in range(anndata.read_h5ad(cells, backed="r").n_vars)]
    ids[7] = ids[3]

    def of_index(data):
        data.var_names = ids

    def of_column(data):
        data.var["gene_ids"] = ids

    for change in (of_index, of_column):
        path = changed(cells, tmp_path / f"{change.__name__}.h5ad", change)
        line = train_fails(3, path, out)
        assert f"the gene '{ids[3]}' stands twice" in line and path.name in line


def test_barcodes_twice_are_kept_but_cannot_be_joined(cells, tmp_path, out):
    def change(data):
        names = list(data.obs_names)
        names[5] = names[4]
        data.obs_names = names
    path = changed(cells, tmp_path / "twice.h5ad", change)
    kept = must("train", path, "--label-key", "cell_type", "-o", tmp_path / "ok.saithe", *QUICK)
    assert "warning" in kept.err and "barcode" in kept.err
    data = anndata.read_h5ad(path)
    labels = tmp_path / "labels.tsv"
    pairs = dict(zip(data.obs_names, data.obs.cell_type))
    labels.write_text("".join(f"{b}\t{t}\n" for b, t in pairs.items()))
    line = must_fail(3, "train", path, "--labels", labels, "-o", out)
    assert data.obs_names[4] in line


def test_no_barcode_in_common(cells, tmp_path, out):
    (tmp_path / "labels.tsv").write_text("barcode\tlabel\nother-1\tB cells\n")
    line = must_fail(3, "train", cells, "--labels", tmp_path / "labels.tsv", "-o", out)
    assert "other-1" in line


def test_damaged_label_table(cells, tmp_path, out):
    (tmp_path / "labels.tsv").write_text("cell00000000\tB cells\ncell00000001\n")
    assert ":2" in must_fail(3, "train", cells, "--labels", tmp_path / "labels.tsv", "-o", out)


def test_labels_in_latin1_are_refused_with_iconv(cells, tmp_path, out):
    table = tmp_path / "labels.tsv"
    table.write_bytes("cell00000000\tB cells\ncell00000001\tH\u00e4matopoetisch\n".encode("latin-1"))
    line = must_fail(3, "train", cells, "--labels", table, "-o", out)
    assert f"{table}:2: is not text in UTF-8: its byte 15 is 0xE4" in line
    assert f'iconv -f WINDOWS-1252 -t UTF-8 "{table}" > utf8.txt' in line and not out.exists()
    table.write_text(table.read_text("latin-1"))  # as iconv writes it
    assert "is not text" not in must_fail(3, "train", cells, "--labels", table, "-o", out)


MTX = "%%MatrixMarket matrix coordinate integer general\n3 2 3\n1 1 5\n2 1 1\n3 2 4\n"


@pytest.mark.parametrize("matrix, words", [
    (MTX.replace("coordinate", "array"), ":1"),
    (MTX.replace("2 1 1", "9 1 1"), ":4"),
    (MTX.replace("2 1 1", "2 0 1"), ":4"),
    (MTX.replace("3 2 4\n", ""), "2 of 3"),
    (MTX.replace("2 1 1", "2 one 1"), ":4"),
    (MTX.replace("3 2 3", "4 2 3"), "3 features"),
])
def test_damaged_mtx(tmp_path, out, matrix, words):
    folder = tmp_path / "mtx"
    folder.mkdir()
    (folder / "matrix.mtx").write_text(matrix)
    (folder / "genes.tsv").write_text("ENSG1\tA\nENSG2\tB\nENSG3\tC\n")
    (folder / "barcodes.tsv").write_text("AAA-1\nCCC-1\n")
    (tmp_path / "labels.tsv").write_text("AAA-1\tx\nCCC-1\ty\n")
    line = must_fail(3, "train", folder, "--labels", tmp_path / "labels.tsv", "-o", out)
    assert "matrix.mtx" in line and words in line


def test_lies_in_the_arrays_of_an_h5ad(cells, tmp_path, out):
    for name, change in [("indptr", lambda a: a[:-1]), ("indices", lambda a: a + 100000)]:
        path = tmp_path / f"{name}.h5ad"
        shutil.copy(cells, path)
        with h5py.File(path, "r+") as file:
            values = change(file[f"X/{name}"][()])
            del file[f"X/{name}"]
            file[f"X/{name}"] = values
        assert f"X/{name}" in train_fails(3, path, out)


def test_a_file_that_is_no_model(cells, tmp_path):
    must_fail(3, "predict", cells, cells, "-o", tmp_path / "out.tsv")
    must_fail(3, "predict", tmp_path / "none.saithe", cells, "-o", tmp_path / "out.tsv")
    assert not (tmp_path / "out.tsv").exists()


def test_existing_output_is_named_and_untouched(cells, tmp_path):
    output = tmp_path / "model.saithe"
    output.write_text("mine")
    line = must_fail(1, "train", cells, "--label-key", "cell_type", "-o", output)
    assert str(output) in line and "--overwrite" in line
    assert output.read_text() == "mine"


def test_output_folder_that_cannot_be_written(cells, tmp_path):
    # Everything on the way must be open to the plain user; /tmp is, pytest's own folders are not.
    place = pathlib.Path(subprocess.run(["mktemp", "-d"], capture_output=True, text=True).stdout.strip())
    try:
        shutil.copy(cells, place / "cells.h5ad")
        shutil.copy(PROGRAM, place / "saithe")
        (place / "locked").mkdir()
        (place / "locked").chmod(0o555)
        place.chmod(0o755)
        for output in (place / "locked" / "m.saithe", place / "locked" / "sub"):
            command = "train" if output.suffix else "walkthrough"
            # root passes every permission: step down to nobody
            step_down = (["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
                         if os.geteuid() == 0 else [])
            done = subprocess.run([*step_down, place / "saithe", command, place / "cells.h5ad",
                                   "--label-key", "cell_type", "-o", output],
                                  capture_output=True, text=True)
            assert done.returncode == 1, done.stderr
            assert str(output) in done.stderr and "ermission" in done.stderr
        assert list((place / "locked").iterdir()) == []
    finally:
        shutil.rmtree(place)


def test_a_file_of_no_cells_is_predicted_but_nothing_is_made_of_it(cells, tmp_path, out):
    empty = tmp_path / "empty.h5ad"
    anndata.read_h5ad(cells)[:0].copy().write_h5ad(empty)
    model = tmp_path / "m.saithe"
    must("train", cells, "--label-key", "cell_type", "-o", model, "--preset", "fast")
    must("predict", model, empty, "-o", tmp_path / "labels.tsv")
    assert len((tmp_path / "labels.tsv").read_text().splitlines()) == 1  # the head
    assert "no cell" in train_fails(3, empty, out)
    for command in (["evaluate", model, empty, "--label-key", "cell_type"],
                    ["explain", model, empty, "-o", tmp_path / "why"]):
        line = must_fail(4, *command)
        assert "empty.h5ad" in line and "holds no cells" in line
    assert not (tmp_path / "why").exists()


def test_what_fails_after_the_training_is_found_before(cells, tmp_path, out):
    """No epoch may pass."""
    def without_an_epoch(code, data, *arguments, key="cell_type"):
        result = run("walkthrough", data, "--label-key", key, "-o", out, *arguments)
        assert result.code == code and "Epoch" not in result.out, result
        return result.err

    assert "--validate" in without_an_epoch(2, cells, *SMALL, "--validate", "5-fold")
    assert "--hidden" in without_an_epoch(2, cells, *SMALL, "--hidden", "", "--dropout", "")
    assert "umap-neighbors" in without_an_epoch(2, cells, *SMALL, "--umap-neighbors", "1")
    data = anndata.read_h5ad(cells)
    data = data[~data.obs.is_poor]
    for split in ("random", "stratified", "donor"):
        first = [data.obs_names[(data.obs.cell_type == kind) & (data.obs.donor == donor)][0]
                 for kind in data.obs.cell_type.cat.categories[:2]
                 for donor in data.obs.donor.cat.categories]
        few = data[first[1:]].copy()  # three cells: at most one of them validates or trains
        few.write_h5ad(tmp_path / "few.h5ad")
        more = ["--split", split, *(["--donor-key", "donor"] if split == "donor" else [])]
        text = without_an_epoch(3, tmp_path / "few.h5ad", *SMALL, "--min-genes", "0", "--min-cells",
                                "0", "--max-percent-mt", "0", *more)
        assert "too few cells" in text, text


def test_too_few_cells_for_a_split_are_a_fault_of_the_data(cells, tmp_path, out):
    data = anndata.read_h5ad(cells)
    kinds = data.obs.cell_type.cat.categories
    two = data[[data.obs_names[(data.obs.cell_type == kind) & ~data.obs.is_poor][0]
                for kind in kinds[:2]]]
    two.copy().write_h5ad(tmp_path / "two.h5ad")
    assert "too few cells" in must_fail(
        3, "train", tmp_path / "two.h5ad", "--label-key", "cell_type", "-o", out, "--min-cells", "0",
        "--min-cells-per-type", "1", "--validate", "held-out")


def test_names_from_files_cannot_steer_the_terminal(cells, tmp_path, out):
    def change(data):
        data.X.data[0] = -1
        names = list(data.obs_names)
        names[0] = "evil\x1b[2Jname"
        data.obs_names = names
    path = changed(cells, tmp_path / "evil.h5ad", change)
    result = run("train", path, "--label-key", "cell_type", "-o", out)
    assert result.code == 3 and "\x1b" not in result.err and "evil?[2Jname" in result.err


def test_a_pipe_is_named_and_not_waited_for(cells, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    assert "is a pipe" in must_fail(3, "inspect", tmp_path / "pipe")
    done = subprocess.run([str(PROGRAM), "inspect", "/dev/stdin"], input=cells.read_bytes(), capture_output=True)
    assert done.returncode == 3 and b"/dev/stdin: is a pipe" in done.stderr


@pytest.mark.parametrize("at", [0, 7, 8, 12, 40, 110, 500, 5000, "half", "zeros"])
def test_a_damaged_header_of_a_model_says_what_to_do(cells, model, tmp_path, out, at):
    content = bytearray(model.read_bytes())
    length = int.from_bytes(content[:8], "little")
    assert length > 5000
    if at == "half":
        del content[length // 2:]
    elif at == "zeros":
        content[:4096] = bytes(4096)
    else:
        content[at] ^= 0x15
    path = tmp_path / "damaged.saithe"
    path.write_bytes(content)
    for line in (must_fail(3, "inspect", path), must_fail(3, "predict", path, cells, "-o", out),
                 must_fail(3, "train", path, "--label-key", "cell_type", "-o", out, *QUICK)):
        assert str(path) in line and "opy it again" in line and "train" in line, line


def in_shell(command, cwd):
    """What bash makes of a command, in which $saithe is the program."""
    return subprocess.run(["bash", "-c", f"saithe='{PROGRAM}'; {command}"], capture_output=True, text=True,
                          cwd=cwd, timeout=300)


@pytest.mark.parametrize("labels", ["<(zcat labels.tsv.gz)", "<(cat labels.tsv.gz)",
                                    "/dev/stdin < <(sleep 0.3; zcat labels.tsv.gz)",
                                    "/dev/stdin < labels.tsv.gz",
                                    "pipe & (sleep 0.3; zcat labels.tsv.gz > pipe); wait $!"])
def test_labels_come_through_a_pipe(cells, tmp_path, labels):
    data = anndata.read_h5ad(cells)
    rows = "".join(f"{cell}\t{label}\n" for cell, label in data.obs["cell_type"].items())
    (tmp_path / "labels.tsv.gz").write_bytes(gzip.compress(rows.encode()))
    os.mkfifo(tmp_path / "pipe")
    quick = " ".join(map(str, QUICK))
    command = f"$saithe train {cells} -o {{}}.saithe {quick}"
    must_be = in_shell(command.format("file") + " --labels labels.tsv.gz", tmp_path)
    assert must_be.returncode == 0, must_be.stderr
    done = in_shell(command.format("piped") + " --labels " + labels, tmp_path)
    assert done.returncode == 0, done.stderr
    assert "labels: 300 cells joined by barcode" in done.stderr
    assert (tmp_path / "piped.saithe").read_bytes() == (tmp_path / "file.saithe").read_bytes()


def test_a_pipe_without_a_writer_is_not_waited_for_for_ever(cells, tmp_path, out):
    os.mkfifo(tmp_path / "pipe")
    line = must_fail(3, "train", cells, "--labels", tmp_path / "pipe", "-o", out)
    assert "pipe: is a pipe to which nobody writes" in line


def test_missing_permission_is_named(cells, tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir()
    shutil.copy(cells, folder / "a.h5ad")
    shutil.copy(cells, tmp_path / "b.h5ad")
    folder.chmod(0)
    (tmp_path / "b.h5ad").chmod(0)
    program = tmp_path / "saithe"  # the built one may lie where only root looks
    shutil.copy(PROGRAM, program)
    program.chmod(0o755)
    for path in (folder, folder / "a.h5ad", tmp_path / "b.h5ad"):
        done = as_plain_user([program, "inspect", path], tmp_path)
        assert done.returncode == 3, path
        assert "Permission denied" in done.stderr, done.stderr
    folder.chmod(0o755)


def test_text_in_latin1_is_refused_with_iconv(tmp_path):
    table = tmp_path / "latin1.csv"
    table.write_bytes("cell,GAPDH,ACTB\nc1,1,2\nCaf\u00e9,0,3\n".encode("latin-1"))
    line = must_fail(3, "convert", table, tmp_path / "c.h5ad")
    assert "latin1.csv:3" in line and f'iconv -f WINDOWS-1252 -t UTF-8 "{table}"' in line
    assert not (tmp_path / "c.h5ad").exists()


def test_decimal_logarithms_are_not_taken_for_natural_ones(cells, tmp_path):
    def change(data):
        counts = data.X.toarray() if scipy.sparse.issparse(data.X) else data.X
        sums = counts.sum(axis=1, keepdims=True)
        data.X = scipy.sparse.csr_matrix(np.log10(1 + counts / sums * 1e4).astype(np.float32))
        data.raw = None
        data.layers.clear()
    path = changed(cells, tmp_path / "log10.h5ad", change)
    line = must_fail(3, "train", path, "--label-key", "cell_type", "-o", tmp_path / "m.saithe", *QUICK)
    assert "X holds logarithms of another kind" in line


def test_files_of_another_kind_are_called_by_their_kind(cells, model, tmp_path):
    """Where text, a pickle or a file is wanted."""
    line = must_fail(3, "predict", model, cells, "-o", tmp_path / "p.tsv", "--ontology", cells)
    assert f"{cells}: is an HDF5 file; expected text" in line
    line = must_fail(3, "import-celltypist", model, "-o", tmp_path / "m.saithe")
    assert f"{model}: is a model of saithe already" in line
    line = must_fail(3, "predict", model, "-", "-o", tmp_path / "p.tsv", cwd=tmp_path)
    assert "-: cells are not read from standard input" in line
    assert list(tmp_path.iterdir()) == []


def test_lengths_of_loom_that_contradict_one_another(tmp_path):
    with h5py.File(tmp_path / "a.loom", "w") as file:
        file["matrix"] = np.ones((5, 4), np.int32)
        file["row_attrs/Gene"] = [f"g{i}".encode() for i in range(4)]
        file["row_attrs/Accession"] = [f"e{i}".encode() for i in range(5)]
        file["col_attrs/CellID"] = [f"c{i}".encode() for i in range(4)]
    line = must_fail(3, "inspect", tmp_path / "a.loom")
    assert "/row_attrs/Gene: has 4 names, but the matrix has 5 rows" in line


def test_cells_in_the_place_of_the_model(cells, tmp_path):
    line = must_fail(3, "predict", cells, cells, "-o", tmp_path / "out.tsv")
    assert f"{cells}: is an h5ad, no model; the model comes first" in line
    assert list(tmp_path.iterdir()) == []
