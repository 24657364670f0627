# SPDX-License-Identifier: GPL-2.0-only
"""Cards that grabber cannot serve: the probe says the cause and the remedy in one
line, and leaves nothing behind."""

from errno import EBUSY, EIO, ENOMEM, ENOSPC

import pytest

import nodes

OTHERS = dict(devices=["pci-testdev", "ivshmem-plain,id=ivshmem0", "pci-serial", "edu"],
              card=[dict(chart="320x240", args=["--no-irq"]),
                    dict(chart="1920x1080"),
                    dict(chart="320x240", args=["--vendor", "0x1234", "--device", "0xcafe"]),
                    dict(chart="320x240", args=["--vendor", "0x1234", "--device", "0x11e8"])])


def state(guest, bdf):
    """What a device that nobody drives looks like, from all sides."""
    where = f"/sys/bus/pci/devices/{bdf}"
    return (guest.read(f"{where}/enable").strip(),
            guest.run(f"ls {where}/msi_irqs 2>/dev/null", check=False).out,
            guest.run(f"ls -d {where}/driver 2>/dev/null", check=False).out,
            nodes.leftovers(guest))


def refused(guest, device, *words, **params):
    """Bind it in vain; all words must be in the one line that says why."""
    bdf = guest.bdf(device)
    guest.write(f"/sys/bus/pci/devices/{bdf}/driver_override", "grabber\n")
    before = state(guest, bdf)
    assert before[2] == "", f"{device} has a driver already: {before[2]}"
    # Its brothers must not be bound on the way: nothing at all is to be left.
    guest.write("/sys/bus/pci/drivers_autoprobe", "0")
    try:
        guest.load(**params)
        with nodes.log_of(guest) as log:
            bound = guest.run(f"echo {bdf} >{nodes.DRIVER}/bind", check=False)
    finally:
        guest.write("/sys/bus/pci/drivers_autoprobe", "1")
    said = nodes.messages(log[0], bdf)
    assert bound.rc != 0, f"{device} was bound"
    assert len(said) == 1, f"one line was wanted:\n{log[0]}"
    for word in words:
        assert word in said[0], f"{word!r} is not in: {said[0]}"
    assert state(guest, bdf) == before


@pytest.mark.guest(**OTHERS)
@pytest.mark.parametrize("device", ["pci-testdev0", "ivshmem0", "card0"])
def test_no_interrupt(guest, device):
    refused(guest, device, "no interrupt")


@pytest.mark.guest(**OTHERS)
def test_no_memory_bar(guest):
    """A serial port has I/O ports only."""
    driver = guest.run(f"ls -d /sys/bus/pci/devices/{guest.bdf('pci-serial0')}/driver",
                       check=False).out
    if driver:
        guest.write("/sys/bus/pci/drivers/serial/unbind", guest.bdf("pci-serial0"))
    refused(guest, "pci-serial0", "no memory BAR")


@pytest.mark.guest(**OTHERS)
def test_no_such_bar(guest):
    refused(guest, "edu0", "no memory BAR 3", "bar=", bar=3)


# What the kernel refuses, the errno that it gives, and the words of the remedy.
REFUSALS = {
    "pcim_enable_device": (EIO, "cannot be enabled"),
    "dma_set_mask": (EIO, "28 address bits", "IOMMU"),
    "devm_ioremap": (0, "BAR 0 cannot be mapped", "vmalloc="),
    "pci_alloc_irq_vectors_affinity": (ENOSPC, "no interrupt", "pci=nomsi"),
    "devm_request_threaded_irq": (EBUSY, "/proc/interrupts"),
    "cdev_add": (ENOMEM, "cannot make the device nodes"),
    "device_create_with_groups": (ENOMEM, "cannot make the device nodes"),
}


@pytest.mark.guest(**OTHERS)
@pytest.mark.parametrize("function", REFUSALS)
def test_kernel_refuses(guest, function):
    """No DMA mask, and whatever else the kernel may deny a card."""
    errno, *words = REFUSALS[function]
    with nodes.refusing(guest, function, -errno):
        refused(guest, "edu0", *words)


@pytest.mark.guest(**OTHERS)
def test_no_memory(guest):
    """6 GB of slots in a machine of half a gigabyte: no, and the OOM killer sleeps."""
    refused(guest, "card1", "no memory", "slots=", slots=1024)


@pytest.mark.guest(**OTHERS)
def test_no_contiguous_memory(guest):
    """Slots beyond the largest block, and memory in pieces: a remedy is named."""
    pieces = guest.spawn("fragment")
    pieces.wait_for("READY", timeout=120)
    try:
        refused(guest, "card2", "contiguous", "slot_size=", "IOMMU", slots=3,
                slot_size=16 << 20)
    finally:
        pieces.kill(9)
        pieces.wait()


@pytest.mark.guest(**OTHERS)
@pytest.mark.parametrize("size", [0, 0xffffffff])
def test_bad_slot_size(guest, size):
    refused(guest, "card2", "slot_size=", slot_size=size)


@pytest.mark.guest(**OTHERS)
def test_foreign_card_with_an_id_of_edu(guest):
    """The ids are edu's and the registers are not: left alone."""
    refused(guest, "card3", "left alone")


@pytest.mark.guest(**OTHERS)
@pytest.mark.parametrize("missing", ["core", "source"])
def test_foreign_card_with_an_id_of_xilinx(guest, missing):
    """The ids that Xilinx ships its core with, on another design: left alone."""
    guest.cards[1].fault(f"no-{missing}")
    try:
        refused(guest, "card1", "left alone", missing)
    finally:
        guest.cards[1].fault("as-built")
