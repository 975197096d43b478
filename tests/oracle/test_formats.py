"""Every data set under SAITHE_TEST_DATA/formats that is no h5ad (test_h5ad.py has those): what saithe
writes of it as an h5ad is what Scanpy, AnnData or zarr-python read from it."""

import gzip
import os
import pathlib
import subprocess
import tarfile
import warnings

import numpy as np
import pytest
import scipy.sparse

TENX = "scanpy_10x/10x_data"


@pytest.fixture(scope="module")
def formats():
    if "SAITHE_TEST_DATA" not in os.environ:
        pytest.skip("SAITHE_TEST_DATA names no folder of test data")
    return pathlib.Path(os.environ["SAITHE_TEST_DATA"]) / "formats"


def converted(program, path, folder, *options):
    import anndata

    out = folder / "converted.h5ad"
    done = subprocess.run([program, "convert", path, out, "--overwrite", *options],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return anndata.read_h5ad(out)


def dense(matrix):
    return matrix.toarray() if scipy.sparse.issparse(matrix) else np.asarray(matrix)


def assert_same(ours, theirs, has_ids=True):
    """Cells in their order; genes by id where there are ids, otherwise by name, in their order."""
    assert list(ours.obs_names) == list(theirs.obs_names)
    if has_ids and "gene_ids" in theirs.var and "gene_ids" in ours.var:
        assert list(ours.var["gene_ids"]) == list(theirs.var["gene_ids"])
    else:
        assert list(ours.var_names) == list(theirs.var_names)
    assert (dense(ours.X) == dense(theirs.X).astype(np.float32)).all()


@pytest.mark.parametrize("name, genome", [
    ("tenx_v2_h5/heart_1k_v2_filtered_gene_bc_matrices_h5.h5", None),
    (TENX + "/1.2.0/filtered_gene_bc_matrices_h5.h5", None),
    (TENX + "/1.2.0/multiple_genomes.h5", "hg19_chr21"),
    (TENX + "/3.0.0/filtered_feature_bc_matrix.h5", None),
    ("scanpy_10x/visium_data/1.0.0/filtered_feature_bc_matrix.h5", None)])
def test_tenx_h5(program, formats, tmp_path, name, genome):
    import scanpy as sc

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that stand twice
        theirs = sc.read_10x_h5(formats / name, genome=genome)
    options = ["--genome", genome] if genome else []
    assert_same(converted(program, formats / name, tmp_path, *options), theirs)


def test_probes_are_summed_per_gene(program, formats, tmp_path):
    import h5py

    path = formats / "scanpy_10x/visium_data/2.1.0/raw_probe_bc_matrix.h5"
    with h5py.File(path) as file:
        matrix = file["matrix"]
        x = scipy.sparse.csr_matrix((matrix["data"][:], matrix["indices"][:], matrix["indptr"][:]),
                                    shape=tuple(matrix["shape"][:][::-1])).toarray()
        ids = matrix["features/gene_id"][:].astype(str)
        is_included = matrix["features/filtered_probes"][:].astype(bool)
        barcodes = matrix["barcodes"][:].astype(str)
    ours = converted(program, path, tmp_path)
    assert list(ours.obs_names) == list(barcodes)
    assert sorted(ours.var["gene_ids"]) == sorted(set(ids[is_included]))
    found = dense(ours.X)
    for i, gene in enumerate(ours.var["gene_ids"]):
        assert (found[:, i] == x[:, is_included & (ids == gene)].sum(axis=1)).all(), gene


@pytest.mark.parametrize("name, var_names", [
    (TENX + "/1.2.0/filtered_gene_bc_matrices/hg19_chr21", "gene_symbols"),
    (TENX + "/3.0.0/filtered_feature_bc_matrix", "gene_symbols"), (TENX + "/int-ids", "gene_ids")])
def test_tenx_mtx(program, formats, tmp_path, name, var_names):
    import scanpy as sc

    packed = tmp_path / "packed"  # Scanpy reads a features.tsv only if it is packed
    packed.mkdir()
    for file in (formats / name).iterdir():
        is_plain = (formats / name / "features.tsv").exists()
        content = gzip.compress(file.read_bytes()) if is_plain else file.read_bytes()
        (packed / (file.name + (".gz" if is_plain else ""))).write_bytes(content)
    theirs = sc.read_10x_mtx(packed, var_names=var_names)
    ours = converted(program, formats / name, tmp_path)
    if var_names == "gene_ids":
        ours.var_names = ours.var["gene_ids"] if "gene_ids" in ours.var else ours.var_names
    assert_same(ours, theirs, has_ids=var_names != "gene_ids")


def test_texts(program, formats, tmp_path):
    import anndata
    import scanpy as sc

    archives = formats / "anndata_archives"
    assert_same(converted(program, archives / "umi_tools.tsv.gz", tmp_path),
                anndata.io.read_umi_tools(archives / "umi_tools.tsv.gz"))
    assert_same(converted(program, archives / "adata.csv", tmp_path, "--cells-in", "rows"),
                anndata.io.read_csv(archives / "adata.csv"))
    assert_same(converted(program, archives / "adata-comments.tsv", tmp_path, "--cells-in", "rows"),
                anndata.io.read_csv(archives / "adata-comments.tsv", delimiter="\t"))
    # A matrix alone has genes in rows, and no names.
    theirs = sc.read_mtx(formats / "seurat_pbmc_small" / "counts.mtx").T
    ours = converted(program, formats / "seurat_pbmc_small" / "counts.mtx", tmp_path)
    assert (dense(ours.X) == dense(theirs.X)).all() and ours.shape == (80, 230)
    table = formats / "pollock" / "mini_expression_matrix.tsv"
    theirs = anndata.io.read_csv(table, delimiter="\t")
    ours = converted(program, table, tmp_path)
    if list(ours.obs_names) != list(theirs.obs_names):
        theirs = theirs.T
    assert_same(ours, theirs)


@pytest.mark.parametrize("version", ["v0.7.0", "v0.7.8"])
def test_zarr_archives(program, formats, tmp_path, version):
    import anndata
    import zarr

    path = formats / "anndata_archives" / version / "adata.zarr.zip"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = anndata.read_zarr(zarr.open(zarr.storage.ZipStore(path, mode="r"), mode="r"))
    for layer, matrix in theirs.layers.items():
        ours = converted(program, path, tmp_path, "--layer", layer)
        assert (dense(ours.X) == dense(matrix).astype(np.float32)).all(), layer
    ours = converted(program, path, tmp_path, "--use-raw")
    assert (dense(ours.X) == dense(theirs.raw.X).astype(np.float32)).all()
    assert list(ours.var_names) == list(theirs.raw.var_names)
    for name in theirs.obs:
        assert [str(v) for v in ours.obs[name]] == [str(v) for v in theirs.obs[name]], name


def test_ten_thousand_cells_in_zarr(program, formats, tmp_path):
    import zarr

    with tarfile.open(formats / "zarr_v2_10x10k_subset" / "10x-10k-subset.zarr.tar.gz") as archive:
        archive.extractall(tmp_path)
    (store,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    ours = converted(program, store, tmp_path)
    assert ours.shape == (10000, 1000)
    assert (dense(ours.X) == zarr.open(store, mode="r")["X"][:]).all()
