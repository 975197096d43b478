"""Every feature value of PBMC3K against Scanpy's."""

import anndata
import numpy as np
import scanpy as sc
from conftest import PBMC3K, load_features

TOLERANCE = 1e-5


def test_every_feature_is_scanpys(run_driver):
    run = run_driver("article", 3, 100, "off")
    cells = anndata.read_h5ad(PBMC3K)
    cells.X = cells.X.astype(np.float32)
    sc.pp.filter_cells(cells, min_genes=200)
    sc.pp.filter_genes(cells, min_cells=3)
    cells.var["mt"] = cells.var_names.str.startswith("MT-")
    sc.pp.calculate_qc_metrics(cells, qc_vars=["mt"], percent_top=None, log1p=False, inplace=True)
    cells = cells[(cells.obs.n_genes_by_counts < 2500) & (cells.obs.pct_counts_mt < 5)].copy()
    sc.pp.normalize_total(cells, target_sum=1e4)
    sc.pp.log1p(cells)
    sc.pp.scale(cells)

    assert (run.folder / "barcodes.txt").read_text().split() == list(cells.obs_names)
    assert (run.folder / "genes.txt").read_text().split() == list(cells.var_names)
    z, labels, _ = load_features(run)
    difference = np.abs(z - np.asarray(cells.X)).max()
    print(f"\nlargest difference of {z.size} scaled values: {difference:.1e}")
    assert difference < TOLERANCE
    assert [run.types[label] for label in labels] == list(cells.obs["louvain"])
