# SPDX-License-Identifier: GPL-2.0-only
"""How the source looks: checkpatch, licences, file sizes."""

import re
import subprocess
import tempfile

from vm import debugkernel
from vm.paths import TOP

# Checks of checkpatch that are off, and why.
#
# In the driver: none but these in trace.h, which has the layout that the kernel's own
# TRACE_EVENT() headers have.
TRACE_IGNORE = ("PARENTHESIS_ALIGNMENT", "OPEN_ENDED_LINE")

# In programs, which are not kernel code:
PROGRAMS_IGNORE = {
    "PREFER_KERNEL_TYPES": "programs have uint32_t, not u32",
    "BIT_MACRO": "programs have no BIT()",
    "ARRAY_SIZE": "nor ARRAY_SIZE()",
    "PREFER_DEFINED_ATTRIBUTE_MACRO": "nor __printf() and its like",
    "PREFER_FALLTHROUGH": "nor fallthrough",
    "USE_NEGATIVE_ERRNO": "user space's errno is positive",
    "VOLATILE": "register windows and shared pages are volatile in a program",
    "AVOID_EXTERNS": "programs without a header of their own declare what they share",
    "MACRO_ARG_REUSE": "test macros print their argument beside using it",
    "MACRO_ARG_PRECEDENCE": "test macros paste whole expressions",
    "LONG_LINE_STRING": "a message stays one string, so that it can be searched for",
    "SPLIT_STRING": "but help texts are paragraphs",
    "CAMELCASE": "PRIu64 and its like are the C library's",
    "STATIC_CONST_CHAR_ARRAY": "mkdtemp() writes to its template",
    "LINE_SPACING": "TEST(name) is taken for a declaration",
    "COMPARISON_TO_NULL": "CHECK(f(x), NULL) is taken for a comparison",
    "LONG_LINE_COMMENT": "tables of registers stand in comments",
    "LONG_LINE": "nor does a line end before its message; 100 columns is the rule elsewhere",
    "REPEATED_WORD": "'mount -t sysfs sysfs /sys' is how it is called",
    "PARENTHESIS_ALIGNMENT": "compound literals as arguments are taken for parentheses",
    "UNNECESSARY_PARENTHESES": "a comparison that is compared reads better in them",
    "FUNCTION_ARGUMENTS": "an attribute behind a declaration is taken for arguments",
    "MEMORY_BARRIER": "tests/unit/include defines them, it does not use them",
    "EMBEDDED_FUNCTION_NAME": "functions are named by words that messages have too",
}


def tracked(*patterns):
    said = subprocess.run(["git", "-c", f"safe.directory={TOP}", "ls-files", "-z",
                           *patterns], cwd=TOP, check=True, capture_output=True)
    names = said.stdout.decode().split("\0")
    return [TOP / name for name in names if name and (TOP / name).is_file()]


def checkpatch(files, *options):
    program = debugkernel.root() / "usr/src/linux/scripts/checkpatch.pl"
    with tempfile.TemporaryDirectory() as scratch:	# it leaves a file where it runs
        said = subprocess.run(["perl", program, "--no-tree", "--strict", "--terse",
                               "--show-types", "--quiet", *options, "-f", *files],
                              cwd=scratch, capture_output=True, text=True)
    assert "Can't" not in said.stderr, said.stderr
    return [line for line in said.stdout.splitlines() if re.search(r":\d+: ", line)]


def test_checkpatch_driver():
    trace = TOP / "driver/trace.h"
    found = checkpatch([f for f in tracked("driver/*.c", "driver/*.h") if f != trace])
    found += checkpatch([trace], "--ignore=" + ",".join(TRACE_IGNORE))
    assert not found, "\n".join(found)


def test_checkpatch_programs():
    files = [f for f in tracked("tools/*.c", "tools/*.h", "tests/*.c", "tests/*.h")
             if "vm/splat" not in str(f)]
    found = checkpatch(files, "--ignore=" + ",".join(PROGRAMS_IGNORE))
    assert not found, "\n".join(found)


def test_checkpatch_finds(tmp_path):
    bad = tmp_path / "bad.c"
    bad.write_text("// SPDX-License-Identifier: GPL-2.0-only\nint f( int a ){return(a);}\n")
    assert checkpatch([bad])


def test_no_long_file():
    long = []
    for path in tracked("*.c", "*.h", "*.py", "*.sh", "*Makefile", "*Kbuild*", "*.md"):
        lines = len(path.read_text().splitlines())
        if lines > 600:
            long.append(f"{path.relative_to(TOP)}: {lines} lines")
    assert not long, "\n".join(long)


def test_licence_lines():
    without = []
    # debian/changelog and debian/source/format have no comments.
    plain = [TOP / name for name in ("VERSION", "COPYING", "debian/changelog",
                                     "debian/source/format")]
    for path in tracked():
        if path.suffix == ".png" or path in plain:
            continue
        head = path.read_bytes()[:400]
        if b"SPDX-License-Identifier:" not in head:
            without.append(str(path.relative_to(TOP)))
    assert not without, "no SPDX line in: " + ", ".join(without)


def test_nothing_left_for_later():
    words = re.compile("|".join([r"\bTO" + r"DO\b", r"\bFIX" + r"ME\b", r"\bX" + r"XX\b", r"\bHA" + r"CK\b"]))
    found = []
    for path in tracked("*.c", "*.h", "*.py", "*.sh", "*.md", "*Makefile"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if words.search(line):
                found.append(f"{path.relative_to(TOP)}:{number}: {line.strip()}")
    assert not found, "\n".join(found)
