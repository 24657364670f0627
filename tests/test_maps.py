# SPDX-License-Identifier: GPL-2.0-only
"""What a reader maps, as the kernel and the processor see it; docs/mmap.md explains it."""

import re

import pytest

import nodes

pytestmark = pytest.mark.guest(card=dict(chart="640x480", rate=30))


def test_maps_of_a_reader(guest):
    guest.load(slots=8)
    guest.ktap(f"show_maps {nodes.number(guest, 'card0')}")


def page_table_entries(guest, cpu):
    """{address: flags} of what a processor is at work with, as QEMU shows it:
    "address: physical address XGPDACTUW", with a dash for a bit that is not set."""
    said = guest.monitor.execute("human-monitor-command", timeout=60,
                                 command_line="info tlb", cpu_index=cpu)
    return dict(re.findall(r"^0*([0-9a-f]+): [0-9a-f]+ ([-A-Z]+)", said, re.M))


# The debug kernel's page tables would fill a book: KASAN's shadow is in them.
@pytest.mark.guest(kernel=["5.10", "6.12", "7.2"],
                   card=dict(chart="320x240", rate=30, args=["--memory-bar=1M"]))
def test_frames_are_cached_and_registers_are_not(guest):
    """As the processor sees it: the bits P, C and T (PAT, PCD, PWT; Intel SDM 3A, table 4-20)
    of the page table entries. None set is write-back, user reads run at memory's speed; C
    alone is uncached, T alone write-combining, by the table that Linux puts into the
    processor's PAT register (arch/x86/mm/pat)."""
    guest.load(slots=8)
    program = guest.spawn(f"page_tables {nodes.number(guest, 'card0')}")
    program.wait_for("READY")
    places = dict(re.findall(r"^# +(\S+) ([0-9a-f]+)$", program.out, re.M))
    for _ in range(50):	# some other task may be at work there just now
        entries = page_table_entries(guest, 1)
        if set(places.values()) <= entries.keys():
            break
    found = {name: entries[address] for name, address in places.items()}
    program.kill(9)
    guest.run("until [ $(cat /sys/module/grabber/refcnt) = 0 ]; do sleep 0.1; done")
    assert all("U" in flags for flags in found.values()), found
    kind = {name: "".join(c for c in flags if c in "PCT") for name, flags in found.items()}
    assert kind == {"frames": "", "dma-buf": "", "registers": "C", "combining": "T"}, found
