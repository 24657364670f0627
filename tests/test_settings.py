# SPDX-License-Identifier: GPL-2.0-only
"""Settings a card: in force when it appears, whatever is in the file; and who drives a card,
by grabberctl bind. What the file can say is in unit/test_settings_text.py, how it is written in
tools/test_set_bind.py."""

import re

import pytest

import nodes

CONF = "/etc/grabber/cards.conf"
GRABBER = "/sys/bus/pci/drivers/grabber"
# Custom ids, an XDMA core, and no video source
PLAIN = dict(args=["--vendor", "0x1234", "--device", "0xcafe",
                   "--channel", "samples,packet=1-4096,rate=20000000"])
# QEMU 11.1 ends when a vfio-user device with MSI-X is unplugged (tests/card/README.md).
UNPLUGGABLE = dict(args=[*PLAIN["args"], "--no-msix"])


def conf(guest, text):
    """As a package has it: what the kernel looks for is a link."""
    guest.run("mkdir -p /etc/grabber /lib/firmware/grabber;"
              f"ln -sf {CONF} /lib/firmware/grabber/cards.conf; cat >{CONF}",
              input=text if isinstance(text, bytes) else text.encode())


def once(guest, text):
    guest.run(f"cat >{GRABBER}/settings", input=text if isinstance(text, bytes) else text.encode())


def driver(guest, bdf):
    return guest.run(f"basename $(readlink /sys/bus/pci/devices/{bdf}/driver)", check=False).out.strip()


def override(guest, bdf):
    return guest.read(f"/sys/bus/pci/devices/{bdf}/driver_override").strip()


def early(guest, card, *wanted):
    process = guest.spawn(f"settings_early {card} {' '.join(map(str, wanted))}")
    process.wait_for("not there yet", timeout=300)
    return process


def slots(guest, card=0):
    return int(guest.read(f"/sys/class/grabber/grabber{card}/slots"))


@pytest.mark.guest(kernel=["5.10", "7.2"], devices=["edu"], card=UNPLUGGABLE)
def test_in_force_at_plug_time(guest):
    edu, card = guest.bdf("edu0"), guest.bdf("card0")
    conf(guest, f"# both\n[pci-{edu}]\nslots=5\nname=small\nbar=0\n"
                f"[pci-{card.upper()}]\nboard=xdma\nslots=12\nslot_size=8K\nformat=64x32:GREY:64\nname=belt")
    first = early(guest, 0, 5, 0, 0, 0)
    guest.load(slots=16)
    nodes.finish(first)
    # Ids that nobody knows: as the rule of udev does it, which is not here.
    first = early(guest, 1, 12, 8192, 64, 1)
    guest.run(f"grabberctl bind --from-settings {card} | grep -q GRABBER_BIND=1")
    guest.write("/sys/bus/pci/drivers_probe", card)
    nodes.finish(first)
    assert guest.read("/sys/class/grabber/grabber1/name").strip() == "belt"
    guest.run("grabberctl capture -n 3 -o /tmp/frames.raw belt", timeout=300)

    # Plugged in again, it is a device that knows nothing of that.
    guest.unplug("card0")
    first = early(guest, 1, 12, 8192, 64, 1)
    guest.plug("card0")
    card = guest.bdf("card0")
    assert override(guest, card) == "(null)" and not driver(guest, card)
    guest.run(f"grabberctl bind --from-settings {card} | grep -q GRABBER_BIND=1")
    guest.write("/sys/bus/pci/drivers_probe", card)
    nodes.finish(first)

    # Settings that a program changes are the card's until it is bound again; --save keeps them.
    guest.run(f"grabberctl set belt slots=20 && grabberctl set {edu} slots=6 name=tiny --save --rebind")
    assert (slots(guest, 1), slots(guest, 0)) == (20, 6)
    assert "name=tiny" in guest.read(CONF) and "slots=12" in guest.read(CONF)
    guest.run("grabberctl set belt framing=slot --rebind")
    assert guest.read("/sys/class/grabber/grabber1/framing").strip() == "slot"
    assert slots(guest, 1) == 12 and "framing" not in guest.read(CONF)
    said = guest.run("grabberctl set belt").out
    assert re.search(rf"slots +12 +line 8 of {CONF}", said), said
    conf(guest, "")


def hostile(bdf):
    """(text, what the one line of the log says, or None where there is none)"""
    mine = f"[pci-{bdf}]\n"
    return [
        ("", None), ("\n" * 500, None), ("# only a comment", None),
        (f"[pci-{bdf}]\nslots=4", None),
        ("slots=4", "line 1 .*no section"), (mine + "slots=99999999999999999999", "line 2 .*2 to 1024"),
        (mine + "slots=1\nslots=-1\nslots=" + "9" * 3000, "line 2 .*and so are 2 more"),
        (f"[pci-{bdf}\nslots=4", "line 1 .*brackets"), (mine + "\0\0\0=\xff\0", "line 2 "),
        (bytes(range(256)) * 12, "line "), (mine + "x" * 3900, "line 2 .*key=value"),
        (mine + "name=../../null", "line 2 .*letters"), (mine + "\n".join(["=%n%s%p"] * 400), "line 2 .*399 more"),
        ("[pci-0000:99:00.0]\nwhatever" + "\n[x]" * 900, None),
    ]


def rebind_with(guest, bdf, give, text, said):
    """With that text the card is there, with defaults, and the log has what it should."""
    nodes.unbind(guest, bdf)
    give(guest, text)
    with nodes.log_of(guest) as log:
        nodes.bind(guest, bdf)
    assert slots(guest) == (4 if text == f"[pci-{bdf}]\nslots=4" else 8), text
    warned = [line for line in nodes.messages(log[0], bdf) if " slots of " not in line]
    assert len(warned) == (1 if said else 0), (text, log[0])
    assert not said or re.search(said, warned[0]), (said, warned)


@pytest.mark.guest(devices=["edu"])
def test_hostile_text(guest):
    """With a kernel that sees wrong accesses; it has no firmware loader."""
    bdf = guest.bdf("edu0")
    guest.load()
    for text, said in hostile(bdf):
        if f"pci-{bdf}" in str(text) and text != f"[pci-{bdf}\nslots=4":
            rebind_with(guest, bdf, once, text, said)
    # Once is once, and what is too long is refused.
    once(guest, f"[pci-{bdf}]\nslots=4")
    for count in (4, 8):
        nodes.unbind(guest, bdf)
        nodes.bind(guest, bdf)
        assert slots(guest) == count
    assert guest.run(f"head -c 4096 /dev/zero | dd of={GRABBER}/settings bs=4096", check=False).rc
    once(guest, f"[pci-{bdf}]\nslots=4")	# and is not there for long


@pytest.mark.guest(kernel="6.12", devices=["edu"])
def test_hostile_file(guest):
    bdf = guest.bdf("edu0")
    guest.load()
    texts = [(text, said) for text, said in hostile(bdf) if text]
    texts += [("#" * (1 << 20), "more than 65536 bytes"),
              ("".join(f"[pci-0000:{n >> 8:02x}:{n & 255:02x}.0]\n" for n in range(2600)) + "y", None),
              ("[x]\n" * 10000 + f"[pci-{bdf}]\nslots=4\nslots=8\n" + "z\n" * 12000, "line 10004 .*11999 more")]
    for text, said in texts:
        rebind_with(guest, bdf, conf, text, said)
    guest.run(f"rm {CONF}; mkdir {CONF}")
    nodes.unbind(guest, bdf)
    nodes.bind(guest, bdf)
    guest.run(f"rmdir {CONF}; ln -s {CONF} {CONF}")
    nodes.unbind(guest, bdf)
    nodes.bind(guest, bdf)
    assert slots(guest) == 8
    guest.run(f"rm {CONF}")
    # Driver and doctor find the same lines wrong.
    conf(guest, f"[pci-{bdf}]\nslots=3\nslots=4 # no\nbar\n")
    nodes.unbind(guest, bdf)
    with nodes.log_of(guest) as log:
        nodes.bind(guest, bdf)
    assert re.search(r"cards.conf line 3 is left out: .*and so are 1 more", log[0]) and slots(guest) == 3
    said = guest.run("grabberctl doctor", check=False).out
    assert re.findall(r"warning +settings +line (\d+)", said) == ["3", "4"], said
    conf(guest, "")


@pytest.mark.guest(devices=["edu", "edu"])
def test_what_the_card_cannot_have(guest):
    """Sound, but nothing for this card: one line, and it comes up as ever."""
    one, two = guest.bdf("edu0"), guest.bdf("edu1")
    guest.load()
    for setting, said in (("bar=5", "no memory BAR"), ("slot_size=1", "too small for the frames"),
                          ("format=64x64:GREY:64", "no format= is needed"),
                          ("slots=1024\nslot_size=64M", "no such memory"), ("board=xdma", "no XDMA core")):
        nodes.unbind(guest, one)
        once(guest, f"[pci-{one}]\n{setting}\n")
        with nodes.log_of(guest) as log:
            bound = guest.run(f"echo {one} >{nodes.DRIVER}/bind", check=False).rc
        found = [line for line in nodes.messages(log[0], one) if " slots of " not in line]
        assert len(found) == 1 and said in found[0], found
        if setting == "board=xdma":
            assert bound and not driver(guest, one)
            nodes.bind(guest, one)
        assert slots(guest) == 8
    for bdf, name, left_out in ((one, "belt", 0), (two, "belt", 1)):
        nodes.unbind(guest, bdf)
        once(guest, f"[pci-{bdf}]\nname=belt\n")
        with nodes.log_of(guest) as log:
            nodes.bind(guest, bdf)
        assert log[0].count("another card has this name") == left_out
    assert guest.read(f"/sys/bus/pci/devices/{one}/grabber/grabber0/name").strip() == "belt"
    assert guest.read("/sys/class/grabber/grabber1/name").strip() == ""


@pytest.mark.guest(card=dict(args=[*PLAIN["args"], *PLAIN["args"][4:]]))
def test_framing_of_one_channel(guest):
    """It says nothing of the other, which has packets."""
    card = guest.bdf("card0")
    guest.load()
    guest.write(f"/sys/bus/pci/devices/{card}/driver_override", "grabber")
    once(guest, f"[pci-{card}-chan1]\nframing=slot\n")
    nodes.bind(guest, card)
    assert [guest.read(f"/sys/class/grabber/grabber{n}/framing").strip() for n in (0, 1)] == \
        ["packet", "slot"]


def hold(guest, bdf):
    guest.write(f"/sys/bus/pci/devices/{bdf}/driver_override", "uio_pci_generic")
    guest.write("/sys/bus/pci/drivers_probe", bdf)
    assert driver(guest, bdf) == "uio_pci_generic"


def refused(guest, part, command):
    done = guest.run(command, check=False, timeout=300)
    assert done.rc == 1 and part in done.err, done.err


@pytest.mark.guest(devices=["edu"], card=PLAIN)
def test_bind(guest):
    card, other = guest.bdf("card0"), guest.bdf("edu0")
    guest.run(f"rm -f {CONF}; mkdir -p /etc/grabber")
    guest.load()
    assert nodes.nodes(guest) == nodes.expected([0])	# edu's alone
    nodes.unbind(guest, other)
    hold(guest, card)
    hold(guest, other)
    refused(guest, f"the driver 'uio_pci_generic' has {card}; --force", f"grabberctl bind {card}")
    assert driver(guest, card) == "uio_pci_generic"

    # No XDMA core in it: in the driver's words, and as it was
    refused(guest, "no XDMA core in this card", f"grabberctl bind {other} --force")
    assert (driver(guest, other), override(guest, other)) == ("uio_pci_generic", "uio_pci_generic")

    # One command to the first frame
    said = guest.run(f"grabberctl bind {card} --force --once", timeout=300).out
    assert said == f"{card} is grabber0, this once\n"
    guest.run("grabberctl capture -n 3 -o /tmp/frames.raw", timeout=300)
    assert guest.read("/sys/class/grabber/grabber0/framing").strip() == "packet"
    assert guest.run("ls /etc/grabber").out == ""

    # Bound already: with another framing, kept, and not while it is used
    reader = guest.spawn("exec sleep 1000 </dev/grabber0")
    guest.run("until grep -q 1 /sys/class/grabber/grabber0/readers; do sleep 0.1; done", timeout=300)
    refused(guest, "is in use", f"grabberctl bind {card} --framing slot")
    reader.kill(9)
    guest.run("until grep -q 0 /sys/class/grabber/grabber0/readers; do sleep 0.1; done", timeout=300)
    guest.run(f"grabberctl bind {card} --framing slot", timeout=300)
    assert guest.read("/sys/class/grabber/grabber0/framing").strip() == "slot"
    assert f"[pci-{card}]\nboard=xdma\nid=1234:cafe\nframing=slot\n" in guest.read(CONF)

    guest.run(f"grabberctl bind {other} --force --board generic", timeout=300)
    assert guest.read("/sys/class/grabber/grabber1/board").strip() == "generic"

    # And back
    said = guest.run(f"grabberctl unbind {card} && grabberctl unbind {other}", timeout=300).out
    assert said.startswith(f"{card} has no driver now\n{other} is grabber's all the same"), said
    assert guest.read("/sys/class/grabber/grabber0/board").strip() == "edu"
    assert "board" not in guest.read(CONF) and override(guest, card) == "(null)"
    refused(guest, "nothing says that it should", f"grabberctl unbind {card}")
    guest.unload()
    refused(guest, "is not loaded", f"grabberctl bind {card}")
    assert override(guest, card) == "(null)"
    guest.load()
