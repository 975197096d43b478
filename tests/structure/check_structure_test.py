"""The structure check passes a clean tree and names each kind of violation."""

import check_structure
import pytest

CLEAN = {
    "src/saithe/saithe.h": '#pragma once\n\n// All public headers of the library.\n\n'
                           '#include "saithe/core/error.h"\n#include "saithe/io/open.h"\n'
                           '#include "saithe/prep/qc.h"\n',
    "src/saithe/core/CMakeLists.txt": "add_saithe_layer(core SOURCES error.cpp)\n",
    "src/saithe/core/error.h": "#pragma once\n\n// What the library throws.\n\n#include <string>\n",
    "src/saithe/core/error.cpp": '#include "saithe/core/error.h"\n\n'
                                 'const char* kText = "exit(1) // printf(";  // never abort()\n',
    "src/saithe/io/CMakeLists.txt": "add_saithe_layer(io SOURCES open.cpp h5ad.cpp)\n",
    "src/saithe/io/open.h": "#pragma once\n\n// Opens a file of any known format.\n",
    "src/saithe/io/open.cpp": '#include "saithe/io/open.h"\n\n#include "saithe/core/error.h"\n',
    "src/saithe/io/formats.h": "#pragma once\n\n// One reader for each format.\n",
    "src/saithe/io/h5ad.cpp": '#include "saithe/io/open.h"\n\n#include "saithe/io/formats.h"\n',
    "src/saithe/prep/CMakeLists.txt": "add_saithe_layer(prep SOURCES qc.cpp)\n",
    "src/saithe/prep/qc.h": "#pragma once\n\n// Which cells are good enough.\n",
    "src/saithe/prep/qc.cpp": '#include "saithe/prep/qc.h"\n',
    "src/saithe/kernels/CMakeLists.txt": "add_saithe_layer(kernels SOURCES cpu/simd.cpp)\n",
    "src/saithe/kernels/cpu/simd.cpp": "#include <hwy/highway.h>\n",
    "src/cli/main.cpp": '#include "saithe/saithe.h"\n\n#include <iostream>\n',
    "tests/unit/core/CMakeLists.txt": "add_saithe_test(error_test.cpp LAYER core)\n",
    "tests/unit/core/error_test.cpp": "",
    "tests/unit/io/CMakeLists.txt": "add_saithe_test(open_test.cpp LAYER io)\n",
    "tests/unit/io/open_test.cpp": "",
    "tests/unit/prep/CMakeLists.txt": "add_saithe_test(qc_metrics_test.cpp LAYER prep)\n",
    "tests/unit/prep/qc_metrics_test.cpp": "",
    "tests/backends/CMakeLists.txt": "add_saithe_test(backend_test.cpp)\n",
    "tests/backends/backend_test.cpp": "",
}

# what is added to a clean file (or the new content of a new one) -> what must be said of it
VIOLATIONS = [
    ("src/saithe/core/error.cpp", '#include "saithe/io/open.h"\n', "core may not include io"),
    ("src/saithe/io/open.cpp", '#include "saithe/prep/qc.h"\n', "io may not include prep"),
    ("src/saithe/core/error.cpp", '#include "cli/command.h"\n', "does not include cli/command.h"),
    ("src/saithe/core/error.cpp", '#include "saithe/saithe.h"\n', "does not include saithe/saithe.h"),
    ("src/saithe/io/open.h", '#include "saithe/io/formats.h"\n', "includes the private"),
    ("src/cli/main.cpp", '#include "saithe/io/formats.h"\n', "is private to the library"),
    ("examples/walkthrough.cpp", '#include "saithe/io/formats.h"\n', "is private to the library"),
    ("src/saithe/misc/things.h", "// A folder that is no layer.\n", "misc is not a layer"),
    ("src/saithe/io/open.cpp", "#include <hdf5.h>\n", "hdf5.h belongs in"),
    ("src/saithe/prep/qc.cpp", "#include <hwy/highway.h>\n", "hwy/highway.h belongs in"),
    ("src/saithe/prep/qc.cpp", "#include <thread>\n", "thread belongs in"),
    ("src/saithe/prep/qc.cpp", "#include <immintrin.h>\n", "immintrin.h belongs in"),
    ("src/saithe/prep/qc.cpp", "#include <cairo.h>\n", "cairo.h belongs in"),
    ("src/saithe/prep/qc.cpp", "#include <nlohmann/json.hpp>\n", "json.hpp belongs in"),
    ("src/saithe/prep/qc.cpp", "#include <libdeflate.h>\n", "libdeflate.h belongs in"),
    ("src/saithe/prep/qc.cpp", "#include <zlib.h>\n", "zlib.h belongs in"),
    ("src/saithe/prep/qc.cpp", "#include <openssl/evp.h>\n", "openssl/evp.h belongs in"),
    ("src/saithe/prep/qc.cpp", "#include <cuda_runtime.h>\n", "cuda_runtime.h belongs in"),
    ("src/saithe/prep/qc.cpp", "#include <iostream>\n", "never prints"),
    ("src/saithe/prep/qc.cpp", 'void f() { printf("x"); }\n', "never prints"),
    ("src/saithe/prep/qc.cpp", "void f() { std::exit(1); }\n", "never ends the program"),
    ("src/saithe/prep/qc.cpp", "void f() { abort(); }\n", "never ends the program"),
    ("src/saithe/prep/split.h", "#pragma once\n#include <vector>\n", "what this header is for"),
    ("src/saithe/prep/split.cpp", "int x;\n", "has no split_test.cpp"),
    ("src/saithe/prep/split.cpp", "int x;\n", "not listed in src/saithe/prep/CMakeLists.txt"),
    ("tests/unit/prep/split_test.cpp", "", "declares this test"),
    ("tests/golden/CMakeLists.txt", "add_saithe_test(x_test.cpp LABELS fast)\n", "label golden"),
    ("src/cli/main.cpp", "// TO" "DO later\n", "unfinished work"),
    ("README.md", "see /wor" "k/main\n", "a path of one machine"),
    ("scripts/x.sh", "# caf\u00e9\n", "plain ASCII"),
    ("src/cli/main.cpp", "int x;\n" * 501, "longer than 500 lines"),
]


def write_tree(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return root


def test_a_clean_tree_has_no_findings(tmp_path):
    assert check_structure.Tree(write_tree(tmp_path, CLEAN)).check() == []


@pytest.mark.parametrize("name,added,expected", VIOLATIONS)
def test_a_violation_is_named(tmp_path, name, added, expected):
    files = {**CLEAN, name: CLEAN.get(name, "") + added}
    findings = check_structure.Tree(write_tree(tmp_path, files)).check()
    assert any(finding.startswith(name + ":") and expected in finding for finding in findings), findings


def test_a_private_header_stays_in_its_layer(tmp_path):
    files = {**CLEAN, "src/saithe/io/inner.h": "// Only for io itself, as a test.\n"}
    files["src/saithe/report/CMakeLists.txt"] = "add_saithe_layer(report SOURCES page.cpp)\n"
    files["src/saithe/report/page.cpp"] = '#include "saithe/io/inner.h"\n'
    findings = check_structure.Tree(write_tree(tmp_path, files)).check()
    assert any("report may not include io" in finding for finding in findings)
    files["src/saithe/prep/qc.cpp"] = '#include "saithe/matrix/inner.h"\n'
    findings = check_structure.Tree(write_tree(tmp_path, files)).check()
    assert any("saithe/matrix/inner.h is private to matrix" in finding for finding in findings)


def test_a_tool_of_the_lower_layers_may_be_used_above(tmp_path):
    files = {**CLEAN, "src/saithe/core/inner.h": "// A tool for every layer, as a test.\n"}
    files["src/saithe/io/open.cpp"] += '#include "saithe/core/inner.h"\n'
    assert check_structure.Tree(write_tree(tmp_path, files)).check() == []


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(SystemExit) as stop:
        check_structure.main([str(tmp_path)])
    assert "no sources found" in str(stop.value)
