# SPDX-License-Identifier: GPL-2.0-only
"""What a reader maps, as the kernel and the processor see it; docs/mmap.md explains it."""

import re

import pytest

import nodes

pytestmark = pytest.mark.guest(card=dict(chart="1920x1080", rate=30), memory=1024)


def test_maps_of_a_reader(guest):
    guest.load(slots=8)
    guest.ktap(f"show_maps {nodes.number(guest, 'card0')}")


# The debug kernel's page tables would fill a book: KASAN's shadow is in them.
@pytest.mark.guest(kernel="6.12", card=dict(chart="320x240", rate=30))
def test_frames_are_cached_and_registers_are_not(guest):
    """As the processor sees it: the bits C and T (PCD, PWT; Intel SDM 3A, table 4-20) of the
    page table entries. Neither set is write-back, user reads run at memory's speed."""
    guest.load(slots=8)
    program = guest.spawn(f"page_tables {nodes.number(guest, 'card0')}")
    program.wait_for("READY")
    said = guest.monitor.execute("human-monitor-command", timeout=60,
                                 command_line="info tlb", cpu_index=1)
    places = dict(re.findall(r"^# +(\S+) ([0-9a-f]+)$", program.out, re.M))
    program.kill(9)
    guest.run("until [ $(cat /sys/module/grabber/refcnt) = 0 ]; do sleep 0.1; done")
    found = {}
    for name, address in places.items():
        # "address: physical address XGPDACTUW", a dash for a bit that is not set
        [flags] = re.findall(rf"^0*{address}: [0-9a-f]+ ([-A-Z]+)", said, re.M)
        assert "U" in flags, f"{name}: {flags} is no mapping of a program's"
        found[name] = "C" in flags or "T" in flags
    assert found == {"frames": False, "dma-buf": False, "registers": True}
