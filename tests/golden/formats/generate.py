"""Small files of formats that are read, and what the formats' own programs read from them.

usage: generate.py [TEST_DATA]

Writes the files beside this script, and expected.json: for each of them, and for each real file of
the folder TEST_DATA (the one that SAITHE_TEST_DATA names; without it the entries stay as they
are), cells, genes, stored values, total, a checksum of rows and columns, and the first names.
Loom files are written and read by loompy (loom_v2.loom: by h5py, as loompy 2 laid it out), h5Seurat
by h5py, as SeuratDisk lays it out (R is not needed), real files are read by Scanpy and AnnData.

Made with Python 3.11, loompy 3.0.8, h5py 3.16.0, anndata 0.12.19, scanpy 1.11.5, pandas 2.3.3,
numpy 2.4.6.
"""

import gzip
import json
import pathlib
import sys
import tempfile
import warnings

import anndata
import h5py
import loompy
import numpy as np
import pandas as pd
import scanpy
import scipy.sparse

HERE = pathlib.Path(__file__).parent
N_GENES, N_CELLS = 70, 150


def counts(seed):
    """Genes x cells, nine of ten values zero."""
    random = np.random.default_rng(seed)
    return random.poisson(3, (N_GENES, N_CELLS)) * (random.random((N_GENES, N_CELLS)) < 0.1)


def summary(data):
    """What the test compares; data is an AnnData of cells x genes."""
    x = scipy.sparse.csr_matrix(data.X).astype(np.float64)
    x.eliminate_zeros()
    rows, columns = x.nonzero()
    values = np.asarray(x[rows, columns]).ravel()
    return {"n_cells": int(data.n_obs), "n_genes": int(data.n_vars), "n_stored": int(x.nnz),
            "total": float(x.sum()),
            "checksum": float(np.sum(values * (rows % 97 + 1) * (columns % 89 + 1))),
            "cells": list(map(str, data.obs_names[:3])),
            "genes": list(map(str, data.var_names[:3]))}


def write_loom(path, seed):
    path.unlink(missing_ok=True)
    matrix = counts(seed)
    loompy.create(str(path), {"": matrix, "spliced": matrix * 2},
                  {"Gene": np.array([f"Gene{i}" for i in range(N_GENES)]),
                   "Accession": np.array([f"ENSG{i:011d}" for i in range(N_GENES)]),
                   "Chromosome": np.array([str(i % 22 + 1) for i in range(N_GENES)])},
                  {"CellID": np.array([f"cell{i}" for i in range(N_CELLS)]),
                   "Age": np.arange(N_CELLS), "Score": np.linspace(0, 1, N_CELLS),
                   "Umap": np.zeros((N_CELLS, 2))})


def write_old_loom(path, seed):
    """As loompy 2: version as an attribute of the root, ASCII with entities, 64 x 64 chunks."""
    matrix = counts(seed).astype(np.float32)
    with h5py.File(path, "w") as file:
        file.attrs["LOOM_SPEC_VERSION"] = "2.0.1"
        file.create_dataset("matrix", data=matrix, chunks=(64, 64), compression="gzip")
        for group, names, n in (("row_attrs", ["Gene"], N_GENES), ("col_attrs", ["CellID"], N_CELLS)):
            for name in names:
                texts = [f"{name}{i}&#233;&amp;".encode() for i in range(n)]
                file.create_dataset(f"{group}/{name}", data=np.array(texts, dtype="S"))
        for group in ("layers", "row_graphs", "col_graphs"):
            file.create_group(group)


def write_h5seurat(path, seed, dense):
    """The counts of assay RNA and metadata; R's columns are rows for C."""
    matrix = scipy.sparse.csc_matrix(counts(seed).astype(np.float64))
    texts = h5py.string_dtype("utf-8")
    with h5py.File(path, "w") as file:
        file.attrs["active.assay"] = np.array(["RNA"], dtype=texts)
        file.attrs["version"] = np.array(["3.1.5.9900"], dtype=texts)
        cells = [f"cell{i}" for i in range(N_CELLS)]
        file.create_dataset("cell.names", data=np.array(cells, dtype=texts))
        assay = file.create_group("assays/RNA")
        features = [f"Gene{i}" for i in range(N_GENES)]
        assay.create_dataset("features", data=np.array(features, dtype=texts))
        if dense:
            assay.create_dataset("counts", data=matrix.toarray().T, compression="gzip")
        else:
            group = assay.create_group("counts")
            group.attrs["dims"] = np.array(matrix.shape, dtype=np.int32)
            for name in ("data", "indices", "indptr"):
                group.create_dataset(name, data=getattr(matrix, name), chunks=True,
                                     compression="gzip", compression_opts=4)
        meta = file.create_group("meta.data")
        meta.attrs["_index"] = np.array(["_index"], dtype=texts)
        meta.attrs["colnames"] = np.array(["nCount", "type", "doublet", "note"], dtype=texts)
        meta.attrs["logicals"] = np.array(["doublet"], dtype=texts)
        meta.create_dataset("_index", data=np.array(cells, dtype=texts))
        meta.create_dataset("nCount", data=np.asarray(matrix.sum(axis=0)).ravel())
        missing = np.iinfo(np.int32).min
        codes = np.array([i % 2 + 1 if i % 10 else missing for i in range(N_CELLS)], dtype=np.int32)
        meta.create_dataset("type/values", data=codes)
        meta.create_dataset("type/levels", data=np.array(["B cell", "T cell"], dtype=texts))
        meta.create_dataset("doublet", data=np.array([i % 3 for i in range(N_CELLS)], np.int32))
        meta.create_dataset("note", data=np.array([f"n{i}" for i in range(N_CELLS)], dtype=texts))
    return anndata.AnnData(matrix.T.tocsr(), pd.DataFrame(index=cells), pd.DataFrame(index=features))


def read_loom(path, layer="", **options):
    return anndata.io.read_loom(path, X_name=layer, obs_names="CellID", var_names="Gene", **options)


def probes(path):
    """The probes that are not excluded, added up by gene in the order of the file."""
    data = scanpy.read_10x_h5(path)
    data = data[:, data.var.filtered_probes.values]
    genes = list(dict.fromkeys(data.var.gene_ids))
    index = {gene: i for i, gene in enumerate(genes)}
    columns = [index[gene] for gene in data.var.gene_ids]
    sums = scipy.sparse.csr_matrix((np.ones(len(columns)), (range(len(columns)), columns)))
    names = data.var.groupby("gene_ids", observed=True).gene_name.first()[genes]
    return anndata.AnnData(data.X @ sums, data.obs, pd.DataFrame(index=names))


def numbered(data):
    """A matrix of genes x cells without names."""
    data = data.T
    data.obs_names = [f"cell_{i + 1}" for i in range(data.n_obs)]
    data.var_names = [f"gene_{i + 1}" for i in range(data.n_vars)]
    return data


def table(path, **options):
    return anndata.AnnData(pd.read_csv(path, index_col=0, **options).astype(float))


def read_real(folder):
    """The real files with what Scanpy and AnnData read."""
    scanpy_10x = folder / "scanpy_10x/10x_data"
    visium = folder / "scanpy_10x/visium_data"
    h5 = scanpy_10x / "1.2.0/multiple_genomes.h5"
    data = {
        "scanpy_10x/10x_data/1.2.0/filtered_gene_bc_matrices_h5.h5": scanpy.read_10x_h5(
            scanpy_10x / "1.2.0/filtered_gene_bc_matrices_h5.h5"),
        "scanpy_10x/10x_data/1.2.0/multiple_genomes.h5#hg19_chr21":
            scanpy.read_10x_h5(h5, genome="hg19_chr21"),
        "scanpy_10x/10x_data/1.2.0/multiple_genomes.h5#another_genome":
            scanpy.read_10x_h5(h5, genome="another_genome"),
        "scanpy_10x/10x_data/3.0.0/filtered_feature_bc_matrix.h5":
            scanpy.read_10x_h5(scanpy_10x / "3.0.0/filtered_feature_bc_matrix.h5"),
        "scanpy_10x/visium_data/1.0.0/filtered_feature_bc_matrix.h5":
            scanpy.read_10x_h5(visium / "1.0.0/filtered_feature_bc_matrix.h5"),
        "scanpy_10x/visium_data/2.1.0/raw_probe_bc_matrix.h5":
            probes(visium / "2.1.0/raw_probe_bc_matrix.h5"),
        "tenx_v2_h5/heart_1k_v2_filtered_gene_bc_matrices_h5.h5": scanpy.read_10x_h5(
            folder / "tenx_v2_h5/heart_1k_v2_filtered_gene_bc_matrices_h5.h5"),
        "anndata_archives/umi_tools.tsv.gz":
            anndata.io.read_umi_tools(folder / "anndata_archives/umi_tools.tsv.gz"),
        "anndata_archives/adata-comments.tsv":
            anndata.io.read_text(folder / "anndata_archives/adata-comments.tsv", delimiter="\t"),
        "anndata_archives/adata.csv": anndata.io.read_csv(folder / "anndata_archives/adata.csv"),
        "pollock/mini_expression_matrix.tsv":
            anndata.io.read_csv(folder / "pollock/mini_expression_matrix.tsv", delimiter="\t").T,
        "seurat_pbmc_small/counts.mtx":
            numbered(scanpy.read_mtx(folder / "seurat_pbmc_small/counts.mtx")),
    }
    for name in ("1.2.0/filtered_gene_bc_matrices/hg19_chr21", "3.0.0/filtered_feature_bc_matrix"):
        data[f"scanpy_10x/10x_data/{name}"] = scanpy.read_10x_mtx(scanpy_10x / name)
    with tempfile.TemporaryDirectory() as packed:  # Scanpy reads features.tsv only if it is gzip
        for path in (scanpy_10x / "int-ids").iterdir():
            (pathlib.Path(packed) / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        data["scanpy_10x/10x_data/int-ids"] = scanpy.read_10x_mtx(packed)
    celseq = folder.parent / "cellbench/sc_celseq2_5cl_p1.count.csv.gz"
    data["../cellbench/sc_celseq2_5cl_p1.count.csv.gz"] = table(celseq).T
    for entry in data.values():
        entry.var_names_make_unique()
    return {name: summary(entry) for name, entry in data.items()}


def main():
    warnings.simplefilter("ignore")
    write_loom(HERE / "loom_v3.loom", 1)
    write_old_loom(HERE / "loom_v2.loom", 2)
    sparse = write_h5seurat(HERE / "sparse.h5seurat", 3, False)
    dense = write_h5seurat(HERE / "dense.h5seurat", 4, True)
    expected_path = HERE / "expected.json"
    expected = json.loads(expected_path.read_text()) if expected_path.exists() else {}
    expected["made"] = {
        "loom_v3.loom": summary(read_loom(HERE / "loom_v3.loom")),
        "loom_v3.loom#spliced": summary(read_loom(HERE / "loom_v3.loom", layer="spliced")),
        "loom_v2.loom": summary(read_loom(HERE / "loom_v2.loom", validate=False)),
        "sparse.h5seurat": summary(sparse), "dense.h5seurat": summary(dense)}
    if len(sys.argv) > 1:
        expected["real"] = read_real(pathlib.Path(sys.argv[1]) / "formats")
    expected_path.write_text(json.dumps(expected, indent=1) + "\n")


main()
