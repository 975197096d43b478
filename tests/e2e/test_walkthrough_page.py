"""The page docs/walkthrough.md shows what its example prints when it is run on the bundled data.

Numbers are compared within tolerances, since another processor sums in another order. (From SCALAR to
AVX3 on one machine only the layouts differ in the digits shown.) Words, shapes and counts before the
training are exact.
"""

import os
import re
import subprocess
import sys

import pytest

from conftest import SOURCE

sys.path.insert(0, str(SOURCE / "scripts"))
import update_walkthrough  # noqa: E402

NUMBER = re.compile(r"(?<![\w.+-])-?\d+(?:\.\d+)?(?![\w+])")
ROUNDING = 2e-4  # the last digit shown may turn
# Of numbers with a point, after the training; where none is given, ROUNDING.
TOLERANCE = {"train": 0.005, "predict": 0.02, "confusion": 0.005}
# Of whole numbers in the confusion table: cells on the border of two types.
CONFUSED_CELLS = 2
# A layout of a slightly different layer is another one: its shape is compared, and that it is finite.
FREE = {"embed"}


def example_output(folder):
    done = subprocess.run([os.environ["SAITHE_EXAMPLE"], SOURCE / "data" / "pbmc3k.h5ad", folder],
                          capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return update_walkthrough.steps_of_output(done.stdout)


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    return example_output(tmp_path_factory.mktemp("pictures"))


def words_and_numbers(name, text):
    text = re.sub(r" +", " ", text)  # columns are as wide as their numbers
    return NUMBER.sub("#", text), NUMBER.findall(text)


def differences(name, shown, printed):
    """What of a block of the page is not so in what was printed."""
    words, numbers = words_and_numbers(name, shown)
    printed_words, printed_numbers = words_and_numbers(name, printed)
    if words != printed_words:
        return [f"the page has {words!r}, printed is {printed_words!r}"]
    found = []
    for a, b in zip(numbers, printed_numbers):
        if "." in a:
            tolerance = float("inf") if name in FREE else TOLERANCE.get(name, ROUNDING)
        else:
            tolerance = CONFUSED_CELLS if name == "confusion" else 0
        if not abs(float(a) - float(b)) <= tolerance:
            found.append(f"the page has {a}, printed is {b}")
    return found


def test_every_step_that_prints_is_shown(printed):
    assert set(update_walkthrough.steps_of_page()) == set(printed)
    assert len(printed) >= 13


@pytest.mark.parametrize("name", sorted(update_walkthrough.steps_of_page()))
def test_the_page_shows_what_is_printed(printed, name):
    assert differences(name, update_walkthrough.steps_of_page()[name], printed[name]) == []


def test_a_page_that_is_out_of_date_is_found():
    shown = "Linear(13656 -> 1028)\n  [0.1450, -0.4123] CD14+"
    assert differences("linear", shown, shown) == []
    assert differences("linear", shown, shown.replace("0.1450", "0.1451")) == []
    assert differences("linear", shown, shown.replace("-0.4123", "0.4123")) != []
    assert differences("linear", shown, shown.replace("1028", "1029")) != []
    assert differences("linear", shown, shown.replace("CD14", "CD16")) != []
    assert differences("linear", shown, shown.replace("0.1450", "nan")) != []
