# SPDX-License-Identifier: GPL-2.0-only
"""Where all DMA goes through bounce buffers, as in a machine whose memory is encrypted."""

import pytest

import nodes
from test_generic import FOREIGN

# Frames of 900 KiB, of which bounce buffers take 256 KiB at a time
MACHINE = dict(card=[dict(chart="640x480", rate=10), FOREIGN], devices=["edu"],
               memory=768, cmdline="swiotlb=force ")


@pytest.mark.guest(kernel=["6.1", "6.12"], **MACHINE)
def test_bounce_buffers(guest):
    with nodes.log_of(guest) as log:
        guest.load(slots=8)
    # edu reaches 28 address bits, and says what is in its way; a warning fails the test
    [line] = nodes.messages(log[0], guest.bdf("edu0"))
    assert "28 address bits: boot without swiotlb=force" in line
    n = nodes.number(guest, "card0")
    guest.ktap(f"stream {n} 5", timeout=200)
    assert guest.cards[0].stats()["rule_breaks"] == 0
    # more than there are bounce buffers
    with nodes.log_of(guest) as log:
        assert guest.run(f"grabberctl buffer --slots 200 {n}", check=False).rc == 1
    assert "cannot be mapped for the card: use fewer slots, boot with more bounce buffers" in log[0]
    guest.ktap(f"stream {n} 3", timeout=200)
    guest.unload()

    # A slot in one piece has the size of a bounce buffer at most.
    foreign = guest.bdf("card1")
    guest.load(slots=5, slot_size=1 << 20, bar=1)
    with nodes.log_of(guest) as log:
        assert nodes.bind_any(guest, foreign) != 0
    assert "bounce buffers here (swiotlb=), which have 2" in log[0], log[0]
    guest.unload()
    guest.load(slots=5, slot_size=245760, bar=1)
    assert nodes.bind_any(guest, foreign) == 0
    nodes.run(guest, "bad_bar", "card1")


@pytest.mark.guest(card=dict(chart="640x480", rate=0), memory=768, cmdline="swiotlb=65536,force ",
                   kernel="6.1")
def test_packets_behind_a_short_one(guest):
    """Slots in pieces: where a packet ends in the first one, many others may follow in
    those behind it, and the source's log has forgotten it when the driver comes."""
    guest.load(slots=80)
    with nodes.slow(guest, "xdma_interrupt", 50):
        nodes.run(guest, "askew")
    stats = guest.cards[0].stats()
    assert stats["rule_breaks"] == 0 and stats["dma_writes_refused"] == 0, stats
