# SPDX-License-Identifier: GPL-2.0-only
"""The same calls by 32-bit programs, on the 64-bit kernel: the very programs of
tests/guest, compiled with gcc -m32."""

import subprocess

import pytest

from vm.make import make
from vm.paths import BUILD

OUT = BUILD / "guest32"
# Two slots of 64 MiB fit, beside what KASAN keeps.
CARD = dict(card=dict(chart="320x240", rate=20), memory=768)
PROGRAMS = ["bad_mmap", "bad_bar", "bad_ioctl", "holds", "file_ops", "waits", "set_buffer",
            "buffer_busy", "formats", "export", "truncated", "status_page", "status_readonly"]


@pytest.fixture(scope="module")
def programs():
    """{name: path}"""
    probe = subprocess.run(["gcc", "-m32", "-static", "-o", "/dev/null", "-x", "c", "-"],
                           input="#include <linux/types.h>\n#include <stdio.h>\n"
                           "int main(void) { return puts(\"\"); }\n",
                           capture_output=True, text=True)
    if probe.returncode:
        pytest.skip("gcc -m32 does not work here; install gcc-multilib "
                    f"(it says: {probe.stderr.splitlines()[0]})")
    # Static, for the host need not be able to run a 32-bit ldd.
    make("tests/guest", "-s", f"OUT={OUT}", "CFLAGS=-O2 -g -m32", "LDFLAGS=-static",
         *(f"{OUT}/{name}" for name in PROGRAMS))
    for name in PROGRAMS:
        assert (OUT / name).read_bytes()[4] == 1, f"{name} is no 32-bit program"
    return {name: OUT / name for name in PROGRAMS}


@pytest.mark.parametrize("kernel", [pytest.param("debug", marks=pytest.mark.long), "6.12"])
def test_calls_of_32_bit_programs(boot, programs, kernel):
    files = {f"/opt/32/{name}": path for name, path in programs.items()}
    with boot(kernel=kernel, files=files, **CARD) as guest:
        for name in PROGRAMS:
            guest.load(slots=8)
            guest.ktap(f"/opt/32/{name} 0", timeout=600)
            guest.unload()
        stats = guest.cards[0].stats()
    assert stats["rule_breaks"] == 0 and stats["dma_writes_refused"] == 0
