# SPDX-License-Identifier: GPL-2.0-only
"""One card, four channels: each is a grabber of its own, and what happens on one does not
touch the others."""

import re
import time

import pytest

import nodes
from vm.paths import BUILD

VERIFY = {"/bin/grabber-verify": str(BUILD / "card/grabber-verify")}
VIDEO = ["--channel", "video"]
FOUR = dict(card=dict(chart="320x240", rate=10, args=VIDEO * 4), files=VERIFY)


def numbers(guest):
    """The N of /dev/grabberN of each channel, in their order."""
    first = nodes.number(guest, "card0")
    found = {}
    for n in range(first, first + 8):
        path = f"/sys/class/grabber/grabber{n}"
        if guest.run(f"[ -e {path} ]", check=False).rc == 0:
            found[int(guest.read(f"{path}/channel"))] = n
    return [found[channel] for channel in sorted(found)]


def readers(guest, cards, seconds, each=2):
    """Every byte of every frame is looked at, and none may be lost."""
    return [guest.spawn(f"grabber-verify --device /dev/grabber{n} --seconds {seconds} --no-loss")
            for n in cards for _ in range(each)]


def no_loss(started, seconds, rate):
    for reader in started:
        said = reader.wait(timeout=20 * seconds + 300)
        print(said.out.strip())
        assert said.rc == 0, said.out + said.err
        frames = int(re.search(r"frames (\d+),", said.out)[1])
        assert frames >= seconds * rate / 2, "hardly any frames came"


def sums_fit(guest, cards):
    for n in cards:
        guest.run(f"grabberctl stats /dev/grabber{n}")


def by_host(guest):
    stats = guest.cards[0].stats()
    assert stats["rule_breaks"] == 0 and stats["dma_writes_refused"] == 0, stats
    assert stats["stale_bytes"] == 0, stats
    for channel in stats["channels"]:
        assert channel["begun"] == (channel["sent"] + channel["overrun"] + channel["aborted"] +
                                    channel["in_flight"]), channel
    return stats


@pytest.mark.guest(**FOUR)
def test_what_there_is(guest):
    guest.load(slots=4)
    cards = numbers(guest)
    assert nodes.nodes(guest) == nodes.expected(cards) and len(cards) == 4
    for channel, n in enumerate(cards):
        said = guest.run(f"grabberctl info --json /dev/grabber{n}").out
        assert f'"channel": {channel},' in said and '"channels": 4,' in said, said
        assert f"channel {channel} of 4" in guest.run(f"grabberctl list").out
    assert len(nodes.interrupts(guest)) == 4, "not an interrupt for each"


@pytest.mark.guest(**FOUR)
def test_at_once(guest):
    guest.load(slots=16)
    cards = numbers(guest)
    no_loss(readers(guest, cards, 8), 8, 10)
    sums_fit(guest, cards)
    by_host(guest)
    # each by its own interrupt
    for line in nodes.interrupts(guest):
        assert sum(map(int, re.findall(r" (\d+) ", line.split(":")[1])[:2])) > 10, line


@pytest.mark.guest(card=dict(chart="320x240", rate=10, args=[*VIDEO * 4, "--no-msix"]),
                   files=VERIFY)
def test_one_interrupt_for_all(guest):
    """MSI, of which there is one message here."""
    guest.load(slots=16)
    cards = numbers(guest)
    assert len(nodes.interrupts(guest)) == 1
    no_loss(readers(guest, cards, 5), 5, 10)
    sums_fit(guest, cards)
    by_host(guest)


@pytest.mark.guest(card=dict(chart="320x240", rate=10, args=[*VIDEO * 3, "--no-msix", "--no-msi",
                                                             "--h2c"]), files=VERIFY)
def test_one_line_for_all(guest):
    """INTx, and an H2C channel, which comes first in the interrupt block."""
    guest.load(slots=16)
    cards = numbers(guest)
    no_loss(readers(guest, cards, 5), 5, 10)
    sums_fit(guest, cards)
    by_host(guest)


@pytest.mark.guest(**FOUR)
def test_errors_on_one(guest):
    guest.load(slots=16)
    cards = numbers(guest)
    broken = guest.spawn(f"cat /dev/grabber{cards[2]} >/dev/null")
    started = readers(guest, cards[:2] + cards[3:], 8)
    resets = guest.cards[0].stats()["resets"]
    for error in "magic", "descriptor", "read":
        time.sleep(1)
        guest.cards[0].fault(f"channel 2 error {error}")
        guest.wait_log("channel 2: DMA engine error")
    no_loss(started, 8, 10)
    assert broken.running
    broken.kill()
    broken.wait()
    sums_fit(guest, cards)
    assert by_host(guest)["resets"] == resets, "the others' card was reset"


@pytest.mark.guest(**FOUR)
@pytest.mark.parametrize("stuck", [0, 3])
def test_one_is_stuck(guest, stuck):
    guest.load(slots=16)
    cards = numbers(guest)
    others = cards[:stuck] + cards[stuck + 1:]
    # one of each goes on for as long as it takes
    started = readers(guest, others, 10, each=1)
    more = [guest.spawn(f"cat /dev/grabber{n} >/dev/null") for n in others]
    resets = guest.cards[0].stats()["resets"]
    program = guest.spawn(f"stuck_channel {cards[stuck]}")
    program.wait_for("WAITING|not ok", timeout=300)
    no_loss(started, 10, 10)
    assert guest.cards[0].stats()["resets"] == resets, "the others' card was reset"
    for reader in more:
        assert reader.running
        reader.kill()
        reader.wait()
    program.write(b"they have stopped\n")
    nodes.finish(program, 300)
    sums_fit(guest, cards)
    assert by_host(guest)["resets"] > resets


@pytest.mark.guest(**FOUR)
def test_one_is_stuck_for_ever(guest):
    """Nor does a reset help: the others are started all the same."""
    guest.load(slots=8)
    cards = numbers(guest)
    reader = guest.spawn(f"cat /dev/grabber{cards[1]} >/dev/null")
    sent = guest.cards[0].stats()["channels"][1]["sent"]
    while guest.cards[0].stats()["channels"][1]["sent"] < sent + 5:
        assert reader.running
    guest.cards[0].fault("channel 1 stuck ever")
    time.sleep(0.5)
    reader.kill()
    reader.wait()
    no_loss(readers(guest, cards[:1], 3), 3, 10)
    assert guest.run(f"head -c 1 /dev/grabber{cards[1]}", check=False).rc != 0
    with nodes.log_of(guest) as log:
        nodes.unbind(guest, guest.bdf("card0"))
    assert "channel 1: the card may still be writing" in log[0]
    # Who finds it so does not know whose memory it writes to, and starts none of them.
    nodes.bind(guest, guest.bdf("card0"))
    with nodes.log_of(guest) as log:
        assert guest.run(f"head -c 1 /dev/grabber{numbers(guest)[0]}", check=False).rc != 0
    assert "channel 1: it was found at work" in log[0], log[0]
    nodes.unbind(guest, guest.bdf("card0"))
    guest.cards[0].fault("channel 1 stuck busy")
    nodes.bind(guest, guest.bdf("card0"))
    no_loss(readers(guest, numbers(guest), 3, each=1), 3, 10)


@pytest.mark.guest(**FOUR)
def test_removal_under_all(guest):
    guest.load(slots=8)
    cards = numbers(guest)
    started = [guest.spawn(f"cat /dev/grabber{n} >/dev/null") for n in cards]
    sent = guest.cards[0].stats()["channels"]
    deadline = time.monotonic() + 60
    while any(now["sent"] < before["sent"] + 3
              for now, before in zip(guest.cards[0].stats()["channels"], sent)):
        assert time.monotonic() < deadline
    nodes.unbind(guest, guest.bdf("card0"))
    for reader in started:
        assert "No such device" in reader.wait(timeout=60).err
    assert nodes.nodes(guest) == []
    by_host(guest)


@pytest.mark.guest(**FOUR)
def test_reset_of_the_function(guest):
    """By sysfs: all stop, and all go on."""
    guest.load(slots=8)
    started = [guest.spawn(f"cat /dev/grabber{n} >/dev/null") for n in numbers(guest)]
    for _ in range(2):
        sent = guest.cards[0].stats()["channels"]
        deadline = time.monotonic() + 60
        while any(now["sent"] < before["sent"] + 3
                  for now, before in zip(guest.cards[0].stats()["channels"], sent)):
            assert time.monotonic() < deadline
        guest.write(f"/sys/bus/pci/devices/{guest.bdf('card0')}/reset", "1")
    assert all(reader.running for reader in started)
    by_host(guest)


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.guest(kernel="6.12", card=dict(chart="640x480", rate=30, args=VIDEO * 4), files=VERIFY,
                   memory=1024)
def test_four_at_640x480(guest):
    guest.load(slots=24)
    cards = numbers(guest)
    no_loss(readers(guest, cards, 60), 60, 30)
    sums_fit(guest, cards)
    stats = by_host(guest)
    assert all(channel["overrun"] == 0 for channel in stats["channels"]), stats
