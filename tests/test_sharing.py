# SPDX-License-Identifier: GPL-2.0-only
"""Programs that share a card and want different things of it, and what ends a wait.
Each test of the two programs says what it is about."""

import pytest

import nodes

pytestmark = pytest.mark.guest(card=dict(chart="320x240", rate=20))


@pytest.mark.parametrize("program", ["sharing", "stops", "nowait"])
def test_programs(guest, program):
    guest.load(slots=8)
    nodes.run(guest, program, timeout=600)


def test_two_breaks(guest):
    guest.load(slots=16)
    nodes.run(guest, "two_breaks")


def test_just_came(guest):
    guest.load(slots=8)
    with nodes.slow(guest, "grabber_frame_ready", 5):
        nodes.run(guest, "just_came")


def test_a_faster_thread(guest):
    guest.load(slots=8)
    with nodes.slow(guest, "grabber_frame_take", 30):
        nodes.run(guest, "overtaken")


def test_poll_in_signals(guest):
    guest.load(slots=8)
    with nodes.slow(guest, "grabber_limit_begin", 4000):
        nodes.run(guest, "poll_in_signals")


def test_a_frame_while_others_are_woken(guest):
    guest.load(slots=8)
    with nodes.slow(guest, "wake_rest", 300):
        nodes.run(guest, "woken")


@pytest.mark.guest(card=dict(chart="320x240", rate=20), kernel="6.1")
def test_stalled_copy(guest):
    """On a stock kernel, for the debug kernel has no userfaultfd."""
    guest.load(slots=8)
    nodes.run(guest, "stalled")
