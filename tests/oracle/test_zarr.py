"""Zarr stores that saithe writes, as AnnData 0.12 and zarr-python 3 read them."""

import json
import os
import shutil
import subprocess
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.sparse


def run(program, *arguments):
    done = subprocess.run([str(word) for word in (program, *arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def cells(program, tmp_path_factory):
    """(cells, model): 200 simulated cells with one of everything, and a small network."""
    import anndata

    folder = tmp_path_factory.mktemp("cells")
    run(program, "simulate", "-o", folder / "cells.h5ad", "--cells", 200, "--genes", 300, "--types", 3,
        "--stored-per-cell", 100, "--seed", 5)
    run(program, "train", folder / "cells.h5ad", "--label-key", "cell_type", "-o",
        folder / "m.saithe", "--hidden", 8, "--epochs", 1, "--min-steps", 0, "--validate", "none",
        "--no-find-suspects")
    data = anndata.read_h5ad(folder / "cells.h5ad")
    data.X = scipy.sparse.csr_matrix(data.X)
    data.layers["half"] = data.X * 0.5
    data.raw = data
    data.obsm["X_pca"] = np.arange(400.0).reshape(200, 2)
    data.obs["stage"] = pd.Categorical(["b", "a"] * 100, ["b", "a"], ordered=True)
    data.uns["nested"] = {"list": np.array(["a", "b"]), "number": 4}
    return data, folder / "m.saithe", folder / "cells.h5ad"


def write_store(data, store, version, is_consolidated):
    import anndata

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        anndata.settings.zarr_write_format = version
        data.write_zarr(store)
    if not is_consolidated and version == 2:
        (store / ".zmetadata").unlink()
    elif not is_consolidated:
        root = json.loads((store / "zarr.json").read_text())
        del root["consolidated_metadata"]
        (store / "zarr.json").write_text(json.dumps(root))


def files_of(folder):
    return {str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("is_consolidated", [True, False])
def test_anndata_reads_the_copy(program, cells, tmp_path, version, is_consolidated):
    import anndata
    import zarr

    data, model, _ = cells
    store, out = tmp_path / "cells.zarr", tmp_path / "out.zarr"
    write_store(data, store, version, is_consolidated)
    run(program, "predict", model, store, "-o", out)
    run(program, "predict", model, store, "-o", tmp_path / "out.h5ad")
    run(program, "embed", model, out, "-o", tmp_path / "second.zarr", "--umap-epochs", 5)
    run(program, "predict", model, tmp_path / "second.zarr", "-o", out, "--overwrite")
    written, expected = anndata.read_zarr(out), anndata.read_h5ad(tmp_path / "out.h5ad")
    added = [name for name in expected.obs if name.startswith("predicted_cell_type")]
    assert len(added) >= 5
    for name in added:
        pd.testing.assert_series_equal(written.obs[name], expected.obs[name])
    probabilities = written.obsm["predicted_cell_type_probabilities"]
    assert (probabilities == expected.obsm["predicted_cell_type_probabilities"]).all()
    assert written.obsm["X_umap"].shape == (200, 2) and written.obsm["X_umap"].dtype == np.float32
    assert list(written.uns["predicted_cell_type_colors"]) == list(
        expected.uns["predicted_cell_type_colors"])
    assert str(written.uns["saithe"]["version"]) == str(expected.uns["saithe"]["version"])
    assert list(written.uns["saithe"]["types"]) == list(expected.uns["saithe"]["types"])
    # What was there before is there as it was.
    assert (written.X != data.X).nnz == 0 and (written.layers["half"] != data.layers["half"]).nnz == 0
    assert written.raw.shape == data.raw.shape and written.uns["nested"]["number"] == 4
    assert (written.obsm["X_pca"] == data.obsm["X_pca"]).all()
    pd.testing.assert_frame_equal(written.obs[list(data.obs)], data.obs, check_names=False)
    # Through consolidated metadata the same is seen, where the store has them.
    group = zarr.open_group(out, mode="r", use_consolidated=is_consolidated)
    assert set(added) <= set(group["obs"].keys()) and "X_umap" in group["obsm"]
    assert (group["obs/predicted_cell_type/codes"][:] ==
            written.obs["predicted_cell_type"].cat.codes.to_numpy()).all()


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("is_consolidated", [True, False])
def test_anndata_reads_a_store_that_was_changed_in_place(program, cells, tmp_path, version,
                                                         is_consolidated):
    import anndata

    data, model, _ = cells
    store, out = tmp_path / "cells.zarr", tmp_path / "out.zarr"
    write_store(data, store, version, is_consolidated)
    run(program, "predict", model, store, "-o", out)
    run(program, "predict", model, store, "--in-place")
    assert files_of(store) == files_of(out)
    run(program, "predict", model, out, "-o", tmp_path / "second.zarr", "--overwrite",
        "--majority-vote", "stage")
    run(program, "predict", model, store, "--in-place", "--overwrite", "--majority-vote", "stage")
    assert files_of(store) == files_of(tmp_path / "second.zarr")
    read = anndata.read_zarr(store)
    assert "predicted_cell_type_majority" in read.obs and read.uns["nested"]["number"] == 4
    assert (read.X != data.X).nnz == 0 and (read.obsm["X_pca"] == data.obsm["X_pca"]).all()


# Dies before the rename of that number, of those that change the store.
SHIM = r"""
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
extern "C" int rename(const char* from, const char* to) noexcept {
  static int left = std::atoi(std::getenv("KILL_BEFORE_RENAME"));
  const bool counts = std::strstr(from, "/.saithe-") == nullptr ||
                      std::strstr(to, "/.saithe-") == nullptr;
  if (counts && left-- == 0) std::raise(SIGKILL);
  return static_cast<int>(syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}
"""


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("is_consolidated", [True, False])
@pytest.mark.parametrize("is_replaced", [False, True])
def test_anndata_reads_the_store_whenever_a_run_is_killed(program, cells, tmp_path, version,
                                                          is_consolidated, is_replaced):
    import anndata

    data, model, _ = cells
    (tmp_path / "shim.cpp").write_text(SHIM)
    subprocess.run(["c++", "-shared", "-fPIC", "-o", tmp_path / "shim.so", tmp_path / "shim.cpp"],
                   check=True)
    original, store = tmp_path / "cells.zarr", tmp_path / "own.zarr"
    write_store(data, original, version, is_consolidated)
    if is_replaced:
        run(program, "predict", model, original, "--in-place", "--majority-vote", "stage")
    whole = None
    n = 0
    while True:
        shutil.rmtree(store, ignore_errors=True)
        shutil.copytree(original, store)
        done = subprocess.run([program, "predict", model, store, "--in-place", "--overwrite", "--quiet"],
                              env={**os.environ, "LD_PRELOAD": str(tmp_path / "shim.so"),
                                   "KILL_BEFORE_RENAME": str(n)})
        assert done.returncode in (0, -9)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            read = anndata.read_zarr(store)
        added = [name for name in read.obs if name.startswith("predicted_cell_type")]
        assert len(added) in ((0, 6, 9) if is_replaced else (0, 6))
        assert (read.X != data.X).nnz == 0 and list(data.obs) == list(read.obs)[:len(data.obs.columns)]
        for name in added:
            assert len(read.obs[name]) == 200
        if done.returncode == 0:
            assert len(added) == 6 and n >= 9
            break
        n += 1
