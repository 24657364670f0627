# SPDX-License-Identifier: GPL-2.0-only
"""BARs of all sizes, on cards bound to board "generic": smaller than a page, in a
page with others', and plain memory."""

import struct

import pytest

import nodes
from ivshmem_server import IvshmemServer

NEIGHBOURS = ["sdhci-pci,bus=pcie.0", "sdhci-pci,bus=pcie.0", "pci-ohci,bus=pcie.0"]
IDS = ["sdhci-pci0", "sdhci-pci1", "pci-ohci0"]
# and one behind a port, which has a page of its own
DEVICES = [*NEIGHBOURS, "sdhci-pci"]
ALONE = "sdhci-pci2"


def first_bar(guest, bdf):
    """Where the first memory BAR is."""
    for line in guest.read(f"/sys/bus/pci/devices/{bdf}/resource").splitlines()[:6]:
        first, last, flags = (int(word, 16) for word in line.split())
        if flags & 0x200:
            return first, last
    raise AssertionError(f"{bdf} has no memory BAR")


def pack_bars(guest, bdfs):
    """The firmware gives each BAR a page of its own; the kernel does not."""
    for bdf in bdfs:
        device = f"/sys/bus/pci/devices/{bdf}"
        guest.run(f"printf '\\0\\0\\0\\0' |"
                  f"dd of={device}/config bs=1 seek=16 conv=notrunc 2>/dev/null;"
                  f"echo 1 >{device}/remove")
    guest.write("/sys/bus/pci/rescan", "1")


@pytest.mark.guest(devices=DEVICES)
def test_bars_that_share_a_page(guest):
    bdfs = [guest.bdf(device) for device in IDS]
    pack_bars(guest, bdfs)
    places = [first_bar(guest, bdf) for bdf in bdfs]
    assert len({first >> 12 for first, _ in places}) == 1, f"not in one page: {places}"
    guest.load(slots=3, slot_size=4096)
    for bdf in bdfs:
        assert nodes.bind_any(guest, bdf) == 0
    for device in IDS:
        n = nodes.number(guest, device)
        guest.ktap(f"small_bar {n}")
        guest.ktap(f"bad_bar {n}")


@pytest.mark.guest(devices=DEVICES)
def test_bar_smaller_than_a_page(guest):
    """Alone in its page, and yet what lies behind it is nobody's."""
    guest.load(slots=3, slot_size=4096)
    assert nodes.bind_any(guest, guest.bdf(ALONE)) == 0
    n = nodes.number(guest, ALONE)
    guest.ktap(f"small_bar {n}")
    guest.ktap(f"bad_bar {n}")
    # the host controller's argument register keeps what is written
    guest.run(f"grabberctl bar write 0x8 0x12345678 {n}")
    assert int(guest.run(f"grabberctl bar read 0x8 {n}").out, 16) == 0x12345678
    assert int(guest.run(f"grabberctl bar read 0x8 --width 16 {n}").out, 16) == 0x5678


def check_memory_bar(guest, server, device):
    """BAR 2: what is written is read in all widths, and the host sees it too."""
    guest.load(slots=3, slot_size=4096, bar=2)
    assert nodes.bind_any(guest, guest.bdf(device)) == 0
    n = nodes.number(guest, device)
    for program in "bar_memory", "bad_mmap", "bad_bar":
        guest.ktap(f"{program} {n}")
    value = struct.unpack_from("<I", server.memory, 0x3000)[0]
    assert value == 0x3000 ^ 0x13579bdf
    struct.pack_into("<I", server.memory, 0x40, 0xfeedf00d)
    assert int(guest.run(f"grabberctl bar read 0x40 {n}").out, 16) == 0xfeedf00d
    guest.unload()


def check_interrupts(guest, server, device):
    """BAR 0 has 256 bytes; each interrupt from the host is a frame."""
    guest.load(slots=4, slot_size=8192)
    assert nodes.bind_any(guest, guest.bdf(device)) == 0
    n = nodes.number(guest, device)
    guest.ktap(f"small_bar {n}")
    guest.ktap(f"bad_bar {n}")
    reader = guest.spawn(f"dd if=/dev/grabber{n} of=/dev/null bs=8192 count=5 2>&1")
    guest.run("sleep 0.5")
    for _ in range(5):
        assert reader.running, "a frame came without an interrupt"
        server.interrupt()
        guest.run("sleep 0.3")
    assert "5+0 records in" in reader.wait(timeout=10).out
    guest.unload()


@pytest.mark.guest(devices=["edu"], ports=1, fresh=True)
def test_ivshmem(guest):
    with IvshmemServer() as server:
        guest.qmp("chardev-add", id="shm", backend={"type": "socket", "data": {
            "addr": {"type": "unix", "data": {"path": str(server.path)}}, "server": False}})
        device = guest.plug("ivshmem-doorbell,chardev=shm,vectors=1")
        check_memory_bar(guest, server, device)
        check_interrupts(guest, server, device)
