"""The table of `saithe predict` as cells' metadata of a Seurat object, by the two lines of R that
docs/file_formats.md names. Needs R with Seurat (Debian: r-cran-seurat); skips without them.
"""

import csv
import shutil
import subprocess

import anndata
import numpy as np
import pytest
import scipy.io

from conftest import PBMC3K

N_CELLS = 200

ADD_METADATA = r"""
suppressMessages(library(Seurat))
folders <- commandArgs(trailingOnly = TRUE)
object <- CreateSeuratObject(Read10X(folders[1]))
labels <- read.delim(folders[2], row.names = 1, quote = "", na.strings = "")
stopifnot(identical(rownames(labels), colnames(object)))
object <- Seurat::AddMetaData(object, labels)
Idents(object) <- "predicted"
cat(ncol(object), length(levels(Idents(object))), class(object$confidence), class(object$novelty), "\n")
write.table(object[[]], folders[3], sep = "\t", quote = FALSE)
"""


@pytest.fixture(scope="module")
def rscript():
    found = shutil.which("Rscript")
    has_seurat = found and subprocess.run(
        [found, "-e", "stopifnot(requireNamespace('Seurat', quietly = TRUE))"],
        capture_output=True).returncode == 0
    if not has_seurat:
        pytest.skip("there is no R with Seurat here (Debian: r-cran-seurat)")
    return found


def write_mtx(folder):
    cells = anndata.read_h5ad(PBMC3K)[:N_CELLS]
    folder.mkdir()
    scipy.io.mmwrite(folder / "matrix.mtx", cells.X.T.astype(int))
    (folder / "barcodes.tsv").write_text("".join(f"{name}\n" for name in cells.obs_names))
    (folder / "genes.tsv").write_text("".join(f"{name}\t{name}\n" for name in cells.var_names))


def test_labels_are_taken_as_metadata(program, rscript, tmp_path):
    mtx, table, script = tmp_path / "mtx", tmp_path / "labels.tsv", tmp_path / "add_metadata.R"
    write_mtx(mtx)
    subprocess.run([program, "predict", "pbmc3k", mtx, "-o", table, "--quiet"], check=True)
    script.write_text(ADD_METADATA)
    done = subprocess.run([rscript, script, mtx, table, tmp_path / "metadata.tsv"],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ours = list(csv.DictReader(open(table), delimiter="\t"))
    n_types = len({row["predicted"] for row in ours})
    assert done.stdout.split() == [str(N_CELLS), str(n_types), "numeric", "numeric"]
    lines = [line.rstrip("\n").split("\t") for line in open(tmp_path / "metadata.tsv")]
    columns, rows = lines[0], {line[0]: line[1:] for line in lines[1:]}
    assert list(rows) == [row["barcode"] for row in ours]
    for row in ours:
        theirs = dict(zip(columns, rows[row["barcode"]]))
        assert theirs["predicted"] == row["predicted"]
        assert theirs["runner_up"] == row["runner_up"]
        assert np.isclose(float(theirs["confidence"]), float(row["confidence"]), rtol=1e-6)
