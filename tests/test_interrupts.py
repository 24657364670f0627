# SPDX-License-Identifier: GPL-2.0-only
"""Interrupts that come too fast, too late or not at all, handlers that are slow, and
engines that fail again and again: what is counted, and what is left of the processor."""

import time

import pytest

import nodes

# as fast as frames are taken, by messages and by the line; and faster than the watchdog
CARDS = dict(card=[dict(chart="64x48", rate=0),
                   dict(chart="64x48", rate=0, args=["--no-msix", "--no-msi"]),
                   dict(chart="64x48", rate=1000)], memory=768)
VS_BEGUN, VS_OVERRUN = 0x28, 0x38
TRACING = "/sys/kernel/tracing"

pytestmark = pytest.mark.guest(**CARDS)


def interrupts_to_processor_0(guest):
    """/proc/interrupts shows the numbers of grabber's; all are sent there."""
    for line in nodes.interrupts(guest):
        guest.write(f"/proc/irq/{int(line.split(':')[0])}/smp_affinity", "1")


def raised(card):
    return card.stats()["interrupts"]


@pytest.mark.parametrize("card", ["card0", "card1"])
def test_other_work_goes_on(guest, card):
    """In the old way one interrupt lasts as long as the card is ahead."""
    guest.load(slots=256)
    interrupts_to_processor_0(guest)
    before = raised(guest.cards[int(card[-1])])
    nodes.run(guest, "busy", card, 5)
    print(f"{card}: {raised(guest.cards[int(card[-1])]) - before} interrupts")


@pytest.mark.parametrize("function", ["xdma_interrupt", "grabber_ring_done"])
def test_slow_handler(guest, function):
    """20 ms a call, with interrupts off: the processor is not stuck for as long as the
    card goes on, which a stall of RCU would say after three seconds."""
    guest.load(slots=64)
    interrupts_to_processor_0(guest)
    guest.write("/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout", "3")
    with nodes.slow(guest, function, ms=20):
        reader = guest.spawn("cat /dev/grabber0 >/dev/null")
        guest.run("sleep 8", timeout=100)
        reader.kill(9)
        reader.wait(timeout=60)
    guest.write("/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout", "21")


def test_interrupts_that_take_too_long(guest):
    """3 ms each are more than their share of a processor: a thread goes on instead."""
    guest.load(slots=8)
    started = f"{TRACING}/events/workqueue/workqueue_execute_start/enable"
    guest.write(f"{TRACING}/trace", "")
    guest.write(started, "1")
    with nodes.slow(guest, "xdma_interrupt", ms=3):
        guest.run("head -c 500000 /dev/grabber0 >/dev/null")
    guest.write(started, "0")
    put_off = guest.run(f"grep -c 'function rest .grabber' {TRACING}/trace", check=False).out
    guest.write(f"{TRACING}/trace", "")
    assert int(put_off) > 0, "nothing was put off to the thread"


@pytest.mark.parametrize("card", ["card0", "card1"])
def test_no_frame_is_older_than_its_data(guest, card):
    guest.load(slots=8)
    nodes.run(guest, "stamps", card, 300)


def test_no_frame_of_a_slow_handler_is_older_than_its_data(guest):
    """Frames are finished while those before them are put into the ring."""
    guest.load(slots=8)
    with nodes.slow(guest, "grabber_ring_done", ms=20):
        nodes.run(guest, "stamps", "card0", 40)


def test_counts(guest):
    guest.load(slots=1024)
    with nodes.log_of(guest) as log:
        nodes.run(guest, "counts", "card2", timeout=500)
    said = [line for line in log[0].splitlines() if "make no sense" in line]
    # once a capture, and two or three captures had reason
    assert 2 <= len(said) <= 3, log[0]
    stats = guest.cards[2].stats()
    assert stats["rule_breaks"] == 0 and stats["dma_writes_refused"] == 0, stats


def begun(guest, card):
    return int(guest.read(f"/sys/class/grabber/grabber{nodes.number(guest, card)}/stats/begun"))


def capture(guest, card, frames=20):
    """A reader, and some frames begun."""
    reader = guest.spawn(f"cat /dev/grabber{nodes.number(guest, card)} >/dev/null")
    end = begun(guest, card) + frames
    while begun(guest, card) < end:
        assert reader.running
        time.sleep(0.1)
    return reader


@pytest.mark.parametrize("at", [VS_BEGUN, VS_BEGUN + 4, VS_OVERRUN, VS_OVERRUN + 4])
def test_card_leaves_between_two_reads(guest, at):
    """No count jumps by what half of a register said."""
    guest.load(slots=8)
    card, bdf = guest.cards[2], guest.bdf("card2")
    before = card.stats()["begun"]
    reader = capture(guest, "card2")
    card.fault("rate 1")	# no frame asks for them meanwhile
    time.sleep(0.5)
    card.fault("skip 5")
    card.fault(f"gone-at {at}")
    reader.kill(9)
    reader.wait(timeout=60)
    assert card.stats()["gone"]
    assert 20 <= begun(guest, "card2") <= card.stats()["begun"] - before
    card.fault("back")
    nodes.unbind(guest, bdf)
    nodes.bind(guest, bdf)
    nodes.run(guest, "stamps", "card2", 20)


def errors_left(guest, card):
    said = guest.run(f"grabberctl bar read 0x814 {nodes.number(guest, card)}").out
    return int(said, 16) >> 8


def frames_come(guest, card, frames=100):
    """Wait for some that are delivered; those that are lost do not count."""
    path = f"/sys/class/grabber/grabber{nodes.number(guest, card)}/stats/delivered"
    end = int(guest.read(path)) + frames
    deadline = time.monotonic() + 60
    while int(guest.read(path)) < end:
        assert time.monotonic() < deadline, "no frames come"
        time.sleep(0.1)


def restarts(guest, card):
    """How often an engine that fails at each start is started in 5 s."""
    card.fault("error magic 10000")
    time.sleep(5)
    starts = 9999 - errors_left(guest, "card2")
    card.fault("error magic 1")
    print(f"{starts} restarts in 5 s")
    return starts


def test_recovery_backs_off(guest):
    """An engine that fails as soon as it is started is started less and less often. When it
    has worked again, the next error is mended as soon as the first."""
    guest.load(slots=8)
    card = guest.cards[2]
    reader = capture(guest, "card2")
    with nodes.log_of(guest) as log:
        starts = restarts(guest, card)
    # 10 ms, 20, 40 ... 1.28 s: ten or eleven
    assert 4 <= starts <= 13
    assert 1 <= log[0].count("DMA engine error") <= 10
    frames_come(guest, "card2")
    # With the longest pause each time there would be four.
    assert restarts(guest, card) >= 6
    frames_come(guest, "card2")
    assert reader.running
    reader.kill(9)
    reader.wait(timeout=60)
