"""What AnnData, Scanpy, loompy, h5py and zarr-python read from files, for test_formats.py.

usage: PYTHON read_cells.py TASKS FOLDER

TASKS is JSON, a list of {"name", "form", "path", "options"}. Of task i FOLDER/i.json holds the names
of cells, their columns, and for each place with a matrix ("X", "raw", layers) the genes with their
columns; FOLDER/i.npz the matrices. Where a reader throws, i.json holds its error. Runs under any
Python with AnnData 0.8 or later; readers of other packages are imported where a form needs them.
"""

import gzip
import json
import pathlib
import sys
import tempfile
import warnings

import anndata
import numpy as np
import pandas as pd
import scipy.sparse


def plain(value):
    """A value as JSON holds it: None where it is missing."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, bytes):
        return value.decode()
    return value.item() if isinstance(value, np.generic) else value


def column_of(values):
    """Its kind, values and, of a category, levels and whether they are ordered."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        levels = values.cat.categories
        of_levels = column_of(pd.Series(levels))
        return {"kind": "category", "values": values.cat.codes.astype(int).tolist(), "levels": of_levels,
                "ordered": bool(values.cat.ordered)}
    kind = values.dtype.kind if isinstance(values.dtype, np.dtype) else {
        "Int": "i", "UIn": "i", "boo": "b", "Flo": "f"}.get(str(values.dtype)[:3], "O")
    kind = {"i": "whole number", "u": "whole number", "f": "number", "b": "boolean"}.get(kind, "text")
    return {"kind": kind, "values": [plain(value) for value in values.tolist()]}


def table_of(frame):
    return {"names": [str(name) for name in frame.index],
            "columns": {str(name): column_of(frame[name]) for name in frame}}


def rows_of(matrix):
    """As csr: float32, no zeros, each cell and gene once, sorted."""
    rows = scipy.sparse.csr_matrix(matrix)
    rows = scipy.sparse.csr_matrix((rows.data.astype(np.float64), rows.indices, rows.indptr), rows.shape)
    rows.sum_duplicates()
    rows.data = rows.data.astype(np.float32)
    rows.eliminate_zeros()
    rows.sort_indices()
    return rows


# ---- a reader for each form -------------------------------------------------------------------


def read_h5ad(path):
    return anndata.read_h5ad(path)


def read_h5ad_with_plugins(path):
    import hdf5plugin  # noqa: F401  (its filters are registered when it is imported)

    return anndata.read_h5ad(path)


def read_swapped_h5ad(path):
    """big_endian.h5ad as h5py reads it: AnnData refuses or garbles the other order of bytes."""
    import h5py

    def native(values):
        return values.astype(values.dtype.newbyteorder("="))

    def sparse(group):
        kind = {"csr_matrix": scipy.sparse.csr_matrix, "csc_matrix": scipy.sparse.csc_matrix}
        parts = [native(group[part][:]) for part in ("data", "indices", "indptr")]
        parts[1], parts[2] = parts[1].astype(np.int64), parts[2].astype(np.int64)
        return kind[group.attrs["encoding-type"]](tuple(parts), shape=tuple(group.attrs["shape"]))

    with h5py.File(path) as file:
        tables = {}
        for name in ("obs", "var"):
            group = file[name]
            order = group.attrs["column-order"] if len(group.attrs["column-order"]) else []
            columns = {}
            for column in order:
                held = group[column]
                if isinstance(held, h5py.Group):
                    columns[column] = pd.Categorical.from_codes(
                        held["codes"][:], held["categories"].asstr()[:], bool(held.attrs["ordered"]))
                else:
                    columns[column] = held.asstr()[:] if held.dtype.kind in "OS" else native(held[:])
            index = group[group.attrs["_index"]].asstr()[:]
            tables[name] = pd.DataFrame(columns, index=index)
        # SciPy has no half floats.
        layers = {name: sparse(held) if isinstance(held, h5py.Group) else held[:].astype(np.float64)
                  for name, held in file["layers"].items()}
        return anndata.AnnData(sparse(file["X"]), tables["obs"], tables["var"], layers=layers)


def read_zarr(path, inside=""):
    import zarr

    store = zarr.storage.ZipStore(path, mode="r")
    if zarr.__version__.startswith("2."):  # which opens stores, but no groups of them
        return anndata.read_zarr(store)
    return anndata.read_zarr(zarr.open_group(store, path=inside, mode="r"))


def read_zarr_of_tables(path):
    """X, and records as obs and var, without AnnData's attributes: zarr-python alone."""
    import zarr

    group = zarr.open(path, mode="r")
    tables = {name: pd.DataFrame.from_records(group[name][:]) for name in ("obs", "var")}
    for name, table in tables.items():
        index = table.columns[0]
        texts = [v.decode() if isinstance(v, bytes) else str(v) for v in table[index]]
        tables[name] = table.drop(columns=index).set_axis(texts)
    return anndata.AnnData(group["X"][:], tables["obs"], tables["var"])


def read_tenx_h5(path, genome=None):
    import scanpy

    return scanpy.read_10x_h5(path, genome=genome)


def read_probes(path):
    """The probes that are not excluded, added up by gene in the order of the file."""
    data = read_tenx_h5(path)
    data = data[:, data.var.filtered_probes.values]
    genes = list(dict.fromkeys(data.var.gene_ids))
    index = {gene: i for i, gene in enumerate(genes)}
    columns = [index[gene] for gene in data.var.gene_ids]
    sums = scipy.sparse.csr_matrix((np.ones(len(columns)), (range(len(columns)), columns)))
    names = data.var.groupby("gene_ids", observed=True).gene_name.first()[genes]
    return anndata.AnnData(data.X @ sums, data.obs, pd.DataFrame({"gene_ids": genes}, index=list(names)))


def read_tenx_mtx(path):
    """Scanpy reads a features.tsv only if it is packed."""
    import scanpy

    folder = pathlib.Path(path)
    if not (folder / "features.tsv").exists():
        return scanpy.read_10x_mtx(folder)
    with tempfile.TemporaryDirectory() as packed:
        for file in folder.iterdir():
            (pathlib.Path(packed) / f"{file.name}.gz").write_bytes(gzip.compress(file.read_bytes()))
        return scanpy.read_10x_mtx(packed)


def read_split_pipe(path):
    """As Parse's own notebooks do: the matrix by SciPy, the tables by pandas."""
    import scipy.io

    folder = pathlib.Path(path)
    genes = pd.read_csv(folder / "all_genes.csv", index_col="gene_name")
    return anndata.AnnData(scipy.sparse.csr_matrix(scipy.io.mmread(folder / "DGE.mtx")),
                           pd.read_csv(folder / "cell_metadata.csv", index_col="bc_wells"),
                           genes.rename(columns={"gene_id": "gene_ids"}))


def read_lone_mtx(path):
    """Genes x cells without names, which saithe numbers."""
    data = anndata.read_mtx(path) if not hasattr(anndata, "io") else anndata.io.read_mtx(path)
    data = data.T.copy()
    data.obs_names = [f"cell_{i + 1}" for i in range(data.n_obs)]
    data.var_names = [f"gene_{i + 1}" for i in range(data.n_vars)]
    return data


def read_text(path, delimiter=",", genes_in="columns"):
    readers = anndata.io if hasattr(anndata, "io") else anndata
    data = readers.read_csv(path, delimiter=delimiter)
    return data if genes_in == "columns" else data.T


def read_umi_tools(path):
    return (anndata.io if hasattr(anndata, "io") else anndata).read_umi_tools(path)


def read_long_table(path):
    """Which of UMI-tools' columns is which is told by their names: pandas."""
    lines = pd.read_csv(path, sep="\t")
    table = lines.pivot_table("count", "cell", "gene", aggfunc="sum", fill_value=0)
    return anndata.AnnData(table.astype(np.float32))


def read_loom(path):
    """loompy's connection; attributes of two axes are left out."""
    import loompy

    with loompy.connect(path, mode="r", validate=False) as file:
        def table(attributes, index):
            held = {name: attributes[name] for name in attributes.keys()}
            names = held.pop(index)
            return pd.DataFrame({name: values for name, values in held.items() if values.ndim == 1},
                                index=names)

        obs, var = table(file.ca, "CellID"), table(file.ra, "Gene")
        var = var.rename(columns={"Accession": "gene_ids"})  # as saithe and Scanpy call ids
        layers = {name: layer[:, :].T for name, layer in file.layers.items() if name != ""}
        return anndata.AnnData(file[:, :].T, obs, var, layers=layers)


def read_h5seurat(path):
    """Counts of the active assay by h5py, as SeuratDisk lays them out (it is R)."""
    import h5py

    def one(value):
        return value if isinstance(value, str) else np.atleast_1d(value)[0]

    with h5py.File(path) as file:
        assay = file["assays"][one(file.attrs["active.assay"])]
        counts = assay["counts"]
        if isinstance(counts, h5py.Group):
            by_gene = scipy.sparse.csc_matrix(
                (counts["data"][:], counts["indices"][:], counts["indptr"][:]),
                shape=tuple(counts.attrs["dims"]))
            x = by_gene.T
        else:
            x = counts[:]
        meta = file["meta.data"] if "meta.data" in file else {}
        attributes = getattr(meta, "attrs", {})
        logicals = list(attributes.get("logicals", []))
        columns = {}
        for name in attributes.get("colnames", [name for name in meta if name != "_index"]):
            held = meta[name]
            if isinstance(held, h5py.Group):
                codes = held["values"][:].astype(np.int64) - 1
                codes[codes < 0] = -1  # R's NA is the smallest number
                columns[name] = pd.Categorical.from_codes(codes, held["levels"].asstr()[:])
            elif name in logicals:
                values = held[:]
                columns[name] = pd.array([None if v == 2 else bool(v) for v in values], dtype="boolean")
            else:
                columns[name] = held.asstr()[:] if held.dtype.kind == "O" else held[:]
        cells = file["cell.names"].asstr()[:]
        return anndata.AnnData(scipy.sparse.csr_matrix(x), pd.DataFrame(columns, index=cells),
                               pd.DataFrame(index=assay["features"].asstr()[:]))


READERS = {name.removeprefix("read_"): reader for name, reader in list(globals().items())
           if name.startswith("read_")}


def places_of(data):
    """Name: (matrix, table of genes)."""
    places = {} if data.X is None else {"X": (data.X, data.var)}
    if data.raw is not None:
        places["raw"] = (data.raw.X, data.raw.var)
    places.update({name: (values, data.var) for name, values in data.layers.items() if name is not None})
    return places


def main(tasks, folder):
    folder = pathlib.Path(folder)
    for i, task in enumerate(json.loads(pathlib.Path(tasks).read_text())):
        said, matrices = {"anndata": anndata.__version__}, {}
        try:
            data = READERS[task["form"]](task["path"], **task["options"])
            said.update({"obs": table_of(data.obs), "var": table_of(data.var), "places": {}})
            for place, (matrix, var) in places_of(data).items():
                rows = rows_of(matrix)
                said["places"][place] = table_of(var)
                for part in ("data", "indices", "indptr"):
                    matrices[f"{place}/{part}"] = getattr(rows, part)
        except Exception as error:  # whatever a reader throws is what it says of the file
            said["error"] = f"{type(error).__name__}: {error}"
        (folder / f"{i}.json").write_text(json.dumps(said))
        np.savez(folder / f"{i}.npz", **matrices)


if __name__ == "__main__":
    warnings.simplefilter("ignore")  # of names that stand twice, of old files
    main(*sys.argv[1:])
