"""Predicting from a file on a slow disk: does reading wait for computing?

    sudo python bench/slow_disk.py SAITHE READING_DRIVER [--cells 100000] [--megabytes 50] [--rounds 3]

Simulated cells (20 000 genes, 850 stored values each) in a gzip h5ad. A control group (of version 1 or
2) limits what its processes read of the file's disk to so many megabytes a second. Each round measures,
with an empty page cache, reading the file's bytes alone (cat) and predicting from it; and, from the page
cache, predicting. Were one done after the other, the second would take the sum of the others. Needs
root, and empties the machine's page cache. Prints Markdown.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

from compare_reading import simulate, train_small
from peers import print_table, run_child, spread

CGROUP = pathlib.Path("/sys/fs/cgroup")
FRESH = "sync; echo 3 > /proc/sys/vm/drop_caches; "


def whole_disk(path):
    """major:minor of the disk on which a file lies; limits hold for whole disks."""
    device = os.stat(path).st_dev
    place = pathlib.Path(f"/sys/dev/block/{os.major(device)}:{os.minor(device)}").resolve()
    if (place / "partition").exists():
        place = place.parent
    return (place / "dev").read_text().strip()


def limited_group(path, bytes_per_second):
    """The file to which a process writes 0 to read no faster."""
    disk = whole_disk(path)
    if (CGROUP / "cgroup.controllers").exists():
        (CGROUP / "cgroup.subtree_control").write_text("+io")
        group = CGROUP / "saithe-slow-disk"
        group.mkdir(exist_ok=True)
        (group / "io.max").write_text(f"{disk} rbps={bytes_per_second}")
        return group / "cgroup.procs"
    group = CGROUP / "blkio" / "saithe-slow-disk"
    group.mkdir(exist_ok=True)
    (group / "blkio.throttle.read_bps_device").write_text(f"{disk} {bytes_per_second}")
    return group / "tasks"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("saithe", type=pathlib.Path)
    parser.add_argument("driver", type=pathlib.Path)
    parser.add_argument("--cells", type=int, default=100000)
    parser.add_argument("--megabytes", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if os.geteuid() != 0:
        sys.exit("needs root: it limits the disk and empties the page cache")
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = pathlib.Path(name).resolve()
        model = train_small(arguments.saithe.resolve(), folder)
        path = folder / "query.h5ad"
        simulate(arguments.saithe.resolve(), path, arguments.cells, 2)
        subprocess.run(["sync"], check=True)
        tasks = limited_group(path, arguments.megabytes * 10**6)
        driver = arguments.driver.resolve()
        predict = f"{driver} predict {model} {path} > /dev/null"
        # What else the program needs is read before the limit holds.
        slow = f"{FRESH} cat {driver} {model} > /dev/null; {driver} > /dev/null 2>&1; echo 0 > {tasks}; "
        commands = {"the file's bytes alone, slow disk": slow + f"cat {path} > /dev/null",
                    "predicting, slow disk": slow + predict,
                    "predicting, from the page cache": predict}
        seconds = {name: [] for name in commands}
        for _ in range(arguments.rounds):
            for what, command in commands.items():
                seconds[what].append(run_child(["sh", "-c", command])[1])
        print(f"## {path.stat().st_size / 1e6:.0f} MB, {arguments.megabytes} MB/s\n")
        print_table(["what", "seconds"], [[name, spread(own, 2)] for name, own in seconds.items()])


if __name__ == "__main__":
    main()
