"""Reading the formats beside h5ad: saithe beside the reader that people use for each.

    python bench/compare_formats.py SAITHE READING_DRIVER [--cells 20000] [--rounds 3]
        [--files "h5ad, gzip;Loom"]

Simulated cells (20 000 genes, 850 stored values each) are written as h5ad (by rows, with several
filters and without; by columns; a tenth of them dense), 10x HDF5, gzip MTX, Loom, h5Seurat, Zarr (a folder
of version 2, the same zipped, version 3 with shards), and, a twentieth of them, as CSV. Each round reads
each file in a process of its own: with AnnData, Scanpy, loompy, pandas, or, as nothing in Python reads
h5Seurat, with h5py and SciPy; and with saithe, block by block. Both must find as many values. The files
are in the page cache. Prints Markdown.
"""

import argparse
import gzip
import pathlib
import shutil
import statistics
import sys
import tempfile

import anndata
import h5py
import hdf5plugin
import numpy as np
import scipy.sparse
import zarr

from peers import measure, print_table, run_child, spread

PEER = """
import json, sys, time, warnings
warnings.simplefilter("ignore")
import anndata, h5py, hdf5plugin, numpy, scipy.sparse, types, zarr
{imports}
def read_h5seurat(path):
    with h5py.File(path) as file:
        counts = file["assays/RNA/counts"]
        rows = [counts[name][()] for name in ("data", "indices", "indptr")]
        shape = tuple(counts.attrs["dims"][::-1])
        return types.SimpleNamespace(X=scipy.sparse.csr_matrix(tuple(rows), shape=shape))
def read_with_loompy(path):
    with loompy.connect(path, validate=False) as file:
        return types.SimpleNamespace(X=file.sparse().T.tocsr())
def read_with_pandas(path):
    return types.SimpleNamespace(X=pandas.read_csv(path, index_col=0).to_numpy())
def rows(cells):
    cells.X = cells.X.tocsr()
    return cells
start = time.perf_counter()
cells = {}
values = cells.X
count = values.nnz if scipy.sparse.issparse(values) else numpy.count_nonzero(values)
print(json.dumps({{"seconds": time.perf_counter() - start, "n_stored": int(count)}}))
"""

# The compressions of h5ad by rows, as h5py takes them.
FILTERS = {
    "h5ad, not compressed": {},
    "h5ad, gzip": {"compression": "gzip"},
    "h5ad, LZF": {"compression": "lzf"},
    "h5ad, zstd": dict(hdf5plugin.Zstd(clevel=3)),
    "h5ad, blosc": dict(hdf5plugin.Blosc(cname="lz4", clevel=5, shuffle=1)),
}

# What is read, by what as the name in the table and as Python.
PEERS = [
    *((name, "anndata.read_h5ad()", "anndata.read_h5ad(sys.argv[1])") for name in FILTERS),
    ("h5ad, dense, gzip", "anndata.read_h5ad()", "anndata.read_h5ad(sys.argv[1])"),
    ("h5ad by columns, gzip", "anndata.read_h5ad(), rows", "rows(anndata.read_h5ad(sys.argv[1]))"),
    ("10x HDF5", "scanpy.read_10x_h5()", "scanpy.read_10x_h5(sys.argv[1])"),
    ("MTX, gzip", "scanpy.read_10x_mtx()", "scanpy.read_10x_mtx(sys.argv[1], cache=False)"),
    ("Loom", "anndata's read_loom()", "anndata.io.read_loom(sys.argv[1], sparse=True)"),
    ("Loom", "loompy's sparse()", "read_with_loompy(sys.argv[1])"),
    ("h5Seurat", "h5py and SciPy", "read_h5seurat(sys.argv[1])"),
    ("Zarr", "anndata.read_zarr()", "anndata.read_zarr(sys.argv[1])"),
    ("Zarr, zipped", "anndata.read_zarr()",
     "anndata.read_zarr(zarr.storage.ZipStore(sys.argv[1], mode='r'))"),
    ("Zarr v3, sharded", "anndata.read_zarr()", "anndata.read_zarr(sys.argv[1])"),
    ("CSV", "anndata's read_csv()", "anndata.io.read_csv(sys.argv[1])"),
    ("CSV", "pandas.read_csv()", "read_with_pandas(sys.argv[1])"),
]


def script_of(expression):
    """What takes seconds to import is imported only where it reads."""
    imports = [f"import {name}" for name in ("loompy", "pandas", "scanpy") if name in expression]
    return PEER.format(expression, imports="\n".join(imports))


def write_filtered(cells, path, options):
    """With the values alone compressed: blosc dies of texts of varying lengths."""
    anndata.AnnData(obs=cells.obs, var=cells.var).write_h5ad(path)
    with h5py.File(path, "r+") as file:
        x = file.create_group("X")
        x.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0"})
        x.attrs["shape"] = np.array(cells.shape)
        for name in ("data", "indices", "indptr"):
            x.create_dataset(name, data=getattr(cells.X, name), **options)


def write_10x_h5(cells, path):
    with h5py.File(path, "w") as file:
        matrix = file.create_group("matrix")
        counts = cells.X.tocsr()
        for name, values in (("data", counts.data.astype(np.int32)),
                             ("indices", counts.indices.astype(np.int64)),
                             ("indptr", counts.indptr.astype(np.int64))):
            matrix.create_dataset(name, data=values, compression="gzip", shuffle=True,
                                  chunks=(min(80000, len(values)),))
        matrix.create_dataset("shape", data=np.array(counts.shape[::-1], dtype=np.int32))
        matrix.create_dataset("barcodes", data=np.array(cells.obs_names, dtype="S"))
        features = matrix.create_group("features")
        names = np.array(cells.var_names, dtype="S")
        for name, values in (("id", names), ("name", names),
                             ("feature_type", np.full(len(names), b"Gene Expression")),
                             ("genome", np.full(len(names), b"simulated"))):
            features.create_dataset(name, data=values)
        features.create_dataset("_all_tag_keys", data=np.array([b"genome"]))


def write_mtx(cells, folder):
    folder.mkdir()
    with gzip.open(folder / "matrix.mtx.gz", "wb", compresslevel=6) as file:
        # In Cell Ranger's order, cell after cell, which SciPy does not keep.
        entries = cells.X.tocoo()
        file.write(b"%%MatrixMarket matrix coordinate integer general\n%\n")
        file.write(f"{cells.n_vars} {cells.n_obs} {entries.nnz}\n".encode())
        for begin in range(0, entries.nnz, 1000000):
            part = slice(begin, begin + 1000000)
            table = np.column_stack([entries.col[part] + 1, entries.row[part] + 1,
                                     entries.data[part].astype(np.int64)])
            np.savetxt(file, table, fmt="%d")
    with gzip.open(folder / "barcodes.tsv.gz", "wt") as file:
        file.writelines(name + "\n" for name in cells.obs_names)
    with gzip.open(folder / "features.tsv.gz", "wt") as file:
        file.writelines(f"{name}\t{name}\tGene Expression\n" for name in cells.var_names)


def write_h5seurat(cells, path):
    """As SeuratDisk lays it out: R's columns are cells."""
    texts = h5py.string_dtype("utf-8")
    counts = cells.X.tocsr()
    with h5py.File(path, "w") as file:
        file.attrs["active.assay"] = np.array(["RNA"], dtype=texts)
        file.attrs["version"] = np.array(["3.1.5.9900"], dtype=texts)
        file.create_dataset("cell.names", data=np.array(cells.obs_names, dtype=texts))
        assay = file.create_group("assays/RNA")
        assay.create_dataset("features", data=np.array(cells.var_names, dtype=texts))
        group = assay.create_group("counts")
        group.attrs["dims"] = np.array(counts.shape[::-1], dtype=np.int32)
        for name, values in (("data", counts.data.astype(np.float64)), ("indices", counts.indices),
                             ("indptr", counts.indptr)):
            group.create_dataset(name, data=values, chunks=True, compression="gzip",
                                 compression_opts=4)


def write_sharded(cells, path):
    """Chunks of 2^16 values in shards of 2^20."""
    def write(write_element, group, key, element, dataset_kwargs, iospec):
        chunks = {"chunks": (1 << 16,), "shards": (1 << 20,)}
        sharded = chunks if iospec.encoding_type == "csr_matrix" else {}
        write_element(group, key, element, dataset_kwargs=dict(dataset_kwargs) | sharded)

    group = zarr.open_group(path, mode="w", zarr_format=3)
    anndata.experimental.write_dispatched(group, "/", cells, callback=write)


def write_csv(cells, path):
    with open(path, "w") as file:
        file.write("," + ",".join(cells.var_names) + "\n")
        for name, row in zip(cells.obs_names, cells.X.toarray().astype(np.int64)):
            file.write(name + "," + ",".join(map(str, row)) + "\n")


def write_h5ad(cells, path):
    cells.write_h5ad(path, compression="gzip")


def write_zipped(cells, path):
    unzipped = path.with_name("zipped.zarr")
    cells.write_zarr(unzipped)
    shutil.make_archive(str(path.with_suffix("")), "zip", unzipped)


def dense_of(cells):
    cells = cells.copy()
    cells.X = cells.X.toarray()
    return cells


def write_files(saithe, n_cells, folder, names):
    """The path of each of the files that are named."""
    source = folder / "cells.h5ad"
    run_child([saithe, "simulate", "-o", source, "--cells", n_cells, "--genes", 20000, "--seed", 4,
               "--quiet"])
    cells = anndata.read_h5ad(source)
    cells = anndata.AnnData(scipy.sparse.csr_matrix(cells.X), cells.obs[[]], cells.var[[]])
    writers = {
        **{name: (f"filter{i}.h5ad", lambda path, options=options: write_filtered(cells, path, options))
           for i, (name, options) in enumerate(FILTERS.items())},
        "h5ad, dense, gzip":
            ("dense.h5ad", lambda path: write_h5ad(dense_of(cells[:n_cells // 10]), path)),
        "h5ad by columns, gzip":
            ("columns.h5ad",
             lambda path: write_h5ad(anndata.AnnData(cells.X.tocsc(), cells.obs, cells.var), path)),
        "10x HDF5": ("cells.h5", lambda path: write_10x_h5(cells, path)),
        "MTX, gzip": ("mtx", lambda path: write_mtx(cells, path)),
        "Loom": ("cells.loom", cells.write_loom),
        "h5Seurat": ("cells.h5seurat", lambda path: write_h5seurat(cells, path)),
        "Zarr": ("cells.zarr", cells.write_zarr),
        "Zarr, zipped": ("cells.zarr.zip", lambda path: write_zipped(cells, path)),
        "Zarr v3, sharded": ("sharded.zarr", lambda path: write_sharded(cells, path)),
        "CSV": ("cells.csv", lambda path: write_csv(cells[:n_cells // 20], path))}
    paths = {}
    for name in names:
        file, write = writers[name]
        paths[name] = folder / file
        write(paths[name])
    return paths


def size_of(path):
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("saithe", type=pathlib.Path)
    parser.add_argument("driver", type=pathlib.Path)
    parser.add_argument("--cells", type=int, default=20000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--files", default="",
                        help="of the table, joined by semicolons; all, if none are named")
    arguments = parser.parse_args()
    names = [name for name in arguments.files.split(";") if name]
    unknown = set(names) - {name for name, _, _ in PEERS}
    if unknown:
        parser.error(f"--files: no {', '.join(sorted(unknown))}")
    peers = [peer for peer in PEERS if not names or peer[0] in names]
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        paths = write_files(arguments.saithe.resolve(), arguments.cells, pathlib.Path(folder),
                            dict.fromkeys(name for name, _, _ in peers))
        for name, peer, expression in peers:
            path = paths[name]
            commands = [[arguments.driver.resolve(), "decode", path],
                        [sys.executable, "-c", script_of(expression), path]]
            for command in commands:
                measure(command)  # into the page cache
            runs = [[measure(command) for command in commands] for _ in range(arguments.rounds)]
            if len({run["n_stored"] for both in runs for run in both}) != 1:
                sys.exit(f"{name}: not as many values: {runs[0]}")
            own, others = ([both[i] for both in runs] for i in range(2))
            rows.append([
                f"{name}, {own[0]['n_cells']} cells, {size_of(path) / 1e6:.0f} MB",
                spread([run["seconds"] for run in own], 2),
                f"{statistics.median(run['memory'] for run in own) / 1e6:.0f} MB",
                f"{peer}: " + spread([run["seconds"] for run in others], 2),
                f"{statistics.median(run['memory'] for run in others) / 1e6:.0f} MB",
                spread([b["seconds"] / a["seconds"] for a, b in runs], 1)])
    print_table(["file", "saithe, seconds", "memory", "peer, seconds", "memory", "times as fast"], rows)


if __name__ == "__main__":
    main()
