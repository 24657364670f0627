# SPDX-License-Identifier: GPL-2.0-only
"""The driver on the gateware itself: the virtual card runs it, compiled by Verilator, in place
of the video source's model in C. So driver, register table, model and Verilog agree."""

import pytest

import nodes
import test_removal
from test_stream import compare_with_host
from vm.make import make
from vm.paths import BUILD

SMALL = dict(chart="160x96", rate=20, args=["--gateware"])
MACHINE = dict(card=[SMALL, dict(chart="160x96", rate=0, args=["--gateware"])])


@pytest.fixture(scope="module", autouse=True)
def built():
    make("tests/card", "-s", "gateware")


def verify(guest, seconds):
    """Checks every pixel of every frame meanwhile. The gateware holds no whole frame: what it
    cannot get rid of in the middle of one is short, and says so."""
    guest.put(BUILD / "card/grabber-verify", "/tmp/grabber-verify", mode=0o755)
    return guest.spawn(f"/tmp/grabber-verify --chart 160x96 --short --device /dev/grabber"
                       f"{nodes.number(guest, 'card0')} --seconds {seconds}")


def identical(reader):
    said = reader.wait(timeout=100)
    print(said.out, said.err)
    assert said.rc == 0, said.out + said.err


@pytest.mark.guest(**MACHINE)
def test_stream(guest):
    guest.load(slots=8)
    nodes.run(guest, "stream", "card0", 6, timeout=400)
    assert compare_with_host(guest.cards[0])["sent"] > 30


@pytest.mark.guest(**MACHINE)
def test_as_fast_as_taken(guest):
    """RATE is 0: the source waits, and nothing is lost for want of a slot."""
    guest.load(slots=8)
    nodes.run(guest, "stream", "card1", 5, timeout=400)
    assert compare_with_host(guest.cards[1])["sent"] > 50


@pytest.mark.guest(**MACHINE)
def test_stop_and_start(guest):
    guest.load(slots=8)
    for _ in range(8):
        for card in ("card0", "card1"):
            nodes.run(guest, "stream", card, 1, timeout=200)
    for card in guest.cards:
        assert compare_with_host(card)["aborted"] > 0


@pytest.mark.guest(**MACHINE)
def test_loss(guest):
    """An engine that takes nothing for some time: what began meanwhile is lost, each counted."""
    guest.load(slots=8)
    reader = verify(guest, 12)
    for _ in range(3):
        guest.run("sleep 1")
        guest.cards[0].fault("stuck")
        guest.run("sleep 1")
        guest.cards[0].fault("unstuck")
    identical(reader)
    assert compare_with_host(guest.cards[0])["overrun"] > 0


@pytest.mark.guest(**MACHINE)
@pytest.mark.parametrize("fault", ["error magic", "error descriptor", "error read", "lose-interrupts 3"])
def test_fault(guest, fault):
    guest.load(slots=8)
    reader = verify(guest, 10)
    guest.run("sleep 2")
    guest.cards[0].fault(fault)
    identical(reader)
    nodes.run(guest, "stream", "card0", 2, timeout=200)
    compare_with_host(guest.cards[0])


@pytest.mark.guest(**MACHINE)
def test_reset(guest):
    """An engine that does not stop: the card is reset with all that is in it, before it starts."""
    guest.load(slots=8)
    guest.cards[0].fault("stuck busy")
    with nodes.log_of(guest) as log:
        guest.run("timeout 2 head -c 1 /dev/grabber0", check=False)
    assert "did not stop" in log[0], log[0]
    # The gateware's counters begin at 0 again, and the driver's go on.
    guest.run("timeout 60 head -c 100000 /dev/grabber0 >/dev/null")
    nodes.run(guest, "stream", "card0", 2, timeout=200)
    begun, *ended = (int(guest.read(f"/sys/class/grabber/grabber0/stats/{name}")) for name in (
        "begun", "delivered", "truncated", "dropped_no_slot", "dropped_error", "dropped_stop",
        "lost_by_card"))
    assert begun == sum(ended) and 0 < ended[0] and begun < 10000, (begun, ended)
    compare_with_host(guest.cards[0])


@pytest.mark.guest(card=SMALL)
@pytest.mark.parametrize("way", [test_removal.Unbind, test_removal.CardGone],
                         ids=lambda way: way.__name__)
def test_removal_while_it_streams(guest, way):
    guest.load(slots=16)
    test_removal.check_streams(guest)
    test_removal.whole_story(guest, way(guest, "card0"), "streaming")
