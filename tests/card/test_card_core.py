# SPDX-License-Identifier: GPL-2.0-only
"""The XDMA core, register by register and descriptor by descriptor, as PG195 has it."""
import pytest

from vfio_user_client import *

W, H = 128, 96
SIZE = W * H * 3        # 36864 bytes, a multiple of 64


@pytest.fixture
def card(new_card):
    return new_card("--chart", f"{W}x{H}", "--rate", "0")


@pytest.fixture
def client(card, connect):
    c = connect(card)
    c.enable()
    return c


def stamp(data):
    return sum(1 << 31 - bit for bit in range(32) if data[3 * bit])


def test_identifiers(client):
    assert client.read(BAR1, C2H) == 0x1fc18006
    assert client.read(BAR1, IRQ) == 0x1fc20006
    assert client.read(BAR1, CFG) == 0x1fc30006
    assert client.read(BAR1, SGDMA) == 0x1fc58006
    assert client.read(BAR1, COMMON) == 0x1fc60006
    for channel in range(4):
        assert client.read(BAR1, 0x0000 + 0x100 * channel) == 0
        assert client.read(BAR1, 0x4000 + 0x100 * channel) == 0
        if channel:
            assert client.read(BAR1, C2H + 0x100 * channel) == 0
            assert client.read(BAR1, SGDMA + 0x100 * channel) == 0
            client.write(BAR1, C2H + 0x100 * channel + 4, RUN)
    assert client.read(BAR1, CONTROL) == 0
    assert client.read(BAR1, C2H + 0x4c) == 0x00010140


@pytest.mark.parametrize("plain,bits", [(CONTROL, 0x0ef83e7e), (INT_ENABLE, EVENTS), (CHANNEL_INT, 1),
                                        (IRQ + 4, 0xffff), (CREDIT_MODE, 0x000f000f), (COMMON + 0x10, 0x000f000f)])
def test_set_and_clear_aliases(client, plain, bits):
    client.write(BAR1, plain, 0xfffffffe if plain == CONTROL else 0xffffffff)
    assert client.read(BAR1, plain) == bits
    client.write(BAR1, plain, 0)
    low = bits & -bits
    client.write(BAR1, plain + 4, low)
    assert [client.read(BAR1, plain + n) for n in (0, 4, 8)] == [low] * 3
    client.write(BAR1, plain + 4, bits & ~low)
    assert client.read(BAR1, plain) == bits
    client.write(BAR1, plain + 8, low)
    assert client.read(BAR1, plain) == bits & ~low


def test_vectors_and_message_state(client):
    client.write(BAR1, CHANNEL_VECTOR, 0xffffffff)
    assert client.read(BAR1, CHANNEL_VECTOR) == 0x1f1f1f1f
    client.write(BAR1, IRQ + 0x8c, 0x04030201)
    assert client.read(BAR1, IRQ + 0x8c) == 0x04030201
    assert client.read(BAR1, CFG + 0x14) == 2


def test_msix_table(client):
    assert client.read(BAR1, 0x800c) == 1               # masked
    client.write(BAR1, 0x8010, 0xfee00000)
    assert client.read(BAR1, 0x8010) == 0xfee00000
    assert client.read(BAR1, 0x8fe0) == 0


def test_one_descriptor_a_frame(client):
    for n in range(4):
        client.descriptor(n, SIZE, STOP | COMPLETE if n == 3 else COMPLETE)
    client.start()
    assert client.read(BAR1, STATUS) == BUSY
    client.run()
    for n in range(4):
        assert client.wait_writeback(n) == (EOP, SIZE)
        assert stamp(client.data(n, 96)) == n
    status = client.wait_status(STOPPED)
    assert status == STOPPED | COMPLETED                # and no longer busy
    assert client.read(BAR1, COMPLETED_COUNT) == 4
    assert client.read(BAR1, STATUS_RC) == status
    assert client.read(BAR1, STATUS) == 0


def test_packet_over_several_descriptors(client):
    """Each is filled before the next one; only the last has the end of packet."""
    lengths = [64, 4096, 64 * 3, 16384, SIZE]
    dst = DATA
    for n, length in enumerate(lengths):
        client.descriptor(n, length, STOP if n == 4 else 0, dst=dst)
        dst += length
    client.start()
    client.run()
    rest = SIZE - sum(lengths[:4])
    assert client.wait_writeback(4) == (EOP, rest)
    assert [client.writeback(n) for n in range(4)] == [(0, n) for n in lengths[:4]]
    assert stamp(client.mem[DATA + SIZE - W * 3:DATA + SIZE]) == 0
    assert client.mem[DATA + SIZE:DATA + SIZE + 64] == bytes(64)


def test_next_packet_takes_the_next_descriptor(client):
    """The rest of a descriptor that a packet ended in stays as it was."""
    for n in range(2):
        client.descriptor(n, SIZE + 64, STOP if n else 0)
    client.mem[DATA + SIZE:DATA + SIZE + 64] = b"x" * 64
    client.start()
    client.run()
    assert client.wait_writeback(1) == (EOP, SIZE)
    assert client.data(0, 64, SIZE) == b"x" * 64
    assert (stamp(client.data(0, 96)), stamp(client.data(1, 96))) == (0, 1)


def test_whole_frames_in_every_size_of_descriptor(client):
    """However a frame is cut up, its bytes are the same."""
    client.descriptor(0, SIZE, STOP)
    client.start()
    client.run()
    client.wait_writeback(0)
    client.run(False)
    client.stop()
    first = client.data(0, SIZE)
    for size in (64, 192, 4096, 8192, 12288, 36800):
        count = -(-SIZE // size)
        client.mem[DATA:DATA + SIZE] = bytes(SIZE)
        for n in range(count):
            client.descriptor(n, size, STOP if n == count - 1 else 0, dst=DATA + n * size)
        client.start()
        client.run()
        assert client.wait_writeback(count - 1) == (EOP, SIZE - (count - 1) * size)
        client.run(False)
        client.stop()
        got = client.data(0, SIZE)
        assert stamp(got) > stamp(first)
        # all that does not change from frame to frame: line numbers, bars, ramps
        for y in range(H * 80 // 100):
            line = slice(y * W * 3 + 96, (y + 1) * W * 3)
            assert got[line][:48] == first[line][:48]


def test_ring_with_credits(client):
    for n in range(4):
        client.descriptor(n, SIZE, following=(n + 1) % 4)
    client.start(credits=0)
    client.write(BAR1, CREDIT_MODE, 1 << 16)
    client.run()
    time.sleep(0.05)
    assert client.writeback(0) is None and client.read(BAR1, STATUS) == BUSY
    client.write(BAR1, CREDITS, 1)
    client.write(BAR1, CREDITS, 2)                      # they add up
    client.wait_writeback(2)
    time.sleep(0.05)
    assert client.writeback(3) is None
    assert client.read(BAR1, COMPLETED_COUNT) == 3 and client.read(BAR1, CREDITS) == 0
    client.descriptor(0, SIZE, following=1)
    client.write(BAR1, CREDITS, 2)
    client.wait_writeback(0)
    assert [stamp(client.data(n, 96)) for n in range(4)] == [4, 1, 2, 3]


def test_credits_go_with_run_and_mode(card, client):
    client.write(BAR1, CREDITS, 5)
    assert client.read(BAR1, CREDITS) == 0              # not in credit mode
    client.write(BAR1, CREDIT_MODE + 4, 1 << 16)
    client.write(BAR1, CREDITS, 5)
    client.write(BAR1, CREDITS, 6)
    assert client.read(BAR1, CREDITS) == 11             # they can be given before Run
    client.write(BAR1, CREDIT_MODE + 8, 1 << 16)
    assert client.read(BAR1, CREDITS) == 0
    client.write(BAR1, CREDIT_MODE + 4, 1 << 16)
    client.write(BAR1, CREDITS, 7)
    client.write(BAR1, COMMON + 0x14, 1 << 16)
    client.write(BAR1, CONTROL, RUN)
    client.write(BAR1, CONTROL, 0)
    assert client.read(BAR1, CREDITS) == 0


def test_halt(card, client):
    """Nothing is fetched while the channel's bit is set."""
    client.descriptor(0, SIZE, STOP)
    client.write(BAR1, COMMON + 0x14, 1 << 16)
    client.start()
    client.run()
    time.sleep(0.05)
    assert card.stats()["descriptors"] == 0 and client.read(BAR1, STATUS) == BUSY
    client.write(BAR1, COMMON + 0x18, 1 << 16)
    assert client.wait_writeback(0) == (EOP, SIZE)


def test_too_many_credits(card, client):
    client.write(BAR1, CREDIT_MODE, 1 << 16)
    client.write(BAR1, CREDITS, 1023)
    assert card.stats()["rule_breaks"] == 0
    client.write(BAR1, CREDITS, 1)
    assert client.read(BAR1, CREDITS) == 1023
    assert card.stats()["rule_breaks"] == 1


def test_no_more_is_fetched_than_there_are_credits(card, client):
    for n in range(8):
        client.descriptor(n, SIZE, adjacent=7 - n)
    client.start(adjacent=7, credits=3)
    end = time.monotonic() + 5
    while card.stats()["descriptors"] < 3 and time.monotonic() < end:
        time.sleep(0.01)
    time.sleep(0.05)
    assert card.stats()["descriptors"] == 3


def test_descriptors_are_fetched_ahead(client):
    """A descriptor that is changed after its credit was given is changed too late."""
    for n in range(4):
        client.descriptor(n, SIZE, STOP if n == 3 else 0)
    client.start()
    time.sleep(0.05)
    client.descriptor(1, SIZE, dst=DATA + 0x2000000)
    client.run()
    client.wait_writeback(3)
    assert stamp(client.data(1, 96)) == 1
    assert client.mem[DATA + 0x2000000:DATA + 0x2000060] == bytes(96)


def test_adjacent_blocks(client):
    """Inside a block the next descriptor is the next in memory; the last one's pointer leads on."""
    for n in (0, 1, 2):
        client.descriptor(n, SIZE, following=1000 if n < 2 else 40, adjacent=2 - n if n < 2 else 1)
    client.descriptor(40, SIZE, following=1000)
    client.descriptor(41, SIZE, STOP, dst=DATA)
    client.start(adjacent=2)
    client.run()
    client.wait_writeback(41)
    assert all(client.writeback(n) == (EOP, SIZE) for n in (0, 1, 2, 40, 41))
    assert stamp(client.data(0, 96)) == 4


def test_bad_magic_stops(client):
    client.descriptor(0, SIZE)
    client.descriptor(1, SIZE)
    struct.pack_into("<I", client.mem, RING + 32, 0xad4a0000)
    client.start()
    client.run()
    status = client.wait_status(MAGIC_STOPPED)
    assert not status & BUSY
    assert client.writeback(0) == (EOP, SIZE) and client.writeback(1) is None
    assert client.interrupts(wait=5) >= 1


def test_descriptor_outside_memory_stops(card, client):
    client.descriptor(0, SIZE, following=(0x40000000 - RING) // 32)
    client.start()
    client.run()
    status = client.wait_status(DESC_UNSUPPORTED)
    assert not status & BUSY
    assert client.writeback(0) == (EOP, SIZE)
    assert card.stats()["dma_reads_refused"] == 1


def test_events_are_logged_only_where_control_says_so(client):
    client.descriptor(0, SIZE, STOP | COMPLETE)
    client.start()
    client.write(BAR1, CONTROL, RUN)
    client.run()
    client.wait_writeback(0)
    while client.read(BAR1, STATUS) & BUSY:
        pass
    assert client.read(BAR1, STATUS) == 0
    assert client.interrupts() == 0


def test_nothing_is_written_outside_memory(card, client):
    client.descriptor(0, SIZE, dst=MEMORY - 64)
    client.descriptor(1, SIZE, STOP, dst=(1 << 64) - 4096)
    client.mem[MEMORY - 64:] = b"y" * 64
    client.start()
    client.run()
    client.wait_writeback(1)
    stats = card.stats()
    assert stats["dma_writes_refused"] > 0
    assert stats["begun"] == stats["sent"] + stats["overrun"] + stats["aborted"] + stats["in_flight"]


def test_read_only_windows(card, client):
    client.map(MEMORY, 1 << 20, client.fd, 0x3000000, flags=1)
    client.mem[0x3000000:0x3000004] = b"keep"
    client.descriptor(0, SIZE, STOP, dst=MEMORY)
    client.start()
    client.run()
    client.wait_writeback(0)
    assert client.mem[0x3000000:0x3000004] == b"keep"
    assert card.stats()["dma_writes_refused"] > 0


def test_data_across_windows(card, client):
    client.map(MEMORY, 4096, client.fd, 0x3001000)
    client.map(MEMORY + 4096, 1 << 20, client.fd, 0x3100000)
    client.descriptor(0, SIZE, STOP, dst=MEMORY + 1024)
    client.start()
    client.run()
    client.wait_writeback(0)
    got = client.mem[0x3001400:0x3002000] + client.mem[0x3100000:0x3100000 + SIZE - 3072]
    for y in range(H):
        assert stamp(got[y * W * 3:]) == 0
    assert card.stats()["dma_writes_refused"] == 0


def test_invalid_lengths(card, client):
    client.descriptor(0, SIZE + 4, STOP)
    client.start()
    client.run()
    assert client.wait_writeback(0) == (EOP, SIZE)
    assert client.read(BAR1, STATUS) & INVALID
    assert card.stats()["rule_breaks"] == 1
    client.stop()
    client.descriptor(0, 0, STOP)
    client.start()
    assert client.wait_status(INVALID) & BUSY == 0
    assert client.writeback(0) is None


def test_broken_rules_are_counted(card, client):
    client.descriptor(0, SIZE, STOP)
    client.mem[RING + 16:RING + 48] = client.mem[RING:RING + 32]
    client.start()
    client.write(BAR1, CONTROL, 0)
    client.write(BAR1, DESC_LO, RING + 16)
    client.write(BAR1, CONTROL, RUN)
    assert card.stats()["rule_breaks"] == 1             # not aligned to 32 bytes
    client.stop()
    for n in range(126, 130):
        client.descriptor(n, SIZE, STOP if n == 129 else 0, dst=DATA, adjacent=129 - n)
    client.start(first=126, adjacent=3)
    client.run()
    client.wait_writeback(129)
    assert card.stats()["rule_breaks"] == 2             # a block over a 4 KiB boundary


def test_write_back_can_be_left_out(client):
    client.descriptor(0, SIZE, STOP | COMPLETE)
    client.start(control=NO_WB)
    client.run()
    client.wait_status(STOPPED)
    assert client.writeback(0) is None
    assert stamp(client.data(0, 96)) == 0


def test_poll_mode(client):
    at = 0x80000
    client.write(BAR1, C2H + 0x88, at)
    client.write(BAR1, C2H + 0x8c, 0)
    for n in range(3):
        client.descriptor(n, SIZE, (0, COMPLETE, STOP)[n])
    client.start(control=POLL_WB)
    client.run()
    client.wait_writeback(2)
    assert struct.unpack_from("<I", client.mem, at)[0] == 2     # the last one with Completed set
    client.stop()
    client.descriptor(0, SIZE)
    struct.pack_into("<I", client.mem, RING + 32, 0)
    client.start(control=POLL_WB)
    client.run()
    client.wait_status(MAGIC_STOPPED)
    assert struct.unpack_from("<I", client.mem, at)[0] == 0x80000001


def test_run_resets_status_and_count(client):
    client.descriptor(0, SIZE, STOP | COMPLETE)
    client.start()
    client.run()
    client.wait_status(STOPPED)
    client.stop()
    assert client.read(BAR1, STATUS) & IDLE
    assert client.read(BAR1, COMPLETED_COUNT) == 1
    client.write(BAR1, CREDIT_MODE, 1 << 16)
    client.write(BAR1, CONTROL, EVENTS | RUN)
    assert client.read(BAR1, STATUS) == BUSY
    assert client.read(BAR1, COMPLETED_COUNT) == 0


def test_stop_finishes_the_descriptor_under_way(new_card, connect):
    """Run off in the middle of a descriptor: it is filled, then the engine is idle."""
    c = connect(new_card("--chart", "4096x4096", "--rate", "0"))
    length = 24 << 20
    for _attempt in range(50):
        c.enable()
        c.mem[DATA:DATA + length] = bytes(length)
        c.descriptor(0, length, dst=DATA)
        c.descriptor(1, 48 << 20, dst=DATA)
        c.start(credits=2)
        c.run()
        c.write(CONFIG, 4, 2, 2)                        # without bus mastering it stands still
        if c.writeback(0) is None and c.mem[DATA:DATA + length] != bytes(length):
            break
        c.reset()
    else:
        pytest.fail("never caught the engine in the middle of a descriptor")
    aborted = c.counter(VS_ABORTED)
    c.stop()
    assert c.read(BAR1, STATUS) & BUSY
    c.write(CONFIG, 4, 6, 2)
    assert c.wait_writeback(0) == (0, length)
    assert not c.wait_status(IDLE) & BUSY
    assert c.writeback(1) is None
    assert c.counter(VS_ABORTED) == aborted + 1         # the rest of the packet is dropped


def test_stop_of_an_idle_ring(client):
    client.descriptor(0, SIZE)
    client.start(credits=0)
    client.stop()
    status = client.read(BAR1, STATUS)
    assert status & IDLE and not status & BUSY


def test_messages_at_the_edge(client):
    """A second event before the status was read gives no second message."""
    for n in range(6):
        client.descriptor(n, SIZE)
    client.start(credits=1)
    client.run()
    assert client.interrupts(wait=5) == 1
    client.write(BAR1, CREDITS, 1)
    client.wait_writeback(1)
    assert client.interrupts(wait=0.05) == 0
    assert client.read(BAR1, IRQ + 0x44) == 1 and client.read(BAR1, IRQ + 0x4c) == 1
    assert client.read(BAR1, STATUS_RC) & COMPLETED
    assert client.read(BAR1, IRQ + 0x44) == 0 and client.read(BAR1, IRQ + 0x4c) == 0
    client.write(BAR1, CREDITS, 1)
    assert client.interrupts(wait=5) == 1


def test_enabling_what_is_pending_gives_a_message(client):
    client.descriptor(0, SIZE, STOP | COMPLETE)
    client.start()
    client.write(BAR1, CHANNEL_INT, 0)
    client.run()
    client.wait_status(STOPPED)
    assert client.interrupts(wait=0.05) == 0
    assert client.read(BAR1, IRQ + 0x44) == 0 and client.read(BAR1, IRQ + 0x4c) == 1
    client.write(BAR1, CHANNEL_INT + 4, 1)
    assert client.interrupts(wait=5) == 1
    client.write(BAR1, CHANNEL_INT + 8, 1)
    client.write(BAR1, CHANNEL_INT + 4, 1)
    assert client.interrupts(wait=5) == 1
    client.write(BAR1, STATUS, STOPPED)                 # status is cleared by writing 1, too
    assert client.read(BAR1, STATUS) == COMPLETED
    client.write(BAR1, INT_ENABLE + 8, COMPLETED)
    assert client.read(BAR1, IRQ + 0x4c) == 0


def test_vector_number(client):
    client.eventfd(MSIX, 9)
    client.write(BAR1, CHANNEL_VECTOR, 9)
    client.descriptor(0, SIZE, STOP)
    client.start()
    client.run()
    assert client.interrupts(MSIX, 9, wait=5) == 1
    assert client.interrupts(MSIX, 0) == 0


def test_message_without_an_eventfd_is_pending(client):
    client.write(BAR1, CHANNEL_VECTOR, 3)
    client.descriptor(0, SIZE, STOP)
    client.start()
    client.run()
    client.wait_status(STOPPED)
    assert client.read(BAR1, 0x8fe0) == 1 << 3
    client.eventfd(MSIX, 3)
    assert client.interrupts(MSIX, 3, wait=5) == 1
    assert client.read(BAR1, 0x8fe0) == 0


def test_data_and_write_back_are_there_before_the_message(client):
    for n in range(16):
        client.descriptor(n, SIZE, following=(n + 1) % 16)
    client.start(credits=1)
    client.run()
    for n in range(300):
        assert client.interrupts(wait=5) == 1
        at = n % 16
        assert client.writeback(at) == (EOP, SIZE)
        data = client.data(at, SIZE)
        assert all(stamp(data[y * W * 3:]) == n for y in (0, H // 2, H - 1))
        client.descriptor(at, SIZE, following=(at + 1) % 16)
        client.read(BAR1, STATUS_RC)
        client.write(BAR1, CREDITS, 1)


def test_h2c_channel(new_card, connect):
    """With --h2c there is one, it comes first in the interrupt block, and C2H streams as ever."""
    card = new_card("--chart", f"{W}x{H}", "--rate", "0", "--h2c")
    c = connect(card)
    c.enable()
    c.eventfd(MSIX, 5)
    assert c.read(BAR1, 0x0000) == 0x1fc08006 and c.read(BAR1, 0x4000) == 0x1fc48006
    assert c.read(BAR1, C2H) == 0x1fc18006
    c.write(BAR1, CHANNEL_VECTOR, 0x0005)               # H2C 5, C2H 0
    c.write(BAR1, CHANNEL_INT, 3)
    assert c.read(BAR1, CHANNEL_INT) == 3
    for n, length in enumerate((1000, 100000)):
        c.descriptor(n, length, STOP | COMPLETE if n else 0)
        struct.pack_into("<Q", c.mem, RING + 32 * n + 8, DATA)
    c.write(BAR1, 0x4080, RING)
    c.write(BAR1, 0x0090, EVENTS)
    c.write(BAR1, 0x0004, EVENTS | RUN)
    assert c.interrupts(MSIX, 5, wait=5) == 1 and c.interrupts(MSIX, 0) == 0
    assert c.read(BAR1, 0x0048) == 2 and c.read(BAR1, IRQ + 0x4c) == 1
    assert c.read(BAR1, 0x0044) == STOPPED | COMPLETED
    stats = card.stats()
    assert stats["h2c_bytes"] == 101000 and stats["writebacks"] == 0 and stats["bytes_written"] == 0

    c.descriptor(0, SIZE, STOP | COMPLETE)
    c.start()
    c.write(BAR1, CHANNEL_INT, 3)
    c.run()
    assert c.wait_writeback(0) == (EOP, SIZE)
    assert c.interrupts(MSIX, 0, wait=5) == 1 and c.interrupts(MSIX, 5) == 0
    assert c.read(BAR1, IRQ + 0x4c) == 2

    c.write(BAR1, 0x0004, 0)
    struct.pack_into("<Q", c.mem, RING + 8, 1 << 40)    # nothing is there to be read
    c.write(BAR1, 0x0004, EVENTS | RUN)
    end = time.monotonic() + 5
    while not (status := c.read(BAR1, 0x0040)) & 1 << 9:
        assert time.monotonic() < end
    assert not status & BUSY and card.stats()["dma_reads_refused"] == 1


LEVEL, RAISE, RAISED = 0x900, 0x904, 0x940	# of the user logic


def test_user_interrupts(client):
    """A level, and a message at its edge; what is masked and pending is told when it is
    let through."""
    client.enable()
    client.eventfd(MSIX, 0)
    client.eventfd(MSIX, 7)
    client.write(BAR1, USER_VECTOR + 4, 7 << 8)          # line 5
    client.write(BAR0, RAISE, 1 << 5)
    assert client.interrupts(MSIX, 7, wait=0.05) == 0
    assert client.read(BAR1, USER_REQUEST) == 0
    assert client.read(BAR1, USER_PENDING) == 1 << 5
    client.write(BAR1, USER_INT + 4, 1 << 5 | 1 << 2)    # set
    assert client.interrupts(MSIX, 7, wait=5) == 1
    assert client.read(BAR1, USER_REQUEST) == 1 << 5
    client.write(BAR0, RAISE, 1 << 5)                    # it is up: no edge
    client.write(BAR0, RAISE, 1 << 2)
    assert client.interrupts(MSIX, 0, wait=5) == 1
    client.write(BAR1, USER_INT + 8, 1 << 5)             # clear, set: an edge
    assert client.read(BAR1, USER_REQUEST) == 1 << 2
    client.write(BAR1, USER_INT + 4, 1 << 5)
    assert client.interrupts(MSIX, 7, wait=5) == 1
    client.write(BAR0, LEVEL, 1 << 5)
    assert client.read(BAR0, LEVEL) == client.read(BAR1, USER_PENDING) == 1 << 2
    client.write(BAR0, RAISE, 1 << 5)
    assert client.interrupts(MSIX, 7, wait=5) == 1
    assert client.interrupts(MSIX, 0, wait=0.05) == 0
    assert client.read(BAR0, RAISED + 4 * 5) == 2 and client.read(BAR0, RAISED + 4 * 2) == 1


def test_user_interrupt_by_line(new_card, connect):
    card = new_card("--chart", "64x48", "--no-msix", "--no-msi")
    c = connect(card)
    c.enable(msix=False)
    c.eventfd(INTX)
    c.write(BAR1, USER_INT, 0xffff)
    assert card.ask("user-interrupt 0x8001") == "ok"
    assert c.interrupts(INTX, wait=5) == 1
    c.set_irqs(DATA_NONE | UNMASK, INTX)
    assert c.interrupts(INTX, wait=5) == 1               # a level
    c.write(BAR0, LEVEL, 1)
    c.set_irqs(DATA_NONE | UNMASK, INTX)
    assert c.interrupts(INTX, wait=5) == 1
    c.write(BAR1, USER_INT + 8, 0x8000)
    c.set_irqs(DATA_NONE | UNMASK, INTX)
    assert c.interrupts(INTX, wait=0.1) == 0
    assert card.ask("user-interrupt 0").startswith("error")
