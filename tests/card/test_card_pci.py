# SPDX-License-Identifier: GPL-2.0-only
"""Configuration space: what is there, what can be written, power, resets, bus mastering."""
import subprocess

import pytest

from vfio_user_client import *

SIZE = 64 * 48 * 3


@pytest.fixture
def card(new_card):
    return new_card("--chart", "64x48", "--rate", "0", "--serial", "0x1122334455667788")


@pytest.fixture
def client(card, connect):
    return connect(card)


def test_header(client):
    assert client.read(CONFIG, 0) == 0x702410ee
    assert client.read(CONFIG, 8) == 0x04800000
    assert client.read(CONFIG, 0x0e, 1) == 0
    assert client.read(CONFIG, 0x2c) == 0x000710ee
    assert client.read(CONFIG, 0x3d, 1) == 1
    assert client.read(CONFIG, 6, 2) == 0x10


def test_identity_options(new_card, connect):
    c = connect(new_card("--chart", "64x48", "--vendor", "0x1234", "--device", "0x5678",
                         "--subsystem-vendor", "0x9abc", "--subsystem", "0xdef0"))
    assert c.read(CONFIG, 0) == 0x56781234
    assert c.read(CONFIG, 0x2c) == 0xdef09abc


def test_bar_sizes(client):
    for bar, mask in enumerate((0xffff0000, 0xffff0000, 0, 0, 0, 0)):
        client.write(CONFIG, 0x10 + 4 * bar, 0xffffffff)
        assert client.read(CONFIG, 0x10 + 4 * bar) == mask
        client.write(CONFIG, 0x10 + 4 * bar, 0xfe601234 & mask)
        assert client.read(CONFIG, 0x10 + 4 * bar) == 0xfe600000 & mask
    client.write(CONFIG, 0x30, 0xffffffff)
    assert client.read(CONFIG, 0x30) == 0


@pytest.mark.parametrize("size", [4096, 1 << 20, 4 << 30])
def test_memory_bar(new_card, connect, size):
    """64-bit and prefetchable; what was never written is 0, and what was stays over a reset."""
    c = connect(new_card("--chart", "64x48", f"--memory-bar={size}"))
    for half in 0, 1:
        c.write(CONFIG, 0x18 + 4 * half, 0xffffffff)
    value = c.read(CONFIG, 0x18) | c.read(CONFIG, 0x1c) << 32
    assert value == (1 << 64) - size | 0xc
    c.write(CONFIG, 4, 2, 2)
    assert c.read(BAR2, size - 8, 8) == 0
    c.write(BAR2, size - 8, 0x8877665544332211, 8)
    assert c.read(BAR2, size - 6, 2) == 0x4433
    c.reset()
    c.write(CONFIG, 4, 2, 2)
    assert c.read(BAR2, size - 4) == 0x88776655
    with pytest.raises(Refused):
        c.read(BAR2, size)


@pytest.mark.parametrize("size", ["0", "3M", "2K", "1T", "x", "", "2048G", "1GG"])
def test_memory_bar_of_a_bad_size(programs, tmp_path, size):
    said = subprocess.run([programs / "grabber-card", "--socket", tmp_path / "s",
                           f"--memory-bar={size}"], capture_output=True, text=True, timeout=30)
    assert said.returncode == 1 and "no size for a BAR" in said.stderr


def test_capabilities(client):
    assert all(client.capability(wanted) for wanted in (0x01, 0x05, 0x11, 0x10))
    express = client.capability(0x10)
    assert client.read(CONFIG, express + 2, 2) == 2
    assert client.read(CONFIG, express + 4) & 1 << 28            # function-level reset
    msix = client.capability(0x11)
    assert client.read(CONFIG, msix + 2, 2) == 31
    assert client.read(CONFIG, msix + 4) == 0x8001
    assert client.read(CONFIG, msix + 8) == 0x8fe1
    msi = client.capability(0x05)
    assert client.read(CONFIG, msi + 2, 2) == 0x008a             # 64 bits, 32 vectors


def test_extended_capabilities(client):
    assert client.read(CONFIG, 0x100) & 0xfffff == 0x10001       # AER
    serial = client.read(CONFIG, 0x100) >> 20
    assert client.read(CONFIG, serial) == 0x00010003
    assert client.read(CONFIG, serial + 4, 8) == 0x1122334455667788


def test_everything_else_is_read_only(client):
    """All ones over all of it: what then differs is what may be written."""
    before = client.call(REGION_READ, struct.pack("<QII", 0, CONFIG, 4096))[16:]
    flr = client.capability(0x10) + 9
    for at in range(4096):
        client.write(CONFIG, at, 0x7f if at == flr else 0xff, 1)
    after = client.call(REGION_READ, struct.pack("<QII", 0, CONFIG, 4096))[16:]
    changed = {at for at in range(4096) if before[at] != after[at]}
    pm, msi, msix, express = (client.capability(n) for n in (1, 5, 0x11, 0x10))
    allowed = {4, 5, 0x0c, 0x12, 0x13, 0x16, 0x17, 0x3c, pm + 4, msi + 2, *range(msi + 4, msi + 14), msix + 3,
               express + 8, express + 9, express + 16, express + 40, express + 48,
               *range(0x108, 0x110), 0x114, 0x115}
    assert changed <= allowed
    assert {4, 5, 0x12, 0x3c, pm + 4, msi + 2, msix + 3} <= changed


@pytest.mark.parametrize("options,kinds", [
    ((), (1, 32, 32)), (("--no-msix",), (1, 32, 0)), (("--no-msix", "--no-msi"), (1, 0, 0)),
    (("--no-msi",), (1, 0, 32)), (("--no-irq",), (0, 0, 0))])
def test_interrupt_options(new_card, connect, options, kinds):
    c = connect(new_card("--chart", "64x48", *options))
    assert tuple(c.irq_count(n) for n in range(3)) == kinds
    assert bool(c.capability(5)) == bool(kinds[1]) and bool(c.capability(0x11)) == bool(kinds[2])
    assert c.read(CONFIG, 0x3d, 1) == kinds[0]
    assert c.capability(0x10)


def frame(client, wait=5):
    client.descriptor(0, SIZE, STOP | COMPLETE)
    client.start()
    client.run()
    return client.wait_writeback(0, wait)


def test_memory_decoding(client):
    assert client.read(BAR0, 0) == 0xffffffff
    client.write(CONFIG, 4, 2, 2)
    assert client.read(BAR0, 0) == 0x47524231
    client.write(CONFIG, 4, 0, 2)
    client.write(BAR0, VS_CONTROL, 1)
    client.write(CONFIG, 4, 2, 2)
    assert client.read(BAR0, VS_CONTROL) == 0


def test_no_transfer_without_bus_mastering(card, client):
    client.enable(master=False)
    client.descriptor(0, SIZE, STOP | COMPLETE)
    client.start()
    client.run()
    time.sleep(0.1)
    stats = card.stats()
    assert (stats["descriptors"], stats["bytes_written"], stats["interrupts"]) == (0, 0, 0)
    assert client.read(BAR1, STATUS) == BUSY
    client.write(CONFIG, 4, 6, 2)
    assert client.wait_writeback(0) == (EOP, SIZE)
    assert client.interrupts(wait=5) == 1


def test_no_message_without_bus_mastering(client):
    client.enable()
    client.write(BAR1, CHANNEL_INT, 0)
    client.descriptor(0, SIZE, STOP | COMPLETE)
    client.start()
    client.write(BAR1, CHANNEL_INT, 0)
    client.run()
    client.wait_writeback(0)
    client.write(CONFIG, 4, 2, 2)
    client.write(BAR1, CHANNEL_INT, 1)
    assert client.interrupts(wait=0.1) == 0
    client.write(CONFIG, 4, 6, 2)           # what was held back goes out then
    assert client.interrupts(wait=5) == 1


def test_power_state(client):
    client.enable()
    pm = client.capability(1)
    client.write(CONFIG, pm + 4, 3, 2)
    assert client.read(CONFIG, pm + 4, 2) & 3 == 3
    assert client.read(BAR0, 0) == 0xffffffff
    client.write(CONFIG, pm + 4, 1, 2)      # there is no D1
    assert client.read(CONFIG, pm + 4, 2) & 3 == 3
    client.write(CONFIG, pm + 4, 0, 2)
    assert client.read(BAR0, 0) == 0x47524231
    assert frame(client) == (EOP, SIZE)


def test_no_transfer_in_d3(new_card, connect):
    card = new_card("--chart", "64x48", "--rate", "25")
    client = connect(card)
    client.enable()
    ring = [client.descriptor(n, SIZE, following=(n + 1) % 4) for n in range(4)]
    client.start(credits=len(ring))
    client.run()
    client.wait_writeback(0)
    pm = client.capability(1)
    client.write(CONFIG, pm + 4, 3, 2)
    before = card.stats()
    time.sleep(0.2)
    after = card.stats()
    assert after["begun"] > before["begun"] + 2
    for counter in ("bytes_written", "descriptors", "interrupts"):
        assert after[counter] == before[counter]
    client.write(CONFIG, pm + 4, 0, 2)
    client.wait_writeback(3)


@pytest.mark.parametrize("how", ["flr", "message"])
def test_reset(card, client, how):
    client.enable()
    assert frame(client) == (EOP, SIZE)
    begun = client.counters()[0]
    client.write(CONFIG, 0x10, 0xfe600000)
    client.write(BAR1, CREDIT_MODE, 1 << 16)
    client.write(BAR1, CREDITS, 7)
    if how == "flr":
        client.write(CONFIG, client.capability(0x10) + 8, 0x8000, 2)
    else:
        client.reset()
    assert client.read(CONFIG, 4, 2) == 0 and client.read(CONFIG, 0x10) == 0
    assert client.read(CONFIG, client.capability(0x11) + 2, 2) == 31
    assert client.read(CONFIG, client.capability(0x10) + 8, 2) & 0x8000 == 0
    client.write(CONFIG, 4, 6, 2)
    assert client.read(BAR0, VS_CONTROL) == 0
    for register in (CONTROL, STATUS, INT_ENABLE, DESC_LO, CREDITS, CREDIT_MODE, CHANNEL_INT):
        assert client.read(BAR1, register) == 0, hex(register)
    assert client.counters()[0] >= begun                # since power-on
    assert sum(client.counters()[1:]) == client.counters()[0]
    client.enable()
    assert frame(client) == (EOP, SIZE)


def test_power_off(card, connect):
    """Unplugged and plugged in again, the card counts from 0; its own totals go on."""
    c = connect(card)
    c.enable()
    frame(c)
    c.sock.close()
    while card.stats()["connected"]:
        time.sleep(0.01)
    c = connect(card)
    c.enable()
    assert c.counters() == (0, 0, 0, 0)
    assert card.stats()["sent"] == 1


def test_line_interrupt(new_card, connect):
    """Level, masked by itself when it fired, again at unmask for as long as it is high."""
    def quiet():
        c.stop()
        c.read(BAR1, STATUS_RC)
        c.set_irqs(DATA_NONE | UNMASK, INTX)
        c.interrupts(INTX)

    c = connect(new_card("--chart", "64x48", "--rate", "0", "--no-msix", "--no-msi"))
    c.enable(msix=False)
    c.eventfd(INTX)
    assert c.read(CONFIG, 6, 2) & 8 == 0
    frame(c)
    assert c.interrupts(INTX, wait=5) == 1
    assert c.read(CONFIG, 6, 2) & 8
    c.write(BAR1, INT_ENABLE + 4, EVENTS)                # the core looks at its line again
    assert c.interrupts(INTX, wait=0.05) == 0
    c.set_irqs(DATA_NONE | UNMASK, INTX)
    assert c.interrupts(INTX, wait=5) == 1
    c.set_irqs(DATA_NONE | UNMASK, INTX)
    c.set_irqs(DATA_BOOL | UNMASK, INTX, data=b"\0")
    assert c.interrupts(INTX, wait=5) == 1
    c.read(BAR1, STATUS_RC)                              # the line falls
    assert c.read(CONFIG, 6, 2) & 8 == 0
    c.set_irqs(DATA_NONE | UNMASK, INTX)
    assert c.interrupts(INTX, wait=0.1) == 0

    quiet()
    c.set_irqs(DATA_NONE | MASK, INTX)
    frame(c)
    assert c.interrupts(INTX, wait=0.1) == 0
    c.set_irqs(DATA_NONE | UNMASK, INTX)
    assert c.interrupts(INTX, wait=5) == 1

    quiet()
    c.write(CONFIG, 4, 0x406, 2)                         # INTx disable
    frame(c)
    assert c.interrupts(INTX, wait=0.1) == 0
    assert c.read(CONFIG, 6, 2) & 8                      # the bit shows it all the same
    c.write(CONFIG, 4, 6, 2)
    assert c.interrupts(INTX, wait=5) == 1


def test_msi(new_card, connect):
    c = connect(new_card("--chart", "64x48", "--rate", "0", "--no-msix"))
    c.enable(msix=False)
    c.eventfd(INTX)
    msi = c.capability(5)
    c.write(CONFIG, msi + 2, 1 | 2 << 4, 2)              # 4 vectors granted
    for vector in range(4):
        c.eventfd(MSI, vector)
    c.write(BAR1, CHANNEL_VECTOR, 7)                     # more than there are: its low bits
    frame(c)
    assert c.interrupts(MSI, 3, wait=5) == 1
    assert [c.interrupts(MSI, v) for v in range(3)] == [0, 0, 0]
    assert c.interrupts(INTX, wait=0.1) == 0
    assert c.read(BAR1, CFG + 0x14) == 1


def test_gone(card, client):
    client.enable()
    client.descriptor(0, SIZE)
    client.start(credits=1)
    client.run()
    client.wait_writeback(0)
    assert card.ask("gone") == "ok"
    written = card.stats()["bytes_written"]
    for region in (BAR0, BAR1, CONFIG):
        assert client.read(region, 0) == 0xffffffff
        client.write(region, 4, 0, 2)
    client.reset()
    time.sleep(0.05)
    stats = card.stats()
    assert stats["gone"] and stats["bytes_written"] == written
    assert card.ask("back") == "ok"
    assert client.read(CONFIG, 0) == 0x702410ee
    assert client.read(CONFIG, 4, 2) == 0                # the link came up anew: a reset


def test_gone_until_it_is_plugged_in_again(card, connect):
    c = connect(card)
    c.enable()
    c.write(BAR0, 0x81c, 0xdead)
    assert c.read(CONFIG, 0) == 0xffffffff
    c.sock.close()
    assert connect(card).read(CONFIG, 0) == 0x702410ee
