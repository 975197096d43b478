#!/usr/bin/env python3
"""Makes the Zarr stores of this folder and expected.json, what AnnData and zarr-python read of them.

    generate.py

Versions are in expected.json: anndata 0.12.19, zarr 3.1.6, numcodecs 0.16.6 (tests/golden/requirements.txt).

    v2.zarr.zip          AnnData in Zarr v2, entries stored; X csr, layers csc and dense, raw
    v3.zarr.zip          the same in Zarr v3, inside a folder of the archive, entries deflated
    v3_sharded.zarr.zip  the same with chunks of 4 in shards of 8 (the layout of AnnData 0.13)
    codecs.zarr.zip      one array for each compression, type, order and layout of chunks
"""
import json
import pathlib
import shutil
import sys
import tempfile
import warnings
import zipfile

import anndata
import numcodecs
import numpy as np
import pandas as pd
import scipy.sparse
import zarr
import zarr.codecs

FOLDER = pathlib.Path(__file__).parent
# Folder inside of the archive, and how its entries are stored.
PACKED = {"v2": ("", zipfile.ZIP_STORED), "v3": ("inner.zarr/", zipfile.ZIP_DEFLATED),
          "v3_sharded": ("", zipfile.ZIP_DEFLATED)}
DATE = (2020, 1, 1, 0, 0, 0)  # the same input gives the same bytes


def example():
    random = np.random.default_rng(5)
    counts = random.poisson(0.7, (13, 7)).astype(np.float32)
    counts[4] = 0
    obs = pd.DataFrame(index=[f"cell-{i}" for i in range(13)])
    obs["louvain"] = pd.Categorical.from_codes(
        [0, 1, 2, 1, 0, -1, 2, 2, 1, 0, 0, 1, 2], ["B", "T \u03b1\u03b2", "NK"], ordered=True)
    obs["plate"] = pd.Categorical([3, 7, 7, 3, 3, 3, 7, 3, 7, 3, 3, 3, 7])
    obs["age"] = np.arange(13) * 3 - 4
    obs["score"] = np.linspace(-1, 1, 13).astype(np.float32)
    obs["weight"] = np.linspace(0, 1e9, 13)
    obs["is_primary"] = np.arange(13) % 3 == 0
    obs["zeros"] = np.zeros(13, dtype=np.int64)
    obs["name"] = [f"n\u00e4me {i}" if i != 3 else "" for i in range(13)]
    obs["maybe_int"] = pd.array([1, None, 3] + [None] * 10, dtype="Int64")
    obs["maybe_bool"] = pd.array([True, None, False] + [True] * 10, dtype="boolean")
    var = pd.DataFrame({"gene_ids": [f"ENSG{i:011d}" for i in range(7)]},
                       index=["A", "B", "C", "D-1", "E", "F", "G"])
    data = anndata.AnnData(scipy.sparse.csr_matrix(counts), obs, var)
    data.raw = data[:, ::-1].copy()
    data.layers["by_gene"] = scipy.sparse.csc_matrix(counts * 2)
    data.layers["dense"] = counts + 1
    data.layers["integers"] = scipy.sparse.csr_matrix(counts.astype(np.uint16))
    data.obsm["X_pca"] = random.normal(size=(13, 2))
    data.uns["what"] = "a test"
    return data


def columns(frame):
    """What saithe's Table.as_text() gives."""
    texts = {}
    for name in frame.columns:
        values = []
        for value in frame[name]:
            if pd.isna(value):
                values.append("")
            elif isinstance(value, (bool, np.bool_)):
                values.append(str(bool(value)))
            elif isinstance(value, (int, np.integer)):
                values.append(str(int(value)))
            elif isinstance(value, (float, np.floating)):
                values.append(float(value))
            else:
                values.append(str(value))
        texts[name] = values
    return texts


def dense(matrix):
    return np.asarray(matrix.todense() if scipy.sparse.issparse(matrix) else matrix,
                      dtype=np.float64).tolist()


def facts(path):
    data = anndata.read_zarr(path)
    return {
        "obs_names": data.obs_names.tolist(), "var_names": data.var_names.tolist(),
        "obs": columns(data.obs), "var": columns(data.var), "X": dense(data.X),
        "layers": {name: dense(layer) for name, layer in data.layers.items()},
        "raw": {"var_names": data.raw.var_names.tolist(), "X": dense(data.raw.X)},
    }


def pack(folder, output, prefix="", method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(output, "w", method) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                info = zipfile.ZipInfo(prefix + str(path.relative_to(folder)), DATE)
                info.compress_type = method
                archive.writestr(info, path.read_bytes())


def write_sharded(path, data):
    group = zarr.open_group(path, mode="w", zarr_format=3)

    def write(func, group, key, elem, dataset_kwargs, iospec):
        is_array = iospec.encoding_type in ("array", "string-array")
        kwargs = dict(dataset_kwargs)
        if is_array and getattr(elem, "size", 0) > 0 and getattr(elem, "ndim", 0) >= 1:
            kwargs |= {"chunks": (4,) * elem.ndim, "shards": (8,) * elem.ndim}
        elif iospec.encoding_type in ("csr_matrix", "csc_matrix"):
            kwargs |= {"chunks": (4,), "shards": (8,)}
        func(group, key, elem, dataset_kwargs=kwargs)

    anndata.experimental.write_dispatched(group, "/", data, callback=write)
    zarr.consolidate_metadata(group.store)


def make_codecs(path):
    """Arrays by name; each is compared as numbers or texts."""
    group = zarr.open_group(path, mode="w", zarr_format=2)
    numbers = (np.arange(50) ** 2 % 97).astype(np.float32)
    expected = {}

    def add(name, values, read=None, **options):
        array = group.create_array(name, shape=values.shape, dtype=values.dtype,
                                   **({"chunks": (16,) * values.ndim} | options))
        array[...] = values
        expected[name] = (values if read is None else read).tolist()

    packers = {"zstd": numcodecs.Zstd(), "gzip": numcodecs.GZip(), "zlib": numcodecs.Zlib(),
               "lz4": numcodecs.LZ4(), "none": None}
    packers |= {f"blosc_{name}": numcodecs.Blosc(cname=name, shuffle=shuffle)
                for name, shuffle in (("lz4", 1), ("lz4hc", 0), ("zlib", 1), ("zstd", 2),
                                      ("blosclz", 1))}
    for name, packer in packers.items():
        add(f"v2_{name}", numbers, compressors=packer)
    add("v2_shuffle", numbers, filters=[numcodecs.Shuffle(4)], compressors=numcodecs.Zlib())
    for dtype in (">f4", ">f8", "<f2", "<f8", "|i1", "<i2", ">i4", "<i8", "|u1", ">u2", "<u4",
                  "<u8", "|b1"):
        add("v2_type_" + dtype.replace("<", "le_").replace(">", "be_").replace("|", ""),
            (numbers % 2 if dtype == "|b1" else numbers).astype(dtype))
    add("v2_bytes", np.array([b"ab", b"", b"abcd"], "S4"), np.array(["ab", "", "abcd"]))
    add("v2_utf32", np.array(["\u00e4b", "", "\U0001f9ec"], "U3"))
    add("v2_utf32_be", np.array(["\u00e4b", "", "\U0001f9ec"], ">U3"),
        np.array(["\u00e4b", "", "\U0001f9ec"]))
    grid = np.arange(35, dtype=np.float32).reshape(7, 5)
    add("v2_rows", grid, chunks=(3, 2))
    add("v2_fortran", grid, chunks=(3, 2), order="F")
    add("v2_nested", grid, chunks=(3, 2),
        chunk_key_encoding={"name": "v2", "separator": "/"})
    holes = numbers.copy()
    holes[16:32] = 7
    add("v2_missing", holes, fill_value=7, config={"write_empty_chunks": False})
    assert not (pathlib.Path(path) / "v2_missing" / "1").exists()

    inner = zarr.open_group(path + "/v3", mode="w", zarr_format=3)
    group = inner
    codecs = zarr.codecs
    add("v3_zstd", numbers, compressors=codecs.ZstdCodec(checksum=True))
    add("v3_gzip", numbers, compressors=codecs.GzipCodec())
    add("v3_blosc", numbers, compressors=codecs.BloscCodec(cname="zstd", shuffle="bitshuffle"))
    add("v3_crc32c", numbers, compressors=[codecs.ZstdCodec(), codecs.Crc32cCodec()])
    add("v3_none", numbers, compressors=None)
    add("v3_big_endian", numbers, serializer=codecs.BytesCodec(endian="big"))
    add("v3_v2_keys", grid, chunks=(3, 2), chunk_key_encoding={"name": "v2", "separator": "."})
    add("v3_sharded", numbers, chunks=(4,), shards=(12,))
    add("v3_sharded_rows", grid, chunks=(2, 1), shards=(4, 3))
    holes = numbers.copy()
    holes[4:8] = 0
    holes[24:36] = 0
    add("v3_sharded_missing", holes, chunks=(4,), shards=(12,),
        config={"write_empty_chunks": False})
    start = codecs.ShardingCodec(chunk_shape=(4,), index_location="start",
                                 codecs=[codecs.BytesCodec(), codecs.GzipCodec()])
    array = zarr.create(store=group.store, path="v3_sharded_start", shape=(50,), chunks=(12,),
                        dtype="float32", codecs=[start], zarr_format=3)
    array[...] = numbers
    expected["v3_sharded_start"] = numbers.tolist()
    texts = np.array(["a", "", "\u00e4\u00f6", "long " * 20], dtype=object)
    array = group.create_array("v3_texts", shape=(4,), chunks=(3,), dtype="string")
    array[...] = texts
    expected["v3_texts"] = texts.tolist()
    array = group.create_array("v3_utf32", shape=(3,), chunks=(3,), dtype="<U3")
    array[...] = np.array(["\u00e4b", "", "xyz"])
    expected["v3_utf32"] = ["\u00e4b", "", "xyz"]
    return expected


def main():
    warnings.simplefilter("ignore")
    anndata.settings.allow_write_nullable_strings = True
    expected = {"versions": {"anndata": anndata.__version__, "zarr": zarr.__version__,
                             "numcodecs": numcodecs.__version__,
                             "python": sys.version.split()[0]}, "stores": {}}
    with tempfile.TemporaryDirectory() as temporary:
        folder = pathlib.Path(temporary)
        for name, version in (("v2", 2), ("v3", 3), ("v3_sharded", 3)):
            anndata.settings.zarr_write_format = version
            store = folder / f"{name}.zarr"
            data = example()
            if name == "v3_sharded":
                data.obs["maybe_text"] = pd.array(["x", None] + ["y"] * 11, dtype="string")
                write_sharded(str(store), data)
            else:
                data.write_zarr(store)
            expected["stores"][name] = facts(store)
            pack(store, FOLDER / f"{name}.zarr.zip", *PACKED[name])
        store = folder / "codecs.zarr"
        expected["codecs"] = make_codecs(str(store))
        pack(store, FOLDER / "codecs.zarr.zip", method=zipfile.ZIP_DEFLATED)
    (FOLDER / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    main()
