# SPDX-License-Identifier: GPL-2.0-only
"""Board "generic" end to end: a program in user space drives the XDMA core of a
card that no board claims, and grabber lends it slots and interrupts."""

import pytest

import nodes

FOREIGN = dict(chart="320x240", args=["--vendor", "0x1234", "--device", "0xcafe"])
FRAME = 320 * 240 * 3
# room for the program's descriptor behind a frame
SLOT = (FRAME + 2 * 4096 - 1) // 4096 * 4096


def load(guest, **params):
    """Bound by driver_override, the core's BAR as the window."""
    bdf = guest.bdf("card0")
    # a test before this one may have bound it
    guest.write(f"/sys/bus/pci/devices/{bdf}/driver_override", "\n")
    # five: of which a reader may hold one, beside the one that it looks at
    guest.load(slots=6, slot_size=SLOT, **params)
    assert not nodes.nodes(guest), "a card of no known id was claimed unasked"
    assert nodes.bind_any(guest, bdf) == 0
    assert nodes.nodes(guest) == ["grabber0", "grabber0-bar"]
    return bdf


@pytest.mark.guest(card=FOREIGN)
def test_messages(guest):
    bdf = load(guest, bar=1)
    guest.ktap("xdma_from_user_space 0", timeout=200)
    # whoever drives it next must not let it write where the program had told it to
    resets = guest.cards[0].stats()["resets"]
    nodes.unbind(guest, bdf)
    assert guest.cards[0].stats()["resets"] == resets + 1


@pytest.mark.guest(card=FOREIGN, cmdline="pci=nomsi")
def test_line_interrupt(guest):
    load(guest, bar=1)
    assert "IO-APIC" in nodes.interrupts(guest)[0]
    guest.ktap("xdma_from_user_space 0", timeout=200)


@pytest.mark.guest(card=FOREIGN, cmdline="pci=nomsi")
def test_one_register(guest):
    """Bus mastering and the mask of the line interrupt, changed by two programs at once."""
    load(guest, bar=1)
    with nodes.slow(guest, "pci_write_config_word", 100):
        guest.ktap("command_race 0")


@pytest.mark.guest(card=FOREIGN)
def test_bad_input(guest):
    load(guest)
    for program in "bad_mmap", "bad_bar":
        guest.ktap(f"{program} 0", timeout=200)


@pytest.mark.guest(card=FOREIGN)
def test_refused_buffer(guest):
    """What changes nothing does not reset the card, and take a program's settings from it."""
    load(guest)
    resets = guest.cards[0].stats()["resets"]
    guest.ktap("refused_buffer 0")
    assert guest.cards[0].stats()["resets"] == resets


@pytest.mark.guest(card=FOREIGN)
def test_msix_table(guest):
    load(guest, bar=1)
    guest.ktap("bars_table 0")


@pytest.mark.guest(card=FOREIGN)
def test_formats(guest):
    load(guest)
    tests = guest.ktap("formats 0")
    assert ("free_is_free", "") in [(name, directive) for _, name, directive in tests]


@pytest.mark.guest(card=FOREIGN)
def test_bar_parameter(guest):
    """The window is the first memory BAR, or the one that was asked for."""
    load(guest)
    assert guest.run("grabberctl bar read 0").out.strip().lower().endswith("47524231")
    guest.unload()
    bdf = load(guest, bar=1)
    # the core's configuration block
    assert "0x1fc3" in guest.run("grabberctl bar read 0x3000").out
    nodes.unbind(guest, bdf)
    assert not nodes.leftovers(guest)
