# SPDX-License-Identifier: GPL-2.0-only
"""Behind an IOMMU in strict mode: every address is mapped while the card may use
it, and none afterwards. A DMAR fault in the log fails each of these."""

import pytest

import nodes
from test_generic import FOREIGN

pytestmark = pytest.mark.guest(card=[dict(chart="640x480", rate=30), FOREIGN], devices=["edu"],
                               iommu=True, memory=1024)


def test_capture(guest):
    assert "DMAR: IOMMU enabled" in guest.log or "DMAR-IR" in guest.log, "no IOMMU in this guest"
    groups = guest.run("ls /sys/kernel/iommu_groups").out.split()
    assert groups, "the IOMMU is off"
    guest.load(slots=8)
    guest.ktap(f"stream {nodes.number(guest, 'card0')} 5", timeout=200)
    guest.ktap(f"edu_frames {nodes.number(guest, 'edu0')} 4", timeout=200)


def test_no_dma_after_unbind(guest):
    """The card is told to go on by a register, as a bad program might: its writes
    find no way to memory, and no fault is raised, for it may not even try."""
    guest.load(slots=8)
    card = guest.bdf("card0")
    n = nodes.number(guest, "card0")
    for _ in range(3):
        reader = guest.spawn(f"cat /dev/grabber{n} >/dev/null")
        guest.run("sleep 1")
        nodes.unbind(guest, card)
        assert reader.wait(timeout=10).rc != 0
        guest.run("sleep 0.5")
        nodes.bind(guest, card)
    stats = guest.cards[0].stats()
    assert stats["dma_writes_refused"] == 0, stats


def test_large_contiguous_slots(guest):
    """Board generic, with slots of 8 MiB, more than the page allocator's blocks: one
    range even so. The window asked for is one that edu has not: it stays away."""
    guest.load(slots=6, slot_size=8 << 20, bar=1)
    assert nodes.bind_any(guest, guest.bdf("card1")) == 0
    guest.ktap(f"xdma_from_user_space {nodes.number(guest, 'card1')}", timeout=200)
