"""Makes tests/fuzz/corpus: one small file of each kind that is read.

usage: generate.py FOLDER

They are what the damage tests cut and flip bits of, and where the fuzzers start (of folders: one
file that holds their files). Written with anndata 0.8.0, h5py 3.7.0, Zarr laid out by hand, numpy 1.24.2 and scipy 1.10.1 (Debian 12).
"""

import gzip
import io
import json
import pathlib
import sys
import zipfile
import zlib

import anndata
import h5py
import numpy as np
import pandas as pd
import scipy.sparse

N_CELLS, N_GENES = 12, 9
TEXT = h5py.string_dtype()


def counts():
    """Cells x genes, the same everywhere."""
    cells, genes = np.indices((N_CELLS, N_GENES))
    return ((cells * 5 + genes * 3) % 7 % 4).astype(np.float32)


def cell_names():
    return [f"cell{i}" for i in range(N_CELLS)]


def gene_names():
    return [f"RPL{i}" for i in range(N_GENES)]


def write_h5ad(path, x, columns=(), **options):
    obs = pd.DataFrame({"cell_type": pd.Categorical(["T", "B", "NK"] * (N_CELLS // 3)),
                        "score": np.linspace(0, 1, N_CELLS, dtype=np.float32),
                        "is_good": np.arange(N_CELLS) % 2 == 0}, index=cell_names())
    anndata.AnnData(x, obs=obs[list(columns)], var=pd.DataFrame(index=gene_names()),
                    dtype=np.float32).write_h5ad(path, **options)


def write_sparse(group, matrix, **options):
    for name in ("data", "indices", "indptr"):
        group.create_dataset(name, data=getattr(matrix, name), **options)


def write_h5ad_07(path):
    """AnnData 0.7: categories behind object references."""
    with h5py.File(path, "w") as file:
        x = file.create_group("X")
        x.attrs["encoding-type"] = "csr_matrix"
        x.attrs["encoding-version"] = "0.1.0"
        x.attrs["shape"] = [N_CELLS, N_GENES]
        write_sparse(x, scipy.sparse.csr_matrix(counts()), chunks=(8,), compression="lzf")
        for name, index in (("obs", cell_names()), ("var", gene_names())):
            frame = file.create_group(name)
            frame.attrs["encoding-type"] = "dataframe"
            frame.attrs["encoding-version"] = "0.1.0"
            frame.attrs["_index"] = "_index"
            frame.attrs.create("column-order", ["cell_type"] if name == "obs" else [], dtype=TEXT)
            frame.create_dataset("_index", data=index, dtype=TEXT)
        levels = file.create_dataset("obs/__categories/cell_type", data=["B", "T"], dtype=TEXT)
        levels.attrs["ordered"] = False
        codes = file.create_dataset("obs/cell_type", data=np.arange(N_CELLS, dtype=np.int8) % 2)
        codes.attrs["categories"] = levels.ref


def write_tenx(path, version):
    matrix = scipy.sparse.csr_matrix(counts().astype(np.int32))
    ids = [f"ENSG{i:011}".encode() for i in range(N_GENES)]
    names = [name.encode() for name in gene_names()]
    options = {"chunks": (8,), "compression": "gzip", "shuffle": version == 3}
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix" if version == 3 else "GRCh38")
        write_sparse(group, matrix, **options)
        group["shape"] = np.array([N_GENES, N_CELLS], np.int32)
        group["barcodes"] = np.array([f"{name}-1".encode() for name in cell_names()])
        if version == 2:
            group["genes"] = np.array(ids)
            group["gene_names"] = np.array(names)
            return
        features = group.create_group("features")
        features["id"] = np.array(ids)
        features["name"] = np.array(names)
        features["feature_type"] = np.array([b"Gene Expression"] * (N_GENES - 1) + [b"Custom"])
        features["genome"] = np.array([b"GRCh38"] * N_GENES)


def write_probes(path):
    """A matrix of probes, two or three of a gene, one of them left out."""
    matrix = scipy.sparse.csr_matrix(counts().astype(np.int64))
    options = {"chunks": (8,), "compression": "gzip"}
    with h5py.File(path, "w") as file:
        group = file.create_group("matrix")
        write_sparse(group, matrix, **options)
        group["shape"] = np.array([N_GENES, N_CELLS], np.int32)
        group["barcodes"] = np.array([f"{name}-1".encode() for name in cell_names()])
        group["filtered_barcodes"] = np.arange(N_CELLS) % 4 != 0
        features = group.create_group("features")
        genes = [i // 2 if i < N_GENES - 1 else 0 for i in range(N_GENES)]
        features["id"] = np.array([f"probe{i}".encode() for i in range(N_GENES)])
        features["name"] = features["id"][:]
        features["gene_id"] = np.array([f"ENSG{gene:011}".encode() for gene in genes])
        features["gene_name"] = np.array([gene_names()[gene].encode() for gene in genes])
        features["feature_type"] = np.array([b"Gene Expression"] * N_GENES)
        features["genome"] = np.array([b"GRCh38"] * N_GENES)
        features["probe_region"] = np.array([b"spliced"] * N_GENES)
        features["filtered_probes"] = np.arange(N_GENES) != 3


def write_loom(path):
    with h5py.File(path, "w") as file:
        file.create_dataset("matrix", data=counts().T, chunks=(4, 4), compression="gzip",
                            fletcher32=True)
        file.create_dataset("row_attrs/Gene", data=gene_names(), dtype=TEXT)
        file.create_dataset("col_attrs/CellID", data=cell_names(), dtype=TEXT)
        file.create_dataset("col_attrs/total", data=counts().sum(axis=1))
        file.create_dataset("attrs/LOOM_SPEC_VERSION", data="3.0.0", dtype=TEXT)
        file.create_group("layers")


def write_h5seurat(path):
    with h5py.File(path, "w") as file:
        file.attrs["active.assay"] = "RNA"
        file.attrs["version"] = "4.0.0"
        file.create_dataset("cell.names", data=cell_names(), dtype=TEXT)
        file.create_dataset("assays/RNA/features", data=gene_names(), dtype=TEXT)
        group = file.create_group("assays/RNA/counts")
        group.attrs["dims"] = [N_GENES, N_CELLS]
        write_sparse(group, scipy.sparse.csr_matrix(counts().astype(np.float64)))
        file.create_dataset("meta.data/ident/levels", data=["a", "b"], dtype=TEXT)
        file["meta.data/ident/values"] = np.arange(N_CELLS, dtype=np.int32) % 2 + 1


def vlen_texts(values):
    data = b"".join(len(v).to_bytes(4, "little") + v.encode() for v in values)
    return len(values).to_bytes(4, "little") + data


def zarr2_files():
    """A store of Zarr 2 as its files."""
    files = {}

    def put_group(name, attributes):
        files[f"{name}.zgroup"] = json.dumps({"zarr_format": 2}).encode()
        files[f"{name}.zattrs"] = json.dumps(attributes).encode()

    def put_array(name, content, shape, dtype, attributes, filters=None):
        files[f"{name}/.zarray"] = json.dumps({
            "zarr_format": 2, "shape": shape, "chunks": shape, "dtype": dtype, "order": "C",
            "compressor": {"id": "zlib", "level": 6}, "filters": filters, "fill_value": 0}).encode()
        files[f"{name}/.zattrs"] = json.dumps(attributes).encode()
        files[f"{name}/" + ".".join("0" * len(shape))] = zlib.compress(content, 6)

    put_group("", {"encoding-type": "anndata", "encoding-version": "0.1.0"})
    matrix = scipy.sparse.csr_matrix(counts())
    put_group("X/", {"encoding-type": "csr_matrix", "encoding-version": "0.1.0",
                     "shape": [N_CELLS, N_GENES]})
    array = {"encoding-type": "array", "encoding-version": "0.2.0"}
    put_array("X/data", matrix.data.tobytes(), [matrix.nnz], "<f4", array)
    put_array("X/indices", matrix.indices.tobytes(), [matrix.nnz], "<i4", array)
    put_array("X/indptr", matrix.indptr.tobytes(), [N_CELLS + 1], "<i4", array)
    for name, index in (("obs", cell_names()), ("var", gene_names())):
        put_group(f"{name}/", {"encoding-type": "dataframe", "encoding-version": "0.2.0",
                               "_index": "_index", "column-order": []})
        put_array(f"{name}/_index", vlen_texts(index), [len(index)], "|O",
                  {"encoding-type": "string-array", "encoding-version": "0.2.0"},
                  [{"id": "vlen-utf8"}])
    return files


def zarr3_files():
    """A store of Zarr 3 as its files: chunks that are not packed, and the values in a shard."""
    files = {}

    def put(name, node):
        files[f"{name}zarr.json"] = json.dumps({"zarr_format": 3, **node}).encode()

    def put_group(name, attributes):
        put(name, {"node_type": "group", "attributes": attributes})

    def put_array(name, content, dtype, n, n_chunk, codecs, fill_value=0):
        put(f"{name}/", {"node_type": "array", "shape": [n], "data_type": dtype,
                         "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [n_chunk]}},
                         "chunk_key_encoding": {"name": "default"}, "codecs": codecs,
                         "fill_value": fill_value, "attributes": {}})
        width = len(content) // n
        for chunk, at in enumerate(range(0, n, n_chunk)):
            part = content[at * width:(at + n_chunk) * width].ljust(n_chunk * width, b"\0")
            if codecs[0]["name"] == "sharding_indexed":  # halves, and where they lie
                half = len(part) // 2
                part += b"".join(x.to_bytes(8, "little") for x in (0, half, half, half))
            files[f"{name}/c/{chunk}"] = part

    plain = [{"name": "bytes", "configuration": {"endian": "little"}}]
    put_group("", {"encoding-type": "anndata", "encoding-version": "0.1.0"})
    put_group("X/", {"encoding-type": "csr_matrix", "encoding-version": "0.1.0",
                     "shape": [N_CELLS, N_GENES]})
    matrix = scipy.sparse.csr_matrix(counts())
    shard = [{"name": "sharding_indexed",
              "configuration": {"chunk_shape": [20], "codecs": plain, "index_codecs": plain,
                                "index_location": "end"}}]
    put_array("X/data", matrix.data.tobytes(), "float32", matrix.nnz, 40, shard)
    put_array("X/indices", matrix.indices.tobytes(), "int32", matrix.nnz, 30, plain)
    put_array("X/indptr", matrix.indptr.tobytes(), "int32", N_CELLS + 1, N_CELLS + 1, plain)
    for name, index in (("obs", cell_names()), ("var", gene_names())):
        columns = ["score"] if name == "obs" else []
        put_group(f"{name}/", {"encoding-type": "dataframe", "encoding-version": "0.2.0",
                               "_index": "_index", "column-order": columns})
        put(f"{name}/_index/", {
            "node_type": "array", "shape": [len(index)], "data_type": "string",
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [len(index)]}},
            "chunk_key_encoding": {"name": "default"}, "codecs": [{"name": "vlen-utf8"}],
            "fill_value": "", "attributes": {"encoding-type": "string-array",
                                             "encoding-version": "0.2.0"}})
        files[f"{name}/_index/c/0"] = vlen_texts(index)
    put_array("obs/score", np.linspace(0, 1, N_CELLS).tobytes(), "float64", N_CELLS, N_CELLS, plain)
    return files


def write_zarr(path):
    """Zarr 2 in a zip without compression, so that damage reaches the metadata and the codecs."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as store:
        for name, content in zarr2_files().items():
            store.writestr(zipfile.ZipInfo(name), content)  # no time of day


def write_packed_folder(path, files):
    """A folder as one input of a fuzzer: see unpack_folder() of fuzz_reader.h."""
    path.write_bytes(b"".join(b"\n@@ " + name.encode() + b"\n" + content
                              for name, content in files.items()))


def gzipped(text):
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", mtime=0) as file:
        file.write(text.encode())
    return packed.getvalue()


def matrix_market(values):
    """Entries of a table of whole numbers, row by row."""
    entries = [f"{i + 1} {j + 1} {value}" for (i, j), value in np.ndenumerate(values) if value]
    return "\n".join(["%%MatrixMarket matrix coordinate integer general",
                      f"{values.shape[0]} {values.shape[1]} {len(entries)}", *entries, ""])


def write_folders(folder):
    """MTX with its tables: 10x's, plain and packed, and split-pipe's (cells x genes)."""
    values = counts().astype(int)
    ids = [f"ENSG{i:011}" for i in range(N_GENES)]
    tenx = {"matrix.mtx": matrix_market(values.T),
            "barcodes.tsv": "".join(f"{name}-1\n" for name in cell_names()),
            "features.tsv": "".join(f"{gene}\t{name}\t{kind}\n" for gene, name, kind in zip(
                ids, gene_names(), ["Gene Expression"] * (N_GENES - 1) + ["Custom"]))}
    split_pipe = {
        "DGE.mtx": matrix_market(values),
        "all_genes.csv": "gene_id,gene_name,genome\n" + "".join(
            f"{gene},{name},hg38\n" for gene, name in zip(ids, gene_names())),
        "cell_metadata.csv": "bc_wells,sample,share,tscp_count\n" + "".join(
            f"{name},s{i % 2},{i / 8},{values[i].sum()}\n" for i, name in enumerate(cell_names()))}
    for name, files, is_packed in (("tenx_mtx", tenx, False), ("tenx_mtx_gz", tenx, True),
                                   ("split_pipe", split_pipe, False)):
        (folder / name).mkdir(exist_ok=True)
        contents = {f"{file}.gz" if is_packed else file: gzipped(text) if is_packed else text.encode()
                    for file, text in files.items()}
        for file, content in contents.items():
            (folder / name / file).write_bytes(content)
        write_packed_folder(folder / f"{name}.folder", contents)


def write_texts(folder):
    values = counts().astype(int)
    entries = [f"{gene + 1} {cell + 1} {values[cell, gene]}"
               for cell in range(N_CELLS) for gene in range(N_GENES) if values[cell, gene]]
    mtx = "\n".join(["%%MatrixMarket matrix coordinate integer general",
                     f"{N_GENES} {N_CELLS} {len(entries)}", *entries, ""])
    csv = "\n".join(["," + ",".join(f'"{name}"' for name in cell_names())] +
                    [",".join([f'"{gene}"', *map(str, values[:, i])])
                     for i, gene in enumerate(gene_names())] + [""])
    table = "\n".join(["gene\tcell\tcount"] +
                      [f"{gene}\t{cell}\t{values[c, g]}" for c, cell in enumerate(cell_names())
                       for g, gene in enumerate(gene_names())] + [""])
    (folder / "counts.mtx").write_text(mtx)
    (folder / "counts.mtx.gz").write_bytes(gzipped(mtx))
    (folder / "counts.csv").write_text(csv)
    (folder / "counts.tsv.gz").write_bytes(gzipped(csv.replace(",", "\t")))
    (folder / "long.tsv").write_text(table)


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    write_h5ad(folder / "csr.h5ad", scipy.sparse.csr_matrix(counts()),
               ["cell_type", "score", "is_good"], compression="gzip")
    # h5py says nothing of the chunk's size where texts are packed by lzf.
    write_h5ad(folder / "lzf.h5ad", scipy.sparse.csr_matrix(counts()),
               ["cell_type", "score", "is_good"], compression="lzf")
    write_h5ad(folder / "csc.h5ad", scipy.sparse.csc_matrix(counts()))
    write_h5ad(folder / "dense.h5ad", counts(), compression="gzip")
    write_h5ad_07(folder / "anndata_07.h5ad")
    write_tenx(folder / "tenx_v2.h5", 2)
    write_tenx(folder / "tenx_v3.h5", 3)
    write_probes(folder / "tenx_probes.h5")
    write_loom(folder / "cells.loom")
    write_h5seurat(folder / "cells.h5seurat")
    write_zarr(folder / "store.zarr.zip")
    write_packed_folder(folder / "zarr_v2.folder", zarr2_files())
    write_packed_folder(folder / "zarr_v3.folder", zarr3_files())
    write_texts(folder)
    write_folders(folder)


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
