"""Large files for tests, and how much memory a run takes that reads them."""

import os
import pathlib
import subprocess
import time

import h5py
import numpy as np

from conftest import PROGRAM


def write_frame(file, name, names):
    frame = file.create_group(name)
    frame.attrs.update({"encoding-type": "dataframe", "encoding-version": "0.2.0",
                        "_index": "_index"})
    frame.attrs["column-order"] = np.array([], dtype=h5py.string_dtype())
    frame.create_dataset("_index", data=np.array(names, dtype="S"), compression="gzip", shuffle=True)


def write_all_but_values(file, n_cells, names):
    """An h5ad of which the group X waits for its three arrays."""
    file.attrs.update({"encoding-type": "anndata", "encoding-version": "0.1.0"})
    write_frame(file, "obs", [f"c{i}" for i in range(n_cells)])
    write_frame(file, "var", names)
    x = file.create_group("X")
    x.attrs.update({"encoding-type": "csr_matrix", "encoding-version": "0.1.0"})
    x.attrs["shape"] = np.array([n_cells, len(names)])
    return x


def peak_megabytes(*arguments):
    """Of a run that succeeds."""
    program = [PROGRAM, *map(str, arguments), "--quiet"]
    script = ("import resource, subprocess, sys; done = subprocess.run(sys.argv[1:]).returncode; "
              "print(done, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)")
    said = subprocess.run(["/usr/bin/python3", "-c", script, *program], capture_output=True, text=True)
    code, kilobytes = said.stdout.split()
    assert code == "0", said.stderr
    return int(kilobytes) / 1000


def peak_of_all_processes(*arguments):
    """Megabytes of a run that succeeds, of the program and its children together: what they share
    counts once."""
    def members(process):
        yield process
        try:
            for task in os.listdir(f"/proc/{process}/task"):
                for child in pathlib.Path(f"/proc/{process}/task/{task}/children").read_text().split():
                    yield from members(int(child))
        except OSError:  # it has just ended
            pass

    def kilobytes(process):
        try:
            lines = pathlib.Path(f"/proc/{process}/smaps_rollup").read_text().splitlines()
        except OSError:
            return 0
        return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))

    peak = 0
    with subprocess.Popen([PROGRAM, *map(str, arguments), "--quiet"], stderr=subprocess.PIPE) as run:
        while run.poll() is None:
            peak = max(peak, sum(kilobytes(process) for process in members(run.pid)))
            time.sleep(0.02)
        assert run.returncode == 0, run.stderr.read()
    return peak / 1000
