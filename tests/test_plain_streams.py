# SPDX-License-Identifier: GPL-2.0-only
"""Streams as they are, of an XDMA card without a video source: packets and samples."""

import pytest

import nodes
from vm.paths import BUILD

VERIFY = {"/bin/grabber-verify": str(BUILD / "card/grabber-verify")}


def plain(*channels, **machine):
    return dict(card=dict(args=[arg for what in channels for arg in ("--channel", what)]),
                files=VERIFY, **machine)


def load(guest, framing, **params):
    """As a person does it who has such a card: by request only."""
    card = guest.bdf("card0")
    guest.write(f"/sys/bus/pci/devices/{card}/driver_override", "grabber")
    guest.load(framing=framing, **params)


def by_host(guest):
    stats = guest.cards[0].stats()
    assert stats["rule_breaks"] == 0 and stats["stale_bytes"] == 0, stats
    assert stats["dma_writes_refused"] == 0 and stats["dma_reads_refused"] == 0, stats
    return stats


PACKETS = plain("samples,packet=1-65536,rate=20000000")
SAMPLES = plain("samples,rate=20000000")


@pytest.mark.guest(**PACKETS)
def test_only_by_request(guest):
    card = guest.bdf("card0")
    guest.write(f"/sys/bus/pci/devices/{card}/driver_override", "\n")
    with nodes.log_of(guest) as log:
        guest.load(framing="packet")
    said = nodes.messages(log[0], card)
    assert len(said) == 1 and "left alone" in said[0] and "framing=" in said[0], said
    assert nodes.nodes(guest) == []


@pytest.mark.guest(**PACKETS)
def test_bad_framing(guest):
    card = guest.bdf("card0")
    with nodes.log_of(guest) as log:
        load(guest, "lines")
    assert any("framing=packet" in line for line in nodes.messages(log[0], card)), log[0]


@pytest.mark.guest(**PACKETS)
def test_packets(guest):
    load(guest, "packet", slot_size=65536)
    nodes.run(guest, "packets", "card0", 1, 65536, 1200, timeout=1800)
    by_host(guest)


@pytest.mark.guest(card=dict(args=["--channel", "samples,packet=1-100"]))
def test_short_packets_as_fast_as_taken(guest):
    load(guest, "packet", slot_size=4096)
    nodes.run(guest, "packets", "card0", 1, 100, 5000, timeout=1800)
    by_host(guest)


@pytest.mark.guest(iommu=True, **PACKETS)
def test_packets_behind_an_iommu(guest):
    """Where slots are one range for the card, whatever their pages are."""
    load(guest, "packet", slot_size=65536)
    nodes.run(guest, "packets", "card0", 1, 65536, 400, timeout=1800)
    said = guest.run("grabberctl info /dev/grabber0").out
    assert "67108864" in said, said
    by_host(guest)


@pytest.mark.guest(**SAMPLES)
@pytest.mark.parametrize("slots,size", [(8, 1 << 20), (1024, 4096)])
def test_samples(guest, slots, size):
    load(guest, "slot")
    nodes.run(guest, "samples", "card0", 48, slots, size, timeout=1800)
    by_host(guest)


@pytest.mark.guest(card=dict(args=["--channel", "samples"]))
def test_stream_is_held_back(guest):
    """Nobody is as fast as the virtual card: that the driver counts, and nothing is lost."""
    load(guest, "slot", slots=8)
    nodes.run(guest, "samples", "card0", 32, 8, 65536, timeout=1800)
    stalls = int(guest.read("/sys/class/grabber/grabber0/stats/stalls"))
    assert stalls > 10, stalls
    assert f"{stalls} " in guest.run("grabberctl stats /dev/grabber0").out


@pytest.mark.guest(card=dict(args=["--channel", "samples,rate=500000"]))
def test_stream_is_not_held_back(guest):
    load(guest, "slot", slots=64)
    nodes.run(guest, "samples", "card0", 2, 64, 65536, timeout=1800)
    assert guest.read("/sys/class/grabber/grabber0/stats/stalls").strip() == "0"


@pytest.mark.guest(**plain("video", "samples,packet=1000-3000,rate=1000000", "video",
                           "samples,packet=4096,rate=1000000"))
def test_mixed(guest):
    """Channels with a video source are what they were; those beside them send packets."""
    guest.write(f"/sys/bus/pci/devices/{guest.bdf('card0')}/driver_override", "\n")
    guest.load(slots=8)
    framing = [guest.read(f"/sys/class/grabber/grabber{n}/framing").strip() for n in range(4)]
    assert framing == ["card", "packet", "card", "packet"]
    video = [guest.spawn(f"grabber-verify --device /dev/grabber{n} --frames 20") for n in (0, 2)]
    guest.ktap("packets 1 1000 3000 300", timeout=900)
    guest.ktap("packets 3 4096 4096 300", timeout=900)
    for reader in video:
        said = reader.wait(timeout=300)
        assert said.rc == 0, said.out
    by_host(guest)


@pytest.mark.long
@pytest.mark.guest(kernel="6.12", **plain("samples,rate=10000000"))
@pytest.mark.parametrize("slots,size", [(8, 1 << 20), (1024, 4096)])
def test_four_gib_of_samples(guest, slots, size):
    load(guest, "slot")
    nodes.run(guest, "samples", "card0", 4096, slots, size, "all", timeout=7200)
    by_host(guest)


@pytest.mark.long
@pytest.mark.guest(kernel="6.12", **plain("samples,packet=1-65536,rate=30000000"))
def test_many_packets(guest):
    load(guest, "packet", slot_size=65536)
    nodes.run(guest, "packets", "card0", 1, 65536, 60000, timeout=7200)
    by_host(guest)
