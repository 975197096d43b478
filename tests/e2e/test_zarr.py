"""Zarr stores of AnnData: predict gives the same of a store, an archive and the h5ad."""

import json
import os
import pathlib
import shutil
import stat
import subprocess
import zipfile

import anndata
import numpy as np
import pytest
import scipy.sparse
import zarr

from cell_files import write_store
from conftest import PROGRAM, SOURCE, as_plain_user, must, must_fail

GOLDEN = pathlib.Path(SOURCE) / "tests" / "golden" / "zarr"


def test_a_store_is_inspected(tmp_path):
    out = must("inspect", GOLDEN / "v3_sharded.zarr.zip", "--json").out
    assert '"Zarr v3, zip (AnnData 0.8 or later)"' in out and '"n_cells": 13' in out


def test_predict_of_a_store_is_predict_of_the_h5ad(cells, model, tmp_path):
    data = anndata.read_h5ad(cells)
    data.X = scipy.sparse.csr_matrix(data.X)
    write_store(tmp_path / "cells.zarr", data)
    with zipfile.ZipFile(tmp_path / "cells.zarr.zip", "w") as archive:
        for path in sorted((tmp_path / "cells.zarr").rglob("*")):
            archive.write(path, path.relative_to(tmp_path))
    tables = []
    for query in (cells, tmp_path / "cells.zarr", tmp_path / "cells.zarr.zip"):
        table = tmp_path / "table.tsv"
        must("predict", model, query, "-o", table, "--overwrite")
        tables.append(table.read_bytes())
    assert tables[0] == tables[1] == tables[2]
    must("predict", model, tmp_path / "cells.zarr", "-o", tmp_path / "out.h5ad")
    written = anndata.read_h5ad(tmp_path / "out.h5ad")
    assert (written.X != data.X).sum() == 0
    assert "predicted_cell_type" in written.obs


def test_what_is_no_store_of_anndata_is_one_line(tmp_path):
    (tmp_path / "x.zarr").mkdir()
    (tmp_path / "x.zarr" / ".zgroup").write_text('{"zarr_format": 2}')
    assert "a Zarr store without obs" in must_fail(3, "inspect", tmp_path / "x.zarr")
    cut = (GOLDEN / "v2.zarr.zip").read_bytes()[:9000]
    (tmp_path / "cut.zip").write_bytes(cut)
    assert "damaged or cut off" in must_fail(3, "inspect", tmp_path / "cut.zip")


def obs_of(store, folder):
    """obs, obsm's names and X of a store, through a copy as h5ad."""
    must("convert", store, folder / "read.h5ad", "--overwrite")
    said = json.loads(must("inspect", store, "--json").out)
    return anndata.read_h5ad(folder / "read.h5ad"), said


def test_results_go_into_a_copy_of_the_store(cells, model, tmp_path):
    data = anndata.read_h5ad(cells)
    data.X = scipy.sparse.csr_matrix(data.X)
    store, out = tmp_path / "cells.zarr", tmp_path / "out.zarr"
    write_store(store, data)
    (store / ".zmetadata").write_text(json.dumps({"zarr_consolidated_format": 1, "metadata": {}}))
    files = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    must("predict", model, store, "-o", out)
    must("predict", model, store, "-o", tmp_path / "out.h5ad")
    assert {path: path.read_bytes() for path in store.rglob("*") if path.is_file()} == files
    expected = anndata.read_h5ad(tmp_path / "out.h5ad").obs
    written, said = obs_of(out, tmp_path)
    assert list(written.obs) == list(expected) and (written.X != data.X).nnz == 0
    for name in expected:
        assert list(written.obs[name]) == list(expected[name]), name
        assert written.obs[name].dtype == expected[name].dtype, name
    assert said["obsm"] == ["predicted_cell_type_probabilities"]
    # Only obs' own list of columns and the consolidated metadata differ from the input's files.
    changed = {str(path.relative_to(store)) for path, content in files.items()
               if (out / path.relative_to(store)).read_bytes() != content}
    assert changed == {"obs/.zattrs", ".zmetadata"}
    known = json.loads((out / ".zmetadata").read_text())["metadata"]
    for key in ("obs/.zattrs", "obs/predicted_cell_type/.zattrs", "uns/saithe/types/.zarray"):
        assert known[key] == json.loads((out / key).read_text())
    must("embed", model, out, "-o", tmp_path / "embedded.zarr/", "--umap-epochs", 5)
    assert "X_umap" in json.loads(must("inspect", tmp_path / "embedded.zarr", "--json").out)["obsm"]
    assert not list(tmp_path.glob(".saithe*"))


def test_what_exists_is_kept_and_only_stores_become_stores(cells, model, tmp_path):
    data = anndata.read_h5ad(cells)
    data.X = scipy.sparse.csr_matrix(data.X)
    store, out = tmp_path / "cells.zarr", tmp_path / "out.zarr"
    write_store(store, data)
    must("predict", model, store, "-o", out)
    assert "exists already" in must_fail(1, "predict", model, store, "-o", out)
    assert "has obs/predicted_cell_type already" in must_fail(1, "predict", model, out, "-o",
                                                              tmp_path / "b.zarr")
    must("predict", model, out, "-o", tmp_path / "b.zarr", "--key-added", "second")
    must("predict", model, store, "-o", out, "--overwrite", "--key-added", "third")
    assert not (out / "obs" / "predicted_cell_type").exists()
    assert "copy of one of AnnData 0.7" in must_fail(3, "predict", model, cells, "-o",
                                                     tmp_path / "c.zarr")
    for inside in (store, store / "inner.zarr"):
        line = must_fail(1, "predict", model, store, "-o", inside, "--overwrite")
        assert "input" in line
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.zarr", "cells.zarr", "out.zarr"]


# ---- in place ---------------------------------------------------------------------------------


@pytest.fixture
def store(cells, tmp_path):
    """A store that AnnData wrote, with consolidated metadata."""
    data = anndata.read_h5ad(cells)
    data.layers["half"] = data.X * 0.5
    data.uns["mine"] = {"list": np.array(["a", "b"]), "number": 4}
    data.write_zarr(tmp_path / "cells.zarr")
    zarr.consolidate_metadata(str(tmp_path / "cells.zarr"))
    return tmp_path / "cells.zarr"


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


def test_in_place_is_what_a_copy_is(model, store, tmp_path):
    before = files_of(store)
    os.chmod(store / "obs" / ".zattrs", 0o640)
    must("predict", model, store, "-o", tmp_path / "copy.zarr", "--majority-vote", "donor")
    assert files_of(store) == before
    (tmp_path / "link.zarr").symlink_to(store)
    result = must("predict", model, tmp_path / "link.zarr", "--in-place", "--majority-vote", "donor")
    assert f"written: {tmp_path / 'link.zarr'}" in result.err
    assert (tmp_path / "link.zarr").is_symlink()
    after = files_of(store)
    assert after == files_of(tmp_path / "copy.zarr")
    assert {name for name in before if after[name] != before[name]} == {"obs/.zattrs", ".zmetadata"}
    assert stat.S_IMODE((store / "obs" / ".zattrs").stat().st_mode) == 0o640
    # Without the vote: its columns go too, and the store is again what a copy is.
    must("predict", model, tmp_path / "copy.zarr", "-o", tmp_path / "again.zarr", "--overwrite")
    must("predict", model, store, "--in-place", "--overwrite")
    assert files_of(store) == files_of(tmp_path / "again.zarr")
    must("embed", model, store, "--in-place", "--umap-epochs", 5)
    must("predict", model, store, "--in-place", "--key-added", "second")
    read = anndata.read_zarr(store)
    assert list(read.obs.second) == list(read.obs.predicted_cell_type)
    assert "predicted_cell_type_majority" not in read.obs and "X_umap" in read.obsm
    assert read.uns["mine"]["number"] == 4 and (read.layers["half"] != read.X * 0.5).nnz == 0
    group = zarr.open_consolidated(str(store))
    assert set(read.obs) == set(group["obs"].attrs["column-order"])
    assert group["obsm"]["X_umap"].shape == (300, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "again.zarr", "cells.zarr", "copy.zarr", "link.zarr"]


def test_in_place_refuses_before_the_work(model, store, tmp_path):
    before = files_of(store)
    must("predict", model, store, "-o", tmp_path / "done.zarr")
    line = must_fail(1, "predict", model, tmp_path / "done.zarr", "--in-place")
    assert "has obs/predicted_cell_type already; add --overwrite" in line
    shutil.make_archive(tmp_path / "cells.zarr", "zip", store)
    line = must_fail(3, "predict", model, tmp_path / "cells.zarr.zip", "--in-place")
    assert "a zip archive is not changed; -o FOLDER.zarr" in line
    (store / "obs" / ".zattrs").write_text("{")
    assert "predict" not in must_fail(3, "predict", model, store, "--in-place")
    (store / "obs" / ".zattrs").write_bytes(before["obs/.zattrs"])
    assert files_of(store) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "cells.zarr", "cells.zarr.zip", "done.zarr"]


@pytest.mark.parametrize("name", ["uns/saithe", "uns/saithe_mine", "uns", "obsm"])
def test_an_array_where_results_would_lie_is_no_group(model, store, tmp_path, name):
    """AnnData reads no store in which an array has members."""
    shutil.rmtree(store / name, ignore_errors=True)
    zarr.open_group(str(store), mode="r+").create_dataset(name, data=np.arange(3))
    zarr.consolidate_metadata(str(store))
    before = files_of(store)
    options = ["--key-added", "mine"] if name == "uns/saithe_mine" else []
    is_ours = "/" in name
    for target in (["--in-place"], ["-o", tmp_path / "out.zarr"]):
        line = must_fail(1 if is_ours else 3, "predict", model, store, *target, *options)
        assert f"has {name} already" in line if is_ours else f"{name} is an array" in line, line
        assert files_of(store) == before and not (tmp_path / "out.zarr").exists()
    if not is_ours:
        must_fail(3, "predict", model, store, "--in-place", "--overwrite")
        assert files_of(store) == before
        return
    must("predict", model, store, "-o", tmp_path / "out.zarr", "--overwrite", *options)
    must("predict", model, store, "--in-place", "--overwrite", *options)
    assert files_of(store) == files_of(tmp_path / "out.zarr")
    written = anndata.read_zarr(store).uns
    assert len(written[name[4:]]["types"]) == 3 and written["mine"]["number"] == 4
    zarr.open_consolidated(str(store))[name]["types"]


def test_chunks_that_cannot_be_read_are_no_zeros(tmp_path):
    """A chunk that is not stored is zeros; one in a folder that may not be entered is an error."""
    with zipfile.ZipFile(GOLDEN / "v3.zarr.zip") as archive:
        archive.extractall(tmp_path)
    root = next(path.parent for path in tmp_path.rglob("zarr.json") if (path.parent / "obs").is_dir())
    place = root / "X" / "data" / "c"
    assert any(place.iterdir())
    for path in [root, *root.rglob("*")]:
        os.chmod(path, 0o755 if path.is_dir() else 0o644)
    program = shutil.copy(PROGRAM, tmp_path / "saithe")
    assert as_plain_user([program, "inspect", root], tmp_path).returncode == 0
    os.chmod(place, 0)
    try:
        done = as_plain_user([program, "inspect", root], tmp_path)
    finally:
        os.chmod(place, 0o755)
    assert done.returncode == 3 and done.stderr.count("\n") == 1, done
    assert f"{place}/0: cannot be read: Permission denied" in done.stderr, done


@pytest.mark.parametrize("place", ["top", "folder"])
def test_an_archive_becomes_a_store_with_the_columns(model, store, tmp_path, place):
    archive = tmp_path / "packed.zip"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED if place == "top" else
                         zipfile.ZIP_STORED) as file:
        for path in sorted(store.rglob("*")):
            file.write(path, path.relative_to(store if place == "top" else tmp_path))
    must("predict", model, store, "-o", tmp_path / "expected.zarr")
    must("predict", model, archive, "-o", tmp_path / "out.zarr")
    assert files_of(tmp_path / "out.zarr") == files_of(tmp_path / "expected.zarr")
    assert "exists already" in must_fail(1, "predict", model, archive, "-o", tmp_path / "out.zarr")


def test_an_archive_of_a_store_is_not_written_as_a_table(model, store, tmp_path):
    line = must_fail(2, "predict", model, store, "-o", tmp_path / "out.zarr.zip")
    assert "out.zarr" in line and "zip" in line
    assert not (tmp_path / "out.zarr.zip").exists()


@pytest.mark.parametrize("what", ["folder", "store", "output"])
def test_where_nothing_may_be_written_nothing_is(model, store, tmp_path, what):
    place = tmp_path / "place"
    place.mkdir()
    shutil.copytree(store, place / "own.zarr")
    for path in [place, *place.rglob("*")]:
        os.chmod(path, 0o777 if path.is_dir() else 0o666)
    for path in [place] if what != "store" else [place / "own.zarr", *(place / "own.zarr").rglob("*")]:
        os.chmod(path, 0o555 if path.is_dir() else 0o444)
    shutil.copy(model, tmp_path / "m.saithe")
    os.chmod(tmp_path / "m.saithe", 0o644)
    program = shutil.copy(PROGRAM, tmp_path / "saithe")
    before = files_of(place)
    target = ["-o", place / "out.zarr"] if what == "output" else ["--in-place"]
    try:
        done = as_plain_user([program, "predict", tmp_path / "m.saithe", place / "own.zarr", *target],
                             tmp_path)
        assert done.returncode == 1 and "Permission denied" in done.stderr, done
        assert done.stderr.count("\n") == 1, done.stderr
    finally:
        os.chmod(place, 0o755)
    assert files_of(place) == before
    assert [path.name for path in place.iterdir()] == ["own.zarr"]


def test_of_two_runs_at_once_none_loses_its_columns(model, store):
    """Each either has its columns listed at the end, or says that the store was changed meanwhile."""
    keys = [f"k{i}" for i in range(4)]
    runs = [subprocess.Popen([PROGRAM, "predict", model, store, "--in-place", "--quiet", "--key-added", key],
                             stderr=subprocess.PIPE, text=True) for key in keys]
    errors = [run.communicate()[1] for run in runs]
    obs = anndata.read_zarr(store).obs
    for key, run, error in zip(keys, runs, errors):
        assert (run.returncode == 0) == (key in obs), (key, error)
        if run.returncode != 0:
            assert "was changed by another program" in error
    assert any(run.returncode == 0 for run in runs)


def test_columns_without_a_list_of_them_stay(model, store):
    before = list(anndata.read_zarr(store).obs)
    for name in (store / "obs" / ".zattrs", store / ".zmetadata"):
        content = json.loads(name.read_text())
        attributes = content["metadata"]["obs/.zattrs"] if name.name == ".zmetadata" else content
        del attributes["column-order"]
        name.write_text(json.dumps(content))
    must("predict", model, store, "--in-place")
    obs = anndata.read_zarr(store).obs
    assert set(before) < set(obs) and "predicted_cell_type" in obs


def test_an_archive_may_begin_with_whatever(tmp_path):
    """Of a version 3 store nothing but zarr.json tells what it is."""
    source = SOURCE / "tests/golden/zarr/v3.zarr.zip"
    path = tmp_path / "later.zarr.zip"
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        new.writestr("inner.zarr/A/first", os.urandom(100000))
        for name in sorted(old.namelist()):
            new.writestr(name, old.read(name))
    assert "format: Zarr v3, zip" in must("inspect", path).out
    with zipfile.ZipFile(path, "w") as other:
        other.writestr("zarr.txt", "no store")
    assert "is an archive (zip)" in must_fail(3, "inspect", path)
