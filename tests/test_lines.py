# SPDX-License-Identifier: GPL-2.0-only
"""Interrupts of the user logic: as messages of either kind and as a line, and where the
channels of a card are more than one."""

import pytest

import nodes

TWO = ["--channel", "video"] * 2


def card(*args):
    return dict(card=dict(chart="320x240", rate=30, args=args))


def run_lines(guest, kind):
    guest.load(slots=8)
    program = guest.spawn(f"lines {nodes.number(guest, 'card0')} {kind}")
    program.wait_for(r"WAITING|not ok \d+ from_outside", timeout=900)
    guest.cards[0].fault("user-interrupt 0x8002")
    nodes.finish(program, 200)
    print(program.out)
    assert guest.cards[0].stats()["rule_breaks"] == 0


def own_interrupt(guest):
    """Whether it is for the user logic alone."""
    [shown] = [line for line in guest.read("/proc/interrupts").splitlines()
               if "grabber-lines" in line]
    return not any(shown == line for line in nodes.interrupts(guest))


@pytest.mark.guest(**card(), kernel=["debug", "5.10", "6.12-rt", "7.2"])
def test_msix(guest):
    run_lines(guest, "msix")
    assert own_interrupt(guest)


@pytest.mark.guest(**card("--no-msix"), kernel=["debug", "6.12-rt"])
def test_msi(guest):
    """One message, which the frames have, too."""
    run_lines(guest, "msi")
    assert not own_interrupt(guest)


@pytest.mark.guest(**card(), cmdline="pci=nomsi")
def test_line(guest):
    """On a line, which the frames have too, and others may."""
    run_lines(guest, "line")
    assert "IO-APIC" in nodes.interrupts(guest)[0] and not own_interrupt(guest)


@pytest.mark.guest(**card(*TWO))
def test_two_channels(guest):
    run_lines(guest, "msix")
    assert own_interrupt(guest) and len(nodes.interrupts(guest)) == 2


@pytest.mark.guest(**card(*TWO, "--no-msix"), kernel=["debug", "6.12-rt"])
def test_two_channels_one_message(guest):
    run_lines(guest, "msi")
    assert not own_interrupt(guest) and len(nodes.interrupts(guest)) == 1


@pytest.mark.guest(**card(*TWO), cmdline="pci=nomsi")
def test_two_channels_one_line(guest):
    run_lines(guest, "line")
    assert not own_interrupt(guest) and len(nodes.interrupts(guest)) == 1


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
        guest.run("until [ $(cat /sys/class/grabber/grabber0/stats/delivered) -gt 0 ]; do sleep 0.1; done")
        guest.cards[0].fault("gone")
        guest.wait_log("does not answer any more", timeout=60)
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
