# SPDX-License-Identifier: GPL-2.0-only
"""The faults of "make mutants" can still be planted, and the tests that see them exist."""

import subprocess
import sys

from mutants import run
from vm.paths import TESTS, TOP

MUTANTS = [run.Mutant(path) for path in sorted(run.HERE.glob("*.patch"))]


def test_patches_apply():
    for mutant in MUTANTS:
        tried = subprocess.run(["patch", "-p1", "--dry-run", "--fuzz=0", "-i", mutant.path],
                               cwd=TOP, capture_output=True, text=True)
        assert not tried.returncode, f"{mutant.name}: {tried.stdout}"


def test_tests_exist():
    collected = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only", "-q",
         *sorted({mutant.test for mutant in MUTANTS})],
        cwd=TESTS, capture_output=True, text=True)
    assert collected.returncode == 0, collected.stdout + collected.stderr


def test_every_file_has_one():
    """But for those with no code of their own."""
    planted = {name for mutant in MUTANTS for name in mutant.files.split(", ")}
    files = {str(path.relative_to(TOP)) for path in (TOP / "driver").rglob("*.c")
             if "compat" not in path.parts and not path.name.endswith(".mod.c")}
    plain = {f"driver/{name}.c" for name in ("main", "trace")}
    assert not files - planted - plain, sorted(files - planted - plain)
