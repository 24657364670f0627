# SPDX-License-Identifier: GPL-2.0-only
"""Several C2H channels, and streams of samples without a video source."""
import struct
import time

import pytest

from vfio_user_client import *

AREA = 0x1000000        # of memory for a channel
W, H = 64, 48
SIZE = W * H * 3


class Channel:
    """The driver's side of one channel, in an area of its own."""

    def __init__(self, client, number):
        self.client, self.number = client, number
        self.engine, self.sgdma = C2H + 0x100 * number, SGDMA + 0x100 * number
        self.ring = RING + 0x4000 * number
        self.writebacks = WRITEBACKS + 0x4000 * number
        self.data = DATA + number * (AREA // 2)

    def descriptors(self, lengths, first=0):
        at = self.data
        for i, length in enumerate(lengths, first):
            struct.pack_into("<IIQQQ", self.client.mem, self.ring + 32 * i, MAGIC | COMPLETE, length,
                             self.writebacks + 32 * i, at, self.ring + 32 * (i + 1))
            struct.pack_into("<II", self.client.mem, self.writebacks + 32 * i, 0, 0)
            at += length

    def start(self, credits):
        c, bit = self.client, 1 << 16 + self.number
        c.write(BAR1, CREDIT_MODE + 4, bit)
        c.write(BAR1, self.sgdma + 0x80, self.ring)
        c.write(BAR1, self.sgdma + 0x84, 0)
        c.write(BAR1, self.engine + 0x90, EVENTS)
        c.write(BAR1, CHANNEL_INT + 4, 1 << self.number)
        c.write(BAR1, self.sgdma + 0x8c, credits)
        c.write(BAR1, self.engine + 4, EVENTS | RUN)

    def stop(self):
        self.client.write(BAR1, self.engine + 0xc, RUN)

    def busy(self):
        return self.client.read(BAR1, self.engine + 0x40) & BUSY

    def writeback(self, i):
        status, length = struct.unpack_from("<II", self.client.mem, self.writebacks + 32 * i)
        return (status & EOP, length) if status else None

    def wait(self, i, timeout=10):
        end = time.monotonic() + timeout
        while self.writeback(i) is None:
            assert time.monotonic() < end, f"no write-back of channel {self.number}, {i}"
            time.sleep(0.001)
        return self.writeback(i)

    def bytes(self, n):
        return self.client.mem[self.data:self.data + n]


def pattern(position, n):
    first, end = position // 4, (position + n + 3) // 4
    words = struct.pack(f"<{end - first}I", *range(first, end))
    return words[position % 4:position % 4 + n]


@pytest.fixture
def connected(new_card, connect):
    def start(*channels, args=()):
        card = new_card(*[a for what in channels for a in ("--channel", what)], *args)
        client = connect(card)
        client.enable()
        return card, [Channel(client, n) for n in range(len(channels))], client
    return start


def test_identifiers(connected):
    _card, channels, client = connected("video", "samples", "samples", args=("--chart", f"{W}x{H}"))
    for n in range(4):
        there = n < len(channels)
        assert client.read(BAR1, C2H + 0x100 * n) == (0x1fc18006 | n << 8 if there else 0)
        assert client.read(BAR1, SGDMA + 0x100 * n) == (0x1fc58006 | n << 8 if there else 0)
    assert client.read(BAR0, 0) == 0x47524231
    assert client.read(BAR0, 0x1000) == 0, "samples have no registers"


def test_a_video_source_each(connected):
    _card, channels, client = connected("video", "video", args=("--chart", f"{W}x{H}", "--rate", "0"))
    for n in range(2):
        assert client.read(BAR0, 0x1000 * n) == 0x47524231
    channels[1].descriptors([SIZE])
    channels[1].start(1)
    client.write(BAR0, 0x1000 + VS_CONTROL, 1)
    assert channels[1].wait(0) == (EOP, SIZE)
    assert client.read(BAR0, 0x1000 + VS_SENT) == 1
    assert client.read(BAR0, VS_SENT) == 0 and channels[0].writeback(0) is None


def test_samples_without_an_end(connected):
    card, (channel,), _client = connected("samples")
    channel.descriptors([4096, 64, 8192])
    channel.start(3)
    assert channel.wait(2) == (0, 8192)
    assert [channel.writeback(i) for i in range(2)] == [(0, 4096), (0, 64)]
    assert channel.bytes(4096 + 64 + 8192) == pattern(0, 4096 + 64 + 8192)
    time.sleep(0.05)
    assert card.stats()["position"] == 4096 + 64 + 8192, "nobody took more"


def test_packets_as_anybody_can_tell(connected):
    """sample_packet_bytes() of sample_source.h, once more."""
    def length(low, high, n):
        x = (n + 1) * 0x9e3779b97f4a7c15 & (1 << 64) - 1
        x = (x ^ x >> 31) * 0xbf58476d1ce4e5b9 & (1 << 64) - 1
        x ^= x >> 29
        return low + x % (high - low + 1)

    card, (channel,), _client = connected("samples,packet=1-4096")
    channel.descriptors([4096] * 50)
    channel.start(50)
    channel.wait(49)
    position = 0
    for i in range(50):
        n = length(1, 4096, i)
        assert channel.writeback(i) == (EOP, n)
        at = channel.data + 4096 * i
        assert channel.client.mem[at:at + n] == pattern(position, n)
        position += n
    assert card.stats()["packets"] == 50 and card.stats()["position"] == position


def test_rate(connected):
    card, (channel,), _client = connected("samples,rate=1000000")
    channel.descriptors([1 << 16] * 20)
    channel.start(20)
    channel.wait(1)
    start, before = time.monotonic(), card.stats()["position"]
    time.sleep(0.5)
    rate = (card.stats()["position"] - before) / (time.monotonic() - start)
    assert 500_000 < rate < 1_500_000, rate


def test_stop_fills_the_descriptor_under_way(connected):
    card, (channel,), _client = connected("samples,rate=1000000")
    channel.descriptors([1 << 16] * 4)
    channel.start(4)
    channel.wait(0)
    while card.stats()["position"] < (1 << 16) + 1000:
        pass
    channel.stop()
    assert channel.busy()
    assert channel.wait(1) == (0, 1 << 16)
    assert not channel.busy() and channel.writeback(2) is None
    position = card.stats()["position"]
    assert position == 2 << 16
    channel.descriptors([4096])
    channel.start(1)
    channel.wait(0)
    assert channel.bytes(4096) == pattern(position, 4096), "the stream waited"


def test_channels_do_not_touch_each_other(connected):
    card, channels, client = connected("samples", "samples", "samples", "samples")
    card.ask("channel 1 stuck busy")
    card.ask("channel 2 error read")
    for channel in channels:
        channel.descriptors([4096] * 8)
        channel.start(4)
    for n in (0, 3):
        channels[n].wait(3)
    assert client.read(BAR1, channels[2].engine + 0x40) & READ_SLAVE
    assert channels[1].busy() and channels[1].writeback(0) is None
    channels[0].stop()
    assert not channels[0].busy()
    client.write(BAR1, channels[3].sgdma + 0x8c, 4)
    channels[3].wait(7)
    assert channels[0].writeback(4) is None
    stats = card.stats()
    assert [c["position"] for c in stats["channels"]] == [4 * 4096, 0, 0, 8 * 4096]
    assert stats["rule_breaks"] == 0


def test_a_message_each(connected):
    """Channel n raises the vector that its byte of the registers says; H2C comes first."""
    _card, channels, client = connected("samples", "samples", "samples", "samples", args=("--h2c",))
    for vector in range(1, 9):
        client.eventfd(MSIX, vector)
    client.write(BAR1, CHANNEL_VECTOR, 0x03020100)
    client.write(BAR1, CHANNEL_VECTOR + 4, 0x04)
    for channel in channels:
        channel.descriptors([64])
        channel.start(1)
    client.write(BAR1, CHANNEL_INT, 0x1e)
    for channel in channels:
        channel.wait(0)
        assert client.interrupts(vector=1 + channel.number, wait=5) == 1
    for vector in (0, 5, 6, 7, 8):
        assert client.interrupts(vector=vector) == 0
    assert client.read(BAR1, IRQ + 0x4c) == 0x1e


def test_credit_mode_is_a_channels_own(connected):
    _card, channels, client = connected("samples", "samples")
    for channel in channels:
        channel.descriptors([64] * 4)
        channel.start(1)
        channel.wait(0)
    client.write(BAR1, channels[1].sgdma + 0x8c, 0)
    client.write(BAR1, CREDIT_MODE + 8, 1 << 16)
    client.write(BAR1, channels[1].sgdma + 0x8c, 2)
    channels[1].wait(2)
    assert channels[1].writeback(3) is None


def test_reset_is_for_all(connected):
    card, channels, client = connected("samples", "samples")
    card.ask("channel 1 stuck busy")
    for channel in channels:
        channel.descriptors([64])
        channel.start(1)
    channels[0].wait(0)
    client.reset()
    client.enable()
    assert not any(channel.busy() for channel in channels)
    channels[1].descriptors([64])
    channels[1].start(1)
    assert channels[1].wait(0) == (0, 64)
    assert card.stats()["stale_bytes"] == 0


@pytest.mark.parametrize("what", ["audio", "samples,packet=0", "samples,packet=5-4", "samples,rate=x"])
def test_bad_channels(programs, what, tmp_path):
    import subprocess
    said = subprocess.run([programs / "grabber-card", "--socket", tmp_path / "s", "--channel", what],
                          capture_output=True, text=True, timeout=10)
    assert said.returncode == 1 and "is no channel" in said.stderr
