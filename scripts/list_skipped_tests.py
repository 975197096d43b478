"""Lists the tests that a ctest run skipped, each with its reason, so that no skip goes unseen.

usage: list_skipped_tests.py CTEST.xml [--only-gpu]

Reads what `ctest --output-junit` wrote. GoogleTest skips are whole ctest entries; an entry that
runs pytest may hide skips inside, which its `-rs` summary names. With --only-gpu any skip whose
reason does not say that a GPU (or CUDA) is missing makes the exit status 1.
"""

import re
import sys
import xml.etree.ElementTree as ElementTree


def gtest_reason(output):
    """The text between gtest's 'Skipped' line and its closing mark."""
    found = re.search(r": Skipped\n(.*?)\n?\[  SKIPPED \]", output, re.DOTALL)
    return " ".join(found.group(1).split()) if found else ""


def pytest_skips(output):
    """(test, reason) of every skip that a pytest run reports, with or without -rs."""
    named = [(place, reason, int(count)) for count, place, reason in
             re.findall(r"^SKIPPED \[(\d+)\] (\S+?): (.*)$", output, re.MULTILINE)]
    closing = re.findall(r"^=*\s*.*?\b(\d+) skipped\b.* in [0-9.]+s", output, re.MULTILINE)
    unnamed = sum(map(int, closing)) - sum(count for _, _, count in named)
    skips = [(place, reason) for place, reason, _ in named]
    if unnamed > 0:
        skips.append((f"{unnamed} pytest tests", ""))
    return skips


def skipped_tests(path):
    """(test, reason) for every skip in the file, and the number of ctest entries."""
    entries = list(ElementTree.parse(path).getroot().iter("testcase"))
    skips = []
    for entry in entries:
        output = entry.findtext("system-out") or ""
        if entry.find("skipped") is not None or entry.get("status") in ("notrun", "disabled"):
            skips.append((entry.get("name"), gtest_reason(output)))
        else:
            skips += [(f"{entry.get('name')}: {test}", why) for test, why in pytest_skips(output)]
    return skips, len(entries)


def main(arguments):
    only_gpu = "--only-gpu" in arguments
    files = [a for a in arguments if not a.startswith("--")]
    if len(files) != 1:
        sys.exit(__doc__)
    try:
        skips, n_entries = skipped_tests(files[0])
    except (OSError, ElementTree.ParseError) as error:
        sys.exit(f"{files[0]}: no readable ctest report: {error}")
    refused = 0
    for test, reason in skips:
        allowed = re.search(r"\b(GPU|CUDA)\b", reason) is not None
        refused += not allowed
        mark = "not allowed here: " if only_gpu and not allowed else ""
        print(f"skipped: {mark}{test}: {reason or 'no reason given'}")
    print(f"{len(skips)} skipped in {n_entries} ctest entries")
    if only_gpu and refused:
        sys.exit(f"{refused} tests were skipped for want of something other than a GPU")


if __name__ == "__main__":
    main(sys.argv[1:])
