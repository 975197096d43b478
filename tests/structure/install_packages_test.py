"""install_packages.sh touches nothing where nothing is missing, and says what it does elsewhere.

Stand-ins for dpkg-query, apt-get, id and sudo in a folder that is the whole PATH record the calls.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "scripts" / "install_packages.sh"


@pytest.fixture
def machine(tmp_path):
    """run(missing, user, has_sudo) -> finished process and the lines of the call log."""
    log = tmp_path / "calls"

    def stand_in(name, body):
        path = tmp_path / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/bash\n{body}\n")
        path.chmod(0o755)

    def run(missing=(), user=0, has_sudo=False, update_fails=False, lists=("oracle",)):
        stand_in("dpkg-query", f'case " {" ".join(missing)} " in *" ${{@: -1}} "*) exit 1;; esac\n'
                               "printf installed")
        stand_in("apt-get", f'echo "apt-get $*" >> {log}\n'
                            f'[ "$1" != update ] || exit {int(update_fails)}')
        stand_in("id", f"echo {user}")
        stand_in("env", 'while [[ "$1" == *=* ]]; do shift; done; exec "$@"')
        if has_sudo:
            stand_in("sudo", f'echo sudo >> {log}; exec "$@"')
        path = {**os.environ, "PATH": str(tmp_path / "bin")}
        done = subprocess.run([shutil.which("bash"), SCRIPT, *lists], env=path, text=True,
                              capture_output=True, check=False)
        return done, log.read_text().splitlines() if log.exists() else []

    return run


def test_nothing_missing_calls_nothing(machine):
    done, calls = machine(lists=("build", "test", "oracle"))
    assert (done.returncode, done.stdout, done.stderr, calls) == (0, "", "", [])


def test_root_installs_only_what_is_missing(machine):
    done, calls = machine(missing=["python3-venv"])
    assert done.returncode == 0
    assert "python3-venv" in done.stdout
    assert calls == ["apt-get update",
                     "apt-get install -y --no-install-recommends python3-venv"]


def test_an_index_that_cannot_be_refreshed_does_not_stop_it(machine):
    done, calls = machine(missing=["python3-venv"], update_fails=True)
    assert done.returncode == 0
    assert calls[1].startswith("apt-get install")


def test_a_user_with_sudo_is_told_and_sudo_is_used(machine):
    done, calls = machine(missing=["python3-venv"], user=1000, has_sudo=True)
    assert done.returncode == 0
    assert "Installing with sudo apt-get: python3-venv" in done.stdout
    assert calls == ["sudo", "apt-get update", "sudo",
                     "apt-get install -y --no-install-recommends python3-venv"]


def test_with_neither_it_prints_the_line_and_stops(machine):
    done, calls = machine(missing=["python3-venv"], user=1000)
    assert done.returncode == 1
    assert calls == []
    assert "apt-get update && apt-get install -y --no-install-recommends python3-venv" in done.stderr


def test_an_unknown_list_is_refused(machine):
    done, calls = machine(lists=("everything",))
    assert done.returncode == 2 and calls == []
