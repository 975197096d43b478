"""How genes of a query are found: columns, versions, the table of symbols, letters' case, repeats."""

import json
import re

import anndata
import numpy as np
import pandas as pd
import pytest

from cell_files import (write_csv, write_geo, write_h5seurat, write_loom, write_mtx, write_tenx_h5,
                        write_tsv_of_genes)
from conftest import must, must_fail

QUICK = ["--preset", "fast"]
SYMBOLS = ["TP53", "MYC", "ACTB", "GAPDH", "CD3D", "CD3E", "CD4", "CD8A", "MS4A1", "CD79A", "NKG7",
           "GNLY", "LYZ", "CST3", "FCGR3A", "PPBP"]
IDS = ["ENSG00000141510", "ENSG00000136997", "ENSG00000075624", "ENSG00000111640",
       "ENSG00000167286", "ENSG00000198851", "ENSG00000010610", "ENSG00000153563",
       "ENSG00000156738", "ENSG00000105369", "ENSG00000105374", "ENSG00000115523",
       "ENSG00000090382", "ENSG00000101439", "ENSG00000203747", "ENSG00000163736"]


def make(names, path, change=lambda data: data, seed=0):
    """240 cells of 4 types over 16 genes, with one gene of zeros more."""
    random = np.random.default_rng(seed)
    types = np.arange(240) % 4
    counts = random.poisson(1 + 9 * (np.arange(16)[None, :] // 4 == types[:, None]))
    counts = np.hstack([counts, np.ones((240, 1))]).astype(np.float32)
    data = anndata.AnnData(counts, pd.DataFrame({"cell_type": types.astype(str)},
                                                index=[f"c{i}" for i in range(240)]),
                           pd.DataFrame(index=list(names) + ["extra"]))
    change(data)
    data.write_h5ad(path)
    return path


@pytest.fixture(scope="module")
def symbol_model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("genes")
    model = folder / "model.saithe"
    must("train", make(SYMBOLS, folder / "train.h5ad"), "--label-key", "cell_type", "-o", model,
         *QUICK)
    table = folder / "by_symbols.tsv"
    must("predict", model, folder / "train.h5ad", "-o", table)
    return model, table


def gene_lines(result):
    return [line for line in result.err.splitlines() if line.startswith("genes: ")]


def test_a_column_of_var_names_the_genes(symbol_model, tmp_path):
    model, expected = symbol_model

    def change(data):
        data.var["feature_name"] = SYMBOLS + ["extra"]
        data.var["junk"] = "x"

    query = make(IDS, tmp_path / "q.h5ad", change)
    out = tmp_path / "out.tsv"
    said = gene_lines(must("predict", model, query, "-o", out))
    assert "found by gene names of the model, feature_name of the query" in said[0]
    assert out.read_bytes() == expected.read_bytes()
    error = must_fail(4, "predict", model, query, "-o", "-", "--gene-column", "junk")
    assert "has 0 of the model's 17 genes" in error
    error = must_fail(3, "predict", model, query, "-o", "-", "--gene-column", "nowhere")
    assert "index, feature_name, junk" in error


def test_ids_with_versions_meet_symbols_by_the_bundled_table(symbol_model, tmp_path):
    model, expected = symbol_model
    query = make([f"{name}.{i}" for i, name in enumerate(IDS)], tmp_path / "q.h5ad")
    out = tmp_path / "out.tsv"
    said = gene_lines(must("predict", model, query, "-o", out))
    assert "17 of the model's 17" in said[0] and "ensembl_symbols.tsv.gz" in said[0]
    assert any("16 of the query were matched without their versions" in line for line in said)
    assert out.read_bytes() == expected.read_bytes()
    error = must_fail(4, "predict", model, query, "-o", "-", "--gene-symbols", "none")
    assert "has 1 of the model's 17 genes" in error


def test_letters_case_only_on_request(symbol_model, tmp_path):
    model, expected = symbol_model
    query = make([name.capitalize() for name in SYMBOLS], tmp_path / "q.h5ad")
    error = must_fail(4, "predict", model, query, "-o", "-")
    assert "--match-case-insensitive would find 17 of the reference's genes" in error
    out = tmp_path / "out.tsv"
    must("predict", model, query, "-o", out, "--match-case-insensitive")
    assert out.read_bytes() == expected.read_bytes()


def test_a_gene_in_two_columns_is_added_up(symbol_model, tmp_path):
    model, expected = symbol_model

    def change(data):  # the last gene is ACTB's other half
        half = np.floor(data.X[:, 2] / 2)
        data.X[:, 16] = half
        data.X[:, 2] -= half
        data.var["symbol"] = SYMBOLS + ["ACTB"]

    model_without = tmp_path / "model.saithe"

    def drop(data):
        data.X[:, 16] = 0

    must("train", make(SYMBOLS, tmp_path / "t.h5ad", drop), "--label-key", "cell_type", "-o",
         model_without, *QUICK)
    whole = tmp_path / "whole.tsv"
    must("predict", model_without, tmp_path / "t.h5ad", "-o", whole)
    query = make(IDS, tmp_path / "q.h5ad", change)
    out = tmp_path / "out.tsv"
    said = gene_lines(must("predict", model_without, query, "-o", out))
    assert any(re.search(r"1 gene of the query had the name of another one.*'ACTB'", line)
               for line in said)
    first, second = (np.genfromtxt(path, delimiter="\t", dtype=str) for path in (whole, out))
    assert (first[:, :2] == second[:, :2]).all()
    assert np.allclose(first[1:, 2].astype(float), second[1:, 2].astype(float), atol=1e-3)


def test_train_takes_names_from_a_column(symbol_model, tmp_path):
    def change(data):
        data.var["feature_name"] = SYMBOLS + ["extra"]

    model = tmp_path / "model.saithe"
    must("train", make(IDS, tmp_path / "t.h5ad", change), "--label-key", "cell_type", "-o", model,
         "--gene-column", "feature_name", *QUICK)
    out = tmp_path / "out.tsv"
    said = gene_lines(must("predict", model, make(SYMBOLS, tmp_path / "q.h5ad"), "-o", out))
    assert "found by gene names (" in said[0]
    assert out.read_bytes() == symbol_model[1].read_bytes()


def test_files_of_ids_and_of_symbols_train_together(symbol_model, tmp_path):
    first = make(SYMBOLS, tmp_path / "a.h5ad")
    second = make(IDS, tmp_path / "b.h5ad", seed=1)
    said = gene_lines(must("train", first, second, "--label-key", "cell_type", "-o",
                           tmp_path / "m.saithe", *QUICK))
    assert any("h5ad is matched by" in line and "ensembl_symbols" in line for line in said), said
    assert any("17 are common to the 2 files" in line for line in said), said


def with_actb_twice(folder):
    """Cells, and the same with ACTB's counts in two genes of that name."""
    whole = anndata.read_h5ad(make(SYMBOLS, folder / "whole.h5ad"))
    actb = whole.X[:, 2]
    twice = anndata.AnnData(np.hstack([whole.X, np.floor(actb / 2)[:, None]]), whole.obs,
                            pd.DataFrame(index=[*whole.var_names, "other"]))
    twice.X[:, 2] -= twice.X[:, 17]
    assert twice.X[:, 17].sum() > 100
    twice.var_names = [*whole.var_names, "ACTB"]
    twice.write_h5ad(folder / "twice.h5ad")
    return whole, twice


def labels_of(data, path):
    path.write_text("".join(f"{cell}\t{kind}\n" for cell, kind in data.obs.cell_type.items()))
    return path


def write_as_h5ad(data, path):
    return [path.parent / "twice.h5ad"]


WITHOUT_IDS = [write_as_h5ad, write_csv, write_tsv_of_genes, write_geo, write_loom, write_h5seurat]


@pytest.mark.parametrize("write", WITHOUT_IDS)
def test_training_adds_up_a_symbol_that_stands_twice(write, tmp_path):
    whole, twice = with_actb_twice(tmp_path)
    labels = labels_of(whole, tmp_path / "labels.tsv")
    cells = write(twice, tmp_path / "cells.x")
    scores, tables = [], []
    for name, of in (("w", [tmp_path / "whole.h5ad"]), ("t", cells)):
        model, table = tmp_path / f"{name}.saithe", tmp_path / f"{name}.tsv"
        said = must("train", *of, "--labels", labels, "-o", model, *QUICK).err
        must("predict", model, *of, "-o", table)
        scores.append(must("evaluate", model, *of, "--labels", labels).out)
        tables.append(table.read_bytes())
    assert re.search(r"genes: 1 gene of .* had the name of another one and was added to it "
                     r"\(the first: 'ACTB'\)", said)
    assert tables[0] == tables[1] and scores[0] == scores[1]


@pytest.mark.parametrize("write", [*WITHOUT_IDS, write_mtx, write_tenx_h5])
def test_symbols_that_stand_twice_are_added_up_where_they_meet_a_model(write, symbol_model,
                                                                       tmp_path):
    model, expected = symbol_model
    _, twice = with_actb_twice(tmp_path)
    cells = write(twice, tmp_path / "cells.x")
    out, copy = tmp_path / "out.tsv", tmp_path / "copy.h5ad"
    said = gene_lines(must("predict", model, *cells, "-o", out))
    assert "17 of the model's 17" in said[0]
    assert any("1 gene of the query had the name of another one and was added to it (the first: "
               "'ACTB')" in line for line in said)
    assert out.read_bytes() == expected.read_bytes()
    found = json.loads(must("inspect", *cells, "--json").out)
    assert any("a gene has the symbol of an earlier one ('ACTB')" in line
               for line in found["warnings"])
    # A copy has unique names, and is the same to a model.
    assert "'ACTB'" in must("convert", *cells, copy).err
    assert list(anndata.read_h5ad(copy).var_names) == [*SYMBOLS, "extra", "ACTB-1"]
    said = gene_lines(must("predict", model, copy, "-o", out, "--overwrite"))
    assert any("(the first: 'ACTB')" in line for line in said)
    assert out.read_bytes() == expected.read_bytes()


def test_ids_tell_genes_of_one_symbol_apart(tmp_path):
    """A model of a 10x file knows both genes, and finds both where there are ids."""
    whole, twice = with_actb_twice(tmp_path)
    labels = labels_of(whole, tmp_path / "labels.tsv")
    model, out = tmp_path / "m.saithe", tmp_path / "out.tsv"
    tables = []
    for write in (write_tenx_h5, write_mtx):
        folder = tmp_path / write.__name__
        folder.mkdir()
        cells = write(twice, folder / "cells")
        if not model.exists():
            must("train", *cells, "--labels", labels, "-o", model, *QUICK)
        said = gene_lines(must("predict", model, *cells, "-o", out, "--overwrite"))
        assert "18 of the model's 18" in said[0] and len(said) == 1
        tables.append(out.read_bytes())
    assert tables[0] == tables[1]


def test_ids_that_differ_by_version_are_one_gene_of_a_training(tmp_path):
    def change(data):
        half = np.floor(data.X[:, 2] / 2)
        data.X[:, 16] = half
        data.X[:, 2] -= half
        data.var_names = [f"{name}.1" for name in IDS] + [f"{IDS[2]}.2"]

    model, out = tmp_path / "m.saithe", tmp_path / "out.tsv"
    said = gene_lines(must("train", make(IDS, tmp_path / "t.h5ad", change), "--label-key",
                           "cell_type", "-o", model, *QUICK))
    assert any(f"1 gene of {tmp_path}/t.h5ad" in line and f"'{IDS[2]}.2'" in line for line in said)
    said = gene_lines(must("predict", model, make(IDS, tmp_path / "q.h5ad"), "-o", out))
    assert "16 of the model's 16" in said[0]
