"""Tables that predict writes beside or instead of the plain one: compressed, per cluster, per donor."""

import collections
import gzip

import anndata
import numpy as np
import pytest

from conftest import must, must_fail, rows_of

TYPES = ["B cells", "CD14+ Monocytes", "CD4 T cells"]


@pytest.fixture(scope="module")
def clustered(cells, tmp_path_factory):
    """The cells in clusters that are no types: one of a single type, a mixed one, a tie, and cells without one."""
    data = anndata.read_h5ad(cells)
    types = data.obs.cell_type.astype(str).to_numpy()
    assert sorted(set(types)) == TYPES
    cluster = np.array([""] * len(types), dtype=object)
    b, mono, t4 = [np.flatnonzero(types == name) for name in TYPES]
    cluster[b[:10]] = "pure"
    cluster[np.concatenate([t4[:12], b[10:16], mono[:2]])] = "mixed"  # 60 % CD4 T cells
    cluster[np.concatenate([mono[2:7], t4[12:17]])] = "tie"
    data.obs["cluster"] = cluster
    data.obs.loc[cluster == "", "cluster"] = np.nan
    path = tmp_path_factory.mktemp("clustered") / "clustered.h5ad"
    data.write_h5ad(path)
    return path


@pytest.fixture(scope="module")
def fast(cells, tmp_path_factory):
    path = tmp_path_factory.mktemp("fast") / "fast.saithe"
    must("train", cells, "--label-key", "cell_type", "-o", path, "--preset", "fast", "--validate", "none")
    return path


def counted(predicted, groups):
    """{group: (cells, of each type, unassigned)} of the predictions, counted here."""
    of_group = collections.defaultdict(collections.Counter)
    for name, group in zip(predicted, groups):
        if group == group and group is not None:  # a missing entry is NaN
            of_group[group][name] += 1
    return {group: [sum(n.values()), *(n[name] for name in TYPES), n["unassigned"]]
            for group, n in of_group.items()}


def test_a_name_that_ends_in_gz_is_compressed_and_holds_the_same(fast, clustered, tmp_path):
    for suffix in ("tsv", "tsv.gz"):
        must("predict", fast, clustered, "-o", tmp_path / f"cells.{suffix}", "--probabilities",
             tmp_path / f"matrix.{suffix}", "--majority-vote", "cluster", "--cluster-table",
             tmp_path / f"clusters.{suffix}", "--donor-key", "donor", "--donor-table",
             tmp_path / f"donors.{suffix}")
    for name in ("cells", "matrix", "clusters", "donors"):
        plain = (tmp_path / f"{name}.tsv").read_bytes()
        packed = (tmp_path / f"{name}.tsv.gz").read_bytes()
        assert packed[:2] == b"\x1f\x8b" and len(packed) < len(plain) + 64
        assert gzip.decompress(packed) == plain
        assert plain.count(b"\n") > 1
    line = must_fail(1, "predict", fast, clustered, "-o", tmp_path / "cells.tsv.gz")
    assert "cells.tsv.gz" in line


def test_the_table_of_donors_counts_each_donors_cells_of_each_type(fast, cells, tmp_path):
    must("predict", fast, cells, "-o", tmp_path / "cells.tsv", "--donor-key", "donor", "--donor-table",
         tmp_path / "donors.tsv")
    donors = anndata.read_h5ad(cells).obs.donor.astype(str)
    wanted = counted([row[1] for row in rows_of(tmp_path / "cells.tsv")[1:]], donors)
    table = rows_of(tmp_path / "donors.tsv")
    assert table[0] == ["donor", "n_cells", *TYPES, "unassigned"]
    assert {row[0]: [int(n) for n in row[1:]] for row in table[1:]} == wanted
    assert len(wanted) == 2 and [row[0] for row in table[1:]] == sorted(wanted)


@pytest.mark.parametrize("least, votes", [
    ("0", {"pure": "B cells", "mixed": "CD4 T cells", "tie": "CD14+ Monocytes"}),
    ("0.55", {"pure": "B cells", "mixed": "CD4 T cells", "tie": "heterogeneous"}),
    ("0.61", {"pure": "B cells", "mixed": "heterogeneous", "tie": "heterogeneous"})])
def test_clusters_vote_and_small_majorities_are_heterogeneous(fast, clustered, tmp_path, least, votes):
    must("predict", fast, clustered, "-o", tmp_path / "cells.tsv", "--no-reject", "--majority-vote",
         "cluster", "--min-proportion", least, "--cluster-table", tmp_path / "clusters.tsv")
    clusters = anndata.read_h5ad(clustered).obs.cluster
    cells = rows_of(tmp_path / "cells.tsv")
    at = cells[0].index("majority")
    wanted = counted([row[1] for row in cells[1:]], clusters)
    assert wanted == {"pure": [10, 10, 0, 0, 0], "mixed": [20, 6, 2, 12, 0], "tie": [10, 0, 5, 5, 0]}
    table = rows_of(tmp_path / "clusters.tsv")
    assert table[0] == ["cluster", "n_cells", "majority", "share", *TYPES, "unassigned"]
    assert [row[0] for row in table[1:]] == sorted(votes)
    for name, n_cells, majority, share, *counts in table[1:]:
        assert [int(n_cells), *map(int, counts)] == wanted[name]
        assert majority == votes[name]
        assert abs(float(share) - max(wanted[name][1:]) / wanted[name][0]) < 1e-12
    for row, cluster in zip(cells[1:], clusters):
        assert row[at] == (votes[cluster] if cluster in votes else "unassigned")


def test_a_proportion_is_from_0_to_1(fast, clustered, tmp_path):
    line = must_fail(2, "predict", fast, clustered, "-o", tmp_path / "cells.tsv", "--majority-vote",
                     "cluster", "--min-proportion", "1.5")
    assert "--min-proportion: 1.5 is not between 0 and 1" in line
    assert not (tmp_path / "cells.tsv").exists()


def test_names_of_clusters_cannot_break_the_table(fast, cells, tmp_path):
    data = anndata.read_h5ad(cells)
    data.obs["cluster"] = [("a\tb", "x\ny", "c|d")[i % 3] for i in range(data.n_obs)]
    data.write_h5ad(tmp_path / "odd.h5ad")
    must("predict", fast, tmp_path / "odd.h5ad", "-o", tmp_path / "cells.tsv", "--majority-vote", "cluster")
    rows = rows_of(tmp_path / "cells.tsv")
    assert len(rows) == data.n_obs + 1 and {len(row) for row in rows} == {10}
    at = rows[0].index("cluster")
    assert {row[at] for row in rows[1:]} == {"a?b", "x?y", "c|d"}


def test_a_vote_of_no_clusters_has_its_columns(fast, cells, tmp_path):
    data = anndata.read_h5ad(cells)
    data.obs["cluster"] = np.full(data.n_obs, np.nan)
    data.write_h5ad(tmp_path / "none.h5ad")
    said = must("predict", fast, tmp_path / "none.h5ad", "-o", tmp_path / "cells.tsv", "--majority-vote",
                "cluster", "--cluster-table", tmp_path / "table.tsv")
    assert "--majority-vote cluster: the column has no entry for any cell" in said.err
    assert rows_of(tmp_path / "table.tsv") == [["cluster", "n_cells", "majority", "share", *TYPES, "unassigned"]]


@pytest.mark.parametrize("vote", ["leiden", "cluster"])
def test_no_cells_have_no_clusters(fast, clustered, tmp_path, vote):
    anndata.read_h5ad(clustered)[:0].copy().write_h5ad(tmp_path / "empty.h5ad")
    must("predict", fast, tmp_path / "empty.h5ad", "-o", tmp_path / "cells.tsv", "--majority-vote", vote)
    assert len(rows_of(tmp_path / "cells.tsv")) == 1


@pytest.mark.parametrize("options", [["--min-proportion", "0.5"], ["--resolution", "2"],
                                     ["--cluster-neighbors", "5"],
                                     ["--majority-vote", "cluster", "--resolution", "2"]])
def test_options_without_effect_are_refused(fast, clustered, tmp_path, options):
    line = must_fail(2, "predict", fast, clustered, "-o", tmp_path / "cells.tsv", *options)
    assert "has no effect" in line and options[-2] in line
    assert not (tmp_path / "cells.tsv").exists()


def test_cells_without_a_donor_are_told(fast, cells, tmp_path):
    data = anndata.read_h5ad(cells)
    data.obs["donor"] = data.obs["donor"].astype(object)
    data.obs.loc[data.obs_names[:7], "donor"] = np.nan
    data.write_h5ad(tmp_path / "some.h5ad")
    said = must("predict", fast, tmp_path / "some.h5ad", "-o", tmp_path / "cells.tsv", "--donor-key", "donor",
                "--donor-table", tmp_path / "donors.tsv").err
    assert "7 of 300 cells have no entry in the column 'donor'" in said
    assert sum(int(row[1]) for row in rows_of(tmp_path / "donors.tsv")[1:]) == 293
