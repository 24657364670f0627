# SPDX-License-Identifier: GPL-2.0-only
"""Board edu, QEMU's teaching device: frames in several transfers of its engine."""

import pytest

import nodes

MUCH_MEMORY = dict(devices=["edu"], memory=1024)


@pytest.mark.guest(**MUCH_MEMORY)
def test_frames_and_28_bits(guest):
    """With 1 GiB of memory, most of it is beyond the device's reach."""
    guest.load(slots=8)
    [line] = nodes.interrupts(guest)
    assert "PCI-MSI" in line
    guest.ktap("edu_frames 0 12", timeout=300)


@pytest.mark.guest(**MUCH_MEMORY)
def test_readers(guest):
    guest.load(slots=8)
    guest.ktap("stream 0 12", timeout=300)
