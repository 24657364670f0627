# SPDX-License-Identifier: GPL-2.0-only
"""make mutants: does a test see it when the driver is broken?

Each *.patch here plants one fault. Its first lines say what the fault is and which test
sees it. The tree is copied, the fault planted, the module built as ever, and that test
run: it must fail. The last line counts those that were caught.
"""

import argparse
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from vm.paths import BUILD, TOP  # noqa: E402
from vm.progress import say  # noqa: E402

HERE = Path(__file__).resolve().parent
TIMEOUT = 1500
HEADER = re.compile(r"^(Fault|Caught-by): (.+)$", re.MULTILINE)
FAILED = re.compile(r"^\d+ failed", re.MULTILINE)


class Mutant:
    def __init__(self, path):
        text = path.read_text()
        self.path, self.name = path, path.stem
        said = dict(HEADER.findall(text))
        self.fault, self.test = said["Fault"], said["Caught-by"]
        self.files = ", ".join(re.findall(r"^\+\+\+ b/(\S+)", text, re.MULTILINE))


def copy_tree(to):
    """What git tracks, as it is in the working tree now."""
    shutil.rmtree(to, ignore_errors=True)
    names = subprocess.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                           cwd=TOP, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        if (TOP / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TOP / name, to / name)


def run_test(mutant, tree):
    """What came of it, and the log."""
    copy_tree(tree)
    planted = subprocess.run(["patch", "-p1", "--no-backup-if-mismatch", "-i", mutant.path],
                             cwd=tree, capture_output=True, text=True)
    if planted.returncode:
        return "DOES NOT APPLY", planted.stdout
    for command in (["make", "-s", "programs"],
                    ["/usr/bin/python3", "-c", "from vm import kernels; kernels.build_module('debug')"]):
        built = subprocess.run(command, cwd=tree if command[0] == "make" else tree / "tests",
                               capture_output=True, text=True)
        if built.returncode:
            return "DOES NOT BUILD", built.stdout + built.stderr
    try:
        test = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider", "-q",
                               "--tb=short", *mutant.test.split()], cwd=tree / "tests",
                              capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired as late:
        return "caught (never ended)", str(late.stdout)
    if test.returncode == 1 and FAILED.search(test.stdout):
        return "caught", test.stdout
    return "NOT CAUGHT", test.stdout + test.stderr


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="only these, by the name of their patch")
    names = parser.parse_args().names
    mutants = [Mutant(path) for path in sorted(HERE.glob("*.patch"))
               if not names or path.stem in names]
    logs = BUILD / "log" / "mutants"
    logs.mkdir(parents=True, exist_ok=True)
    caught = 0
    for mutant in mutants:
        say(f"{mutant.name}: {mutant.files}: {mutant.fault}")
        result, log = run_test(mutant, BUILD / "mutants")
        (logs / f"{mutant.name}.log").write_text(log)
        caught += result.startswith("caught")
        say(f"{mutant.name}: {result}: {mutant.test}")
        if not result.startswith("caught"):
            print(log[-3000:], flush=True)
    print(f"{caught} of {len(mutants)} faults were caught; logs in {logs}", flush=True)
    return 0 if mutants and caught == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
