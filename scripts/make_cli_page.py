#!/usr/bin/env python3
"""Writes docs/cli.md from what the program itself says of its commands and options.

    scripts/make_cli_page.py PROGRAM            writes the page
    scripts/make_cli_page.py PROGRAM --check    fails if the page is out of date
"""
import pathlib
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "cli.md"
COMMANDS = ["walkthrough", "train", "predict", "evaluate", "embed", "explain", "inspect", "convert", "simulate",
            "import-celltypist"]
HEAD = """# Command line

Made by `scripts/make_cli_page.py` from `saithe COMMAND --help`; the values after the names are the
defaults, and every switch has a form `--no-NAME`. An option that is given where it would change nothing, and a switch that is
given both ways, is refused (2), but for switching off what is off, and for what joins several files (`--genes`, `--gene-symbols`, `--match-case-insensitive`) in `train` on one. Exit codes: 0 done; 1 output cannot be written or exists, or the loss is not finite; 2 usage; 3 input; 4 data
and model do not fit; 5 device; 70 a bug in saithe; 129 a closed terminal; 130 Ctrl-C; 141 the reader of a pipe has left; 143 SIGTERM.
"""


def page(program):
    text = HEAD
    for command in COMMANDS:
        said = subprocess.run([program, command, "--help"], capture_output=True, text=True, check=True).stdout
        lines = [line.rstrip() for line in said.strip().splitlines()]
        example = lines.pop().removeprefix("Example: ")
        text += f"\n## saithe {command}\n\n    {example}\n\n```text\n" + "\n".join(lines).strip() + "\n```\n"
    return text


def main():
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    text = page(sys.argv[1])
    if sys.argv[2:] == ["--check"]:
        if PAGE.read_text() != text:
            sys.exit("docs/cli.md is out of date: run scripts/make_cli_page.py PROGRAM")
        return
    PAGE.write_text(text)


if __name__ == "__main__":
    main()
