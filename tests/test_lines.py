# SPDX-License-Identifier: GPL-2.0-only
"""Interrupts of the user logic, as messages of either kind and as a line."""

import pytest

import nodes

CARD = dict(chart="320x240", rate=30)


def card(*args):
    return dict(card=dict(chart="320x240", rate=30, args=args))


def run_lines(guest, kind=""):
    guest.load(slots=8)
    program = guest.spawn(f"lines {nodes.number(guest, 'card0')} {kind}")
    program.wait_for("WAITING|not ok", timeout=600)
    guest.cards[0].fault("user-interrupt 0x8002")
    nodes.finish(program, 200)
    assert guest.cards[0].stats()["rule_breaks"] == 0


@pytest.mark.guest(**card(), kernel=["debug", "5.10", "6.12-rt", "7.2"])
def test_msix(guest):
    run_lines(guest, "msix")


@pytest.mark.guest(**card("--no-msix"))
def test_msi(guest):
    run_lines(guest, "msi")


@pytest.mark.guest(**card(), cmdline="pci=nomsi")
def test_line(guest):
    """On a line, which the frames have too, and others may."""
    run_lines(guest, "line")
    assert "IO-APIC" in nodes.interrupts(guest)[0]


@pytest.mark.guest(**card())
@pytest.mark.parametrize("how", ["unbind", "gone"])
def test_sleeper_is_told_of_removal(guest, how):
    guest.load(slots=8)
    bdf = guest.bdf("card0")
    sleeper = guest.spawn("lines_gone 0")
    sleeper.wait_for("READY", timeout=100)
    if how == "unbind":
        nodes.unbind(guest, bdf)
    else:
        # the watchdog looks while frames are wanted
        guest.spawn("cat /dev/grabber0 >/dev/null")
        guest.cards[0].fault("gone")
        guest.wait_log("does not answer", timeout=60)
    nodes.finish(sleeper)
    if how == "gone":
        guest.cards[0].fault("back")


@pytest.mark.guest(**card())
def test_by_hand(guest):
    """A shell waits for one, tells the user logic, and waits for the next."""
    guest.load(slots=8)
    waiting = guest.spawn("grabberctl bar wait 3")
    guest.run("until [ $(grabberctl bar read 0x900 2>/dev/null) ]; do sleep 0.1; done")
    guest.cards[0].fault("user-interrupt 0x8")
    assert waiting.wait(timeout=60).out == "line 3: 1\n"
    # it was not told: the level is still up
    assert guest.run("grabberctl bar wait 3").out == "line 3: 1\n"
    guest.run("grabberctl bar write 0x900 0x8")
    late = guest.run("grabberctl bar wait 3 --timeout=1", check=False)
    assert late.rc and not late.out and "no interrupt" in late.err
