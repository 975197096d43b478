#!/usr/bin/env python3
"""Keeps docs/walkthrough.md true: its code is that of examples/walkthrough.cpp.

    scripts/update_walkthrough.py                    writes the code into the page
    scripts/update_walkthrough.py --output FILE      and what the example printed (its saved output)
    scripts/update_walkthrough.py --check            changes nothing; fails if the page is out of date
"""
import argparse
import pathlib
import re
import sys
import textwrap

ROOT = pathlib.Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "walkthrough.md"
EXAMPLE = ROOT / "examples" / "walkthrough.cpp"


def steps_of_example():
    """The code between '// [step NAME]' and '// [end]', without its indentation."""
    found = re.findall(r"^ *// \[step ([a-z-]+)\]\n(.*?)^ *// \[end\]\n", EXAMPLE.read_text(),
                       re.MULTILINE | re.DOTALL)
    return {name: textwrap.dedent(code).rstrip("\n") for name, code in found}


def steps_of_output(text):
    """What the example printed below each '== NAME =='."""
    parts = re.split(r"^== ([a-z-]+) ==\n", text, flags=re.MULTILINE)
    return {name: body.strip("\n") for name, body in zip(parts[1::2], parts[2::2])}


def steps_of_page():
    """What the page shows below each '<!-- output: NAME -->'."""
    return dict(re.findall(r"<!-- output: ([a-z-]+) -->\n```text\n(.*?)\n```", PAGE.read_text(),
                           flags=re.DOTALL))


def fill(page, kind, language, texts, where):
    """Replaces the block that follows each '<!-- kind: NAME -->'."""
    def block(match):
        name = match.group(1)
        if name not in texts:
            sys.exit(f"docs/walkthrough.md: '{kind}: {name}' is not in {where}")
        return f"<!-- {kind}: {name} -->\n```{language}\n{texts[name]}\n```"
    pattern = rf"<!-- {kind}: ([a-z-]+) -->\n```{language}\n.*?```"
    filled, n_blocks = re.subn(pattern, block, page, flags=re.DOTALL)
    if kind == "code" and n_blocks != len(texts):
        missing = set(texts) - set(re.findall(rf"<!-- {kind}: ([a-z-]+) -->", page))
        sys.exit(f"docs/walkthrough.md: lacks the steps {sorted(missing)} of {where}")
    return filled


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--output", type=pathlib.Path)
    arguments = parser.parse_args()
    old = PAGE.read_text()
    new = fill(old, "code", "cpp", steps_of_example(), "examples/walkthrough.cpp")
    if arguments.output:
        new = fill(new, "output", "text", steps_of_output(arguments.output.read_text()),
                   str(arguments.output))
    if arguments.check:
        if new != old:
            sys.exit("docs/walkthrough.md is out of date: run scripts/update_walkthrough.py")
        return
    PAGE.write_text(new)


if __name__ == "__main__":
    main()
