# SPDX-License-Identifier: GPL-2.0-only
"""Board xdma and a card that misbehaves; guest/faults.c has the cases."""

import pytest

import nodes

# 320x200x3 is no whole number of pages: a slot has a tail that must stay as it is
CARD = dict(card=dict(chart="320x200", rate=25))


@pytest.mark.guest(**CARD)
def test_faults(guest):
    guest.load(slots=8)
    with nodes.log_of(guest) as log:
        guest.ktap("faults 0", timeout=400)
    said = nodes.messages(log[0], guest.bdf("card0"))
    # each kind of engine error is told of, with the core's status
    assert any("engine error" in line and "status" in line for line in said), log[0]
    stats = guest.cards[0].stats()
    assert stats["dma_writes_refused"] == 0, stats


@pytest.mark.guest(**CARD)
def test_stuck_engine_and_unbind(guest):
    """An engine that never ends cannot keep the driver from leaving."""
    guest.load(slots=8)
    reader = guest.spawn("cat /dev/grabber0 >/dev/null")
    guest.run("sleep 1")
    guest.cards[0].fault("stuck")
    guest.run("sleep 0.5")
    nodes.unbind(guest, guest.bdf("card0"))
    assert reader.wait(timeout=10).rc != 0
    assert not nodes.leftovers(guest)
    guest.cards[0].fault("unstuck")
    nodes.bind(guest, guest.bdf("card0"))
    guest.ktap("stream 0 3", timeout=100)
