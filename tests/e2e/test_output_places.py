"""Where outputs go: never over an input, never half, never beside those of another run; full disks."""

import os
import pathlib
import shutil
import signal
import subprocess

import anndata
import pytest
import zarr

from conftest import PROGRAM, SMALL, must, must_fail, run, write_tenx_folder

TYPES = ["--label-key", "cell_type"]


@pytest.fixture
def inputs(cells, model, tmp_path):
    """A folder with copies of cells, labels and a model, which no test may change."""
    folder = tmp_path / "inputs"
    folder.mkdir()
    shutil.copy(cells, folder / "cells.h5ad")
    shutil.copy(model, folder / "m.saithe")
    data = anndata.read_h5ad(cells)
    (folder / "labels.tsv").write_text(
        "".join(f"{name}\t{label}\n" for name, label in zip(data.obs_names, data.obs.cell_type)))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    yield folder
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def commands_over_inputs(folder):
    """Each command with each of its inputs as its output."""
    cells, labels, model = (folder / name for name in ("cells.h5ad", "labels.tsv", "m.saithe"))
    yield cells, ["train", cells, *TYPES, "--epochs", "1", "--hidden", "8"]
    yield labels, ["train", cells, "--labels", labels, "--epochs", "1", "--hidden", "8"]
    yield model, ["predict", model, cells]
    yield cells, ["predict", model, cells]
    yield labels, ["evaluate", model, cells, "--labels", labels]
    yield model, ["evaluate", model, cells, *TYPES]
    yield cells, ["evaluate", model, cells, *TYPES]
    yield model, ["embed", model, cells, "--umap-epochs", "5"]
    yield cells, ["embed", model, cells, "--umap-epochs", "5"]


def test_an_input_is_never_replaced(inputs, tmp_path):
    link = tmp_path / "link"
    link.symlink_to(inputs)
    for target, arguments in commands_over_inputs(inputs):
        spellings = [target, inputs / ".." / "inputs" / target.name, link / target.name]
        for output in spellings:
            line = must_fail(1, *arguments, "-o", output, "--overwrite")
            assert "is an input" in line and str(output) in line, line
    # A link to an input is written through, so it is refused as well.
    (tmp_path / "linked.h5ad").symlink_to(inputs / "cells.h5ad")
    line = must_fail(1, "train", inputs / "cells.h5ad", *TYPES, "-o", tmp_path / "linked.h5ad",
                     "--overwrite")
    assert "is an input" in line


def test_a_link_to_what_is_not_there_yet_is_written_through(inputs, tmp_path):
    model = inputs / "m.saithe"
    data = anndata.read_h5ad(inputs / "cells.h5ad")
    data.write_zarr(tmp_path / "cells.zarr")
    for source, ending in ((inputs / "cells.h5ad", "h5ad"), (tmp_path / "cells.zarr", "zarr"),
                           (inputs / "cells.h5ad", "tsv")):
        link, real = tmp_path / f"link.{ending}", tmp_path / f"real.{ending}"
        link.symlink_to(real.name)
        assert "exists already" in must_fail(1, "predict", model, source, "-o", link)
        must("predict", model, source, "-o", link, "--overwrite")
        assert link.is_symlink() and real.exists() and not real.is_symlink()
        circle = tmp_path / f"circle.{ending}"
        circle.symlink_to(circle.name)
        line = must_fail(1, "predict", model, source, "-o", circle, "--overwrite")
        assert f"{circle}: cannot be written: Too many levels of symbolic links" in line
    # Two names of one file are one output, also before there is a file.
    (tmp_path / "second.tsv").symlink_to("first.tsv")
    line = must_fail(2, "predict", model, inputs / "cells.h5ad", "-o", tmp_path / "first.tsv",
                     "--probabilities", tmp_path / "second.tsv", "--overwrite")
    assert "is named for two outputs" in line
    (tmp_path / "within.tsv").symlink_to(tmp_path / "cells.zarr" / "new.tsv")
    line = must_fail(1, "predict", model, tmp_path / "cells.zarr", "-o", tmp_path / "within.tsv",
                     "--overwrite")
    assert "lies in the input" in line and not list(tmp_path.glob(".saithe*"))


def test_a_file_of_an_input_folder_is_never_replaced(tmp_path):
    folder = tmp_path / "mtx"
    folder.mkdir()
    (folder / "matrix.mtx").write_text(
        "%%MatrixMarket matrix coordinate integer general\n2 4 4\n1 1 5\n2 2 1\n1 3 4\n2 4 3\n")
    (folder / "genes.tsv").write_text("ENSG1\tA\nENSG2\tB\n")
    (folder / "barcodes.tsv").write_text("A-1\nC-1\nG-1\nT-1\n")
    (tmp_path / "labels.tsv").write_text("A-1\tx\nC-1\ty\nG-1\tx\nT-1\ty\n")
    line = must_fail(1, "train", folder, "--labels", tmp_path / "labels.tsv", "-o",
                     folder / "genes.tsv", "--overwrite")
    assert "is an input" in line
    assert (folder / "genes.tsv").read_text() == "ENSG1\tA\nENSG2\tB\n"


def test_a_file_beside_an_input_matrix_is_never_replaced(cells, model, tmp_path):
    folder = tmp_path / "mtx"
    write_tenx_folder(folder, anndata.read_h5ad(cells))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for name in ("features.tsv.gz", "barcodes.tsv.gz", "genes.tsv"):
        for option in ("-o", "--probabilities"):
            rest = [] if option == "-o" else ["-o", tmp_path / "t.tsv"]
            line = must_fail(1, "predict", model, folder / "matrix.mtx.gz", *rest, option,
                             folder / name, "--overwrite")
            assert "is an input" in line and name in line
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    must("predict", model, folder, "-o", folder / "labels.tsv")
    must("predict", model, folder, "-o", folder / "labels.tsv", "--overwrite")


def test_nothing_is_written_into_an_input_store(cells, model, tmp_path):
    store = tmp_path / "in.zarr"
    anndata.read_h5ad(cells).write_zarr(store)
    shutil.copy(model, store / "m.saithe")
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    for name in ("obs/.zattrs", "labels.tsv", "obs"):
        line = must_fail(1, "predict", model, store, "-o", store / name, "--overwrite")
        assert "lies in the input" in line
        line = must_fail(1, "evaluate", model, store, *TYPES, "-o", store / name, "--overwrite")
        assert "lies in the input" in line
        line = must_fail(1, "train", store, *TYPES, "-o", store / name, "--overwrite", *SMALL[:4])
        assert "lies in the input" in line
    line = must_fail(1, "convert", store, store / "c.h5ad")
    assert "lies in the input" in line
    line = must_fail(1, "explain", model, store, "-o", store)
    assert "lies in the input" in line
    # A store that takes another's place would take the model with it.
    other = tmp_path / "other.zarr"
    anndata.read_h5ad(cells).write_zarr(other)
    line = must_fail(1, "predict", store / "m.saithe", other, "-o", store, "--overwrite")
    assert "holds an input" in line
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == before


def test_two_outputs_of_one_name_are_refused_before_the_work(cells, model, tmp_path):
    table, report = tmp_path / "t.tsv", tmp_path / "report"
    predict = ["predict", model, cells]
    train = ["train", cells, *TYPES, "--hidden", "8"]
    (tmp_path / "sub").mkdir()
    for arguments in (
            [*predict, "-o", table, "--probabilities", table],
            [*predict, "-o", table, "--probabilities", tmp_path / "sub" / ".." / "t.tsv"],
            [*predict, "-o", table, "--donor-key", "donor", "--donor-table", table],
            [*predict, "-o", tmp_path / "c.h5ad", "--majority-vote", "leiden", "--probabilities",
             table, "--cluster-table", table],
            [*train, "-o", tmp_path / "m.saithe", "--checkpoint", tmp_path / "m.saithe"],
            [*train, "-o", report, "--report", report],
            [*train, "-o", report / "report.html", "--report", report],
            [*train, "-o", tmp_path / "m.saithe", "--checkpoint", report / "metrics.json",
             "--report", report]):
        for more in ([], ["--overwrite"]):
            must_fail(2, *arguments, *more)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sub"]


def test_a_name_says_what_is_written(cells, model, tmp_path):
    must("predict", model, cells, "-o", tmp_path / "x.H5AD")
    assert "predicted_cell_type" in anndata.read_h5ad(tmp_path / "x.H5AD").obs
    must("convert", cells, tmp_path / "c.H5AD")
    for name in ("x.h5", "x.loom", "x.rds", "x.Loom", "x.h5ad.gz", "x.h5seurat"):
        line = must_fail(2, "predict", model, cells, "-o", tmp_path / name)
        assert name in line and ".h5ad" in line and ".tsv" in line
        must_fail(2, "predict", model, cells, "-o", tmp_path / "t.tsv", "--probabilities",
                  tmp_path / name)
    must_fail(2, "predict", model, cells, "-o", tmp_path / "t.tsv", "--probabilities",
              tmp_path / "p.h5ad")
    for arguments in (["train", cells, *TYPES, "--hidden", "8"], ["evaluate", model, cells, *TYPES]):
        must_fail(2, *arguments, "-o", tmp_path / "m.h5ad")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.H5AD", "x.H5AD"]


def test_a_walkthrough_does_not_replace_its_input(cells, tmp_path):
    out = tmp_path / "out"
    must("walkthrough", cells, *TYPES, "-o", out, *SMALL)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    for data, place in ((out / "annotated.h5ad", out),
                        (out / "annotated.h5ad", out / ".." / "out" / "."),
                        (tmp_path / "out" / ".." / "out" / "annotated.h5ad", out)):
        line = must_fail(1, "walkthrough", data, *TYPES, "-o", place, "--overwrite", *SMALL)
        assert "is an input" in line and "annotated.h5ad" in line
    # Not even one that this run would remove as left from an earlier one.
    labels = out / "history_compared.tsv"
    data = anndata.read_h5ad(cells)
    labels.write_text("".join(f"{n}\t{t}\n" for n, t in zip(data.obs_names, data.obs.cell_type)))
    text = labels.read_text()
    must_fail(1, "walkthrough", cells, "--labels", labels, "-o", out, "--overwrite", *SMALL)
    assert labels.read_text() == text
    labels.unlink()
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("name", ["metrics.json", "figures/qc.svg", "run.json"])
def test_a_folder_in_the_place_of_a_file_is_found_first(cells, tmp_path, name):
    out = tmp_path / "out"
    (out / name).mkdir(parents=True)
    (out / "history.tsv").write_text("of an earlier run")
    line = must_fail(1, "walkthrough", cells, *TYPES, "-o", out, "--overwrite", *SMALL)
    assert str(out / name) in line and "folder" in line
    assert (out / "history.tsv").read_text() == "of an earlier run"
    assert [path.name for path in out.iterdir() if path.is_file()] == ["history.tsv"]


def test_a_file_in_the_place_of_the_figures_is_found_first(cells, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "figures").write_text("mine")
    line = must_fail(1, "walkthrough", cells, *TYPES, "-o", out, "--overwrite", *SMALL)
    assert str(out / "figures") in line
    assert [path.name for path in out.iterdir()] == ["figures"]


def test_files_of_an_earlier_run_do_not_stay_beside_newer_ones(cells, tmp_path):
    out = tmp_path / "out"
    must("walkthrough", cells, *TYPES, "-o", out, "--compare-losses", *SMALL)
    (out / "mine.tsv").write_text("mine")
    compared = (out / "history_compared.tsv").read_bytes()
    # Without --overwrite a leftover is an existing output like any other.
    alone = tmp_path / "alone"
    alone.mkdir()
    (alone / "history_compared.tsv").write_bytes(compared)
    line = must_fail(1, "walkthrough", cells, *TYPES, "-o", alone, *SMALL)
    assert "history_compared.tsv" in line
    assert [path.name for path in alone.iterdir()] == ["history_compared.tsv"]
    must("walkthrough", cells, *TYPES, "-o", out, "--overwrite", *SMALL)
    assert not (out / "history_compared.tsv").exists()
    assert (out / "history.tsv").exists() and (out / "mine.tsv").read_text() == "mine"


def test_an_interrupted_run_leaves_no_pictures_of_an_earlier_one(cells, tmp_path):
    out = tmp_path / "out"
    must("walkthrough", cells, *TYPES, "-o", out, *SMALL)
    (out / "figures" / "mine.png").write_text("mine")
    before = (out / "model.saithe").read_bytes()
    process = subprocess.Popen([PROGRAM, "walkthrough", cells, *TYPES, "-o", out, "--overwrite",
                                "--hidden", "256", "--epochs", "100000"],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout.readline().startswith("Epoch: 0")
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert sorted(str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()) == [
        "figures/mine.png", "model.saithe"]
    assert (out / "model.saithe").read_bytes() != before


def test_a_run_that_fails_leaves_an_earlier_one_as_it_was(cells, tmp_path):
    out = tmp_path / "out"
    must("walkthrough", cells, *TYPES, "-o", out, *SMALL)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    must_fail(3, "walkthrough", cells, "--label-key", "absent", "-o", out, "--overwrite", *SMALL)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


# ---- full disks -------------------------------------------------------------------------------


def enters_a_small_disk(place, kilobytes):
    """The words before a command that mount a file system of that size, seen by it alone."""
    own = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
    script = f"mount -t tmpfs -o size={kilobytes}k tmpfs '{place}' && exec \"$@\""
    return [*own, "sh", "-c", script, "sh"]


def small_disks_are_permitted(place):
    return subprocess.run([*enters_a_small_disk(place, 64), "true"],
                          capture_output=True).returncode == 0


def limits_the_size_of_files(kilobytes):
    """Stands for a full disk where nothing can be mounted: write() fails half-way all the same."""
    return ["bash", "-c", f"trap '' XFSZ; ulimit -f {kilobytes}; exec \"$@\"", "bash"]


def run_on_a_full_disk(place, kilobytes, arguments, original=None):
    """(exit code, stderr, what was left, what the system calls a full disk). `original` lies there
    at first; it is among what was left if it is not as it was."""
    program = [PROGRAM, *map(str, arguments)]
    own = f"{place}/{original.name}" if original else ""
    if small_disks_are_permitted(place):
        prepare = f"cp -r '{original}' '{place}' || exit 9; " if original else ""
        compare = f"diff -r '{original}' '{own}' >&2 && rm -r '{own}'; " if original else ""
        left = ["sh", "-c", f'{prepare}"$@"; code=$?; {compare}ls -A "{place}"; exit $code', "sh"]
        done = subprocess.run([*enters_a_small_disk(place, kilobytes), *left, *program],
                              capture_output=True, text=True)
        return done.returncode, done.stderr, done.stdout.split("\n")[-2:-1], "No space left on device"
    if original:
        subprocess.run(["cp", "-r", original, place], check=True)
        kilobytes = 4  # of a file, not of the disk
    done = subprocess.run([*limits_the_size_of_files(kilobytes), *program], capture_output=True,
                          text=True)
    if original and subprocess.run(["diff", "-r", original, own]).returncode == 0:
        subprocess.run(["rm", "-r", own], check=True)
    return done.returncode, done.stderr, [path.name for path in place.iterdir()], "File too large"


@pytest.fixture
def disk(tmp_path):
    place = tmp_path / "disk"
    place.mkdir()
    return place


@pytest.mark.parametrize("command", ["train", "simulate", "predict table", "predict", "embed",
                                     "walkthrough"])
def test_a_full_disk_is_named_and_nothing_is_left(cells, model, disk, command):
    size = cells.stat().st_size // 1024
    pages = lambda kilobytes: kilobytes // 4 * 4  # noqa: E731
    cases = {
        "train": (["train", cells, *TYPES, "-o", disk / "m.saithe", "--hidden", "64", "--epochs", "1",
                   "--quiet"], [60]),
        "simulate": (["simulate", "-o", disk / "s.h5ad", "--cells", "2000", "--quiet"], [60, 400]),
        "predict table": (["predict", model, cells, "-o", disk / "p.tsv", "--quiet"], [4]),
        # The copy of the query fails, then what is added to it, at several places.
        "predict": (["predict", model, cells, "-o", disk / "p.h5ad", "--quiet"],
                    [pages(size // 2), pages(size + 4), pages(size + 8), pages(size + 12)]),
        "embed": (["embed", model, cells, "-o", disk / "e.h5ad", "--umap-epochs", "5", "--quiet"],
                  [pages(size // 2), pages(size + 4), pages(size + 8), pages(size + 12)]),
        "walkthrough": (["walkthrough", cells, *TYPES, "-o", disk / "out", "--quiet", *SMALL],
                        [60, pages(size + 4)]),
    }
    arguments, sizes = cases[command]
    for kilobytes in sizes:
        code, errors, left, words = run_on_a_full_disk(disk, kilobytes, arguments)
        assert code == 1, (kilobytes, errors)
        output = arguments[arguments.index("-o") + 1]
        assert str(output) in errors and words in errors, (kilobytes, errors)
        assert ".saithe-" not in errors, (kilobytes, errors)
        assert left == [], (kilobytes, left)


def test_a_limit_of_file_sizes_is_no_damage(cells, model, tmp_path):
    table, labelled = tmp_path / "t.tsv", tmp_path / "l.h5ad"
    limited = ["bash", "-c", "ulimit -f 60; exec \"$@\"", "bash", PROGRAM]
    for arguments in (["inspect", cells], ["predict", model, cells, "-o", table]):
        done = subprocess.run([*limited, *arguments], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    for arguments in (["predict", model, cells, "-o", labelled], ["convert", cells, labelled]):
        done = subprocess.run([*limited, *arguments], capture_output=True, text=True)
        assert done.returncode == 1 and f"{labelled}: cannot be written: File too large" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["t.tsv"]


def state_of(paths):
    """The files that are there, by what a rename would change."""
    files = [file for path in paths for file in [path, *sorted(path.rglob("*"))] if file.is_file()]
    return [(str(file), file.stat().st_ino, file.read_bytes()) for file in files]


@pytest.mark.parametrize("kind", ["h5ad", "h5ad in place", "new h5ad", "store", "table"])
def test_a_run_that_fails_changes_none_of_its_outputs(cells, model, tmp_path, kind):
    """The largest output cannot be written: the others are left as they were."""
    query, outputs = tmp_path / "q.h5ad", [tmp_path / "p.tsv", tmp_path / "d.tsv"]
    main = tmp_path / {"store": "o.zarr", "table": "o.tsv.gz"}.get(kind, "o.h5ad")
    shutil.copy(cells, query)
    if kind == "new h5ad":
        query = tmp_path / "q"
        query.mkdir()
        write_tenx_folder(query, anndata.read_h5ad(cells))
    if kind == "store":
        query = tmp_path / "q.zarr"
        anndata.read_h5ad(cells).write_zarr(query)
    where = ["--in-place"] if kind == "h5ad in place" else ["-o", main]
    donors = [] if kind == "new h5ad" else ["--donor-key", "donor", "--donor-table", outputs[1]]
    arguments = ["predict", model, query, *where, "--probabilities", outputs[0], *donors, "--quiet"]
    must(*arguments)
    outputs.append(query if kind == "h5ad in place" else main)
    before, names = state_of(outputs), sorted(tmp_path.iterdir())
    largest = max((len(content), name) for name, _, content in before)
    limit = largest[0] // 1024 - 1
    # A table that is built after the labels fails, and otherwise the cells.
    assert largest[1] == str(outputs[0]) if kind == "table" else largest[1].startswith(str(outputs[-1]))
    done = subprocess.run([*limits_the_size_of_files(limit), PROGRAM,
                           *map(str, [*arguments, "--overwrite"])], capture_output=True, text=True)
    assert done.returncode == 1 and "File too large" in done.stderr, done.stderr
    assert state_of(outputs) == before and sorted(tmp_path.iterdir()) == names
    must(*arguments, "--overwrite")
    assert all(old[1] != new[1] for old, new in zip(before, state_of(outputs)))


def test_a_standard_output_that_fails_leaves_no_tables(cells, model, tmp_path):
    command = [PROGRAM, "predict", model, cells, "-o", "-", "--probabilities", tmp_path / "p.tsv"]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([str(word) for word in command], stdout=writer, stderr=subprocess.PIPE)
    os.close(writer)
    assert done.returncode == -signal.SIGPIPE and b"error" not in done.stderr, done.stderr
    assert list(tmp_path.iterdir()) == []
    with open("/dev/full", "w") as full:
        done = subprocess.run([str(word) for word in command], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1 and b"standard output cannot be written" in done.stderr
    assert list(tmp_path.iterdir()) == []


def pages_of(path):
    """Kilobytes of a file or folder on a disk of pages."""
    files = [path] if path.is_file() else [file for file in path.rglob("*") if file.is_file()]
    return sum((file.stat().st_size + 4095) // 4096 * 4 for file in files)


@pytest.mark.parametrize("command", ["convert", "h5ad in place", "store", "store in place",
                                     "store replaced in place"])
def test_a_full_disk_leaves_the_old_file_or_store(cells, model, tmp_path, disk, command):
    data = anndata.read_h5ad(cells)
    store = tmp_path / "own.zarr"
    data.write_zarr(store)
    zarr.consolidate_metadata(str(store))
    own = tmp_path / "own.h5ad"
    shutil.copy(cells, own)
    done = tmp_path / "done.zarr"
    must("predict", model, store, "-o", done)
    arguments, original, room = {
        "convert": (["convert", cells, disk / "own.h5ad", "--overwrite"], own, [4, 40]),
        "h5ad in place": (["predict", model, disk / "own.h5ad", "--in-place"], own,
                          [4, pages_of(own) // 2, pages_of(own) + 4]),
        "store": (["predict", model, store, "-o", disk / "own.zarr", "--overwrite"], store,
                  [4, pages_of(store) // 2, pages_of(store) + 8]),
        "store in place": (["predict", model, disk / "own.zarr", "--in-place"], store, [4, 40, 100]),
        "store replaced in place": (["predict", model, disk / "done.zarr", "--in-place",
                                     "--overwrite"], done, [4, 40, 100]),
    }[command]
    for kilobytes in [0, *room]:
        code, errors, left, words = run_on_a_full_disk(disk, pages_of(original) + kilobytes,
                                                       [*arguments, "--quiet"], original)
        assert code == 1, (kilobytes, errors)
        assert str(disk / original.name) in errors and words in errors, (kilobytes, errors)
        assert ".saithe-" not in errors and left == [], (kilobytes, errors, left)
