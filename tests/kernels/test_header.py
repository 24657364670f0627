# SPDX-License-Identifier: GPL-2.0-only
"""The user-space header stands alone and has no hidden padding."""

import re
import subprocess

import pytest

from vm.paths import DRIVER

INCLUDE = DRIVER / "include/uapi"
HEADER = INCLUDE / "linux/grabber.h"
STRUCTS = re.findall(r"^struct (\w+) \{", HEADER.read_text(), re.MULTILINE)

LANGUAGES = {
    "C89": ["gcc", "-std=gnu89", "-x", "c"],
    "C99": ["gcc", "-std=c99", "-pedantic", "-x", "c"],
    "C11": ["gcc", "-std=c11", "-pedantic", "-x", "c"],
    "C++17": ["g++", "-std=c++17", "-x", "c++"],
}


def compile_header(language, *options, tail=""):
    program = "#include <linux/grabber.h>\n" + tail
    return subprocess.run(
        [*LANGUAGES[language], "-Wall", "-Wextra", "-Wpadded", "-Werror",
         f"-I{INCLUDE}", "-c", "-", *options],
        input=program, capture_output=True, text=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_compiles_alone(language):
    said = compile_header(language, "-o", "/dev/null")
    assert said.returncode == 0, said.stderr


def test_padding_would_be_seen():
    said = compile_header("C11", "-o", "/dev/null",
                          tail="struct s { __u32 a; __u64 b; } s;\n")
    assert said.returncode and "padding" in said.stderr


def test_every_struct_is_known():
    assert len(STRUCTS) >= 7


@pytest.mark.parametrize("struct", STRUCTS)
def test_no_holes(struct, tmp_path):
    program = tmp_path / "layout.o"
    said = compile_header("C11", "-g", "-o", program, tail=f"struct {struct} object;\n")
    assert said.returncode == 0, said.stderr
    # pahole 1.30's exit status is 1 also where it shows all that was asked for
    layout = subprocess.run(["pahole", "-F", "dwarf", "-C", struct, program],
                            capture_output=True, text=True).stdout
    assert layout.startswith(f"struct {struct} {{") and "/* size:" in layout
    for word in ("hole", "padding", "bit_"):
        assert word not in layout, layout


@pytest.mark.parametrize("struct", STRUCTS)
def test_same_layout_on_32_bits(struct, tmp_path):
    """Sizes and offsets by gcc for x86-64 and, without running it, for i386."""
    members = re.search(rf"^struct {struct} {{(.*?)^}};", HEADER.read_text(),
                        re.MULTILINE | re.DOTALL)[1]
    names = re.findall(r"(\w+)(?:\[\w+\])?;", members)
    assert names

    def value(expression, *options):
        """A constant, read from the assembler text that gcc makes of it."""
        text = f"#include <linux/grabber.h>\nunsigned long value = 1 + {expression};\n"
        said = subprocess.run(
            ["gcc", "-S", "-o", "-", *options, f"-I{INCLUDE}",
             "-idirafter", "/usr/include/x86_64-linux-gnu", "-x", "c", "-"],
            input=text, capture_output=True, text=True)
        assert said.returncode == 0, said.stderr
        return int(re.search(r"value:\s+\.(?:quad|long)\s+(\d+)", said.stdout)[1]) - 1

    for expression in (f"sizeof(struct {struct})",
                       *(f"__builtin_offsetof(struct {struct}, {n})" for n in names)):
        assert value(expression) == value(expression, "-m32"), expression
