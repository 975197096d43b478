"""saithe convert: counts, obs and var of any format as an h5ad, and what it says it leaves."""

import json
import os
import pathlib

import anndata
import numpy as np
import pandas as pd
import pytest

from conftest import must, must_fail, run, write_tenx_folder


def described(path, *arguments):
    """What inspect says, without what convert does not keep."""
    said = json.loads(must("inspect", path, "--json", *arguments).out)
    return {key: said[key] for key in ("n_cells", "n_genes", "n_stored", "total", "value_kind", "obs",
                                       "var")}


@pytest.fixture(scope="module")
def rich(cells, tmp_path_factory):
    """Cells with every kind of column, and with what convert does not keep."""
    data = anndata.read_h5ad(cells)
    n = data.n_obs
    data.obs["score"] = np.where(np.arange(n) % 7 == 0, np.nan, np.arange(n) / 3)
    data.obs["small"] = np.arange(n, dtype=np.float32)
    data.obs["count"] = np.arange(n)
    data.obs["maybe"] = pd.array([None, *range(1, n)], dtype="Int64")
    data.obs["perhaps"] = pd.array([None, *([True, False] * n)[:n - 1]], dtype="boolean")
    data.obs["stage"] = pd.Categorical(np.array(["late", "early", "mid"])[np.arange(n) % 3],
                                       ["early", "mid", "late", "never"])
    data.var["gene_ids"] = [f"ENSG{i:011}" for i in range(data.n_vars)]
    data.var["variable"] = np.arange(data.n_vars) % 2 == 0
    data.obs.index.name = "barcode"
    data.layers["double"] = data.X * 2
    data.raw = data
    data.obsm["X_pca"] = np.ones((n, 2))
    data.obsp["near"] = data.X[:, :n] * 0
    data.uns["note"] = "mine"
    path = tmp_path_factory.mktemp("rich") / "rich.h5ad"
    data.write_h5ad(path)
    return path


@pytest.mark.parametrize("kind", ["h5ad", "zarr"])
def test_values_and_types_of_columns_stay(cells, tmp_path, kind):
    data = anndata.read_h5ad(cells)
    n = data.n_obs
    large = 2**53 + 1
    numbers = np.arange(n)
    data.obs["id"] = large + numbers
    data.obs["negative"] = -(2**62) - numbers
    data.obs["maybe"] = pd.array([None, *(large + numbers[1:])], dtype="Int64")
    data.obs["batch"] = pd.Categorical(numbers % 3 + 10)
    data.obs["large"] = pd.Categorical(numbers % 3 + large)
    data.obs["hash"] = pd.Categorical(np.uint64(2**63) + (numbers % 3).astype(np.uint64))
    data.obs["dose"] = pd.Categorical((numbers % 3) / 4)
    data.obs["flag"] = pd.Categorical(numbers % 2 == 0)
    data.obs["small"] = (numbers % 100).astype(np.int8)
    data.obs["half"] = (numbers / 2).astype(np.float16)
    data.obs["huge"] = np.uint64(2**63) + numbers.astype(np.uint64)
    data.obs["gaps"] = pd.array([None, *data.obs.huge[1:]], dtype="UInt64")
    path = tmp_path / f"in.{kind}"
    data.write_h5ad(path) if kind == "h5ad" else data.write_zarr(path)
    said = must("convert", path, tmp_path / "a.h5ad").err
    assert "obs/huge: has whole numbers of 2^63 or more" in said
    assert "obs/gaps: has whole numbers of 2^63 or more" in said and said.count("warning") == 2
    after = anndata.read_h5ad(tmp_path / "a.h5ad").obs
    assert after.huge.dtype == after.gaps.dtype == np.float64
    assert np.isnan(after.gaps.iloc[0]) and (after.gaps[1:] == after.huge[1:]).all()
    assert after.hash.cat.categories.dtype == np.uint64
    wider = {"small": np.int64, "half": np.float32}
    for name in data.obs.columns.drop(["huge", "gaps"]):
        before = data.obs[name].astype(wider[name]) if name in wider else data.obs[name]
        pd.testing.assert_series_equal(before, after[name])


def test_levels_of_all_64_bits_are_exact(cells, tmp_path):
    data = anndata.read_h5ad(cells)
    data.obs["odd"] = pd.Categorical(np.array([-5, 2**63 - 1])[np.arange(data.n_obs) % 2])
    data.write_h5ad(tmp_path / "in.h5ad")
    said = must("convert", tmp_path / "in.h5ad", tmp_path / "a.h5ad").err
    assert "warning" not in said
    assert list(anndata.read_h5ad(tmp_path / "a.h5ad").obs.odd[:2]) == [-5, 2**63 - 1]


def test_a_file_without_values_is_not_made_one_of_zeros(cells, tmp_path):
    data = anndata.read_h5ad(cells)
    none, zeros = tmp_path / "none.h5ad", tmp_path / "zeros.h5ad"
    anndata.AnnData(obs=data.obs, var=data.var).write_h5ad(none)
    line = must_fail(3, "convert", none, tmp_path / "a.h5ad")
    assert "has no X, no raw and no layer of counts" in line
    assert not (tmp_path / "a.h5ad").exists()
    data.X = data.X * 0
    data.write_h5ad(zeros)
    must("convert", zeros, tmp_path / "b.h5ad")
    for path in (none, zeros):
        said = json.loads(must("inspect", path, "--json").out)
        assert said["value_kind"] == "unknown" and said["total"] == 0
        assert any("no values other than 0" in warning for warning in said["warnings"])


def test_a_count_that_float32_does_not_have_is_named(cells, tmp_path):
    data = anndata.read_h5ad(cells)
    data.X = data.X.astype(np.int64).tolil()
    data.X[7, 3] = 2**24 + 1
    data.X = data.X.tocsr()
    data.write_h5ad(tmp_path / "big.h5ad")
    said = must("convert", tmp_path / "big.h5ad", tmp_path / "a.h5ad").err
    assert said.count("values are held as float32") == 1
    assert f"cell '{data.obs_names[7]}' (row 7) has about 16777216 for gene "\
        f"'{data.var_names[3]}'" in said


def test_a_round_trip_loses_nothing_that_is_read(rich, tmp_path):
    said = must("convert", rich, tmp_path / "a.h5ad").err
    for line in ("not kept: layers double", "not kept: obsm X_pca", "not kept: uns note",
                 "not kept: of the file obsp/near", "not kept: X\n"):  # raw has the counts
        assert line in said, (line, said)
    before, after = anndata.read_h5ad(rich), anndata.read_h5ad(tmp_path / "a.h5ad")
    assert (before.X != after.X).nnz == 0 and after.X.dtype == np.float32
    assert after.obs.index.name == "barcode"
    pd.testing.assert_frame_equal(before.obs, after.obs)
    pd.testing.assert_frame_equal(before.var, after.var)
    assert described(rich) == described(tmp_path / "a.h5ad")
    # Again, from what was written: the same bytes, and nothing is left to say.
    again = must("convert", tmp_path / "a.h5ad", tmp_path / "b.h5ad").err
    assert "not kept" not in again
    assert (tmp_path / "a.h5ad").read_bytes() == (tmp_path / "b.h5ad").read_bytes()


def test_the_counts_that_are_asked_for(rich, tmp_path):
    said = must("convert", rich, tmp_path / "layer.h5ad", "--layer", "double").err
    assert "not kept: X\n" in said and "not kept: layers" not in said
    before = anndata.read_h5ad(rich)
    assert (anndata.read_h5ad(tmp_path / "layer.h5ad").X != before.layers["double"]).nnz == 0
    said = must("convert", rich, tmp_path / "x.h5ad", "--layer", "X").err
    assert "not kept: X\n" not in said and "not kept: layers double" in said
    assert (anndata.read_h5ad(tmp_path / "x.h5ad").X != before.X).nnz == 0
    must("convert", rich, tmp_path / "raw.h5ad", "--use-raw")
    assert (anndata.read_h5ad(tmp_path / "raw.h5ad").X != before.raw.X).nnz == 0


def test_a_tenx_folder(cells, tmp_path):
    data = anndata.read_h5ad(cells)
    write_tenx_folder(tmp_path / "mtx", data, n_other_features=10)
    result = must("convert", tmp_path / "mtx", tmp_path / "a.h5ad")
    assert "10 features" in result.err  # no gene expression: the reader says so
    after = anndata.read_h5ad(tmp_path / "a.h5ad")
    assert (after.X != data.X[:, 10:]).nnz == 0
    assert list(after.var_names) == list(data.var_names[10:])
    assert list(after.var.gene_ids) == [f"ENSG{i:011}" for i in range(10, 600)]
    assert list(after.obs_names) == list(data.obs_names)


def test_an_input_is_never_the_output_and_names_are_kept(cells, tmp_path):
    before = cells.read_bytes()
    assert "is an input" in must_fail(1, "convert", cells, cells, "--overwrite")
    assert "ends in .h5ad" in must_fail(2, "convert", cells, tmp_path / "a.h5")
    (tmp_path / "a.h5ad").write_text("mine")
    assert "exists already" in must_fail(1, "convert", cells, tmp_path / "a.h5ad")
    assert (tmp_path / "a.h5ad").read_text() == "mine" and cells.read_bytes() == before
    must_fail(3, "convert", tmp_path / "none.h5", tmp_path / "b.h5ad")


def formats():
    folder = os.environ.get("SAITHE_TEST_DATA")
    return pathlib.Path(folder) / "formats" if folder else None


def test_real_files_of_every_format(tmp_path):
    """What inspect can read, convert writes so that inspect says the same of it."""
    if formats() is None:
        pytest.skip("SAITHE_TEST_DATA names no folder of test data")
    n_converted = 0
    for i, path in enumerate(sorted(formats().rglob("*"))):
        if run("inspect", path, "--json").code != 0:
            continue
        out = tmp_path / f"{i}.h5ad"
        if any("has no X" in warning for warning in json.loads(
                must("inspect", path, "--json").out)["warnings"]):
            assert "has no X" in must_fail(3, "convert", path, out) and not out.exists()
            continue
        must("convert", path, out)
        assert described(path) == described(out), path
        assert anndata.read_h5ad(out).n_obs == described(path)["n_cells"]
        n_converted += 1
    assert n_converted >= 5
