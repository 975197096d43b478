"""Cells written by hand in the forms that are read, for tests of several files.

Each `write_FORM(data, path)` writes the counts and names of an AnnData to the path, or beside it,
and returns the arguments that name them to the program.
"""

import gzip
import json
import shutil
import zlib

import h5py
import numpy as np
import pandas as pd
import scipy.io
import scipy.sparse

from conftest import write_tenx_folder


def dense(data):
    return data.X.toarray() if scipy.sparse.issparse(data.X) else data.X


def write_csv(data, path):
    frame = pd.DataFrame(dense(data).astype(int), data.obs_names, data.var_names)
    frame.to_csv(path)
    return [path, "--cells-in", "rows"]


def write_tsv_of_genes(data, path):
    """Genes x cells, as R's write.table leaves it: quotes, no corner, CRLF, gzip."""
    lines = ["\t".join(f'"{name}"' for name in data.obs_names)]
    for gene, values in zip(data.var_names, dense(data).astype(int).T):
        lines.append("\t".join([f'"{gene}"', *map(str, values)]))
    path = path.with_suffix(".tsv.gz")
    path.write_bytes(gzip.compress("\r\n".join(lines).encode()))
    return [path, "--cells-in", "columns"]


def write_long(data, path):
    x = scipy.sparse.coo_matrix(data.X)
    frame = pd.DataFrame({"gene": data.var_names[x.col], "cell": data.obs_names[x.row],
                          "count": x.data.astype(int)})
    frame.to_csv(path, sep="\t", index=False)
    return [path]


def write_geo(data, path):
    """With a prefix, and cells x genes, which the lengths of the tables tell."""
    with gzip.open(path.parent / "GSM1_matrix.mtx.gz", "wb") as file:
        scipy.io.mmwrite(file, scipy.sparse.csr_matrix(data.X).astype(int), field="integer")
    for name, names in (("genes", data.var_names), ("barcodes", data.obs_names)):
        text = "".join(name + "\n" for name in names)
        (path.parent / f"GSM1_{name}.tsv.gz").write_bytes(gzip.compress(text.encode()))
    return [path.parent / "GSM1_matrix.mtx.gz"]


def write_loom(data, path):
    with h5py.File(path, "w") as file:
        file.attrs["LOOM_SPEC_VERSION"] = "2.0.1"
        x = dense(data).T
        file.create_dataset("matrix", data=x, chunks=tuple(min(64, n) for n in x.shape),
                            compression="gzip")
        file["row_attrs/Gene"] = np.array(data.var_names, dtype="S")
        file["col_attrs/CellID"] = np.array(data.obs_names, dtype="S")
    return [path]


def write_h5seurat(data, path):
    texts = h5py.string_dtype()
    x = scipy.sparse.csr_matrix(data.X)
    with h5py.File(path, "w") as file:
        file.attrs["active.assay"] = np.array(["RNA"], dtype=texts)
        file["cell.names"] = np.array(data.obs_names, dtype=texts)
        file["assays/RNA/features"] = np.array(data.var_names, dtype=texts)
        counts = file.create_group("assays/RNA/counts")
        counts.attrs["dims"] = np.array(x.shape[::-1], dtype=np.int32)
        for name in ("data", "indices", "indptr"):
            counts[name] = getattr(x, name)
    return [path]


def write_mtx(data, path):
    write_tenx_folder(path, data)
    return [path]


def write_tenx_h5(data, path):
    """As Cell Ranger 3 writes it, with ids."""
    texts = h5py.string_dtype()
    x = scipy.sparse.csr_matrix(data.X)
    with h5py.File(path, "w") as file:
        matrix = file.create_group("matrix")
        matrix["barcodes"] = np.array(data.obs_names, dtype=texts)
        matrix["shape"] = np.array(x.shape[::-1], dtype=np.int32)
        matrix["data"] = x.data.astype(np.int32)
        matrix["indices"], matrix["indptr"] = x.indices.astype(np.int64), x.indptr.astype(np.int64)
        matrix["features/id"] = np.array([f"ENSG{i:011}" for i in range(data.n_vars)], dtype=texts)
        matrix["features/name"] = np.array(data.var_names, dtype=texts)
        matrix["features/feature_type"] = np.array(["Gene Expression"] * data.n_vars, dtype=texts)
    return [path]


def write_store(folder, data):
    """A store of version 2 as AnnData's, by hand: several chunks of 1000 each, zlib."""
    def put(key, content):
        path = folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())

    def group(name, **attributes):
        put(f"{name}.zgroup", {"zarr_format": 2})
        put(f"{name}.zattrs", attributes)

    def array(name, values, dtype, filters=None):
        put(f"{name}/.zarray", {"zarr_format": 2, "shape": [len(values)], "chunks": [1000],
                                "dtype": dtype, "compressor": {"id": "zlib", "level": 1},
                                "filters": filters, "fill_value": 0, "order": "C"})
        for i in range(0, len(values), 1000):
            part = values[i:i + 1000]
            if filters:
                sizes = [len(text).to_bytes(4, "little") + text for text in part]
                content = len(part).to_bytes(4, "little") + b"".join(sizes)
            else:
                content = np.pad(part, (0, 1000 - len(part))).astype(dtype).tobytes()
            put(f"{name}/{i // 1000}", zlib.compress(content))

    def texts(name, values):
        array(name, [text.encode() for text in values], "|O", [{"id": "vlen-utf8"}])

    group("", **{"encoding-type": "anndata", "encoding-version": "0.1.0"})
    for name, frame in (("obs/", data.obs), ("var/", data.var)):
        group(name, **{"encoding-type": "dataframe", "_index": "_index", "column-order": []})
        texts(f"{name}_index", frame.index)
    group("X/", **{"encoding-type": "csr_matrix", "shape": list(data.shape)})
    array("X/data", data.X.data, "<f4")
    array("X/indices", data.X.indices, "<i4")
    array("X/indptr", data.X.indptr, "<i8")


def write_zarr(data, path):
    write_store(path, data)
    return [path]


def write_zarr_zip(data, path):
    write_store(path.parent / "store", data)
    return [shutil.make_archive(str(path), "zip", path.parent / "store")]
