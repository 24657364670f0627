# SPDX-License-Identifier: GPL-2.0-only
"""Where a card may write, and when: an engine that does not stop, a start that fails.

The virtual card counts what an engine that should have stopped writes later
("stale_bytes"), and the bus mastering bit says whether it could."""

from errno import EIO

import pytest

import nodes

pytestmark = pytest.mark.guest(card=dict(chart="320x200", rate=25), devices=["edu"])


def may_write(guest, device):
    """Bus mastering, bit 2 of the command register."""
    config = f"/sys/bus/pci/devices/{guest.bdf(device)}/config"
    return bool(guest.run(f"dd if={config} bs=1 skip=4 count=1 2>/dev/null").raw[0] & 4)


def set_command(guest, device, value):
    config = f"/sys/bus/pci/devices/{guest.bdf(device)}/config"
    guest.run(f"printf '\\{value:o}' | dd of={config} bs=1 seek=4 conv=notrunc 2>/dev/null")


def nothing_stale(guest):
    stats = guest.cards[0].stats()
    assert stats["stale_bytes"] == 0, stats
    assert stats["dma_writes_refused"] == 0, stats


def stop_in_vain(guest, how):
    """A capture is stopped, and the engine does not mind."""
    reader = guest.spawn(f"cat /dev/grabber{nodes.number(guest, 'card0')} >/dev/null")
    sent = guest.cards[0].stats()["sent"]
    while guest.cards[0].stats()["sent"] < sent + 5:
        assert reader.running
    guest.cards[0].fault(f"stuck {how}")
    reader.kill()
    reader.wait()
    guest.wait_log("did not stop")


def test_engine_that_does_not_stop(guest):
    guest.load(slots=8)
    before = guest.cards[0].stats()["resets"]
    with nodes.log_of(guest) as log:
        nodes.run(guest, "stuck")
    nothing_stale(guest)
    assert guest.cards[0].stats()["resets"] >= before + 3
    said = [line for line in nodes.messages(log[0], guest.bdf("card0"))
            if "no capture" in line]
    assert len(said) == 1 and "rescan" in said[0], said


@pytest.mark.parametrize("how", ["busy", "ever"])
def test_unbound_while_the_engine_is_stuck(guest, how):
    """Whoever drives it next may open its way to memory: the engine is reset before
    the memory goes back. Where that does not help, the log says so; and a driver that
    finds it so leaves its way closed."""
    guest.load(slots=8)
    stop_in_vain(guest, how)
    card = guest.bdf("card0")
    with nodes.log_of(guest) as log:
        nodes.unbind(guest, card)
    assert not may_write(guest, "card0")
    if how == "busy":
        assert not guest.cards[0].stats()["engine_busy"], "the engine was left as it was"
    else:
        assert "may still be writing" in log[0]
        nodes.bind(guest, card)
        assert not may_write(guest, "card0")
        guest.cards[0].fault("stuck busy")
        nodes.unbind(guest, card)
    nothing_stale(guest)
    nodes.bind(guest, card)
    nodes.run(guest, "stream", "card0", 3)


def test_way_for_interrupts(guest):
    """Messages of the user logic need the way, too: an engine that was left running is reset
    before it is opened for them."""
    guest.load(slots=8)
    stop_in_vain(guest, "ever")
    card = guest.bdf("card0")
    nodes.unbind(guest, card)
    nodes.bind(guest, card)
    guest.cards[0].fault("stuck busy")
    before = guest.cards[0].stats()["resets"]
    late = guest.run(f"grabberctl bar wait 3 {nodes.number(guest, 'card0')} --timeout=1",
                     check=False)
    assert late.rc and "no interrupt" in late.err
    nothing_stale(guest)
    assert guest.cards[0].stats()["resets"] > before
    assert not may_write(guest, "card0")
    nodes.run(guest, "stream", "card0", 3)


def test_card_that_was_left_running(guest):
    """Whoever had it before may have left its way to memory open."""
    guest.load(slots=8)
    card = guest.bdf("card0")
    nodes.unbind(guest, card)
    set_command(guest, "card0", 6)
    assert may_write(guest, "card0")
    nodes.bind(guest, card)
    assert not may_write(guest, "card0"), "a card may write before a capture"
    nodes.run(guest, "stream", "card0", 3)


def fails_to_start(guest, device, fail, mend):
    program = guest.spawn(f"failed_start {nodes.number(guest, device)}")
    program.wait_for("READY", timeout=120)
    fail()
    program.write(b"it will fail\n")
    program.wait_for("FAILED|not ok", timeout=30)
    mend()
    program.write(b"it will not\n")
    nodes.finish(program, 120)
    nothing_stale(guest)


def test_start_of_edu_fails(guest):
    """With its memory decoding off it does not answer; a reset would put that right."""
    guest.load(slots=10)
    guest.write(f"/sys/bus/pci/devices/{guest.bdf('edu0')}/reset_method", "\n")
    fails_to_start(guest, "edu0", lambda: set_command(guest, "edu0", 0),
                   lambda: set_command(guest, "edu0", 2))
    guest.write(f"/sys/bus/pci/devices/{guest.bdf('edu0')}/reset_method", "default\n")


@pytest.mark.parametrize("device,function", [("edu0", "edu_start"), ("card0", "xdma_start")])
def test_start_is_refused(guest, device, function):
    """Whatever the board did, and did not do, before it failed."""
    guest.load(slots=10)
    fails_to_start(guest, device,
                   lambda: guest.load_test_module("refuse", function=function, value=-EIO),
                   lambda: guest.unload("refuse"))


# Registers of the video source that a start reads, in that order
VS_LAST_OF_LOG, VS_BEGUN, VS_OVERRUN = 0x400 + 63 * 16, 0x28, 0x38


@pytest.mark.parametrize("fault,cure", [
    ("no-source", "as-built"), ("gone", "back"),
    *((f"gone-at {at}", "back") for at in (VS_LAST_OF_LOG, VS_BEGUN, VS_OVERRUN + 4))])
def test_start_of_xdma_fails(guest, fault, cure):
    """Also in the middle. Back again, the card has lost its BARs: the next start resets it."""
    guest.load(slots=10)
    card = guest.cards[0]
    fails_to_start(guest, "card0", lambda: card.fault(fault), lambda: card.fault(cure))


@pytest.mark.guest(card=dict(chart="320x200", rate=25))
def test_link_is_cut_in_the_middle_of_a_start(guest):
    """The engine runs already, and the source does not yet."""
    guest.load(slots=10)
    with nodes.slow(guest, "xdma_count_start", 4000):
        reader = guest.spawn("cat /dev/grabber0 >/dev/null")
        guest.run("until grep -qx 1 /sys/module/slow/parameters/calls; do sleep 0.1; done")
        guest.surprise("card0")
        assert "rror" in reader.wait(timeout=60).err
    guest.surprise_over("card0")
    nodes.unbind(guest, guest.bdf("card0"))
    nodes.bind(guest, guest.bdf("card0"))
    nodes.run(guest, "stream", "card0", 3)
    nothing_stale(guest)
