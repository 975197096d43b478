"""Zarr stores that saithe writes, as AnnData 0.12 and zarr-python 3 read them."""

import json
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


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("is_consolidated", [True, False])
def test_anndata_reads_the_copy(program, cells, tmp_path, version, is_consolidated):
    import anndata
    import zarr

    data, model, _ = cells
    store, out = tmp_path / "cells.zarr", tmp_path / "out.zarr"
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
