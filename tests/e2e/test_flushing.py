"""What is written is on the disk before it takes its place, and a copy begins by reference.

record_flushes.cpp, loaded into the program, writes down what it asks of the system.
"""

import os
import shutil
import subprocess

import anndata
import pytest
import zarr

from conftest import HAS_SANITIZER, QUICK, SOURCE, must

pytestmark = pytest.mark.skipif(HAS_SANITIZER, reason="a sanitizer has to be loaded first")


@pytest.fixture(scope="module")
def recorder(tmp_path_factory):
    library = tmp_path_factory.mktemp("recorder") / "recorder.so"
    subprocess.run([os.environ.get("CXX", "c++"), "-std=c++20", "-shared", "-fPIC", "-o", library,
                    SOURCE / "tests/e2e/record_flushes.cpp", "-ldl"], check=True)
    return library


@pytest.fixture
def record(recorder, tmp_path):
    """Runs the program; gives what it asked for, a list of words each."""
    def run(*arguments):
        lines = tmp_path / "asked"
        must(*arguments, "--quiet", env={**os.environ, "LD_PRELOAD": str(recorder),
                                         "RECORD_FLUSHES": str(lines)})
        return [line.split(" ") for line in lines.read_text().splitlines()]
    return run


def assert_flushed(asked, output):
    """The output's bytes, the rename, its folder: in that order. Gives the hidden file's name."""
    renames = [i for i, words in enumerate(asked) if words[0] == "rename" and words[2] == str(output)]
    assert len(renames) == 1, asked
    hidden = asked[renames[0]][1]
    assert os.path.dirname(hidden) == str(output.parent)
    assert ["flush", hidden] in asked[:renames[0]], asked
    assert ["flush", str(output.parent)] in asked[renames[0]:], asked
    return hidden


def test_a_model_is_flushed_before_its_rename(record, cells, tmp_path):
    model = tmp_path / "m.saithe"
    assert_flushed(record("train", cells, "--label-key", "cell_type", "-o", model, *QUICK), model)


@pytest.mark.parametrize("name", ["labels.tsv", "labels.tsv.gz"])
def test_a_table_is_flushed_before_its_rename(record, cells, model, tmp_path, name):
    assert_flushed(record("predict", model, cells, "-o", tmp_path / name), tmp_path / name)


def test_a_copy_begins_by_reference_and_is_flushed_with_what_was_added(record, cells, model, tmp_path):
    output = tmp_path / "out.h5ad"
    asked = record("predict", model, cells, "-o", output)
    hidden = assert_flushed(asked, output)
    assert asked[0] == ["clone", str(cells), hidden]


def test_in_place_the_copy_takes_the_place_of_the_input(record, cells, model, tmp_path):
    path = tmp_path / "cells.h5ad"
    shutil.copy(cells, path)
    asked = record("predict", model, path, "--in-place")
    hidden = assert_flushed(asked, path)
    assert asked[0] == ["clone", str(path), hidden]


def test_a_new_store_is_flushed_before_its_rename(record, cells, model, tmp_path):
    store, output = tmp_path / "cells.zarr", tmp_path / "out.zarr"
    anndata.read_h5ad(cells).write_zarr(store)
    asked = record("predict", model, store, "-o", output)
    at = next(i for i, words in enumerate(asked) if words[0] == "rename" and words[2] == str(output))
    assert any(words[0] == "flush_all" for words in asked[:at]), asked
    assert ["flush", str(tmp_path)] in asked[at:], asked


def test_a_store_in_place_has_its_metadata_renamed_last(record, cells, model, tmp_path):
    store = tmp_path / "cells.zarr"
    anndata.read_h5ad(cells).write_zarr(store)
    zarr.consolidate_metadata(str(store))
    asked = record("predict", model, store, "--in-place")
    into_store = [(i, words[2][len(f"{store}/"):]) for i, words in enumerate(asked)
                  if words[0] == "rename" and words[2].startswith(f"{store}/")]
    places = [place for _, place in into_store]
    assert places[-2:] == ["obs/.zattrs", ".zmetadata"], places
    assert all(place.startswith(("obs/predicted_", "obsm/", "uns/")) for place in places[:-2]), places
    # all chunks are on the disk before the first takes its place
    assert any(words[0] == "flush_all" for words in asked[:into_store[0][0]]), asked
