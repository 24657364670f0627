# SPDX-License-Identifier: GPL-2.0-only
"""The card's side of the vfio-user protocol: what is answered, and that nothing ends it."""
import errno
import os
import random
import socket
import struct
import time

import pytest

from vfio_user_client import *


@pytest.fixture
def card(new_card):
    return new_card("--chart", "64x48", "--rate", "0")


@pytest.fixture
def client(card, connect):
    return connect(card)


def refused(code):
    return pytest.raises(Refused, match=os.strerror(code))


def test_ready_line(new_card):
    card = new_card("--chart", "320x240", "--rate", "12.5")
    assert card.ready == f"listening on {card.socket}: 320x240 RGB3 at 12.5 frames a second\n"


def test_version(card, connect):
    c = connect(card, negotiate=False, memory=False)
    answer = c.call(VERSION, struct.pack("<HH", 0, 1) + CAPABILITIES)
    assert struct.unpack_from("<HH", answer) == (0, 0)
    assert answer.endswith(b"\0")
    caps = json.loads(answer[4:-1])["capabilities"]
    assert caps == {"max_msg_fds": 16, "max_data_xfer_size": 1 << 20, "max_dma_maps": 65535,
                    "pgsizes": 4096, "write_multiple": True}


def test_version_offers_only_what_the_client_knows(card, connect):
    c = connect(card, negotiate=False, memory=False)
    answer = c.call(VERSION, struct.pack("<HH", 0, 0))
    assert set(json.loads(answer[4:-1])["capabilities"]) == {"max_msg_fds", "max_data_xfer_size"}


def test_version_of_another_major_is_refused(card, connect):
    c = connect(card, negotiate=False, memory=False)
    with pytest.raises(Refused):
        c.call(VERSION, struct.pack("<HH", 1, 0))


def test_nothing_before_the_version(card, connect):
    c = connect(card, negotiate=False, memory=False)
    with refused(errno.EINVAL):
        c.call(GET_INFO, struct.pack("<IIII", 16, 0, 0, 0))
    c.call(VERSION, struct.pack("<HH", 0, 1) + CAPABILITIES)
    with refused(errno.EINVAL):
        c.call(VERSION, struct.pack("<HH", 0, 1) + CAPABILITIES)


def test_info(client):
    assert struct.unpack("<IIII", client.call(GET_INFO, struct.pack("<IIII", 16, 0, 0, 0))) == (16, 3, 9, 5)
    sizes = [client.region_info(n)[4] for n in range(9)]
    assert sizes == [65536, 65536, 0, 0, 0, 0, 0, 4096, 0]
    assert [client.irq_count(n) for n in range(5)] == [1, 32, 32, 1, 0]
    with refused(errno.EINVAL):
        client.region_info(9)
    with refused(errno.EINVAL):
        client.irq_count(5)


def test_unknown_commands(client):
    for command in (0, REGION_IO_FDS, DMA_READ, DMA_WRITE, 14, 16, 17, 99, 0xffff):
        with refused(errno.EOPNOTSUPP):
            client.call(command, bytes(32))
    assert client.read(CONFIG, 0, 2) == 0x10ee


def test_no_reply_is_no_reply(client):
    client.send(REGION_WRITE, struct.pack("<QII", 4, CONFIG, 2) + b"\6\0", flags=0x10)
    assert client.read(CONFIG, 4, 2) == 6


def test_replies_nobody_asked_for_are_ignored(client):
    client.send(DMA_WRITE, bytes(16), flags=1)
    assert client.read(CONFIG, 0, 2) == 0x10ee


def test_short_and_long_payloads(client):
    exact = {DMA_MAP: 32, REGION_READ: 16}
    least = {DMA_UNMAP: 24, GET_INFO: 16, REGION_INFO: 32, IRQ_INFO: 16, SET_IRQS: 20, REGION_WRITE: 16,
             WRITE_MULTI: 8}
    for command, size in {**exact, **least}.items():
        for n in (0, 1, size - 1):
            with refused(errno.EINVAL):
                client.call(command, bytes(n))
    for command, size in exact.items():
        with refused(errno.EINVAL):
            client.call(command, bytes(size + 1))
    with refused(errno.EINVAL):
        client.call(RESET, b"x")
    with refused(errno.EINVAL):
        client.call(REGION_WRITE, struct.pack("<QII", 0, BAR0, 8) + bytes(4))


def test_message_of_impossible_size_ends_the_connection_only(card, connect):
    for size, code in ((15, errno.EINVAL), (0, errno.EINVAL), (1 << 30, errno.EMSGSIZE),
                       (0xffffffff, errno.EMSGSIZE)):
        c = connect(card)
        c.send(GET_INFO, b"", size=size)
        with refused(code):
            c.receive()
        with pytest.raises(Disconnected):
            c.receive()
    assert connect(card).read(CONFIG, 0, 2) == 0x10ee


def test_a_message_byte_by_byte(client):
    message = struct.pack("<HHIII", 7, REGION_READ, 32, 0, 0) + struct.pack("<QII", 0, CONFIG, 4)
    for byte in message:
        client.sock.sendall(bytes([byte]))
        time.sleep(0.0005)
    assert client.receive()[1][16:] == struct.pack("<HH", 0x10ee, 0x7024)


def test_messages_in_one_go(client):
    one = struct.pack("<HHIII", 7, REGION_READ, 32, 0, 0) + struct.pack("<QII", 0, CONFIG, 4)
    client.sock.sendall(one * 100)
    for _ in range(100):
        assert client.receive()[0] == 7


def test_region_bounds(client):
    client.enable(msix=False)
    for region, size in ((BAR0, 65536), (BAR1, 65536), (CONFIG, 4096)):
        client.read(region, size - 4)
        for offset, count in ((size, 1), (size - 2, 4), (1 << 63, 4), ((1 << 64) - 2, 4), (0, 0),
                              (0, size + 1), (0, 0xffffffff)):
            with refused(errno.EINVAL):
                client.call(REGION_READ, struct.pack("<QII", offset, region, count))
            with refused(errno.EINVAL):
                client.call(REGION_WRITE, struct.pack("<QII", offset, region, count) + bytes(min(count, 70000)))
    for region in (2, 5, 6, 8, 9, 0xffffffff):
        with refused(errno.EINVAL):
            client.call(REGION_READ, struct.pack("<QII", 0, region, 4))


def test_odd_accesses_to_registers(client):
    client.enable(msix=False)
    assert client.read(BAR0, 0, 8) == client.read(BAR0, 0) | client.read(BAR0, 4) << 32
    assert client.read(BAR0, 1, 2) == client.read(BAR0, 0) >> 8 & 0xffff
    assert client.read(BAR0, 0, 65536) & 0xffffffff == 0x47524231
    client.write(BAR0, VS_RATE, 0x11223344)
    client.write(BAR0, VS_RATE + 1, 0x55, 1)
    assert client.read(BAR0, VS_RATE) == 0x11225544


def test_write_multi(client):
    client.enable(msix=False)
    one = struct.pack("<QII", VS_RATE, BAR0, 4) + (25000).to_bytes(8, "little")
    two = struct.pack("<QII", DESC_LO, BAR1, 4) + (0x1234560).to_bytes(8, "little")
    answer = client.call(WRITE_MULTI, struct.pack("<Q", 2) + one + two)
    assert answer == struct.pack("<Q", 2)
    assert (client.read(BAR0, VS_RATE), client.read(BAR1, DESC_LO)) == (25000, 0x1234560)
    for payload in (struct.pack("<Q", 3) + one + two, struct.pack("<Q", 1 << 61) + one,
                    struct.pack("<Q", 1) + struct.pack("<QII", 0, BAR0, 9) + bytes(8),
                    struct.pack("<Q", 1) + struct.pack("<QII", 65536, BAR0, 4) + bytes(8)):
        with refused(errno.EINVAL):
            client.call(WRITE_MULTI, payload)


def test_dma_map_bounds(client):
    fd = client.fd
    top = (1 << 64) - 4096
    for address, size, offset, flags, code in (
            (0x1000, 4096, 0, 3, errno.EEXIST), (MEMORY - 1, 2, 0, 3, errno.EEXIST),
            (MEMORY, 0, 0, 3, errno.EINVAL), (top, 8192, 0, 3, errno.EINVAL),
            (MEMORY, 4096, MEMORY, 3, errno.EINVAL), (MEMORY, 4096, (1 << 64) - 1, 3, errno.EINVAL),
            (MEMORY, MEMORY + 1, 0, 3, errno.EINVAL), (MEMORY, 4096, 0, 0, errno.EINVAL),
            (MEMORY, 4096, 0, 8, errno.EINVAL)):
        with refused(code):
            client.map(address, size, fd, offset, flags)
    with refused(errno.EINVAL):
        client.call(DMA_MAP, struct.pack("<IIQQQ", 32, 3, 0, MEMORY, 4096), [fd, fd])
    with refused(errno.EINVAL):
        client.call(DMA_MAP, struct.pack("<IIQQQ", 31, 3, 0, MEMORY, 4096), [fd])
    client.map(top, 4096, fd)
    client.map(MEMORY, 4096, fd, MEMORY - 4096)


def test_dma_unmap(card, client):
    for n in range(8):
        client.map(MEMORY + n * 4096, 4096, client.fd, n * 4096)
    with refused(errno.EINVAL):
        client.unmap(MEMORY + 2048, 4096)
    with refused(errno.EINVAL):
        client.unmap(0, 4096)
    client.unmap(MEMORY + 1 * 4096, 4096)
    client.unmap(MEMORY + 2 * 4096, 3 * 4096)
    client.unmap(MEMORY + 1 * 4096, 4096)       # nothing is there: no error, see guest_memory.c
    assert card.stats()["memory_windows"] == 5
    client.map(MEMORY + 2 * 4096, 4096, client.fd)
    client.unmap(0, 0, flags=2)
    assert card.stats()["memory_windows"] == 0


def test_many_windows(card, client):
    descriptors = card.descriptors()
    for n in range(3000):
        client.map(MEMORY + n * 8192, 4096, client.fd, n % 1000 * 4096)
    with open(f"/proc/{card.process.pid}/maps") as maps:
        assert sum("memfd:guest" in line for line in maps) == 1
    assert card.descriptors() == descriptors
    client.unmap(MEMORY, 3000 * 8192)
    assert card.stats()["memory_windows"] == 1


def test_set_irqs_bounds(client):
    fd = os.eventfd(0)
    try:
        for flags, index, start, count, fds, data in (
                (DATA_EVENTFD | TRIGGER, MSIX, 32, 1, [fd], b""), (DATA_EVENTFD | TRIGGER, MSIX, 0, 33, [], b""),
                (DATA_EVENTFD | TRIGGER, MSIX, 0xffffffff, 2, [], b""), (DATA_EVENTFD | TRIGGER, MSIX, 0, 2, [fd], b""),
                (DATA_EVENTFD | TRIGGER, 4, 0, 1, [fd], b""), (DATA_EVENTFD | TRIGGER, 99, 0, 1, [fd], b""),
                (DATA_EVENTFD | UNMASK, INTX, 0, 1, [fd], b""), (DATA_NONE | MASK, MSI, 0, 1, [], b""),
                (DATA_NONE, MSI, 0, 1, [], b""), (TRIGGER, MSI, 0, 1, [], b""),
                (DATA_NONE | DATA_BOOL | TRIGGER, MSI, 0, 1, [], b""), (DATA_NONE | MASK | UNMASK, INTX, 0, 1, [], b""),
                (DATA_BOOL | TRIGGER, MSI, 0, 3, [], b"\1\1"), (DATA_NONE | TRIGGER | 64, MSI, 0, 1, [], b"")):
            with refused(errno.EINVAL):
                client.set_irqs(flags, index, start, count, fds, data)
    finally:
        os.close(fd)


def test_set_irqs_triggers(client):
    client.eventfd(MSI, 3)
    client.set_irqs(DATA_NONE | TRIGGER, MSI, 0, 4)
    assert client.interrupts(MSI, 3) == 1
    client.set_irqs(DATA_BOOL | TRIGGER, MSI, 2, 2, data=b"\1\0")
    assert client.interrupts(MSI, 3) == 0
    client.set_irqs(DATA_BOOL | TRIGGER, MSI, 2, 2, data=b"\0\1")
    assert client.interrupts(MSI, 3) == 1
    client.set_irqs(DATA_EVENTFD | TRIGGER, MSI, 3, 1)          # no descriptor: it loses its own
    client.set_irqs(DATA_NONE | TRIGGER, MSI, 3, 1)
    assert client.interrupts(MSI, 3) == 0
    client.eventfd(MSI, 5)
    client.set_irqs(DATA_NONE | TRIGGER, MSI, 0, 0)             # all of them lose theirs
    client.set_irqs(DATA_NONE | TRIGGER, MSI, 5, 1)
    assert client.interrupts(MSI, 5) == 0


def test_eventfds_are_closed(card, connect):
    c = connect(card)
    before = card.descriptors()
    for vector in range(32):
        c.eventfd(MSIX, vector)
    assert card.descriptors() == before + 32
    for vector in range(32):
        c.set_irqs(DATA_EVENTFD | TRIGGER, MSIX, vector, 1, [c.events[MSIX, vector]])
    assert card.descriptors() == before + 32
    c.set_irqs(DATA_NONE | TRIGGER, MSIX, 0, 0)
    assert card.descriptors() == before


def test_surplus_descriptors_are_closed(card, client):
    before = card.descriptors()
    for count in (1, 16, 40):
        client.call(GET_INFO, struct.pack("<IIII", 16, 0, 0, 0), [client.fd] * count)
    assert card.descriptors() == before


def test_reconnects(card, connect):
    connect(card).close()
    time.sleep(0.1)
    before = card.descriptors()
    for n in range(100):
        c = Client(card.socket)
        c.enable()
        c.descriptor(0, 64 * 48 * 3, STOP | COMPLETE)
        c.start()
        c.run()
        assert c.wait_writeback(0) == (EOP, 64 * 48 * 3)
        assert c.counters()[0] >= 1
        c.close()
    assert card.stats()["connections"] == 101
    end = time.monotonic() + 5
    while card.stats()["connected"] and time.monotonic() < end:
        time.sleep(0.01)
    assert card.descriptors() == before
    with open(f"/proc/{card.process.pid}/maps") as maps:
        assert "memfd:guest" not in maps.read()


def test_a_second_client_waits(card, client):
    other = socket.socket(socket.AF_UNIX)
    other.settimeout(0.2)
    other.connect(card.socket)
    other.sendall(struct.pack("<HHIII", 1, VERSION, 20, 0, 0) + struct.pack("<HH", 0, 1))
    with pytest.raises(TimeoutError):
        other.recv(16)
    client.sock.close()
    other.settimeout(5)
    assert len(other.recv(16)) == 16
    other.close()


def test_client_that_leaves_in_the_middle(card, connect):
    for n in range(0, 48, 5):
        c = connect(card)
        message = struct.pack("<HHIII", 7, DMA_MAP, 48, 0, 0) + struct.pack("<IIQQQ", 32, 3, 0, MEMORY, 4096)
        c.sock.sendmsg([message[:n or 1]],
                       [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [c.fd]))])
        c.sock.close()
    assert connect(card).read(CONFIG, 0, 2) == 0x10ee


def test_random_messages(card, connect):
    """Ten thousand messages of a fixed seed; the card lives, and answers each."""
    rng = random.Random(20)
    c = connect(card)
    interesting = [0, 1, 2, 3, 4, 7, 8, 16, 0x1000, 0x1004, 0x2010, 0x508c, 0x6020, 0x8000, 0xffff, 0x10000,
                   0x7fffffff, 0x80000000, 0xffffffff]
    for n in range(10000):
        command = rng.choice([2, 3, 4, 5, 7, 8, 9, 10, 13, 15, rng.randrange(65536)])
        if rng.random() < 0.3:
            payload = rng.randbytes(rng.randrange(80))
        else:
            payload = b"".join(struct.pack("<I", rng.choice(interesting)) for _ in range(rng.randrange(16)))
        fds = [c.fd] * rng.choice([0, 0, 0, 1, 2, 17])
        try:
            c.call(command, payload, fds)
        except Refused:
            pass
        except AssertionError:
            raise AssertionError(f"message {n}: {command} {payload.hex()}")
    assert card.process.poll() is None
    assert card.stats()["message_errors"] > 0


def test_memory_without_a_file(card, connect):
    """Where the client shares no file, descriptors, data and write-backs go by messages."""
    c = connect(card, share=False)
    c.enable()
    size = 64 * 48 * 3
    c.descriptor(0, size, STOP | COMPLETE)
    c.start()
    c.run()
    c.serve_dma(0.5)
    assert c.writeback(0) == (EOP, size)
    assert c.data(0, 6) == bytes(6)                      # the stamp of frame 0 begins in black
    assert c.data(0, size)[144:] != bytes(size - 144)
    assert c.dma_messages >= 3


def test_a_client_deaf_to_messages(card, connect):
    """QEMU answers no DMA message: the transfer fails, the card goes on."""
    c = connect(card, share=False)
    c.enable()
    c.answer_dma = False
    c.start()
    c.run()
    assert c.read(CONFIG, 0, 2) == 0x10ee
    assert c.wait_status(DESC_UNSUPPORTED) & BUSY == 0
    assert card.stats()["dma_reads_refused"] == 1


def test_several_cards(new_card, connect):
    cards = [new_card("--chart", "64x48", "--serial", str(n)) for n in range(8)]
    for n, card in enumerate(cards):
        c = connect(card)
        c.enable(msix=False)
        assert c.counter(0x48) == n


def test_end_by_signal(new_card, connect):
    card = new_card("--chart", "64x48", "--rate", "0")
    c = connect(card)
    c.enable()
    c.descriptor(0, 64 * 48 * 3, STOP | COMPLETE)
    c.start()
    c.run()
    c.wait_writeback(0)
    assert card.end() == 0
    stats = json.loads(card.stats_path.read_text())
    assert stats["sent"] == 1
    assert stats["begun"] == stats["sent"] + stats["overrun"] + stats["aborted"]
    assert not os.path.exists(card.socket) and not os.path.exists(card.control_path)


def test_stats_file_at_disconnect(card, connect):
    c = connect(card)
    c.enable()
    c.sock.close()
    end = time.monotonic() + 5
    while not card.stats_path.exists() or not card.stats_path.read_text():
        assert time.monotonic() < end
        time.sleep(0.01)
    assert json.loads(card.stats_path.read_text())["connections"] == 1
