# SPDX-License-Identifier: GPL-2.0-only
"""The video source: every frame is accounted for; and the faults a test can ask for."""
import random
import signal

import pytest

from vfio_user_client import *

W, H = 128, 96
SIZE = W * H * 3


def stamp(data):
    return sum(1 << 31 - bit for bit in range(32) if data[3 * bit])


@pytest.fixture
def start(new_card, connect):
    def run(*args):
        card = new_card("--chart", f"{W}x{H}", *args)
        c = connect(card)
        c.enable()
        return card, c
    return run


def balanced(card):
    s = card.stats()
    assert s["begun"] == s["sent"] + s["overrun"] + s["aborted"] + s["in_flight"], s
    return s


def ring(c, count=4, credits=None):
    for n in range(count):
        c.descriptor(n, SIZE, following=(n + 1) % count)
    c.start(credits=credits if credits is not None else 0)
    c.write(BAR1, CREDIT_MODE, 1 << 16)


def test_registers(start):
    card, c = start("--serial", "77", "--rate", "24.5")
    got = [c.read(BAR0, at) for at in (0, 4, 8, 0xc, 0x10, 0x14, 0x18, 0x1c, 0x20, 0x24, 0x48, 0x4c)]
    assert got == [0x47524231, 0x10000, 0, 0, W, H, int.from_bytes(b"RGB3", "little"), W * 3, SIZE, 24500, 77, 0]
    for at in (0, 4, 0xc, 0x10, 0x14, 0x18, 0x1c, 0x20, 0x28, 0x30, 0x38, 0x40, 0x48, 0x400):
        before = c.read(BAR0, at)
        c.write(BAR0, at, 0xffffffff)
        assert c.read(BAR0, at) == before, hex(at)


@pytest.mark.parametrize("rate", [50, 400])
def test_rate(start, rate):
    card, c = start("--rate", str(rate))
    ring(c, credits=4)
    done = 0
    c.run()
    begin, first = time.monotonic(), c.counter(VS_BEGUN)
    while time.monotonic() - begin < 1:
        c.wait_writeback(done % 4)
        c.descriptor(done % 4, SIZE, following=(done + 1) % 4)
        c.write(BAR1, CREDITS, 1)
        done += 1
    taken, begun = time.monotonic() - begin, c.counter(VS_BEGUN) - first
    assert abs(begun - rate * taken) <= rate * 0.03 + 2
    balanced(card)


def test_rate_register(start):
    card, c = start("--rate", "1")
    ring(c, credits=0)
    c.run()
    c.write(BAR0, VS_RATE, 200000)
    begin, first = time.monotonic(), c.counter(VS_BEGUN)
    time.sleep(0.5)
    taken, begun = time.monotonic() - begin, c.counter(VS_BEGUN) - first
    assert abs(begun - 200 * taken) <= 8


@pytest.mark.parametrize("fifo", [1, 2, 5])
def test_overrun(start, fifo):
    """Frames that the stream does not take wait in the FIFO; others are dropped whole."""
    card, c = start("--rate", "200", "--fifo", str(fifo))
    ring(c, credits=0)
    c.run()
    time.sleep(0.3)
    c.write(BAR0, VS_RATE, 1)
    begun, sent, overrun, aborted = c.counters()
    assert begun > fifo + 5 and sent == aborted == 0
    assert overrun == begun - fifo
    assert balanced(card)["in_flight"] == fifo
    c.write(BAR1, CREDITS, fifo)
    for n in range(min(fifo, 4)):
        assert c.wait_writeback(n) == (EOP, SIZE)
        assert c.log(n) == (n, SIZE)
    if fifo < 4:
        assert [stamp(c.data(n, 96)) for n in range(fifo)] == list(range(fifo))


def test_late_frames_are_made_up_for(new_card, connect):
    """The host kept the CPU from the card for a while: that is no reason to lose frames."""
    card = new_card("--rate", "50")
    c = connect(card)
    size = 1920 * 1080 * 3
    for _attempt in range(5):
        c.enable()
        for n in range(9):
            c.descriptor(n, size, STOP if n == 8 else 0, dst=DATA + n * size)
        c.start()
        c.run()
        c.wait_writeback(0)
        card.process.send_signal(signal.SIGSTOP)
        stopped = time.monotonic()
        time.sleep(0.1)
        card.process.send_signal(signal.SIGCONT)
        stopped = time.monotonic() - stopped
        c.wait_writeback(8)
        numbers = [stamp(c.mem[DATA + n * size:DATA + n * size + 96]) for n in range(9)]
        if stopped < 0.5:
            break
        c.reset()           # the host was too busy: that was longer than meant
    assert numbers == list(range(numbers[0], numbers[0] + 9))


def test_frames_that_are_too_late_are_lost(start):
    card, c = start("--rate", "100", "--fifo", "2")
    ring(c, credits=0)
    c.run()
    time.sleep(0.05)
    card.process.send_signal(signal.SIGSTOP)
    time.sleep(0.5)
    card.process.send_signal(signal.SIGCONT)
    time.sleep(0.05)
    s = balanced(card)
    assert s["begun"] > 40 and s["overrun"] == s["begun"] - 2


def test_frames_after_an_overrun_have_their_own_numbers(start):
    card, c = start("--rate", "100", "--fifo", "2")
    ring(c, credits=0)
    c.run()
    time.sleep(0.2)
    c.write(BAR1, CREDITS, 4)
    c.wait_writeback(3)
    numbers = [stamp(c.data(n, 96)) for n in range(4)]
    assert numbers[:2] == [0, 1] and numbers[2] > 10
    assert [c.log(n)[0] for n in range(4)] == numbers


def test_as_fast_as_taken(start):
    card, c = start("--rate", "0")
    c.run()
    time.sleep(0.05)
    assert c.counter(VS_BEGUN) == 0                 # nobody takes any
    ring(c, credits=3)
    c.wait_writeback(2)
    time.sleep(0.05)
    assert c.counters() == (3, 3, 0, 0)
    assert balanced(card)["in_flight"] == 0


def test_stop_aborts_the_queue(start):
    card, c = start("--rate", "300", "--fifo", "4")
    ring(c, credits=0)
    c.run()
    time.sleep(0.1)
    c.run(False)
    begun, sent, overrun, aborted = c.counters()
    assert aborted == 4 and begun == overrun + 4
    assert c.read(BAR0, VS_STATUS) == 0
    time.sleep(0.05)
    assert c.counters()[0] == begun


def freeze_in_a_frame(c, card, slot):
    """Lets the engine stand still in the middle of a packet."""
    for _attempt in range(200):
        c.enable()
        c.mem[DATA:DATA + slot] = bytes(slot)
        c.descriptor(0, slot, dst=DATA, following=0)
        c.start(credits=1)
        c.write(BAR1, CREDIT_MODE, 1 << 16)
        c.run()
        c.write(CONFIG, 4, 2, 2)
        if c.writeback(0) is None and card.stats()["in_flight"] == 1 and \
                c.mem[DATA:DATA + slot] != bytes(slot):
            return
        c.reset()
    pytest.fail("never caught the engine in the middle of a packet")


@pytest.fixture
def large(new_card, connect):
    card = new_card("--chart", "4096x2048", "--rate", "0")
    return card, connect(card), 4096 * 2048 * 3


def test_stop_cuts_the_packet_off(large):
    """RUN off in the middle of a packet: it ends early, with an end of packet, and was aborted."""
    card, c, size = large
    freeze_in_a_frame(c, card, size)
    begun, sent, overrun, aborted = c.counters()
    c.run(False)
    assert c.counters() == (begun, sent, overrun, aborted + 1)
    assert c.read(BAR0, VS_STATUS) == 1             # its end has still to pass
    c.write(CONFIG, 4, 6, 2)
    eop, length = c.wait_writeback(0)
    assert eop and 0 < length < size
    assert c.log(0) == (begun - 1, length)
    assert c.read(BAR0, VS_STATUS) == 0
    assert c.counters() == (begun, sent, overrun, aborted + 1)
    assert balanced(card)["in_flight"] == 0


def test_engine_stop_drops_the_rest(large):
    """The engine stops between two descriptors of a packet: what follows begins with a new frame."""
    card, c, size = large
    c.enable()
    c.descriptor(0, size // 2, dst=DATA)
    c.start(credits=1)
    c.run()
    assert c.wait_writeback(0) == (0, size // 2)
    c.stop()
    begun, sent, overrun, aborted = c.counters()
    assert (sent, aborted) == (0, 1)
    c.descriptor(0, size, STOP, dst=DATA)
    c.start()
    assert c.wait_writeback(0) == (EOP, size)
    assert stamp(c.mem[DATA:DATA + 96]) == stamp(c.mem[DATA + size - 4096 * 3:DATA + size]) == begun
    assert balanced(card)["in_flight"] <= 1


def test_packets_can_outlast_a_stop(new_card, connect):
    """--keep-packets: the rest of the packet is what comes first when the engine runs again."""
    card = new_card("--chart", f"{W}x{H}", "--rate", "0", "--keep-packets")
    c = connect(card)
    c.enable()
    half = SIZE // 128 * 64
    for n, length in enumerate((half, SIZE - half)):
        c.descriptor(n, length, STOP, dst=DATA + n * half)
        c.start(first=n)
        c.run()
        assert c.wait_writeback(n) == (EOP if n else 0, length)
        c.stop()
    assert c.counters() == (1, 1, 0, 0)
    assert all(stamp(c.mem[DATA + y * W * 3:DATA + (y + 1) * W * 3]) == 0 for y in range(H))
    c.descriptor(0, half, STOP, dst=DATA)
    c.start()
    assert c.wait_writeback(0) == (0, half)
    c.stop()
    c.run(False)                                    # without an engine there is no end to wait for
    assert c.counters() == (2, 1, 0, 1)
    assert c.read(BAR0, VS_STATUS) == 0


def test_log(start):
    card, c = start("--rate", "0")
    ring(c, credits=4)
    c.run()
    for n in range(70):
        c.wait_writeback(n % 4)
        c.descriptor(n % 4, SIZE, following=(n + 1) % 4)
        c.write(BAR1, CREDITS, 1)
    c.wait_writeback(70 % 4)
    assert c.log(69) == (69, SIZE) and c.log(10) == (10, SIZE)
    c.run(False)
    number = c.log(0)[0]
    begun = c.counters()[0]
    c.run()                                         # counted from 0 again
    c.descriptor(0, SIZE, following=1)
    c.write(BAR1, CREDITS, 4)
    end = time.monotonic() + 5
    while c.log(0)[0] == number and time.monotonic() < end:
        time.sleep(0.01)
    assert c.log(0)[0] >= begun - 4 and c.log(0)[0] > number


def test_counters_are_latched(start):
    """The high half is the one of the moment when the low half was read."""
    card, c = start("--rate", "0")
    c.write(BAR0, 0x818, 0xffffffff)                # skip so many: the next frame carries over
    low = c.read(BAR0, VS_BEGUN)
    c.write(BAR0, 0x818, 1)
    assert (low, c.read(BAR0, VS_BEGUN + 4)) == (0xffffffff, 0)
    assert c.counter(VS_BEGUN) == 1 << 32


@pytest.mark.parametrize("seed", range(6))
def test_accounting_holds_whatever_happens(start, seed):
    """A driver that stops and starts at random, gives slots late, resets and breaks things."""
    rng = random.Random(seed)
    card, c = start("--rate", str(rng.choice([0, 60, 500, 3000])), "--fifo", str(rng.choice([1, 2, 8])))
    ring(c, count=8, credits=2)
    actions = [
        lambda: c.run(), lambda: c.run(False), lambda: c.stop(),
        lambda: c.write(BAR1, CONTROL_W1S, RUN), lambda: ring(c, 8, rng.randrange(9)),
        lambda: c.write(BAR1, CREDITS, rng.randrange(6)), lambda: c.write(BAR1, CREDITS, rng.randrange(6)),
        lambda: c.write(BAR0, VS_RATE, rng.choice([0, 1, 100000, 900000])),
        lambda: c.write(CONFIG, 4, rng.choice([2, 6, 6, 6]), 2), lambda: card.ask(f"short {rng.randrange(4)}"),
        lambda: card.ask(f"long {rng.randrange(4)} 4096"), lambda: card.ask("stuck"), lambda: card.ask("unstuck"),
        lambda: card.ask("error " + rng.choice(["magic", "descriptor", "read"])),
        lambda: card.ask(f"skip {rng.randrange(1, 9)}"), lambda: (c.reset(), c.enable()),
        lambda: c.read(BAR1, STATUS_RC), lambda: time.sleep(0.005),
    ]
    for _ in range(300):
        rng.choice(actions)()
        balanced(card)
    c.write(CONFIG, 4, 6, 2)
    c.run(False)
    c.stop()
    card.ask("unstuck")
    end = time.monotonic() + 5
    while card.stats()["in_flight"] and time.monotonic() < end:
        time.sleep(0.01)
    s = balanced(card)
    assert s["in_flight"] == 0 and s["begun"] > 0
    assert c.counters() == tuple(s[k] for k in ("begun", "sent", "overrun", "aborted"))


# Faults

def test_lost_interrupts(start):
    card, c = start("--rate", "0")
    ring(c, count=8, credits=1)
    assert card.ask("lose-interrupts 2") == "ok"
    c.run()
    for n in range(4):
        c.wait_writeback(n)
        assert c.interrupts(wait=0.05 if n < 2 else 5) == (0 if n < 2 else 1)
        c.read(BAR1, STATUS_RC)
        c.write(BAR1, CREDITS, 1)
    assert card.stats()["interrupts_lost"] == 2


def test_lost_line_interrupt(new_card, connect):
    card = new_card("--chart", f"{W}x{H}", "--rate", "0", "--no-msix", "--no-msi")
    c = connect(card)
    c.enable(msix=False)
    c.eventfd(INTX)
    ring(c, count=8, credits=1)
    card.ask("lose-interrupts 1")
    c.run()
    c.wait_writeback(0)
    assert c.interrupts(INTX, wait=0.05) == 0
    c.read(BAR1, STATUS_RC)
    c.write(BAR1, CREDITS, 1)
    assert c.interrupts(INTX, wait=5) == 1


@pytest.mark.parametrize("way_out", ["stop", "reset", "unstuck"])
def test_stuck_engine(start, way_out):
    card, c = start("--rate", "100")
    ring(c, credits=4)
    c.write(BAR0, 0x808, 1)
    c.run()
    time.sleep(0.1)
    assert c.writeback(0) is None and c.read(BAR1, STATUS) == BUSY
    assert balanced(card)["overrun"] > 0
    if way_out == "unstuck":
        card.ask("unstuck")
    elif way_out == "stop":
        c.stop()
        assert not c.read(BAR1, STATUS) & BUSY
        ring(c, credits=4)
    else:
        c.reset()
        c.enable()
        ring(c, credits=4)
        c.run()
    assert c.wait_writeback(0) == (EOP, SIZE)


@pytest.mark.parametrize("word,delta", [("short 2", -64), ("short 2 1000", -1000), ("short 2 1000000", 1 - SIZE),
                                        ("long 2 64", 64), ("long 2 5000", 5000)])
def test_wrong_lengths(start, word, delta):
    card, c = start("--rate", "0")
    for n in range(4):
        c.descriptor(n, SIZE + 8192, STOP if n == 3 else 0)
    assert card.ask(word) == "ok"
    c.start()
    c.run()
    c.wait_writeback(3)
    assert [c.writeback(n) for n in range(4)] == [(EOP, SIZE + delta)] * 2 + [(EOP, SIZE)] * 2
    assert [c.log(n) for n in range(4)] == [(0, SIZE + delta), (1, SIZE + delta), (2, SIZE), (3, SIZE)]
    if delta > 0:
        assert c.data(0, delta, SIZE) == b"\xa5" * delta


def test_long_packet_goes_on_in_the_next_descriptor(start):
    card, c = start("--rate", "0")
    for n in range(3):
        c.descriptor(n, SIZE, STOP if n == 2 else 0)
    card.ask("long 1 128")
    c.start()
    c.run()
    c.wait_writeback(2)
    assert [c.writeback(n) for n in range(3)] == [(0, SIZE), (EOP, 128), (EOP, SIZE)]


@pytest.mark.parametrize("kind,number,bit", [("magic", 1, MAGIC_STOPPED), ("descriptor", 2, DESC_UNSUPPORTED),
                                             ("read", 3, READ_SLAVE)])
@pytest.mark.parametrize("by", ["socket", "register"])
def test_engine_errors(start, kind, number, bit, by):
    card, c = start("--rate", "0")
    if by == "socket":
        assert card.ask(f"error {kind}") == "ok"
    else:
        c.write(BAR0, 0x814, number)
    ring(c, credits=4)
    c.run()
    assert not c.wait_status(bit) & BUSY
    assert c.interrupts(wait=5) == 1
    c.stop()
    c.read(BAR1, STATUS_RC)
    ring(c, credits=4)
    assert c.wait_writeback(0) == (EOP, SIZE)       # once, and it works again


def test_engine_errors_in_a_row(start):
    card, c = start("--rate", "0")
    assert card.ask("error magic 3") == "ok"
    for again in (2, 1, 0):
        ring(c, credits=4)
        c.run()
        c.wait_status(MAGIC_STOPPED)
        assert c.read(BAR0, 0x814) == (again - 1 << 8 | 1 if again else 0)
        c.stop()
        c.read(BAR1, STATUS_RC)
    ring(c, credits=4)
    assert c.wait_writeback(0) == (EOP, SIZE)


def test_counting_anew(start):
    card, c = start("--rate", "0")
    ring(c, credits=2)
    c.run()
    c.wait_writeback(1)
    assert card.ask("count-anew") == "ok"
    assert c.counters() == (0, 0, 0, 0)
    c.write(BAR1, CREDITS, 1)
    c.wait_writeback(2)
    assert c.counters() == (1, 1, 0, 0) and c.log(2) == (0, SIZE)
    assert stamp(c.data(2, 96)) == 0
    # the totals count on
    assert balanced(card)["begun"] == 3 == c.read(BAR0, 0x83c)


def test_one_read_is_all_ones(start):
    card, c = start("--rate", "0")
    for at in (VS_BEGUN, VS_BEGUN + 4, VS_LOG):
        assert card.ask(f"ones-at {at}") == "ok"
        assert c.read(BAR0, 0x830) == at
        assert c.read(BAR0, 0x014) == H and c.read(BAR0, at) == 0xffffffff
        assert c.read(BAR0, at) == 0 == c.read(BAR0, 0x830)


def test_gone_at_a_read(start):
    card, c = start("--rate", "0")
    assert card.ask(f"gone-at {VS_BEGUN + 4}") == "ok"
    assert c.read(BAR0, VS_BEGUN) == 0
    assert c.read(BAR0, VS_BEGUN + 4) == 0xffffffff == c.read(BAR0, VS_BEGUN)
    assert card.stats()["gone"]
    assert card.ask("back") == "ok"
    assert c.read(CONFIG, 0) != 0xffffffff


def test_skipped_numbers(start):
    card, c = start("--rate", "0")
    ring(c, credits=1)
    c.run()
    c.wait_writeback(0)
    card.ask("skip 5")
    c.write(BAR1, CREDITS, 1)
    c.wait_writeback(1)
    assert (stamp(c.data(0, 96)), stamp(c.data(1, 96))) == (0, 6)
    assert c.counters() == (7, 2, 5, 0)
    assert c.log(1) == (6, SIZE)


def test_fault_registers(start):
    card, c = start("--rate", "0")
    assert c.read(BAR0, 0x800) == 0x544c4146
    for at, value in ((0x804, 3), (0x808, 1), (0x80c, 2), (0x810, 0xffffffc0)):
        c.write(BAR0, at, value)
        assert c.read(BAR0, at) == value
    ring(c, credits=1)
    c.write(BAR0, 0x808, 0)
    c.run()
    c.wait_writeback(0)
    assert c.writeback(0) == (EOP, SIZE - 64)
    assert c.read(BAR0, 0x80c) == 1
    assert c.read(BAR0, 0x820) == c.read(BAR0, 0x824) == c.read(BAR0, 0x82c) == 0


@pytest.mark.parametrize("line", ["", "nonsense", "lose-interrupts", "lose-interrupts -1", "lose-interrupts x",
                                  "short", "short 1 0", "long 1 999999999", "error", "error other", "skip 0",
                                  "error magic 0", "ones-at", "ones-at 0", "gone-at 4096",
                                  "rate", "rate -1", "rate x"])
def test_control_errors(start, line):
    card, _c = start()
    answer = card.ask(line)
    assert answer.startswith("error: ") and len(answer) > 20
    assert card.ask("rate 25") == "ok"


def test_control_line_without_an_end(start):
    card, _c = start()
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    s.connect(card.control_path)
    s.sendall(b"x" * 1000)
    try:
        assert s.recv(10) == b""
    except ConnectionError:
        pass
    s.close()
    assert card.stats()["connected"]
