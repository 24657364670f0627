# SPDX-License-Identifier: GPL-2.0-only
"""Everything that a program can ask wrongly of the two nodes, on the virtual
card and on edu. Each program of tests/guest says what it is about."""

import pytest

import nodes

pytestmark = pytest.mark.guest(card=dict(chart="320x240", rate=20), devices=["edu"])
PROGRAMS = ["bad_mmap", "bad_bar", "bad_ioctl", "holds", "file_ops"]


@pytest.mark.parametrize("program", PROGRAMS + ["waits"])
def test_on_virtual_card(guest, program):
    guest.load(slots=8)
    tests = guest.ktap(f"{program} {nodes.number(guest, 'card0')}", timeout=300)
    assert not any(directive for _, _, directive in tests), "a test was skipped"


@pytest.mark.parametrize("program", PROGRAMS)
def test_on_edu(guest, program):
    guest.load(slots=8)
    guest.ktap(f"{program} {nodes.number(guest, 'edu0')}", timeout=300)


@pytest.mark.parametrize("params", ["slots=1", "slots=1025", "bar=6", "bar=5"])
def test_bad_parameters(guest, params):
    """A value that cannot be kept: no card is bound, and one line says what to do."""
    with nodes.log_of(guest) as log:
        guest.run(f"insmod /lib/grabber.ko {params}", check=False)
    assert not nodes.leftovers(guest)
    said = nodes.messages(log[0], guest.bdf("card0"))
    assert len(said) == 1 and f"{params.split('=')[0]}=" in said[0], log[0]


@pytest.mark.parametrize("params", ["slots=-1", "slots=many", "bar=x"])
def test_no_parameters(guest, params):
    """What is not even a number keeps the module out."""
    assert guest.run(f"insmod /lib/grabber.ko {params}", check=False).rc != 0
    assert not guest.loaded()


@pytest.mark.parametrize("slots", [4, 64])
def test_slots_parameter(guest, slots):
    guest.load(slots=slots)
    guest.ktap(f"holds {nodes.number(guest, 'card0')}", timeout=300)
