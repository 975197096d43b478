"""Results in the h5ad that was read: what is added, what stays as it was, and what is refused."""

import csv
import os
import re
import shutil
import stat

import anndata
import h5py
import numpy as np
import pandas as pd
import pytest

from conftest import PROGRAM, QUICK, as_plain_user, must, must_fail, rows_of, write_tenx_folder

# What predict adds to obs, after the key.
SUFFIXES = ["", "_confidence", "_best", "_runner_up", "_runner_up_confidence", "_novelty"]


@pytest.fixture(scope="module")
def query(cells, tmp_path_factory):
    """The cells with one of everything that AnnData keeps beside counts."""
    data = anndata.read_h5ad(cells)
    data.layers["half"] = data.X * 0.5
    data.raw = data
    data.obsm["X_pca"] = np.arange(600.0).reshape(300, 2)
    data.obsm["frame"] = pd.DataFrame({"a": np.arange(300)}, index=data.obs_names)
    data.varm["loadings"] = np.ones((600, 3), dtype=np.float32)
    data.obsp["connectivities"] = data.X[:, :300] * 0
    data.uns["nested"] = {"list": np.array(["a", "b"]), "number": 4, "text": "mine"}
    data.uns["records"] = np.rec.fromarrays([[1, 2], ["x", "y"]], names="n,s").astype(
        [("n", "i8"), ("s", "S4")])
    path = tmp_path_factory.mktemp("query") / "query.h5ad"
    data.write_h5ad(path)
    with h5py.File(path, "r+") as file:
        strange = file["uns"].create_group("strange")  # of an encoding that nobody knows
        strange.attrs["encoding-type"] = "of the future"
        strange["reference"] = np.array([file["X"].ref], dtype=h5py.ref_dtype)
    return path


def contents(path):
    """{name: (kind, attributes, bytes)} of every object but what predict adds; obs in its order."""
    found = {}

    def visit(name, item):
        attributes = {key: repr(value) for key, value in item.attrs.items() if key != "column-order"}
        if isinstance(item, h5py.Dataset):
            plain = item[()]
            if h5py.check_ref_dtype(item.dtype):
                value = [item.file[reference].name for reference in np.ravel(plain)]
            elif item.dtype.kind != "O":
                value = plain.tobytes()
            else:
                value = repr(plain.tolist() if hasattr(plain, "tolist") else plain)
            found[name] = (str(item.dtype), item.chunks, item.compression, attributes, value,
                           item.id.get_offset())
        else:
            found[name] = (attributes,)

    with h5py.File(path) as file:
        file.visititems(visit)
    return found


def assert_kept(before, after):
    for name, what in before.items():
        assert after[name] == what, name


@pytest.mark.parametrize("command", ["predict", "embed"])
def test_in_place_equals_a_copy_and_keeps_every_object(model, query, tmp_path, command):
    arguments = ["--umap-epochs", "5"] if command == "embed" else []
    before = contents(query)
    original = query.read_bytes()
    must(command, model, query, "-o", tmp_path / "copy.h5ad", *arguments)
    assert query.read_bytes() == original
    shutil.copy(query, tmp_path / "own.h5ad")
    os.chmod(tmp_path / "own.h5ad", 0o640)
    result = must(command, model, tmp_path / "own.h5ad", "--in-place", *arguments)
    assert f"written: {tmp_path / 'own.h5ad'}" in result.err
    assert (tmp_path / "own.h5ad").read_bytes() == (tmp_path / "copy.h5ad").read_bytes()
    assert stat.S_IMODE((tmp_path / "own.h5ad").stat().st_mode) == 0o640
    # The same objects at the same places of the file: nothing was read and written again.
    assert_kept(before, contents(tmp_path / "copy.h5ad"))
    with h5py.File(tmp_path / "copy.h5ad") as file:
        assert file[file["uns/strange/reference"][0]].name == "/X"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["copy.h5ad", "own.h5ad"]
    with h5py.File(tmp_path / "own.h5ad", "r+") as file:
        del file["uns/strange"]  # which AnnData does not read either
    out = anndata.read_h5ad(tmp_path / "own.h5ad")
    assert out.uns["nested"]["text"] == "mine" and out.obsm["X_pca"][299, 1] == 599
    added = ["predicted_cell_type" + suffix for suffix in SUFFIXES] if command == "predict" else []
    assert list(out.obs.columns) == ["cell_type", "true_cell_type", "donor", "is_poor", *added]


def test_every_name_begins_with_the_key(model, query, tmp_path):
    out = tmp_path / "out.h5ad"
    must("predict", model, query, "-o", out, "--key-added", "a/b", "--majority-vote", "donor",
         "--multi-label", "0.2")
    before, after = contents(query), contents(out)
    assert_kept(before, after)
    new = {name.split("/", 1)[1].split("/")[0] for name in set(after) - set(before)}
    assert new == {"a_b" + suffix for suffix in SUFFIXES} | {
        "a_b_cluster", "a_b_majority", "a_b_majority_share", "a_b_multi_label", "a_b_probabilities",
        "a_b_colors", "saithe_a_b"}
    # A second model's results stand beside the first's.
    must("predict", model, out, "--in-place")
    must("predict", model, out, "--in-place", "--key-added", "second")
    must("embed", model, out, "--in-place", "--umap-epochs", 5)
    must("embed", model, out, "--in-place", "--umap-epochs", 5, "--key-added", "second")
    with h5py.File(out) as file:
        assert {"X_umap", "X_saithe_hidden", "X_second_umap", "X_second_hidden",
                "second_probabilities"} <= set(file["obsm"])
        assert set(file["uns/saithe"]) == {"types", "version", "seed", "parameters", "added",
                                            "embedding"}
        made_by = file["uns/saithe/embedding"]
        assert set(made_by) == {"version", "parameters"}
        assert made_by["parameters/umap-epochs"].asstr()[()] == "5"
        assert made_by["parameters/seed"].asstr()[()] == "0"
    must("embed", model, out, "--in-place", "--umap-epochs", 6, "--seed", 3, "--overwrite")
    with h5py.File(out) as file:
        parameters = file["uns/saithe/embedding/parameters"]
        assert [parameters[name].asstr()[()] for name in ("umap-epochs", "seed")] == ["6", "3"]


@pytest.mark.parametrize("key", ["", ".", "..", "__mine", "a\tb"])
def test_a_name_that_no_column_can_have_is_refused(model, query, tmp_path, key):
    for command in ("predict", "embed"):
        line = must_fail(2, command, model, query, "-o", tmp_path / "o.h5ad", "--key-added", key)
        assert "--key-added" in line and ("is no name for a column" in line or not key)
    assert list(tmp_path.iterdir()) == []


def test_existing_keys_are_found_before_the_work(model, query, tmp_path):
    for place, name in (("obs", "predicted_cell_type_best"),
                        ("obsm", "predicted_cell_type_probabilities"),
                        ("uns", "predicted_cell_type_colors"), ("uns/saithe", "types")):
        path = tmp_path / "taken.h5ad"
        shutil.copy(query, path)
        with h5py.File(path, "r+") as file:
            file.require_group(place)[name] = np.zeros(300)
        original = path.read_bytes()
        for output in (["--in-place"], ["-o", tmp_path / "o.h5ad"]):
            line = must_fail(1, "predict", model, path, *output)
            assert f"has {place}/{name} already; add --overwrite" in line
            assert path.read_bytes() == original and not (tmp_path / "o.h5ad").exists()
        must("predict", model, path, "--in-place", "--key-added", "other")
        must("predict", model, path, "--in-place", "--overwrite")


def test_overwriting_takes_what_an_earlier_run_left_along(model, query, tmp_path):
    path = tmp_path / "own.h5ad"
    shutil.copy(query, path)
    must("predict", model, path, "--in-place", "--majority-vote", "donor")
    must("predict", model, path, "--in-place", "--overwrite")
    with h5py.File(path) as file:
        obs = set(file["obs"])
        assert "predicted_cell_type_majority" not in obs
        assert sorted(file["obs"].attrs["column-order"]) == sorted(obs - {"_index"})


@pytest.mark.parametrize("kind", ["h5ad", "zarr"])
def test_overwriting_keeps_a_column_of_the_users_that_has_our_name(model, cells, tmp_path, kind):
    def read(path):
        return anndata.read_zarr(path) if kind == "zarr" else anndata.read_h5ad(path)

    data = anndata.read_h5ad(cells)
    data.obs["predicted_cell_type_majority"] = "mine"
    path = tmp_path / f"own.{kind}"
    data.write_zarr(path) if kind == "zarr" else data.write_h5ad(path)
    must("predict", model, path, "--in-place", "--multi-label", "0.2")
    said = must("predict", model, path, "--in-place", "--overwrite").err
    assert "removed, of an earlier run: obs/predicted_cell_type_multi_label\n" in said
    said = must("predict", model, path, "-o", tmp_path / f"copy.{kind}", "--overwrite").err
    assert "removed" not in said
    for name in (path, tmp_path / f"copy.{kind}"):
        done = read(name)
        assert (done.obs["predicted_cell_type_majority"] == "mine").all()
        assert "predicted_cell_type_multi_label" not in done.obs
        added = {"predicted_cell_type" + suffix for suffix in SUFFIXES}
        assert set(done.uns["saithe"]["added"]) == {
            *("obs/" + name for name in added), "obsm/predicted_cell_type_probabilities",
            "uns/predicted_cell_type_colors", "uns/saithe/types", "uns/saithe/version",
            "uns/saithe/seed", "uns/saithe/parameters"}
    # A file of a saithe that left no list: a vote is three columns, and one of them is not its.
    old = read(path)
    del old.uns["saithe"]["added"]
    old.write_zarr(tmp_path / "old.zarr") if kind == "zarr" else old.write_h5ad(tmp_path / "old.h5ad")
    must("predict", model, tmp_path / f"old.{kind}", "--in-place", "--overwrite")
    assert (read(tmp_path / f"old.{kind}").obs["predicted_cell_type_majority"] == "mine").all()


def test_nothing_is_written_through_a_link_within_an_h5ad(model, query, tmp_path):
    path = tmp_path / "own.h5ad"
    for entry in ("uns/saithe", "obs/predicted_cell_type", "obsm/predicted_cell_type_probabilities"):
        must("predict", model, query, "-o", path, "--overwrite")
        with h5py.File(path, "r+") as file:
            file.move(entry, "mine")
            file[entry] = h5py.SoftLink("/mine")
            if entry == "uns/saithe":  # what another's list names is not this run's to remove
                file["mine"].pop("added", None)
                file["mine/added"] = ["obs/donor"]
        before = contents(path)
        must("predict", model, path, "--in-place", "--overwrite")
        with h5py.File(path) as file:
            assert not isinstance(file.get(entry, getlink=True), h5py.SoftLink)
            assert "donor" in file["obs"]
        after = contents(path)
        mine = [name for name in before if name.split("/")[0] == "mine"]
        assert mine and all(after[name] == before[name] for name in mine)
    shutil.copy(query, path)
    with h5py.File(path, "r+") as file:
        file["uns/saithe"] = h5py.SoftLink("/mine")
        file.create_group("mine")
    for command in (["predict", model, path], ["embed", model, path, "--umap-epochs", 5]):
        assert "has uns/saithe already; add --overwrite" in must_fail(1, *command, "--in-place")


@pytest.mark.parametrize("group", ["obs", "obsm", "uns"])
def test_a_group_that_is_a_link_takes_nothing(model, query, tmp_path, group):
    path = tmp_path / "own.h5ad"
    shutil.copy(query, path)
    with h5py.File(path, "r+") as file:
        file.move(group, "mine")
        file[group] = h5py.SoftLink("/mine")
    before = path.read_bytes()
    for command in (["predict", model, path], ["embed", model, path, "--umap-epochs", 5]):
        for output in (["--in-place", "--overwrite"], ["-o", tmp_path / "out.h5ad"]):
            line = must_fail(1, *command, *output)
            assert f"/{group}: is a link; what it names would be changed, too" in line
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["own.h5ad"]


def test_a_column_in_another_file_is_left_out_and_stays(model, query, tmp_path):
    path = tmp_path / "own.h5ad"
    shutil.copy(query, path)
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["column"] = np.zeros(300)
    with h5py.File(path, "r+") as file:
        file["obs/elsewhere"] = h5py.ExternalLink("other.h5", "/column")
        file["obs/nowhere"] = h5py.SoftLink("/none")
        file["obs/predicted_cell_type_best"] = h5py.ExternalLink("other.h5", "/column")
        added = np.array(["elsewhere", "nowhere", "predicted_cell_type_best"], dtype=object)
        file["obs"].attrs["column-order"] = np.append(file["obs"].attrs["column-order"], added)
    other = (tmp_path / "other.h5").read_bytes()
    for command in (["inspect", path], ["convert", path, tmp_path / "new.h5ad"],
                    ["predict", model, path, "-o", tmp_path / "out.h5ad", "--overwrite"]):
        done = must(*command)
        for column in ("elsewhere", "nowhere"):
            assert f"/obs/{column}: is a link to another file, or to nothing" in done.out + done.err
    with h5py.File(tmp_path / "out.h5ad") as file:
        link = file.get("obs/elsewhere", getlink=True)
        assert (link.filename, link.path) == ("other.h5", "/column")
        assert isinstance(file.get("obs/nowhere", getlink=True), h5py.SoftLink)
        assert len(file["obs/predicted_cell_type_best/codes"]) == 300  # replaced: the link itself
    assert (tmp_path / "other.h5").read_bytes() == other
    line = must_fail(2, "predict", model, path, "-o", tmp_path / "t.tsv", "--majority-vote", "elsewhere")
    assert "obs has no column 'elsewhere'" in line


def test_only_an_h5ad_takes_columns_in_place(model, cells, tmp_path):
    folder = tmp_path / "mtx"
    write_tenx_folder(folder, anndata.read_h5ad(cells))
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    line = must_fail(3, "predict", model, folder, "--in-place")
    assert "AnnData 0.7 or later" in line
    must_fail(3, "predict", model, tmp_path / "none.h5ad", "--in-place")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    for arguments in ([], ["--in-place", "-o", tmp_path / "o.h5ad"]):
        for command in ("predict", "embed"):
            assert "one of -o FILE and --in-place" in must_fail(2, command, model, cells, *arguments)
    assert "the heads of a table" in must_fail(2, "predict", model, cells, "-o", tmp_path / "o.tsv",
                                          "--key-added", "x")


@pytest.mark.parametrize("mine", ["text", "null"])
def test_what_is_no_dict_at_our_key_is_a_taken_key(model, query, tmp_path, mine):
    shutil.copy(query, tmp_path / "own.h5ad")
    with h5py.File(tmp_path / "own.h5ad", "r+") as file:
        if mine == "text":
            file["uns"]["saithe"] = "mine"
        else:
            file["uns"]["saithe"] = h5py.Empty("f4")
            file["uns"]["saithe"].attrs["encoding-type"] = "null"
    before = (tmp_path / "own.h5ad").read_bytes()
    for target in (["--in-place"], ["-o", tmp_path / "o.h5ad"]):
        line = must_fail(1, "predict", model, tmp_path / "own.h5ad", *target)
        assert "has uns/saithe already; add --overwrite" in line
    assert (tmp_path / "own.h5ad").read_bytes() == before
    must("predict", model, tmp_path / "own.h5ad", "--in-place", "--overwrite")
    with h5py.File(tmp_path / "own.h5ad") as file:
        assert len(file["uns/saithe/types"]) == 3 and file["uns/saithe"].attrs["encoding-type"] == "dict"
        assert "nested" in file["uns"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to a foreign group")
@pytest.mark.parametrize("mode, left", [(0o6755, 0o755), (0o640, 0o600), (0o674, 0o644),
                                        (0o664, 0o644), (0o604, 0o604)])
@pytest.mark.parametrize("kind", ["h5ad", "store"])
def test_who_loses_the_group_gives_another_no_more_than_everybody(model, cells, tmp_path, kind, mode,
                                                                   left):
    """As cp -p: an owner who is not in the file's group cannot keep it."""
    place = tmp_path / "place"
    place.mkdir()
    path = place / f"own.{kind}"
    if kind == "h5ad":
        shutil.copy(cells, path)
        changed = path
    else:
        anndata.read_h5ad(cells).write_zarr(path)
        changed = path / "obs" / ".zattrs"
    for file in [place, *place.rglob("*")]:
        os.chown(file, 65534, 0)
    os.chmod(changed, mode)
    program = shutil.copy(PROGRAM, place / "saithe")
    shutil.copy(model, place / "m.saithe")
    done = as_plain_user([program, "predict", place / "m.saithe", path, "--in-place"], place)
    assert done.returncode == 0, done.stderr
    status = changed.stat()
    assert (status.st_uid, status.st_gid, oct(stat.S_IMODE(status.st_mode))) == (65534, 65534, oct(left))
    # The superuser keeps all of it.
    os.chown(changed, 65534, 0)
    os.chmod(changed, mode)
    must("predict", model, path, "--in-place", "--overwrite")
    status = changed.stat()
    assert (status.st_uid, status.st_gid, stat.S_IMODE(status.st_mode)) == (65534, 0, mode)


def test_links_are_written_through_and_read_only_files_stay(model, query, tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    shutil.copy(query, folder / "own.h5ad")
    (tmp_path / "link.h5ad").symlink_to(folder / "own.h5ad")
    must("predict", model, tmp_path / "link.h5ad", "--in-place")
    assert (tmp_path / "link.h5ad").is_symlink()
    with h5py.File(folder / "own.h5ad") as file:
        assert "predicted_cell_type" in file["obs"]
    # An output that is a link: the file that it names is replaced, with --overwrite.
    (tmp_path / "out.h5ad").symlink_to(folder / "other.h5ad")
    (folder / "other.h5ad").write_text("of an earlier run")
    must_fail(1, "predict", model, query, "-o", tmp_path / "out.h5ad")
    assert (folder / "other.h5ad").read_text() == "of an earlier run"
    must("predict", model, query, "-o", tmp_path / "out.h5ad", "--overwrite")
    assert (tmp_path / "out.h5ad").is_symlink()
    with h5py.File(folder / "other.h5ad") as file:
        assert "predicted_cell_type" in file["obs"]
    assert sorted(path.name for path in folder.iterdir()) == ["other.h5ad", "own.h5ad"]


@pytest.mark.parametrize("what", ["folder", "file"])
def test_where_nothing_may_be_written_nothing_is(model, query, tmp_path, what):
    shutil.copy(model, tmp_path / "m.saithe")
    os.chmod(tmp_path / "m.saithe", 0o644)
    place = tmp_path / "place"
    place.mkdir()
    shutil.copy(query, place / "own.h5ad")
    os.chmod(place / "own.h5ad", 0o666 if what == "folder" else 0o444)
    os.chmod(place, 0o555 if what == "folder" else 0o777)
    original = (place / "own.h5ad").read_bytes()
    program = shutil.copy(PROGRAM, tmp_path / "saithe")
    try:
        done = as_plain_user([program, "predict", tmp_path / "m.saithe", place / "own.h5ad",
                              "--in-place"], tmp_path)
        assert done.returncode == 1 and "Permission denied" in done.stderr, done
        assert done.stderr.count("\n") == 1, done.stderr
    finally:
        os.chmod(place, 0o755)
    assert (place / "own.h5ad").read_bytes() == original
    assert [path.name for path in place.iterdir()] == ["own.h5ad"]


# ---- names that other tools' users know -------------------------------------------------------


def test_celltypist_names(model, query, tmp_path):
    must("predict", model, query, "-o", tmp_path / "saithe.h5ad", "--majority-vote", "donor")
    must("predict", model, query, "-o", tmp_path / "theirs.h5ad", "--majority-vote", "donor",
         "--celltypist-names")
    with h5py.File(tmp_path / "saithe.h5ad") as ours, h5py.File(tmp_path / "theirs.h5ad") as theirs:
        for our_name, their_name in (("predicted_cell_type", "predicted_labels"),
                                     ("predicted_cell_type_cluster", "over_clustering"),
                                     ("predicted_cell_type_majority", "majority_voting")):
            for part in ("codes", "categories"):
                assert (ours[f"obs/{our_name}/{part}"][:] == theirs[f"obs/{their_name}/{part}"][:]).all()
        assert (ours["obs/predicted_cell_type_confidence"][:] == theirs["obs/conf_score"][:]).all()
        assert not any(name.startswith("predicted_cell_type") for name in theirs["obs"])
    must("predict", model, query, "-o", tmp_path / "t.tsv", "--majority-vote", "donor",
         "--celltypist-names")
    head = rows_of(tmp_path / "t.tsv")[0]
    assert head[:3] == ["barcode", "predicted_labels", "conf_score"]
    assert head[-3:] == ["over_clustering", "majority_voting", "majority_voting_share"]
    assert "exclude each other" in must_fail(2, "predict", model, query, "-o", tmp_path / "x.h5ad",
                                             "--celltypist-names", "--key-added", "x")


def test_a_table_is_what_seurat_takes(cells, tmp_path):
    """read.delim(FILE, row.names = 1, quote = "", na.strings = "") and AddMetaData: as many fields on
    each line, names of rows that are the cells', each once, and names of columns that R keeps."""
    data = anndata.read_h5ad(cells)
    names = {label: f"{label} 'a' \"b\" #{i}" for i, label in enumerate(sorted(set(data.obs.cell_type)))}
    data.obs["odd"] = [names[label] for label in data.obs.cell_type]
    data.write_h5ad(tmp_path / "odd.h5ad")
    must("train", tmp_path / "odd.h5ad", "--label-key", "odd", "-o", tmp_path / "m.saithe", *QUICK)
    must("predict", tmp_path / "m.saithe", cells, "-o", tmp_path / "labels.tsv", "--majority-vote", "donor")
    lines = (tmp_path / "labels.tsv").read_text().splitlines()
    assert len({line.count("\t") for line in lines}) == 1
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9._]*", name) for name in lines[0].split("\t"))
    table = pd.read_csv(tmp_path / "labels.tsv", sep="\t", index_col=0, quoting=csv.QUOTE_NONE,
                        keep_default_na=False, na_values=[""])
    assert list(table.index) == list(data.obs_names) and table.index.is_unique
    assert set(table.predicted) <= {*names.values(), "unassigned"}
    assert table.confidence.dtype == float and table.confidence.between(0, 1).all()


# ---- CELLxGENE --------------------------------------------------------------------------------


def test_cellxgene_opens_the_result(model, cells, tmp_path):
    """The rules of CELLxGENE's schema 7.1.0 for what is added (docs/file_formats.md); cellxgene itself
    is started by tests/oracle/test_cellxgene.py."""
    data = anndata.read_h5ad(cells)
    # Of one type only: most of the model's types do not occur; a cell without counts is unassigned.
    data = data[data.obs.cell_type == data.obs.cell_type.cat.categories[0]].copy()
    data.X[5] = 0
    data.X.eliminate_zeros()
    data.obs["group"] = pd.Categorical(["g0"] * 5 + ["lonely"] + ["g1"] * (data.n_obs - 6))
    data.write_h5ad(tmp_path / "query.h5ad")
    out = tmp_path / "out.h5ad"
    must("predict", model, tmp_path / "query.h5ad", "-o", out, "--majority-vote", "group",
         "--multi-label", "0.3", "--ontology", "bundled")
    must("embed", model, out, "--in-place", "--umap-epochs", 20)
    done = anndata.read_h5ad(out)
    added = [name for name in done.obs if name not in data.obs]
    reserved = {"cell_type", "assay", "tissue", "disease", "sex", "development_stage",
                "self_reported_ethnicity", "organism", "organism_ontology_term_id"}
    assert not reserved & set(added) and not any(name.startswith("__") for name in added)
    assert len(set(done.obs.columns)) == len(done.obs.columns) and done.obs.index.is_unique
    for name in added:
        column = done.obs[name]
        assert column.dtype in ("category", np.float32), name
        if column.dtype == "category":
            assert set(column.cat.categories) == set(column.dropna()), f"{name}: levels nobody has"
            assert all(isinstance(level, str) for level in column.cat.categories)
    assert done.obs.predicted_cell_type.iloc[5] == "unassigned"
    for key in ("X_umap", "X_saithe_hidden", "predicted_cell_type_probabilities"):
        matrix = done.obsm[key]
        assert matrix.shape[0] == done.n_obs and matrix.shape[1] >= 2 and matrix.dtype == np.float32
        assert np.isfinite(matrix).all(), key
    colors = [key for key in done.uns if key.endswith("_colors")]
    assert colors == ["predicted_cell_type_colors"]
    for key in colors:
        levels = done.obs[key.removesuffix("_colors")].cat.categories
        assert len(done.uns[key]) == len(levels)
        assert all(len(color) == 7 and int(color[1:], 16) >= 0 for color in done.uns[key])
    assert all(not hasattr(value, "__len__") or len(value) > 0 for value in done.uns.values())


def test_a_type_keeps_its_colour_whichever_types_occur(model, cells, tmp_path):
    data = anndata.read_h5ad(cells)
    colour_of = {}
    for name, part in (("all", data), ("some", data[:20].copy())):
        part.write_h5ad(tmp_path / "q.h5ad")
        must("predict", model, tmp_path / "q.h5ad", "-o", tmp_path / f"{name}.h5ad")
        done = anndata.read_h5ad(tmp_path / f"{name}.h5ad")
        for level, color in zip(done.obs.predicted_cell_type.cat.categories,
                                done.uns["predicted_cell_type_colors"]):
            assert colour_of.setdefault(level, color) == color
