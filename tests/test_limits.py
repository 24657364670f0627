# SPDX-License-Identifier: GPL-2.0-only
"""What bounds the memory that buffers take, and what a card gets by itself."""

import pytest

import nodes

CARDS = dict(kernel="6.12", memory=512,
             card=[dict(chart="640x480", rate=30), dict(chart="640x480", rate=30)])


@pytest.mark.guest(**CARDS)
def test_limits(guest):
    guest.load()
    guest.run("mkdir -p /sys/fs/cgroup && mount -t cgroup2 none /sys/fs/cgroup &&"
              "echo +memory >/sys/fs/cgroup/cgroup.subtree_control")
    a, b = (nodes.number(guest, card) for card in ("card0", "card1"))
    guest.ktap(f"limits {a} {b}", timeout=500)
    guest.run("umount /sys/fs/cgroup")
    # what to do about it, and not once for each call
    told = [line for line in guest.log.splitlines() if "/sys/module/grabber/parameters" in line]
    assert 0 < len(told) <= 30, told


@pytest.mark.guest(**CARDS)
def test_killed_while_a_buffer_is_made(guest):
    guest.load()
    with nodes.slow(guest, "split_page", ms=40):
        nodes.run(guest, "limits_killed", timeout=400)


@pytest.mark.guest(kernel="6.12", memory=512, card=dict(chart="4096x3000", rate=1))
def test_large_frames_on_a_small_machine(guest):
    """36 MB a frame: four slots, and a line that says so. Eight if somebody wants them."""
    guest.load()
    assert "slots             4\n" in guest.run("grabberctl buffer").out
    assert nodes.number(guest, "card0") == 0
    guest.wait_log(r"4 slots of 36864000 bytes, for memory= and memory_all= allow no more")
    guest.unload()
    guest.load(slots=6)
    assert "slots             6\n" in guest.run("grabberctl buffer").out
    guest.unload()
    # more than there is: no card, a line, and nobody killed
    guest.load(slots=100)
    assert not nodes.nodes(guest)
    guest.wait_log(r"no memory for 100 slots of 36864000 bytes")
