# SPDX-License-Identifier: GPL-2.0-only
"""The module is built by the compiler that the kernel was built with, clang too: with
headers that are a clang kernel's, and programs that say what they were called as."""

import shutil
import tempfile
from pathlib import Path

import pytest

from packages.machine import Machine
from vm import kernels
from vm.paths import DRIVER, TOP

KERNEL = "6.1"

# gcc's programs under clang's names, without the options that only clang has.
PROGRAM = """#!/bin/sh
echo "${0##*/} $*" >>/called
for option; do
	shift
	case "$option" in -Qunused* | -mretpoline* | -Wformat-in*) ;; *) set -- "$@" "$option" ;; esac
done
exec %s "$@"
"""

# The smallest module: which compiler it was that matters here.
KBUILD = "obj-m := grabber.o\n"
SOURCE = '#include <linux/module.h>\nMODULE_LICENSE("GPL");\nMODULE_DESCRIPTION("small");\n'
LLVM = {"ld.lld": "ld", "llvm-ar": "ar", "llvm-nm": "nm", "llvm-objcopy": "objcopy",
        "llvm-objdump": "objdump", "llvm-readelf": "readelf", "llvm-strip": "strip"}


def turn(machine, lld=True, version="140006"):
    """Make the kernel's headers those of one that was built by clang."""
    config = ["CONFIG_CC_IS_CLANG=y", f"CONFIG_CLANG_VERSION={version}",
              'CONFIG_CC_VERSION_TEXT="Debian clang version 14.0.6"']
    config += ["CONFIG_LD_IS_LLD=y"] if lld else ["CONFIG_LD_IS_BFD=y"]
    machine.run(f"""
        cd {machine.headers}
        for file in .config include/config/auto.conf; do
            sed -i -E '/^CONFIG_(CC_IS_GCC|CC_VERSION_TEXT|CLANG_VERSION|LD_IS_BFD)=/d' $file
            printf '%s\\n' {" ".join(f"'{line}'" for line in config)} >>$file
        done
        sed -i '/^CC = /d' .kernelvariables""")


def provide(machine, clang="clang", lld=True):
    suffix = clang.removeprefix("clang")
    for name, real in {clang: "gcc-12", **{k + suffix: v for k, v in LLVM.items()
                                           if lld or k != "ld.lld"}}.items():
        machine.write(f"/usr/local/bin/{name}", PROGRAM % real, 0o755)


@pytest.fixture
def machine():
    """With what builds the module in /src, as DKMS has it and as a clone has."""
    kernel = kernels.kernel(KERNEL)
    with tempfile.TemporaryDirectory() as scratch, Machine(kernel.root) as m:
        driver = Path(scratch) / "src/driver"
        shutil.copytree(DRIVER / "dkms", driver / "dkms")
        shutil.copytree(DRIVER / "include", driver / "include")
        shutil.copy2(TOP / "Makefile", driver.parent)
        (driver / "Kbuild").write_text(KBUILD)
        (driver / "grabber.c").write_text(SOURCE)
        m.put("/", driver.parent)
        m.headers = m.run(f"readlink -f /lib/modules/{kernel.headers}/build").strip()
        yield m


def build(machine, how="dkms", arguments="", check=True, environment=()):
    """As DKMS calls it, or a user."""
    machine.run("rm -f /called")
    command = {"dkms": f"sh driver/dkms/build {machine.headers} -j2 {arguments}",
               "make": f"make module KDIR={machine.headers} {arguments}"}[how]
    machine.run("cd /src/driver && rm -f *.o *.ko .*.cmd")
    environment = ("PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *environment)
    rc, said = machine.run(f"cd /src && {command} 2>&1", check=False, environment=environment)
    if check:
        assert rc == 0 and machine.exists("/src/driver/grabber.ko"), said
        return machine.run("cat /called 2>/dev/null || :")
    assert rc
    return said


# What nobody adds (DKMS of Debian 11), 12's DKMS does, 13's does.
@pytest.mark.parametrize("how, arguments", [
    ("dkms", ""), ("dkms", "CC=clang LD=ld.lld"), ("dkms", "LLVM=1"), ("make", ""),
    ("make", "LLVM=1")])
def test_clang_and_lld(machine, how, arguments):
    turn(machine)
    provide(machine)
    called = build(machine, how, arguments)
    assert "grabber.o" in called and "\nld.lld " in called


def test_clang_dkms_knows_without_a_configuration(machine):
    """DKMS may have seen it in vmlinux."""
    provide(machine)
    machine.run(f"sed -i '/^CC = /d' {machine.headers}/.kernelvariables")
    assert "grabber.o" in build(machine, arguments="LLVM=1")


def test_clang_without_lld(machine):
    turn(machine, lld=False)
    provide(machine, lld=False)
    called = build(machine, arguments="LLVM=1")	# as 13's DKMS says all the same
    assert "grabber.o" in called and "ld.lld" not in called


def test_clang_of_a_version(machine):
    turn(machine, version="190103")
    provide(machine, "clang-19")
    called = build(machine, arguments="LLVM=1")
    assert "\nclang-19 " in called and "\nld.lld-19 " in called


def test_gcc_stays_gcc(machine):
    provide(machine)
    assert "grabber.o" not in build(machine) and "grabber.o" not in build(machine, "make")


def test_compiler_asked_for(machine):
    """Whoever names one gets it."""
    turn(machine)
    provide(machine, "my-clang")
    called = build(machine, "make", "CC=my-clang", environment=("LC_ALL=C",))
    assert "\nmy-clang " in called or called.startswith("my-clang ")


@pytest.mark.parametrize("how", ["dkms", "make"])
def test_clang_missing_is_named(machine, how):
    turn(machine)
    said = build(machine, how, check=False)
    assert "grabber: the compiler clang is not there" in said
    assert "apt install clang lld llvm, or dnf install clang lld llvm" in said
    provide(machine, lld=False)
    said = build(machine, how, check=False)
    assert "grabber: the linker ld.lld is not there" in said and "apt install lld" in said
    assert "CC [M]" not in said


def test_wrong_compiler_is_told(machine):
    """The build's end says what the kernel was built by, and what this one had."""
    turn(machine)
    provide(machine)
    machine.write("/usr/local/bin/clang", "#!/bin/sh\n[ \"$1\" = --version ] && echo clang version 3\n"
                  "exit 1\n", 0o755)
    said = build(machine, check=False)
    assert "built by: Debian clang version 14.0.6" in said and "had: clang version 3" in said
