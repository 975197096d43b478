"""Makes the small h5ad files of forms/, of forms that no small real file shows.

usage: generate.py       writes forms/*.h5ad and forms.tsv beside this script

Python 3.11, anndata 0.12.19, h5py 3.16.0, hdf5plugin 7.1.0. forms.tsv holds what AnnData reads from
them (digests.py).
"""

import shutil
import warnings
from pathlib import Path

import anndata
import h5py
import hdf5plugin
import numpy as np
import pandas as pd
import scipy.sparse as sp

from digests import lines_of

HERE = Path(__file__).parent
FORMS = HERE / "forms"
CELLS, GENES = 60, 24


def counts(seed):
    random = np.random.default_rng(seed)
    return np.floor(random.random((CELLS, GENES)) ** 9 * 60).astype(np.float32)


def small_data(matrix):
    barcodes = [f"cell{i}" for i in range(CELLS)]
    obs = pd.DataFrame({
        "type": pd.Categorical([["B", "T\u03b3\u03b4", "NK cells"][i % 3] for i in range(CELLS)]),
        "plate": [f"p{i % 4}" for i in range(CELLS)],
        "n": np.arange(CELLS, dtype=np.int64) * 3,
        "good": np.arange(CELLS) % 2 == 0,
    }, index=barcodes)
    var = pd.DataFrame(index=[f"gene{i}" for i in range(GENES)])  # column-order: float64 (0,)
    return anndata.AnnData(matrix, obs=obs, var=var)


def plain(name):
    data = small_data(sp.csr_matrix(counts(1)))
    data.layers["dense"] = counts(2).astype(np.float64)
    data.layers["by_gene"] = sp.csc_matrix(counts(3)).astype(np.int32)
    data.write_h5ad(FORMS / name, convert_strings_to_categoricals=False)


def packed(name, **options):
    """Numbers and fixed-length texts packed; hdf5plugin's blosc crashes on texts of any length."""
    plain(name)
    with h5py.File(FORMS / name, "r+") as file:
        for group in (file["X"], file["layers/by_gene"]):
            for part in ("data", "indices", "indptr"):
                replace(group, part, group[part][:], chunks=(100,), **options)
        replace(file["layers"], "dense", file["layers/dense"][:], chunks=(50, 7), **options)
        replace(file["obs"], "n", file["obs/n"][:], chunks=(33,), **options)
        replace(file["obs/type"], "codes", file["obs/type/codes"][:], chunks=(33,), **options)
        barcodes = file["obs/_index"].asstr()[:].astype("S9")
        replace(file["obs"], "_index", barcodes, chunks=(50,), **options)
    without_holes(name)


def nullable_texts():
    data = small_data(sp.csr_matrix(counts(4)))
    data.obs.index = data.obs.index.astype("string")
    data.var.index = data.var.index.astype("string")
    texts = pd.array(["x", None, "z"] * (CELLS // 3), dtype="string")
    data.obs["text"] = texts
    data.obs["n_or_none"] = pd.array([1, None, 3] * (CELLS // 3), dtype="Int64")
    data.obs["type"] = pd.Categorical.from_codes(
        [i % 4 - 1 for i in range(CELLS)], pd.array(["B", "T", "NK"], dtype="string"))
    data.uns["nothing"] = None
    with anndata.settings.override(allow_write_nullable_strings=True,
                                   write_csr_csc_indices_with_min_possible_dtype=True):
        data.write_h5ad(FORMS / "nullable.h5ad", convert_strings_to_categoricals=False)
    without_holes("nullable.h5ad")


def replace(group, name, values, **options):
    attributes = dict(group[name].attrs)
    del group[name]
    if "chunks" in options:
        options["chunks"] = tuple(map(min, options["chunks"], values.shape))
    new = group.create_dataset(name, data=values, **options)
    new.attrs.update(attributes)


def without_holes(name):
    """Deleted datasets leave their space behind: the file is copied without it."""
    with h5py.File(FORMS / name) as old, h5py.File(
            FORMS / "new", "w", libver=("v110", "v110")) as new:
        new.attrs.update(old.attrs)
        for key in old:
            old.copy(key, new)
    (FORMS / "new").rename(FORMS / name)


def big_endian():
    """AnnData cannot read it: what it reads before the bytes are turned round is what is expected."""
    plain("big_endian.h5ad")
    lines = list(lines_of(HERE, "forms/big_endian.h5ad"))
    lines += [line.replace("\tdense\t", "\thalf\t") for line in lines if "\tdense\t" in line]
    options = {"shuffle": True, "fletcher32": True, "compression": "gzip"}
    with h5py.File(FORMS / "big_endian.h5ad", "r+") as file:
        for group, kind in [(file["X"], ">u2"), (file["layers/by_gene"], ">f8")]:
            replace(group, "data", group["data"][:].astype(kind), chunks=(100,), **options)
            replace(group, "indices", group["indices"][:].astype(">u8"), chunks=(64,), **options)
            replace(group, "indptr", group["indptr"][:].astype(">i4"))
        dense = file["layers/dense"][:]
        replace(file["layers"], "dense", dense.astype(">i2"), chunks=(50, 7), **options)
        file["layers"].create_dataset("half", data=dense.astype("<f2"))
        file["layers/half"].attrs.update(file["layers/dense"].attrs)
        replace(file["obs"], "n", file["obs/n"][:].astype(">i4"))
        barcodes = file["obs/_index"].asstr()[:].astype("S9")
        replace(file["obs"], "_index", barcodes)
    without_holes("big_endian.h5ad")
    return lines


def compound_tables():
    """AnnData 0.5 and 0.6."""
    n = np.arange(CELLS)
    obs = np.zeros(CELLS, dtype=[("index", "S9"), ("type", "i1"), ("one", "i4"), ("n", "u2"),
                                 ("share", "f4"), ("good", "?"), ("word", h5py.string_dtype())])
    obs["index"] = [f"cell{i}".encode() for i in n]
    obs["type"], obs["n"], obs["share"], obs["good"] = n % 3 - 1, n, n / 7, n % 2 == 0
    obs["word"] = [f"w\u00e9{i}" for i in n]
    var = np.zeros(GENES, dtype=[("index", "S9"), ("type", "i1")])  # codes too large for obs's names
    var["index"], var["type"] = [f"gene{i}".encode() for i in range(GENES)], np.arange(GENES)
    with h5py.File(FORMS / "compound.h5ad", "w") as file:
        file.create_dataset("obs", data=obs, compression="lzf")
        file.create_dataset("var", data=var)
        file.create_dataset("raw.var", data=var)
        for name, matrix in [("X", sp.csc_matrix(counts(5) - 1)), ("raw.X", sp.csr_matrix(counts(6)))]:
            group = file.create_group(name)
            group.attrs["h5sparse_format"] = matrix.format
            group.attrs["h5sparse_shape"] = np.array(matrix.shape)
            for part in ("data", "indices", "indptr"):
                group.create_dataset(part, data=getattr(matrix, part), compression="lzf")
        file["uns/type_categories"] = np.array(["B", "T"], dtype="S4")
        file["uns/one_categories"] = "the only one"
        file.create_dataset("obsm", data=np.zeros(CELLS, dtype=[("X_pca", "<f4", (2,))]))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    shutil.rmtree(FORMS, ignore_errors=True)
    FORMS.mkdir()
    blosc = hdf5plugin.Blosc(cname="lz4", clevel=5, shuffle=hdf5plugin.Blosc.SHUFFLE)
    packed("blosc_lz4.h5ad", **blosc)
    blosc = hdf5plugin.Blosc(cname="zstd", clevel=9, shuffle=hdf5plugin.Blosc.BITSHUFFLE)
    packed("blosc_zstd.h5ad", **blosc)
    zstd = hdf5plugin.Zstd(clevel=3)
    packed("zstd.h5ad", **zstd)
    lines = big_endian()
    nullable_texts()
    compound_tables()
    lines += [line for path in sorted(FORMS.glob("*.h5ad")) if path.name != "big_endian.h5ad"
              for line in lines_of(HERE, path.relative_to(HERE))]
    (HERE / "forms.tsv").write_text("".join(line + "\n" for line in lines))
