# SPDX-License-Identifier: GPL-2.0-only
"""Errors on the bus (AER) and resets, with streams running and registers mapped."""

import contextlib
import re
import time

import pytest

import nodes

KERNELS = ["debug", "5.10", "6.1", "6.12", "7.2"]
CARD = dict(card=dict(chart="320x240", rate=30), native_hotplug=True)

pytestmark = pytest.mark.guest(**CARD)


def function_reset(guest):
    guest.write(f"/sys/bus/pci/devices/{guest.bdf('card0')}/reset", "1")


def inject(guest, error, port="rp0"):
    """The root port reports an error, as of the link to the card."""
    said = guest.hmp(f"pcie_aer_inject_error {port} {error}")
    assert said.startswith("OK"), said


# What happens, and what the programs are to see of it.
WAYS = [
    (function_reset, "flagged"),
    (lambda guest: inject(guest, "RCVR"), "on"),	# correctable
    (lambda guest: inject(guest, "COMP_TIME"), "flagged"),	# not fatal
    (lambda guest: inject(guest, "DLP"), "flagged"),	# fatal: the link is reset
]


@pytest.mark.guest(**CARD, kernel=KERNELS)
def test_all_goes_on(guest):
    """Each in turn, and each twice: what the first one used up, the second one needs."""
    guest.load(slots=8)
    number = nodes.number(guest, "card0")
    users = guest.spawn(f"resets {number}")
    users.wait_for("READY", timeout=120)
    went_on = 0
    for _ in range(2):
        for happens, line in WAYS:
            happens(guest)
            users.write(f"{line}\n".encode())
            went_on += 1
            users.wait_for(r"(WENT ON[^$]*){%d}|not ok" % went_on, timeout=120)
            assert users.running, users.out
    users.write(b"end\n")
    nodes.finish(users, 60)
    for severity in "Correct", "Non-Fatal", "Fatal":
        assert re.search(rf"severity=\w*( \()?{severity}", guest.log), f"no {severity} error"
    nodes.unbind(guest, guest.bdf("card0"))
    assert not nodes.leftovers(guest)


def test_window_is_closed_meanwhile(guest):
    """Calls and mappings wait until the card is back; and whoever waits can be killed."""
    guest.load(slots=8)
    number = nodes.number(guest, "card0")
    with nodes.slow(guest, "grabber_card_resume", 6000):
        guest.ktap(f"window_closed {number}")


def test_started_again_by_another(guest):
    """What could not be started after a reset is tried again only until somebody's START
    succeeded; and nothing is counted of a BAR that reads as 0 meanwhile."""
    guest.load(slots=8)
    card = guest.cards[0]
    begun = card.stats()["begun"]
    users = guest.spawn("started_again 0")
    users.wait_for("READY", timeout=60)
    card.fault("no-source")
    function_reset(guest)
    guest.wait_log("cannot be started")
    users.write(b"broken\n")
    users.wait_for("REFUSED", timeout=60)
    guest.run("sleep 4")	# the next attempt is far off by now
    card.fault("as-built")
    users.write(b"well\n")
    nodes.finish(users)
    assert int(guest.read("/sys/class/grabber/grabber0/stats/begun")) <= \
        card.stats()["begun"] - begun


def test_error_while_the_engine_is_stuck(guest):
    """Nothing resets the link then, and the restart is within a lock that a reset needs:
    it is made up for a moment later."""
    guest.load(slots=8)
    reader = guest.spawn("cat /dev/grabber0 >/dev/null")
    card = guest.cards[0]
    wait_for_frames(card)
    card.fault("stuck busy")
    inject(guest, "COMP_TIME")
    guest.wait_log("did not stop")
    wait_for_frames(card)
    assert reader.running
    assert card.stats()["stale_bytes"] == 0


def wait_for_frames(card, timeout=30):
    """The card sends, from now on."""
    sent = card.stats()["sent"]
    deadline = time.monotonic() + timeout
    while card.stats()["sent"] < sent + 5:
        assert time.monotonic() < deadline, f"the card sends nothing: {card.stats()}"
        time.sleep(0.05)


@contextlib.contextmanager
def users_are_told(guest, seconds):
    """Return the messages that came, from here until all users of the card ended."""
    readers = [guest.spawn("cat /dev/grabber0 >/dev/null"),
               guest.spawn("grabberctl capture -n 1000 -o /dev/null"),
               guest.spawn("while grabberctl bar read 0 >/dev/null; do :; done; false")]
    wait_for_frames(guest.cards[0])
    with nodes.log_of(guest) as log:
        yield
        results = [reader.wait(timeout=seconds) for reader in readers]
    assert all(result.rc for result in results)
    assert "Input/output error" in results[0].err, results[0].err
    # without what the PCI core says of it, in the driver's name
    said = [line for line in nodes.messages(log[0], guest.bdf("card0"))
            if "after bus reset" not in line]
    assert len(said) == 1 and "rescan" in said[0], log[0]


def find_again(guest):
    """What the message says."""
    guest.cards[0].fault("back")
    guest.write(f"/sys/bus/pci/devices/{guest.bdf('card0')}/remove", "1")
    guest.write("/sys/bus/pci/rescan", "1")
    nodes.wait_for_cards(guest, [0])
    guest.ktap("stream 0 3", timeout=100)


def test_card_that_does_not_answer_after_a_reset_of_its_link(guest):
    """Readers get EIO, the log has one line; found again, the card works."""
    guest.load(slots=8)
    with users_are_told(guest, 60):
        with nodes.slow(guest, "pci_restore_state", 2000):
            inject(guest, "DLP")
            guest.wait_log("link has been reset")
            guest.cards[0].fault("gone")
            guest.wait_log("does not answer after")
    find_again(guest)


@pytest.mark.long
def test_link_that_does_not_come_back(guest):
    """Nor does the kernel tell drivers so."""
    guest.load(slots=8)
    with users_are_told(guest, 150):
        guest.cards[0].fault("gone")
        inject(guest, "DLP")
    find_again(guest)


def test_card_that_cannot_be_started_again(guest):
    """Readers get EIO, the log one line, and the card is left alone for longer and longer;
    when it is well again, capture goes on by itself for whoever still wants it."""
    guest.load(slots=8)
    card = guest.cards[0]
    guest.spawn("exec 3</dev/grabber0; dd bs=1 count=1 <&3 >/dev/null; sleep 1000")
    reader = guest.spawn("cat /dev/grabber0 >/dev/null")
    wait_for_frames(card)
    with nodes.log_of(guest) as log:
        card.fault("no-source")
        card.fault("error magic")
        assert "Input/output error" in reader.wait(timeout=30).err
        before = card.stats()["register_reads"]
        time.sleep(8)
        after = card.stats()["register_reads"]
    said = [line for line in nodes.messages(log[0], guest.bdf("card0")) if "no capture" in line]
    assert len(said) == 1, log[0]
    print(f"{after - before} registers read within 8 s of attempts")
    card.fault("as-built")
    wait_for_frames(card, timeout=60)


def test_watchdog_leaves_an_error_to_the_kernel(guest):
    """The card is away for long when the kernel begins to recover the link: not gone."""
    guest.load(slots=8)
    card = guest.cards[0]
    guest.spawn("cat /dev/grabber0 >/dev/null")
    wait_for_frames(card)
    with nodes.log_of(guest) as log, nodes.slow(guest, "grabber_card_pause", 8000):
        inject(guest, "DLP")
        guest.wait_log("severity")
        card.fault("gone")
        time.sleep(3)
        card.fault("back")
        guest.wait_log("device recovery successful")
    wait_for_frames(card)
    assert "does not answer" not in log[0]
