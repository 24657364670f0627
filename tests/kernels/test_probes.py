# SPDX-License-Identifier: GPL-2.0-only
"""What a kernel has is found by compiling (driver/compat): wherever its headers have it,
once for each kernel, in no time."""

import re
import resource
import tempfile
from pathlib import Path

import pytest

from packages.machine import Machine
from vm import kernels
from vm.paths import DRIVER

# As later kernels do: what was in one header is in another, which that one includes.
MOVE = r"""
set -e
cd /usr/src/linux-headers-*-common/include/linux
grep -q '^static inline void vm_flags_set(' mm.h
{
	sed -n '/^static inline void vm_flags_set(/,/^}/p' mm.h
	sed -n '/^static inline void vm_flags_clear(/,/^}/p' mm.h
} >vma_moved.h
sed -i -e '/^static inline void vm_flags_clear(/,/^}/d' -e '/^static inline void vm_flags_set(/,/^}/c\
#include <linux/vma_moved.h>' mm.h
cat vma_moved.h
"""


@pytest.fixture
def place():
    """place(kernel): a machine with that kernel's headers, and the driver in /src."""
    with tempfile.TemporaryDirectory() as scratch:
        kernels.copy_sources(DRIVER, Path(scratch) / "src")

        def start(kernel):
            machine = Machine(kernels.kernel(kernel).root)
            machine.__enter__()
            machines.append(machine)
            machine.put("/", Path(scratch) / "src")
            return machine

        machines = []
        yield start
        for machine in machines:
            machine.__exit__()


def make(machine, kernel, check=True):
    headers = kernels.kernel(kernel).headers
    return machine.run(f"make -C /lib/modules/{headers}/build M=/src modules", check)


def probed(machine):
    """{macro: whether the kernel has it}"""
    lines = machine.read("/src/compat/probed.h").splitlines()
    return {**{line.split()[1]: True for line in lines if line.startswith("#define ")},
            **{re.match(r"// no (\w+)", line)[1]: False for line in lines
               if line.startswith("// no ")}}


def test_probe_finds_what_moved_to_another_header(place):
    machine = place("6.12")
    moved = machine.run(MOVE)
    assert "vm_flags_set(" in moved and "vm_flags_clear(" in moved
    make(machine, "6.12")
    assert machine.exists("/src/grabber.ko")
    assert probed(machine)["HAVE_VM_FLAGS_CLEAR"]


def test_probe_every_file_has_its_answer(place):
    machine = place("5.10")
    make(machine, "5.10")
    names = {p.stem.upper() for p in (DRIVER / "compat/probe").glob("have_*.c")}
    assert len(names) > 4 and set(probed(machine)) == names
    assert not any(probed(machine).values())	# none of it is so old


def test_probe_again_for_another_kernel_only(place):
    machine = place("6.1")
    assert "PROBE" in make(machine, "6.1")
    first = machine.read("/src/compat/probed.h")
    said = make(machine, "6.1")
    assert "PROBE" not in said and " CC " not in said
    said = make(machine, "6.1-rt")	# the same lines, the same compiler
    assert "PROBE" in said and "main.o" in said
    assert machine.read("/src/compat/probed.h") != first


def test_probe_headers_that_do_not_compile(place):
    """Then nothing is known of the kernel, and that is what is said."""
    machine = place("6.1")
    machine.run("for h in /usr/src/linux-headers-*-common/include/linux/fs.h; do"
                " echo 'int broken(' >>$h; done")
    rc, said = make(machine, "6.1", check=False)
    assert rc and "its headers do not compile" in said and "undeclared" not in said.split(
        "its headers do not compile")[1]


TIMED = """#!/bin/sh
sh /src/compat/itself.sh "$@"
status=$?
times >/times
exit $status
"""


def test_probe_time(place, record_property):
    """All probes together take as long as one file of the driver or two."""
    machine = place("6.1")
    machine.run("mv /src/compat/probe.sh /src/compat/itself.sh")
    machine.write("/src/compat/probe.sh", TIMED)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    make(machine, "6.1")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    parts = re.findall(r"(\d+)m([\d.]+)s", machine.read("/times"))
    probes = sum(60 * int(minutes) + float(seconds) for minutes, seconds in parts)
    record_property("probe_seconds", probes)
    print(f"probes {probes:.2f} s of {whole:.2f} s of processor for the module")
    assert 0 < probes < whole / 8
