"""The novelty score on real cells of types that the reference lacks."""

import anndata
import numpy as np
import pytest
from sklearn import metrics

from conftest import SOURCE, must, rows_of


@pytest.mark.parametrize("left_out", ["B cells", "FCGR3A+ Monocytes", "NK cells"])
def test_novelty_tells_unknown_types_better_than_the_highest_probability(tmp_path, left_out):
    data = anndata.read_h5ad(SOURCE / "data/pbmc3k.h5ad")
    is_new = (data.obs["louvain"] == left_out).to_numpy()
    is_training = ~is_new & (np.random.default_rng(0).random(data.n_obs) < 0.7)
    for name, chosen in (("reference", is_training), ("query", ~is_training)):
        data[chosen].copy().write_h5ad(tmp_path / f"{name}.h5ad")
    must("train", tmp_path / "reference.h5ad", "--label-key", "louvain", "-o", tmp_path / "m", "--preset", "fast",
         "--no-find-suspects", "--validate", "held-out")
    must("predict", tmp_path / "m", tmp_path / "query.h5ad", "-o", tmp_path / "labels.tsv")
    header, *rows = rows_of(tmp_path / "labels.tsv")
    is_new = is_new[~is_training]
    novelty = metrics.roc_auc_score(is_new, [float(row[header.index("novelty")]) for row in rows])
    doubt = metrics.roc_auc_score(is_new, [-float(row[header.index("confidence")]) for row in rows])
    assert novelty > 0.8 and novelty > doubt + 0.1
