# SPDX-License-Identifier: GPL-2.0-only
"""Several readers at once, every frame checked and accounted for."""

import pytest

import nodes

CARDS = [dict(chart="640x480", rate=30),
         dict(chart="320x240", rate=0),		# as fast as frames are taken
         dict(chart="321x243", rate=30, args=["--h2c"])]
MACHINE = dict(card=CARDS, devices=["edu"])


def compare_with_host(card):
    """The card's counters as the host sees them: what was begun ended somehow,
    and nothing was written but what was asked for."""
    stats = card.stats()
    print(stats)
    assert stats["begun"] == stats["sent"] + stats["overrun"] + stats["aborted"] + stats["in_flight"]
    assert stats["dma_writes_refused"] == 0 and stats["dma_reads_refused"] == 0
    assert stats["rule_breaks"] == 0
    return stats


@pytest.mark.guest(**MACHINE)
def test_readers_at_30_frames(guest):
    guest.load(slots=12)
    nodes.run(guest, "stream", "card0", 10, timeout=400)
    assert compare_with_host(guest.cards[0])["sent"] > 30


@pytest.mark.guest(**MACHINE)
def test_readers_at_full_speed(guest):
    guest.load(slots=8)
    nodes.run(guest, "stream", "card1", 8, timeout=400)
    assert compare_with_host(guest.cards[1])["sent"] > 100


@pytest.mark.guest(**MACHINE)
def test_odd_size(guest):
    """Frames that are no multiple of anything: the core wants lengths in 64 bytes."""
    guest.load(slots=8)
    nodes.run(guest, "stream", "card2", 5, timeout=200)
    compare_with_host(guest.cards[2])


@pytest.mark.guest(**MACHINE)
def test_core_with_an_h2c_channel(guest):
    """It comes first in the core's interrupt block. Frames are told of by interrupts all
    the same, and not just found by the watchdog."""
    guest.load(slots=8)
    before = guest.cards[2].stats()["interrupts"]
    guest.run(f"grabberctl capture -n 20 -o - {nodes.number(guest, 'card2')} >/dev/null")
    assert guest.cards[2].stats()["interrupts"] > before, "no interrupt came"


@pytest.mark.every_kernel
@pytest.mark.guest(**MACHINE)
def test_capture_on_every_kernel(guest):
    """Both boards, on the debug kernel and all stock ones; and mmap, for that is
    where kernels differ most."""
    guest.load(slots=8)
    guest.ktap(f"bad_mmap {nodes.number(guest, 'card0')}")
    nodes.run(guest, "stream", "card0", 4, timeout=200)
    nodes.run(guest, "edu_frames", "edu0", 4, timeout=200)


@pytest.mark.guest(**MACHINE, cmdline="pci=nomsi")
def test_on_line_interrupt(guest):
    guest.load(slots=8)
    lines = nodes.interrupts(guest)
    assert lines and all("IO-APIC" in line for line in lines), lines
    nodes.run(guest, "stream", "card0", 5, timeout=200)
    nodes.run(guest, "edu_frames", "edu0", 6)


@pytest.mark.guest(**MACHINE)
def test_on_msix(guest):
    guest.load(slots=8)
    card = guest.bdf("card0")
    vectors = guest.run(f"cat /sys/bus/pci/devices/{card}/msi_irqs/*").out.split()
    assert set(vectors) == {"msix"}, vectors
    assert nodes.interrupts(guest)
