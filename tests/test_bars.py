# SPDX-License-Identifier: GPL-2.0-only
"""BARs of all sizes: on cards bound to board "generic" those smaller than a page, in a
page with others', and plain memory; on the virtual card the choice of one, and gigabytes."""

import re
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


def large(size):
    return dict(card=dict(chart="320x240", rate=30, args=[f"--memory-bar={size}"]))


SMALL_BAR, LARGE_BAR = 1 << 20, 2 << 30


def kernel_addresses(guest, bdf, bar):
    """Bytes of the kernel's own mappings of a BAR."""
    first, last, _ = (int(word, 16) for word in
                      guest.read(f"/sys/bus/pci/devices/{bdf}/resource").splitlines()[bar].split())
    total = 0
    for line in guest.read("/proc/vmallocinfo").splitlines():
        match = re.match(r"0x\w+-0x\w+ +(\d+) .*phys=0x([0-9a-f]+)", line)
        if match and first <= int(match[2], 16) <= last:
            total += int(match[1])
    return total


@pytest.mark.every_kernel
@pytest.mark.guest(**large("1M"))
def test_choice(guest):
    guest.load(slots=4)
    guest.ktap(f"bars {nodes.number(guest, 'card0')} {SMALL_BAR}")


@pytest.mark.guest(**large("2G"))
def test_large(guest):
    """2 GiB, of which the kernel maps a piece at a time."""
    guest.load(slots=4)
    guest.ktap(f"bars {nodes.number(guest, 'card0')} {LARGE_BAR}")
    used = kernel_addresses(guest, guest.bdf("card0"), 2)
    # a piece, and the guard page behind it
    assert 0 < used <= (64 << 10) + 4096, f"the kernel maps {used} bytes of the BAR"
    guest.unload()
    assert kernel_addresses(guest, guest.bdf("card0"), 2) == 0


@pytest.mark.guest(**large("2G"))
def test_large_default(guest):
    """The one that a file shows at first."""
    guest.load(slots=4, bar=2)
    last = LARGE_BAR - 4
    guest.run(f"grabberctl bar write {last} 0x600df00d")
    assert int(guest.run(f"grabberctl bar read {last}").out, 16) == 0x600df00d
    assert guest.run(f"grabberctl bar read {LARGE_BAR}", check=False).rc != 0


@pytest.mark.guest(**large("2G"))
def test_core_is_the_drivers(guest):
    """Also where the administrator asks for it."""
    with nodes.log_of(guest) as log:
        guest.load(slots=4, bar=1)
    assert not nodes.nodes(guest)
    said = nodes.messages(log[0], guest.bdf("card0"))
    assert len(said) == 1 and "DMA engine" in said[0] and "bar=" in said[0], log[0]


def memory_types(guest, bdf, bar):
    """What x86's list of memory types says of addresses of a BAR."""
    first, last, _ = (int(word, 16) for word in
                      guest.read(f"/sys/bus/pci/devices/{bdf}/resource").splitlines()[bar].split())
    found = re.findall(r"^(?:PAT: \[mem 0x([0-9a-f]+)-0x[0-9a-f]+\] ([-\w]+)"
                       r"|([-\w]+) @ 0x([0-9a-f]+)-0x[0-9a-f]+)",
                       guest.read("/sys/kernel/debug/x86/pat_memtype_list"), re.M)
    return [new or old for start, new, old, old_start in found
            if first <= int(start or old_start, 16) <= last]


@pytest.mark.guest(**large("2G"))
def test_revoked(guest):
    """The card leaves while its BARs are mapped, and its addresses are free for others at
    once: the card that comes back has the same ones."""
    guest.load(slots=4)
    bdf = guest.bdf("card0")
    users = guest.spawn("bars_revoked 0")
    users.wait_for("READY", timeout=120)
    assert "write-combining" in memory_types(guest, bdf, 2)
    nodes.unbind(guest, bdf)
    users.write(b"gone\n")
    users.wait_for("CHECKED|not ok", timeout=120)
    assert not memory_types(guest, bdf, 2)
    nodes.bind(guest, bdf)
    nodes.wait_for_cards(guest, [0])
    guest.ktap(f"bars 0 {LARGE_BAR}")
    users.write(b"close\n")
    nodes.finish(users)
    guest.ktap(f"bars 0 {LARGE_BAR}")
    assert "write-combining" not in memory_types(guest, bdf, 2)
