# SPDX-License-Identifier: GPL-2.0-only
"""Board edu, QEMU's teaching device: frames in several transfers of its engine."""

import pytest

MUCH_MEMORY = dict(devices=["edu"], memory=2048)


def interrupt_of(guest):
    lines = [line for line in guest.read("/proc/interrupts").splitlines() if "grabber" in line]
    assert len(lines) == 1, lines
    return lines[0]


@pytest.mark.guest(**MUCH_MEMORY)
def test_frames_and_28_bits(guest):
    """With 2 GiB of memory, most of it is beyond the device's reach."""
    guest.load(slots=8)
    assert "PCI-MSI" in interrupt_of(guest)
    guest.ktap("edu_frames 0 12", timeout=300)


@pytest.mark.guest(**MUCH_MEMORY)
def test_readers(guest):
    guest.load(slots=8)
    guest.ktap("stream 0 12", timeout=300)


@pytest.mark.guest(devices=["edu"], cmdline="pci=nomsi")
def test_line_interrupt(guest):
    guest.load(slots=4)
    assert "IO-APIC" in interrupt_of(guest)
    guest.ktap("edu_frames 0 6", timeout=300)
