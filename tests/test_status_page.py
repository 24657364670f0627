# SPDX-License-Identifier: GPL-2.0-only
"""Readers by the status page, and the header library that they use."""

import pytest

import nodes

MACHINE = dict(card=[dict(chart="640x480", rate=30),
                     dict(chart="320x240", rate=0)],	# as fast as frames are taken
               devices=["edu"])
# Debian's kernels have seccomp filters; the debug kernel has not, and is slower
HD = dict(kernel="6.1", card=dict(chart="1920x1080", rate=60), memory=1024)


@pytest.mark.every_kernel
@pytest.mark.guest(**MACHINE)
def test_page_and_calls(guest):
    guest.load(slots=8)
    nodes.run(guest, "status_page")


@pytest.mark.guest(**MACHINE)
def test_poll_says_no_more_than_the_page(guest):
    """Whom poll() tells of a frame finds it in the page, however late that is written."""
    guest.load(slots=8)
    with nodes.slow(guest, "grabber_status_done", ms=20):
        nodes.run(guest, "status_page")


@pytest.mark.every_kernel
@pytest.mark.guest(**MACHINE)
def test_nobody_writes_the_page(guest):
    """process_vm_writev is tried on Debian's kernels; the debug kernel has none."""
    guest.load(slots=6)
    nodes.run(guest, "status_readonly")


@pytest.mark.guest(**MACHINE)
def test_board_edu(guest):
    guest.load(slots=6)
    nodes.run(guest, "status_page", "edu0")
    nodes.run(guest, "status_readonly", "edu0")


@pytest.mark.guest(**MACHINE)
def test_page_of_several_pages(guest):
    """100 slots: more entries than one page has room for."""
    guest.load(slots=100)
    nodes.run(guest, "status_page")
    nodes.run(guest, "status_readonly")


@pytest.mark.guest(**HD)
def test_1000_frames_and_no_system_call(guest):
    guest.load(slots=16)
    guest.ktap("no_syscalls 0 1000", timeout=550)


@pytest.mark.guest(**MACHINE)
def test_torn_frames(guest):
    guest.load(slots=4)
    nodes.run(guest, "torn", "card1", 15, timeout=350)


@pytest.mark.guest(**MACHINE)
def test_torn_frames_in_the_smallest_buffer(guest):
    """Three slots: two with the card, and one with the newest frame."""
    guest.load(slots=3)
    nodes.run(guest, "torn", "card1", 8, timeout=350)


def four_readers(guest, seconds):
    guest.load(slots=24)
    nodes.run(guest, "readers", "card0", seconds, timeout=250)
    stats = guest.cards[0].stats()
    print(stats)
    assert stats["begun"] == stats["sent"] + stats["overrun"] + stats["aborted"]


@pytest.mark.guest(**MACHINE)
def test_fast_slow_stopped_and_killed(guest):
    four_readers(guest, 10)


@pytest.mark.long
@pytest.mark.guest(**MACHINE)
def test_fast_slow_stopped_and_killed_for_a_minute(guest):
    four_readers(guest, 60)


@pytest.mark.guest(**MACHINE)
def test_card_leaves(guest):
    guest.load(slots=8)
    card = guest.bdf("card0")
    reader = guest.spawn(f"status_gone {nodes.number(guest, 'card0')}")
    reader.wait_for("READY|not ok", timeout=60)
    guest.run("sleep 0.5")
    nodes.unbind(guest, card)
    reader.write(b"gone\n")
    nodes.finish(reader)
    nodes.bind(guest, card)
    nodes.run(guest, "status_page")
