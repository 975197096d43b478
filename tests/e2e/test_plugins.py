"""HDF5 plug-ins are code from somewhere else: they are never loaded, whatever a file asks for."""

import os
import subprocess
import sys

import h5py
import pytest

from conftest import must, must_fail

PLUGIN = """
#include <cstdio>
#include <cstdlib>
__attribute__((constructor)) static void note() {
  if (const char* name = std::getenv("PLUGIN_WAS_LOADED")) std::fclose(std::fopen(name, "w"));
}
"""
UNKNOWN = 32099  # a filter that no library has
# Looks for it in the folder of plug-ins.
SEARCH = f"import h5py; h5py.h5z.filter_avail({UNKNOWN})"


@pytest.fixture
def plugins(tmp_path):
    """The environment of a program that would load a plug-in, and the file that then appears."""
    (tmp_path / "note.cpp").write_text(PLUGIN)
    folder = tmp_path / "plugins"
    folder.mkdir()
    subprocess.run(["c++", "-shared", "-fPIC", "-o", folder / "libnote.so", tmp_path / "note.cpp"], check=True)
    loaded = tmp_path / "loaded"
    return {**os.environ, "HDF5_PLUGIN_PATH": str(folder), "PLUGIN_WAS_LOADED": str(loaded)}, loaded


def write_with_filter(cells, path, number):
    """The cells, whose values claim to be packed by a filter of that number."""
    with h5py.File(cells) as source, h5py.File(path, "w") as file:
        for name in source:
            if name != "X":
                source.copy(name, file)
        for name, value in source.attrs.items():
            file.attrs[name] = value
        x = file.create_group("X")
        for name, value in source["X"].attrs.items():
            x.attrs[name] = value
        for name in ("indices", "indptr"):
            source.copy(f"X/{name}", x)
        values = source["X/data"][()]
        layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        layout.set_chunk((len(values),))
        layout.set_filter(number, h5py.h5z.FLAG_OPTIONAL, ())
        h5py.h5d.create(x.id, b"data", h5py.h5t.NATIVE_FLOAT, h5py.h5s.create_simple(values.shape), layout)
        data = h5py.Dataset(h5py.h5d.open(x.id, b"data"))
        data.id.write_direct_chunk((0,), values.astype("f4").tobytes())


def test_no_plugin_is_loaded(cells, model, plugins, tmp_path):
    environment, loaded = plugins
    path = tmp_path / "packed.h5ad"
    write_with_filter(cells, path, UNKNOWN)
    for command in (["inspect", path], ["predict", model, path, "-o", tmp_path / "x.tsv"]):
        assert str(UNKNOWN) in must_fail(3, *command, env=environment)
    must("inspect", cells, env=environment)
    assert not loaded.exists()
    # The trap works: a program with HDF5's defaults walks into it.
    subprocess.run([sys.executable, "-c", SEARCH], env=environment, check=True)
    assert loaded.exists()
