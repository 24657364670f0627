# SPDX-License-Identifier: GPL-2.0-only
"""Eight cards at once: their nodes, their numbers, and streams side by side."""

import pytest

import nodes

pytestmark = pytest.mark.guest(devices=["edu"] * 6, card=[dict(chart="320x240", rate=20)] * 2)

IDS = [f"edu{i}" for i in range(6)] + ["card0", "card1"]


def test_sixteen_nodes(guest):
    guest.load(slots=4)
    assert nodes.nodes(guest) == nodes.expected(range(8))
    numbers = {nodes.number(guest, i) for i in IDS}
    assert numbers == set(range(8)), "two cards share a number"
    # each node belongs to its own card
    for device in IDS:
        info = guest.run(f"grabberctl info /dev/grabber{nodes.number(guest, device)}").out
        assert guest.bdf(device) in info


def test_lowest_free_number(guest):
    guest.load(slots=4)
    by_number = {nodes.number(guest, i): i for i in IDS}
    second, fifth = by_number[2], by_number[5]
    for device in second, fifth:
        nodes.unbind(guest, guest.bdf(device))
    assert nodes.nodes(guest) == nodes.expected({0, 1, 3, 4, 6, 7})
    # the fifth comes back first, and gets the lowest
    nodes.bind(guest, guest.bdf(fifth))
    assert nodes.number(guest, fifth) == 2
    nodes.bind(guest, guest.bdf(second))
    assert nodes.number(guest, second) == 5
    assert nodes.nodes(guest) == nodes.expected(range(8))


def test_number_of_an_open_card_is_free(guest):
    """A number is free again once its card left, though files of it are open."""
    guest.load(slots=4)
    device = IDS[0]
    n = nodes.number(guest, device)
    holder = guest.spawn(f"exec 3</dev/grabber{n} 4</dev/grabber{n}-bar; sleep 1000")
    guest.run(f"while ! ls -l /proc/*/fd 2>/dev/null | grep -q /dev/grabber{n}-bar; do sleep 0.1;"
              "done")
    nodes.unbind(guest, guest.bdf(device))
    nodes.bind(guest, guest.bdf(device))
    assert nodes.number(guest, device) == n
    guest.ktap(f"bad_bar {n}")
    holder.kill(9)
    holder.wait()
    guest.ktap(f"edu_frames {n} 2", timeout=120)


def test_streams_side_by_side(guest):
    guest.load(slots=8)
    running = [guest.spawn(f"stream {nodes.number(guest, device)} 10") for device in IDS]
    for stream in running:
        nodes.finish(stream, 300)


def test_all_unbound_while_they_stream(guest):
    guest.load(slots=4)
    readers = [guest.spawn(f"cat /dev/grabber{n} >/dev/null") for n in range(8)]
    guest.run("sleep 2")
    for device in IDS:
        nodes.unbind(guest, guest.bdf(device))
    for reader in readers:
        assert reader.wait(timeout=10).rc != 0
    assert not nodes.leftovers(guest)
