# SPDX-License-Identifier: GPL-2.0-only
"""make mutants: does a test see it when the driver is broken?

Each *.patch here plants one fault. Its first lines say what the fault is, which test
sees it, and in which words: a test that fails for another reason, such as a host that is
too slow, has caught nothing. The tree is copied; there each fault is planted in turn, the
module built as ever, and that test run. The last line counts what was caught and missed.
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
TIMEOUT = 3000
HEADER = re.compile(r"^(Fault|Caught-by|Seen-as): (.+)$", re.MULTILINE)
# Not a time limit, nor a build that failed
ANY_ASSERTION = r"\bnot ok \d|\bAssertionError\b|^E +assert "
PASSED = re.compile(r"^\d+ passed", re.MULTILINE)


class Mutant:
    def __init__(self, path):
        text = path.read_text()
        self.path, self.name = path, path.stem
        said = dict(HEADER.findall(text))
        self.fault, self.test = said["Fault"], said["Caught-by"]
        self.seen = re.compile(said.get("Seen-as", ANY_ASSERTION))
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
    # Packages are made of what git sees, and it would see the tree around this one.
    subprocess.run(["git", "init", "-q"], cwd=to, check=True)


def patch(tree, mutant, *options):
    return subprocess.run(["patch", "-p1", "--no-backup-if-mismatch", *options, "-i", mutant.path],
                          cwd=tree, capture_output=True, text=True)


def run_test(tree, name):
    """How a test came out, and the log: "passed", "failed", or why it did neither."""
    for command in (["make", "-s", "programs"],
                    ["/usr/bin/python3", "-c", "from vm import kernels; kernels.build_module('debug')"]):
        built = subprocess.run(command, cwd=tree if command[0] == "make" else tree / "tests",
                               capture_output=True, text=True)
        if built.returncode:
            return "does not build", built.stdout + built.stderr
    try:
        test = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-p", "no:cacheprovider", "-q",
                               "--tb=short", *name.split()], cwd=tree / "tests",
                              capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired as late:
        return "the test never ended", str(late.stdout)
    log = test.stdout + test.stderr
    if test.returncode == 1:	# also where the log gate saw it after the test's end
        return "failed", log
    if test.returncode == 0 and PASSED.search(test.stdout):
        return "passed", log
    return f"the test did not run, status {test.returncode}", log


def try_fault(tree, mutant):
    """None where the fault was caught, or why it was not; and the log."""
    planted = patch(tree, mutant)
    if planted.returncode:
        copy_tree(tree)
        return "does not apply", planted.stdout
    result, log = run_test(tree, mutant.test)
    patch(tree, mutant, "-R").check_returncode()
    if result == "passed":
        return "the test passed", log
    if result == "failed":
        return None if mutant.seen.search(log) else "the test failed for another reason", log
    return result, log


def without_faults(tree, tests):
    """Those of the tests that do not even pass then."""
    unsound = set()
    for test in tests:
        result, log = run_test(tree, test)
        say(f"without a fault: {result}: {test}")
        if result != "passed":
            print(log[-3000:], flush=True)
            unsound.add(test)
    return unsound


def chosen(names):
    """Those of these names, in this order; or all."""
    mutants = {path.stem: Mutant(path) for path in sorted(HERE.glob("*.patch"))}
    unknown = set(names) - set(mutants)
    if unknown:
        raise SystemExit(f"no such fault: {', '.join(sorted(unknown))}; see {HERE}")
    return [mutants[name] for name in names or mutants]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sound", action="store_true",
                        help="first run each test without a fault: it must pass")
    parser.add_argument("names", nargs="*", help="only these, by the name of their patch")
    arguments = parser.parse_args()
    mutants = chosen(arguments.names)
    logs = BUILD / "log" / "mutants"
    logs.mkdir(parents=True, exist_ok=True)
    tree = BUILD / "mutants"
    copy_tree(tree)
    tests = sorted({mutant.test for mutant in mutants}) if arguments.sound else ()
    unsound = without_faults(tree, tests)
    missed = []
    for mutant in mutants:
        say(f"{mutant.name}: {mutant.files}: {mutant.fault}")
        why, log = (("the test fails without it, too", "") if mutant.test in unsound else
                    try_fault(tree, mutant))
        (logs / f"{mutant.name}.log").write_text(log)
        say(f"{mutant.name}: {f'MISSED ({why})' if why else 'caught'}: {mutant.test}")
        if why:
            missed.append(mutant.name)
            print(log[-3000:], flush=True)
    for name in missed:
        print(f"missed: {name}")
    print(f"{len(mutants) - len(missed)} caught, {len(missed)} missed; logs in {logs}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
