#!/usr/bin/env python3
"""Makes data/pbmc3k.h5ad, the bundled walk-through data (data/README.md).

    scripts/make_pbmc3k.py FOLDER [OUTPUT]

FOLDER holds filtered_gene_bc_matrices/hg19/{matrix.mtx,genes.tsv,barcodes.tsv}[.gz], the counts of
10x Genomics' PBMC3K, and labels.tsv, a table of barcode and cell type. Cells with a label are kept,
sorted by barcode. The same input gives the same bytes. Needs h5py, NumPy and SciPy.
"""
import gzip
import pathlib
import sys

import h5py
import numpy as np
import scipy.io
import scipy.sparse


def open_text(path):
    zipped = path.with_name(path.name + ".gz")
    return gzip.open(zipped, "rt") if zipped.exists() else open(path)


def make_unique(names):
    """Repeated symbols get the suffix -1, -2, ... as Scanpy gives it."""
    taken, seen, unique = set(names), {}, []
    for name in names:
        n = seen.get(name, 0)
        candidate = name
        while n > 0 and candidate in taken:
            candidate = f"{name}-{n}"
            n += 1
        seen[name] = max(n, 1)
        taken.add(candidate)
        unique.append(candidate)
    return unique


def encode(node, kind, version="0.2.0"):
    node.attrs["encoding-type"] = kind
    node.attrs["encoding-version"] = version
    return node


def packed(group, name, data):
    encode(group.create_dataset(name, data=data, chunks=(min(len(data), 65536),), shuffle=True,
                                compression="gzip", compression_opts=9, track_times=False),
           "string-array" if data.dtype.kind == "S" else "array")


def texts(group, name, values):
    # Of fixed length: HDF5 does not compress texts of variable length.
    data = np.array([value.encode() for value in values])
    packed(group, name, data.astype(h5py.string_dtype("utf-8", data.dtype.itemsize)))


def frame(root, name, index, order):
    group = encode(root.create_group(name), "dataframe")
    group.attrs["_index"] = "_index"
    group.attrs["column-order"] = np.array(order, dtype=object)
    texts(group, "_index", index)
    return group


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    root_of_project = pathlib.Path(__file__).resolve().parent.parent
    output = pathlib.Path(sys.argv[2]) if len(sys.argv) == 3 else root_of_project / "data" / "pbmc3k.h5ad"
    matrices = folder / "filtered_gene_bc_matrices" / "hg19"

    with open_text(matrices / "genes.tsv") as file:
        genes = [line.rstrip("\n").split("\t") for line in file]
    with open_text(matrices / "barcodes.tsv") as file:
        barcodes = [line.strip() for line in file]
    with open_text(folder / "labels.tsv") as file:
        labels = dict(line.rstrip("\n").split("\t") for line in file)
    matrix = next(path for path in (matrices / "matrix.mtx.gz", matrices / "matrix.mtx") if path.exists())
    counts = scipy.sparse.csr_matrix(scipy.io.mmread(matrix).T)

    kept = sorted((barcode, row) for row, barcode in enumerate(barcodes) if barcode in labels)
    counts = counts[[row for _, row in kept]]
    counts.sort_indices()
    if counts.data.min() < 1 or (counts.data != np.floor(counts.data)).any():
        sys.exit(f"{matrix}: holds values that are no counts")
    small = np.min_scalar_type(int(counts.data.max()))
    types = sorted({labels[barcode] for barcode, _ in kept})

    with h5py.File(output, "w", track_order=False) as file:
        encode(file, "anndata", "0.1.0")
        x = encode(file.create_group("X"), "csr_matrix", "0.1.0")
        x.attrs["shape"] = np.array(counts.shape, dtype=np.int64)
        packed(x, "data", counts.data.astype(small))
        # Both of one width: SciPy cannot slice a matrix that mixes them.
        packed(x, "indices", counts.indices.astype(np.int32))
        packed(x, "indptr", counts.indptr.astype(np.int32))
        obs = frame(file, "obs", [barcode for barcode, _ in kept], ["louvain"])
        louvain = encode(obs.create_group("louvain"), "categorical")
        louvain.attrs["ordered"] = False
        texts(louvain, "categories", types)
        packed(louvain, "codes", np.array([types.index(labels[b]) for b, _ in kept], dtype=np.int8))
        var = frame(file, "var", make_unique([name for _, name in genes]), ["gene_ids"])
        texts(var, "gene_ids", [gene_id for gene_id, _ in genes])
        for name in ("layers", "obsm", "obsp", "uns", "varm", "varp"):
            encode(file.create_group(name), "dict", "0.1.0")
    print(f"{output}: {counts.shape[0]} cells x {counts.shape[1]} genes, {counts.nnz} counts, "
          f"{output.stat().st_size} bytes")


if __name__ == "__main__":
    main()
