"""Every way in which a test can be skipped is listed, and only a missing GPU is forgiven."""

import importlib.util
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "list_skipped_tests.py"
spec = importlib.util.spec_from_file_location("list_skipped_tests", SCRIPT)
skips = importlib.util.module_from_spec(spec)
spec.loader.exec_module(skips)

GTEST = """<testcase name="{name}" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION"/>
<system-out>[ RUN      ] {name}\nfile.cpp:12: Skipped\n{reason}\n\n[  SKIPPED ] {name} (0 ms)
</system-out></testcase>"""
PYTEST = """<testcase name="{name}" status="run"><system-out>{lines}</system-out></testcase>"""


def report(tmp_path, *entries):
    path = tmp_path / "ctest.xml"
    path.write_text("<testsuite>" + "".join(entries) + "</testsuite>")
    return str(path)


def test_gtest_skips_carry_their_reason(tmp_path):
    path = report(tmp_path, GTEST.format(name="A.B", reason="SAITHE_TEST_DATA is not set"))
    assert skips.skipped_tests(path) == ([("A.B", "SAITHE_TEST_DATA is not set")], 1)


def test_pytest_skips_inside_an_entry_are_found(tmp_path):
    lines = "SKIPPED [2] tests/e2e/a.py:12: no data: x\n== 3 passed, 3 skipped in 0.12s =="
    path = report(tmp_path, PYTEST.format(name="e2e", lines=lines))
    assert skips.skipped_tests(path)[0] == [("e2e: tests/e2e/a.py:12", "no data: x"),
                                            ("e2e: 1 pytest tests", "")]


def test_a_clean_run_has_none(tmp_path):
    path = report(tmp_path, PYTEST.format(name="e2e", lines="3 passed in 0.12s"))
    skips.main([path, "--only-gpu"])
    assert skips.skipped_tests(path) == ([], 1)


@pytest.mark.parametrize("reason,allowed", [("no GPU on this machine", True),
                                            ("built without CUDA", True),
                                            ("SAITHE_TEST_DATA is not set", False),
                                            ("", False)])
def test_only_a_missing_gpu_is_forgiven(tmp_path, reason, allowed):
    path = report(tmp_path, GTEST.format(name="A.B", reason=reason))
    skips.main([path])
    if allowed:
        skips.main([path, "--only-gpu"])
    else:
        with pytest.raises(SystemExit) as stop:
            skips.main([path, "--only-gpu"])
        assert "1 tests were skipped" in str(stop.value)


def test_a_missing_report_is_an_error(tmp_path):
    with pytest.raises(SystemExit) as stop:
        skips.main([str(tmp_path / "none.xml")])
    assert "no readable ctest report" in str(stop.value)
