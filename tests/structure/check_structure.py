"""Checks that the tree still has the design that ARCHITECTURE.md describes.

usage: check_structure.py REPOSITORY

Prints one line per finding and exits 1 if there is any. The rules are the tables below and the
docstrings of the functions; nothing outside the standard library is needed.
"""

import re
import sys
from pathlib import Path

# Each layer and those it may include directly; what these may include, it may too.
LAYERS = {
    "core": [],
    "matrix": ["core"],
    "kernels": ["matrix"],
    "data": ["matrix"],
    "io": ["data"],
    "prep": ["data", "kernels"],
    "nn": ["kernels"],
    "classify": ["prep", "nn"],
    "embed": ["kernels"],
    "report": ["classify", "embed"],
}
# Layers that are tools for those above: all their headers may be included there. Of the other
# layers only the public headers, so that each stays one deep module.
TOOLS = {"core", "kernels"}
# Headers of other libraries, each with the only files of src/saithe that may include it.
FOREIGN = {
    r"hdf5(_hl)?\.h|H5.*": ["io/hdf5_library.h"],
    r"hwy/.*": ["kernels/cpu/*", "embed/layout_moves.cpp"],
    r"(cairo/)?cairo.*": ["report/figure.cpp"],
    r"nlohmann/.*": ["classify/*", "io/zarr_consolidated.*", "io/zarr_encoding.*",
                       "io/zarr_metadata.*", "io/zarr_writer.*"],
    r"libdeflate\.h": ["io/*"],
    r"blosc\.h|zstd\.h": ["io/*"],
    r"zlib\.h": ["core/gzip_input.cpp", "core/text_io.cpp", "core/text_output.cpp"],
    r"openssl/.*": ["core/sha256.cpp"],
    r".*mmintrin\.h|arm_neon\.h": [],
    r"cuda_runtime.*": ["kernels/cuda/cuda_device.cpp"],
    r"omp\.h|thread": ["core/*"],
}
# The library never prints and never ends the program.
BANNED_CODE = {
    r"#\s*include\s*<(iostream|print|cstdio|stdio\.h)>": "prints",
    r"\b(printf|fprintf|vprintf|puts|putchar|perror)\s*\(": "prints",
    r"\bfmt::print\b|\bstd::(cout|cerr|clog)\b": "prints",
    r"(?<![\w.>])(std::)?(exit|_exit|_Exit|quick_exit|abort|terminate)\s*\(": "ends the program",
}
# Words in two halves, so that this file does not find itself.
# A copy of the process ends where its job ends.
MAY_END = {"core/child_process.cpp"}
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
MACHINE_PATH = re.compile(r"(?<![\w.$}{)/])/(wor" r"k|op" r"t|roo" r"t|hom" r"e)/\w")
SOURCES = {".h", ".cpp", ".cu", ".cuh", ".py", ".sh", ".cmake", ".in"}
TEXTS = SOURCES | {".md", ".txt", ".json", ".yml", ".yaml", ".tsv", ""}
NOT_OURS = {".pytest_cache", "build", "demo", "out", "__pycache__"}
MAX_LINES = 500


def below(layer):
    """The layer and all that it may include."""
    return {layer}.union(*(below(lower) for lower in LAYERS[layer]))


def without_comments(text):
    """The code with comments and the insides of string literals removed, lines kept."""
    pattern = r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"'
    keep_lines = lambda found: "\n" * found.group().count("\n")
    lines = text.split("\n")
    included = {i: line for i, line in enumerate(lines) if line.lstrip().startswith("#")}
    stripped = re.sub(pattern, keep_lines, text, flags=re.DOTALL).split("\n")
    return "\n".join(included.get(i, line) for i, line in enumerate(stripped))


def includes(path):
    """(line number, name) of every #include."""
    found = []
    for number, line in enumerate(path.read_text().split("\n"), 1):
        match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
        if match:
            found.append((number, match.group(1)))
    return found


class Tree:
    """One checkout and the findings in it."""

    def __init__(self, root):
        self.root = Path(root).resolve()
        self.library = self.root / "src" / "saithe"
        self.findings = []
        front = self.library / "saithe.h"
        self.public = {name for _, name in includes(front)} if front.exists() else set()

    def report(self, path, line, message):
        self.findings.append(f"{path.relative_to(self.root)}:{line}: {message}")

    def library_files(self, *suffixes):
        """(path, path inside src/saithe, layer) of the library's files in the layers' folders."""
        for path in sorted(self.library.rglob("*")):
            inside = path.relative_to(self.library)
            if path.suffix in suffixes and len(inside.parts) > 1:
                yield path, inside, inside.parts[0]

    def texts(self):
        """Every text file that belongs to the project."""
        for path in sorted(self.root.rglob("*")):
            folders = path.relative_to(self.root).parts[:-1]
            ours = not NOT_OURS.intersection(folders[:1] + folders[-1:]) and ".git" not in folders
            if path.is_file() and ours and path.suffix in TEXTS:
                yield path

    def check_layers(self):
        """Includes go down only; a header that saithe.h does not list is private to its layer (but
        see TOOLS), and a public header includes only public ones, for they are what is installed."""
        for path, inside, layer in self.library_files(".h", ".cpp", ".cu"):
            if layer not in LAYERS:
                self.report(path, 1, f"{layer} is not a layer")
                continue
            for line, name in includes(path):
                parts = name.split("/")
                if parts[0] == "cli" or name == "saithe/saithe.h":
                    self.report(path, line, f"the library does not include {name}")
                if parts[0] != "saithe" or len(parts) < 3:
                    continue
                if parts[1] not in below(layer):
                    self.report(path, line, f"{layer} may not include {parts[1]} ({name})")
                elif parts[1] not in TOOLS | {layer} and name not in self.public:
                    self.report(path, line, f"{name} is private to {parts[1]}")
                if path.suffix == ".h" and f"saithe/{inside}" in self.public:
                    if name not in self.public:
                        self.report(path, line, f"a public header includes the private {name}")

    def check_callers(self):
        """The program and the examples use the public headers, as any other program would."""
        for folder in ("src/cli", "examples"):
            for path in sorted((self.root / folder).rglob("*.[hc]*")):
                for line, name in includes(path):
                    if name.startswith("saithe/") and name not in self.public | {"saithe/saithe.h"}:
                        self.report(path, line, f"{name} is private to the library")

    def check_foreign_headers(self):
        """Another library is behind few files, so that it can be replaced there."""
        for path, inside, _ in self.library_files(".h", ".cpp", ".cu"):
            for line, name in includes(path):
                for pattern, allowed in FOREIGN.items():
                    if re.fullmatch(pattern, name) and not any(inside.match(a) for a in allowed):
                        self.report(path, line, f"{name} belongs in {allowed or 'no file'}")

    def check_banned_code(self):
        """The library throws; it neither prints nor exits."""
        for path, inside, _ in self.library_files(".h", ".cpp", ".cu"):
            for number, line in enumerate(without_comments(path.read_text()).split("\n"), 1):
                for pattern, what in BANNED_CODE.items():
                    if what == "ends the program" and inside.as_posix() in MAY_END:
                        continue
                    if re.search(pattern, line):
                        self.report(path, number, f"the library never {what}: {line.strip()}")

    def check_purpose_comments(self):
        """A header says first what it is for."""
        for path in sorted((self.root / "src").rglob("*.h")):
            head = path.read_text().split("#include")[0].replace("#pragma once", "").strip()
            if not head.startswith("//") or len(head.split("\n\n")[0]) < 20:
                self.report(path, 1, "no comment above the includes says what this header is for")

    def check_tests(self):
        """Each x.cpp has its x_test.cpp (or x_<topic>_test.cpp). A part of a larger module, a .cpp
        whose first include is another header of its layer, is covered by that header's test.
        The kernels' tests are in tests/backends. A test that CMake does not know cannot fail."""
        for path, inside, layer in self.library_files(".cpp"):
            cmake = self.library / layer / "CMakeLists.txt"
            if str(Path(*inside.parts[1:])) not in cmake.read_text().replace(")", " ").split():
                self.report(path, 1, f"not listed in {cmake.relative_to(self.root)}")
            folder = self.root / "tests" / ("backends" if layer == "kernels" else f"unit/{layer}")
            first = [name for _, name in includes(path) if name.startswith(f"saithe/{layer}/")][:1]
            stems = [path.stem] + [Path(name).stem for name in first]
            if layer == "kernels":
                stems = [""]
            if not any(list(folder.glob(f"{s}_test.cpp")) + list(folder.glob(f"{s}_*_test.cpp"))
                       + ([] if s else list(folder.glob("*_test.cpp"))) for s in stems):
                self.report(path, 1, f"{folder.relative_to(self.root)} has no {path.stem}_test.cpp")
        for path in sorted((self.root / "tests").rglob("*_test.cpp")):
            cmake = path.parent / "CMakeLists.txt"
            if not cmake.exists() or not re.search(rf"(?<!\w){path.stem}\b", cmake.read_text()):
                self.report(path, 1, "no CMakeLists.txt beside it declares this test")

    def check_golden_label(self):
        """`ctest -L golden` selects the tests whose expected values other tools made."""
        cmake = self.root / "tests" / "golden" / "CMakeLists.txt"
        for number, line in enumerate(cmake.read_text().split("\n") if cmake.exists() else [], 1):
            if line.startswith("add_saithe_test(") and not re.search(r"LABELS [a-z ]*\bgolden\b", line):
                self.report(cmake, number, "a golden test without the label golden")

    def check_texts(self):
        """Nothing unfinished, nothing of one machine, ASCII sources, no overlong file."""
        for path in self.texts():
            raw = path.read_bytes()
            source = path.suffix in SOURCES or path.name in ("CMakeLists.txt", "Makefile")
            lines = raw.decode("utf-8", errors="replace").split("\n")
            for number, line in enumerate(lines, 1):
                if UNFINISHED.search(line):
                    self.report(path, number, "unfinished work is not committed")
                if MACHINE_PATH.search(line):
                    self.report(path, number, "a path of one machine")
                if source and not line.isascii():
                    self.report(path, number, "sources are plain ASCII")
            if source and len(lines) - 1 > MAX_LINES:
                self.report(path, len(lines) - 1, f"longer than {MAX_LINES} lines")

    def check(self):
        """All findings."""
        for rule in (self.check_layers, self.check_callers, self.check_foreign_headers,
                     self.check_banned_code, self.check_purpose_comments, self.check_tests,
                     self.check_golden_label, self.check_texts):
            rule()
        return self.findings


def main(arguments):
    if len(arguments) != 1:
        sys.exit(__doc__)
    tree = Tree(arguments[0])
    if not any(tree.library_files(".cpp")):
        sys.exit(f"{tree.library}: no sources found")
    findings = tree.check()
    print("\n".join(findings + [f"{len(findings)} findings"]))
    sys.exit(1 if findings else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
