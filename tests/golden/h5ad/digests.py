"""What AnnData reads from an h5ad file, as lines that a test compares with what saithe reads.

usage: digests.py FOLDER FILE ...     prints one line per matrix of each FILE, a path in FOLDER

A line: file, place ("X", "raw", or the name of a layer), cells, genes, SHA-256 of the matrix (row
starts as int64, columns as int32, values as float32, no zeros), SHA-256 of the index and the text,
category, integer and boolean columns of obs (names and entries, each followed by a line feed).
real_files.tsv was made with Python 3.11, anndata 0.12.19, h5py 3.16.0:

    digests.py $SAITHE_TEST_DATA/formats anndata_archives/*/adata.h5ad pollock/*.h5ad \\
        tiledbsoma_pbmc_small/*.h5ad > real_files.tsv

and tests/oracle compares live.
"""

import hashlib
import sys
import warnings
from pathlib import Path

import anndata
import numpy as np
import pandas as pd
import scipy.sparse as sp


def matrix_digest(matrix):
    if sp.issparse(matrix):  # SciPy computes with one width of indices only
        wide = (matrix.data, matrix.indices.astype(np.int64), matrix.indptr.astype(np.int64))
        matrix = type(matrix)(wide, shape=matrix.shape)
    rows = sp.csr_matrix(matrix)
    rows.sum_duplicates()
    rows.eliminate_zeros()
    values = rows.data.astype(np.float32)
    digest = hashlib.sha256(rows.indptr.astype("<i8").tobytes())
    digest.update(rows.indices.astype("<i4").tobytes() + values.astype("<f4").tobytes())
    return digest.hexdigest()


def text_of(value):
    return "" if pd.isna(value) else str(value)


def table_digest(table):
    digest = hashlib.sha256()
    for name, column in [("", table.index), *table.items()]:
        if pd.api.types.is_float_dtype(column.dtype):
            continue
        lines = [name, *(text_of(value) for value in column)]
        digest.update("".join(line + "\n" for line in lines).encode())
    return digest.hexdigest()


def lines_of(folder, file):
    warnings.simplefilter("ignore")
    data = anndata.read_h5ad(Path(folder) / file)
    places = {} if data.X is None else {"X": data.X}
    if data.raw is not None:
        places["raw"] = data.raw.X
    places.update(data.layers)
    for place, matrix in places.items():
        yield "\t".join([str(file), place, *map(str, matrix.shape), matrix_digest(matrix),
                         table_digest(data.obs)])


if __name__ == "__main__":
    for name in sys.argv[2:]:
        for line in lines_of(sys.argv[1], name):
            print(line)
