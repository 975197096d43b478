"""Every data set under SAITHE_TEST_DATA/formats, and every small file of a kind that is committed:
the values, cells, genes and columns that saithe writes of it as an h5ad are those that AnnData,
Scanpy, loompy, zarr-python or h5py read from it (read_cells.py).

DATA_SETS names the reader of each. A file in these folders that no entry covers fails. What AnnData
itself reads is compared twice: as the newest AnnData reads it, and as Debian's 0.8 does.
"""

import fnmatch
import json
import os
import pathlib
import subprocess
import sys
import tarfile
from dataclasses import dataclass, field

import numpy as np
import pytest

from conftest import ROOT

SCRIPT = pathlib.Path(__file__).with_name("read_cells.py")
DEBIANS_PYTHON = "/usr/bin/python3"  # python3-anndata of Debian 12
TENX = "scanpy_10x/10x_data"
VISIUM = "scanpy_10x/visium_data"
MADE = [ROOT / "tests" / folder for folder in ("golden/formats", "golden/h5ad/forms", "golden/zarr",
                                               "fuzz/corpus")]


@dataclass
class DataSet:
    """How a data set is read: `form` and `options` by read_cells.py, `arguments` by saithe."""
    form: str
    options: dict = field(default_factory=dict)
    arguments: tuple = ()
    # A part of what AnnData 0.8 says where it does not read the file.
    error_of_08: str = ""
    # A part of saithe's line, where the file is refused because it holds no matrix.
    refused: str = ""

    @property
    def is_read_by_08(self):
        return self.form in ("h5ad", "zarr", "text", "umi_tools", "lone_mtx")


NO_ZARR_3 = "nothing found at path"  # Debian's zarr-python, 2.13, reads Zarr 2 alone
NO_MATRIX = "has no X, no raw and no layer of counts"

# Of SAITHE_TEST_DATA/formats. What follows # tells two readings of one file apart.
REAL = {
    "anndata_archives/v0.5.0/adata.h5ad": DataSet("h5ad"),
    "anndata_archives/v0.7.0/adata.h5ad": DataSet("h5ad"),
    "anndata_archives/v0.7.0/adata.zarr.zip": DataSet("zarr"),
    "anndata_archives/v0.7.8/adata.h5ad": DataSet("h5ad"),
    "anndata_archives/v0.7.8/adata.zarr.zip": DataSet("zarr"),
    "anndata_archives/v0.11.4/adata.h5ad": DataSet("h5ad", refused=NO_MATRIX),
    "anndata_archives/v0.11.4/adata.zarr.zip": DataSet("zarr", refused=NO_MATRIX),
    "anndata_archives/adata.csv": DataSet("text"),
    "anndata_archives/adata-comments.tsv": DataSet("text", {"delimiter": "\t"}),
    "anndata_archives/umi_tools.tsv.gz": DataSet("umi_tools"),
    "pollock/dummy_small_50x27131.h5ad": DataSet("h5ad"),
    "pollock/mini_expression_matrix.tsv": DataSet("text", {"delimiter": "\t", "genes_in": "rows"}),
    TENX + "/1.2.0/filtered_gene_bc_matrices/hg19_chr21": DataSet("tenx_mtx"),
    TENX + "/1.2.0/filtered_gene_bc_matrices_h5.h5": DataSet("tenx_h5"),
    TENX + "/1.2.0/multiple_genomes.h5#hg19_chr21": DataSet(
        "tenx_h5", {"genome": "hg19_chr21"}, ("--genome", "hg19_chr21")),
    TENX + "/1.2.0/multiple_genomes.h5#another_genome": DataSet(
        "tenx_h5", {"genome": "another_genome"}, ("--genome", "another_genome")),
    TENX + "/3.0.0/filtered_feature_bc_matrix": DataSet("tenx_mtx"),
    TENX + "/3.0.0/filtered_feature_bc_matrix.h5": DataSet("tenx_h5"),
    TENX + "/int-ids": DataSet("tenx_mtx"),
    VISIUM + "/1.0.0/filtered_feature_bc_matrix.h5": DataSet("tenx_h5"),
    VISIUM + "/2.1.0/raw_probe_bc_matrix.h5": DataSet("probes"),
    "seurat_pbmc_small/counts.mtx": DataSet("lone_mtx"),
    "tenx_v2_h5/heart_1k_v2_filtered_gene_bc_matrices_h5.h5": DataSet("tenx_h5"),
    "tiledbsoma_pbmc_small/pbmc-small.h5ad": DataSet("h5ad"),
    "tiledbsoma_pbmc_small/pbmc-small-x-csc.h5ad": DataSet("h5ad"),
    "tiledbsoma_pbmc_small/pbmc-small-x-csr.h5ad": DataSet("h5ad"),
    "tiledbsoma_pbmc_small/pbmc-small-x-dense.h5ad": DataSet("h5ad"),
    "tiledbsoma_pbmc_small/x-none.h5ad": DataSet("h5ad", refused=NO_MATRIX),
    # The archive is unpacked: its arrays have no word of AnnData in their attributes.
    "zarr_v2_10x10k_subset/10x-10k-subset.zarr.tar.gz": DataSet("zarr_of_tables"),
}
# Files without cells.
NOT_DATA = ["PROVENANCE.txt", VISIUM + "/*/spatial/*"]

# Of the folders that MADE names.
SMALL = {
    "golden/formats/loom_v2.loom": DataSet("loom"),
    "golden/formats/loom_v3.loom": DataSet("loom"),
    "golden/formats/dense.h5seurat": DataSet("h5seurat"),
    "golden/formats/sparse.h5seurat": DataSet("h5seurat"),
    "golden/h5ad/forms/big_endian.h5ad": DataSet("swapped_h5ad"),
    "golden/h5ad/forms/blosc_lz4.h5ad": DataSet("h5ad_with_plugins"),
    "golden/h5ad/forms/blosc_zstd.h5ad": DataSet("h5ad_with_plugins"),
    "golden/h5ad/forms/zstd.h5ad": DataSet("h5ad_with_plugins"),
    "golden/h5ad/forms/compound.h5ad": DataSet("h5ad"),
    "golden/h5ad/forms/nullable.h5ad": DataSet("h5ad", error_of_08="nullable-string-array"),
    "golden/zarr/v2.zarr.zip": DataSet("zarr"),
    "golden/zarr/v3.zarr.zip": DataSet("zarr", {"inside": "inner.zarr"}, error_of_08=NO_ZARR_3),
    "golden/zarr/v3_sharded.zarr.zip": DataSet("zarr", error_of_08=NO_ZARR_3),
    "fuzz/corpus/anndata_07.h5ad": DataSet("h5ad"),
    "fuzz/corpus/csc.h5ad": DataSet("h5ad"),
    "fuzz/corpus/csr.h5ad": DataSet("h5ad"),
    "fuzz/corpus/dense.h5ad": DataSet("h5ad"),
    "fuzz/corpus/lzf.h5ad": DataSet("h5ad"),
    "fuzz/corpus/cells.h5seurat": DataSet("h5seurat"),
    "fuzz/corpus/cells.loom": DataSet("loom"),
    "fuzz/corpus/counts.csv": DataSet("text", {"genes_in": "rows"}),
    "fuzz/corpus/counts.tsv.gz": DataSet("text", {"delimiter": "\t", "genes_in": "rows"}),
    "fuzz/corpus/counts.mtx": DataSet("lone_mtx"),
    "fuzz/corpus/counts.mtx.gz": DataSet("lone_mtx"),
    "fuzz/corpus/long.tsv": DataSet("long_table"),
    "fuzz/corpus/store.zarr.zip": DataSet("zarr"),
    "fuzz/corpus/tenx_mtx": DataSet("tenx_mtx"),
    "fuzz/corpus/tenx_mtx_gz": DataSet("tenx_mtx"),
    "fuzz/corpus/split_pipe": DataSet("split_pipe"),
    "fuzz/corpus/tenx_probes.h5": DataSet("probes"),
    "fuzz/corpus/tenx_v2.h5": DataSet("tenx_h5"),
    "fuzz/corpus/tenx_v3.h5": DataSet("tenx_h5"),
}
# codecs.zarr.zip is arrays alone, of which the C++ tests read each; a .folder is a folder's files in
# one file, as the fuzzer of folders takes them.
NO_CELLS = ["golden/*/expected.json", "golden/*/generate.py", "golden/zarr/codecs.zarr.zip",
            "fuzz/corpus/*.folder"]

DATA_SETS = {**REAL, **SMALL}


def without_data():
    return "SAITHE_TEST_DATA" not in os.environ


def formats():
    return pathlib.Path(os.environ["SAITHE_TEST_DATA"]) / "formats"


def file_of(name):
    return name.split("#")[0]


def not_covered(root, folders, table, ignored):
    """Files that no entry names, nor a folder that one names; entries of which there is no file."""
    entries = {file_of(name) for name in table}
    files = {str(path.relative_to(root)) for folder in folders for path in folder.rglob("*")
             if path.is_file() and "__pycache__" not in path.parts}
    unknown = {name for name in files
               if not any(name == entry or name.startswith(entry + "/") for entry in entries)
               and not any(fnmatch.fnmatch(name, pattern) for pattern in ignored)}
    return unknown, {entry for entry in entries if not (root / entry).exists()}


def test_every_small_file_is_in_the_table():
    assert not_covered(ROOT / "tests", MADE, SMALL, NO_CELLS) == (set(), set())


def test_every_real_data_set_is_in_the_table():
    if without_data():
        pytest.skip("SAITHE_TEST_DATA names no folder of test data")
    assert not_covered(formats(), [formats()], REAL, NOT_DATA) == (set(), set())


# ---- what the others read ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Name of a data set: its path."""
    paths = {name: ROOT / "tests" / file_of(name) for name in SMALL}
    for name in REAL if not without_data() else ():
        path = formats() / file_of(name)
        if path.name.endswith(".tar.gz"):
            folder = tmp_path_factory.mktemp("unpacked")
            with tarfile.open(path) as archive:
                archive.extractall(folder)
            (path,) = folder.iterdir()
        paths[name] = path
    return paths


class Readings:
    """What one Python reads, file by file; one process for all of them."""

    def __init__(self, python, tasks, folder):
        self.folder = folder
        self.numbers = {name: i for i, (name, *_) in enumerate(tasks)}
        (folder / "tasks.json").write_text(json.dumps(
            [{"name": name, "form": form, "path": str(path), "options": options}
             for name, form, path, options in tasks]))
        subprocess.run([python, "-B", SCRIPT, folder / "tasks.json", folder], check=True)

    def __getitem__(self, name):
        i = self.numbers[name]
        return (json.loads((self.folder / f"{i}.json").read_text()),
                np.load(self.folder / f"{i}.npz"))


@pytest.fixture(scope="module")
def newest(paths, tmp_path_factory):
    tasks = [(name, DATA_SETS[name].form, path, DATA_SETS[name].options)
             for name, path in paths.items()]
    return Readings(sys.executable, tasks, tmp_path_factory.mktemp("newest"))


@pytest.fixture(scope="module")
def debians(paths, tmp_path_factory):
    tasks = [(name, DATA_SETS[name].form, path, DATA_SETS[name].options)
             for name, path in paths.items() if DATA_SETS[name].is_read_by_08]
    return Readings(DEBIANS_PYTHON, tasks, tmp_path_factory.mktemp("debians"))


PLACES = {"X": ("--layer", "X"), "raw": ("--use-raw",)}


@pytest.fixture(scope="module")
def ours(program, paths, newest, tmp_path_factory):
    """(name, place) of what saithe converts: place None is the one that it takes by itself."""
    folder = tmp_path_factory.mktemp("converted")
    tasks = []
    for name, path in paths.items():
        data_set = DATA_SETS[name]
        if data_set.refused:
            continue
        theirs, _ = newest[name]
        if "error" in theirs:
            continue  # the test of that data set says so
        places = {None: ()}
        if data_set.form != "loom" and len(theirs["places"]) > 1:
            places.update({place: PLACES.get(place, ("--layer", place)) for place in theirs["places"]})
        elif data_set.form == "loom":
            places.update({place: ("--layer", place) for place in theirs["places"] if place != "X"})
        for place, arguments in places.items():
            out = folder / f"{len(tasks)}.h5ad"
            done = subprocess.run([program, "convert", path, out, *data_set.arguments, *arguments],
                                  capture_output=True, text=True)
            if done.returncode != 0:
                print(f"{name}, {place}: {done.stderr}")
                continue
            tasks.append(((name, place), "h5ad", out, {}))
    return Readings(sys.executable, tasks, tmp_path_factory.mktemp("ours"))


# ---- the comparison ---------------------------------------------------------------------------


def texts_of(column):
    """Values of texts, or of categories of texts; None where one is missing."""
    if column["kind"] != "category":
        return column["values"]
    levels = column["levels"]["values"]
    return [None if code < 0 else levels[code] for code in column["values"]]


def assert_same_columns(ours, theirs, where):
    assert list(ours) == list(theirs), where
    for name, expected in theirs.items():
        found = ours[name]
        if expected["kind"] == "text" and None in expected["values"]:
            # Text with gaps becomes a category (docs/file_formats.md).
            assert found["kind"] in ("text", "category"), f"{where}: {name}"
            assert texts_of(found) == expected["values"], f"{where}: {name}"
        else:
            assert found == expected, f"{where}: {name}"


def unique(names):
    """As AnnData makes them."""
    import anndata
    import pandas as pd

    return list(anndata.utils.make_index_unique(pd.Index(names)))


def assert_same_genes(found, expected, form, where):
    # A name that stands twice gets a suffix, as AnnData gives it.
    assert unique(found["names"]) == unique(expected["names"]), where
    if form in ("tenx_h5", "tenx_mtx", "probes"):
        ids = [str(gene) for gene in expected["columns"]["gene_ids"]["values"]]
        if ids != expected["names"]:  # otherwise saithe makes no column of them
            assert found["columns"]["gene_ids"]["values"] == ids, where
        return
    ours, theirs = dict(found["columns"]), dict(expected["columns"])
    if "gene_symbols" in ours and "gene_symbols" not in theirs:
        # Names that stand twice, before they got their suffixes.
        assert unique(ours.pop("gene_symbols")["values"]) == unique(expected["names"]), where
    if form == "loom":  # saithe's gene_ids stand where they were made, after the others
        theirs = {name: theirs[name] for name in sorted(theirs, key=list(ours).index)}
    assert_same_columns(ours, theirs, f"{where}: var")


def assert_same_matrix(found, of_place, expected, place, where):
    for part in ("indptr", "indices", "data"):
        assert np.array_equal(found[f"{of_place}/{part}"], expected[f"{place}/{part}"],
                              equal_nan=True), f"{where}: {part}"


def compare(name, ours, theirs):
    data_set = DATA_SETS[name]
    expected, matrices = theirs[name]
    assert "error" not in expected, f"{name}: {expected['error']}"
    assert expected["places"], f"{name}: no matrix was compared"
    compared = [place for place in [None, *expected["places"]] if (name, place) in ours.numbers]
    for place in compared:
        said, own_matrices = ours[name, place]
        where = f"{name}, {place or 'by itself'}"
        assert said["obs"]["names"] == expected["obs"]["names"], where
        if data_set.form not in ("tenx_h5", "probes"):  # Scanpy makes no columns of these
            assert_same_columns(said["obs"]["columns"], expected["obs"]["columns"], f"{where}: obs")
        if place is None and len(expected["places"]) > 1:
            continue  # which place it took is test_which_counts.py's to ask
        of_theirs = place or next(iter(expected["places"]))
        assert_same_genes(said["places"]["X"], expected["places"][of_theirs], data_set.form, where)
        assert_same_matrix(own_matrices, "X", matrices, of_theirs, where)
    assert None in compared and len(compared) > len(expected["places"]) - 1, f"{name}: {compared}"


def parameters(wanted=lambda data_set: True):
    return [pytest.param(name, id=name) for name, data_set in DATA_SETS.items()
            if not data_set.refused and wanted(data_set)]


def skip_if_not_there(name):
    if name in REAL and without_data():
        pytest.skip("SAITHE_TEST_DATA names no folder of test data")


@pytest.mark.parametrize("name", parameters())
def test_values_are_those_of_the_newest_reader(ours, newest, name):
    skip_if_not_there(name)
    compare(name, ours, newest)


@pytest.mark.parametrize("name", parameters(lambda data_set: data_set.is_read_by_08))
def test_values_are_those_of_debians_anndata(ours, debians, name):
    skip_if_not_there(name)
    said, _ = debians[name]
    assert said["anndata"].startswith("0.8."), said["anndata"]
    if DATA_SETS[name].error_of_08:
        assert DATA_SETS[name].error_of_08 in said["error"]
        return
    compare(name, ours, debians)


@pytest.mark.parametrize("name", [name for name, data_set in DATA_SETS.items() if data_set.refused])
def test_a_file_without_a_matrix_is_inspected_and_refused(program, paths, newest, tmp_path, name):
    skip_if_not_there(name)
    theirs, _ = newest[name]
    assert "error" not in theirs and theirs["places"] == {}
    done = subprocess.run([program, "convert", paths[name], tmp_path / "out.h5ad"],
                          capture_output=True, text=True)
    assert done.returncode == 3 and DATA_SETS[name].refused in done.stderr
    assert done.stderr.count("\n") == 1 and not (tmp_path / "out.h5ad").exists()
    said = json.loads(subprocess.run([program, "inspect", paths[name], "--json"], check=True,
                                     capture_output=True, text=True).stdout)
    assert said["n_cells"] == len(theirs["obs"]["names"])
    assert said["n_genes"] == len(theirs["var"]["names"])
    for table in ("obs", "var"):
        columns = theirs[table]["columns"]
        assert {column: one["n_values"] for column, one in said[table].items()} == {
            column: len(set(texts_of(one)) - {None}) for column, one in columns.items()}
