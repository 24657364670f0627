# SPDX-License-Identifier: GPL-2.0-only
"""grabberctl doctor: cards, links, IOMMU, nodes and groups."""

import os
import re
import subprocess

import pytest

from fake import NOBODY
from vm.paths import TOP
from machine import CARD, MODULES, PCI, PORT, USER, VIDEO

SYS = "/sys/bus/pci"
TRIGGER = "udevadm control --reload && udevadm trigger --action=change --subsystem-match=grabber"
RESEAT = f"echo 1 >{PCI}/{CARD}/remove; echo 1 >{SYS}/rescan"


def test_card(machine):
    machine.line("card").is_("ok", "grabber0 (10ee:7024), board xdma, idle")
    machine.write("/sys/class/grabber/grabber0/state", "gone")
    machine.line("card").is_("wrong", "grabber0 (10ee:7024) has stopped answering", RESEAT)
    machine.remove("/sys/class/grabber/grabber0/state")
    assert machine.line("card").text == "grabber0 (10ee:7024)"
    machine.remove("/sys/class/grabber")
    machine.line("card").is_("wrong", "made no nodes", "modprobe -r grabber && modprobe grabber")


@pytest.mark.parametrize("driver, part", [("vfio-pci", "for a virtual machine"), ("xdma", "'xdma' has it;")])
def test_foreign_driver(machine, driver, part):
    machine.link(f"{PCI}/{CARD}/driver", f"../../../../bus/pci/drivers/{driver}")
    line = machine.line("card")
    line.is_("wrong", part, f"echo {CARD} >{PCI}/{CARD}/driver/unbind; "
             f"echo grabber >{PCI}/{CARD}/driver_override; echo {CARD} >{SYS}/drivers_probe")
    assert line.about == CARD and f"the driver '{driver}' has it" in line.text


def test_card_without_driver(machine):
    machine.remove(f"{PCI}/{CARD}/driver")
    machine.line("card").is_("wrong", f"'dmesg | grep {CARD}' tells why",
                             f"echo {CARD} >{SYS}/drivers_probe")
    machine.write(f"{PCI}/{CARD}/driver_override", "vfio-pci")
    machine.line("card").is_("wrong", "kept for the driver 'vfio-pci'",
                             f"echo grabber >{PCI}/{CARD}/driver_override; "
                             f"echo {CARD} >{SYS}/drivers_probe")
    machine.remove("/sys/module/grabber")
    machine.line("card").is_("wrong", "the module is not loaded: see the line 'loaded'")


def test_no_card(machine):
    machine.unload()
    machine.remove(f"{PCI}/{CARD}")
    machine.line("card").is_("warning", "no card that grabber knows", f"echo 1 >{SYS}/rescan")
    machine.line("iommu").is_("ok", "on")
    assert {"link", "node"}.isdisjoint(line["check"] for line in machine.doctor())
    assert machine.line("memory").about == ""
    machine.at(PCI).chmod(0o700)
    machine.line("card", user=USER).is_("unknown", f"cannot tell: {PCI}: run as root")
    machine.remove(PCI)
    machine.line("card").is_("warning", "no PCI bus")


def test_every_known_card(machine):
    """All ids of the driver's table, whatever is installed."""
    machine.remove(f"{MODULES}/modules.alias")
    source = (TOP / "driver/pci.c").read_text()
    known = re.findall(r"PCI_DEVICE\(0x(\w+), 0x(\w+)\)", source)
    assert len(known) > 30
    for number, (vendor, device) in enumerate(known):
        machine.pci(f"0000:{number + 2:02x}:00.0", "pci0000:00", int(vendor, 16), int(device, 16))
    about = [line["about"] for line in machine.doctor() if line["check"] == "card"]
    assert about == [CARD, *(f"0000:{number + 2:02x}:00.0" for number in range(len(known)))]


def test_cards_of_the_installed_module(machine):
    other = "0000:05:00.0"
    machine.pci(other, "pci0000:00", 0xabcd, 0x1234)
    assert machine.line("card").about == CARD       # it is none of ours
    machine.write(f"{MODULES}/modules.alias", "alias pci:v0000ABCDd00001234sv*sd*bc*sc*i* snd\n"
                                              "alias pci:v0000ABCDd00001235sv*sd*bc*sc*i* grabber")
    assert machine.line("card").about == CARD
    machine.write(f"{MODULES}/modules.alias", "alias pci:v0000ABCDd00001234sv*sd*bc*sc*i* grabber")
    machine.line("card", other).is_("wrong", "(abcd:1234) is there, but no driver",
                                    f"echo {other} >{SYS}/drivers_probe")


def test_card_bound_by_hand(machine):
    other = "0000:05:00.0"
    machine.pci(other, "pci0000:00", 0xabcd, 0x1234)
    machine.write(f"{PCI}/{other}/driver_override", "grabber")
    assert machine.line("card", other).state == "wrong"
    machine.write(f"{PCI}/{other}/driver_override", "(null)")
    machine.link(f"{PCI}/{other}/driver", "../../../bus/pci/drivers/grabber")
    machine.line("card", other).is_("wrong", "made no nodes",
                                    "modprobe -r grabber && modprobe grabber")
    machine.link("/sys/class/grabber/grabber1/device", f"../../../devices/pci0000:00/{other}")
    machine.line("card", other).is_("ok", "grabber1 (abcd:1234)")


def link(machine, speed, width):
    machine.write(f"{PCI}/{CARD}/current_link_speed", speed)
    machine.write(f"{PCI}/{CARD}/current_link_width", width)


def test_link(machine):
    machine.line("link").is_("ok", "5 GT/s x4, all that the card can do")
    for speed, width, part in (("2.5 GT/s PCIe", "4", "2.5 GT/s x4"),
                               ("5.0 GT/s PCIe", "1", "5 GT/s x1"), ("5 GT/s", "2", "5 GT/s x2")):
        link(machine, speed, width)
        machine.line("link").is_("warning", f"runs at {part}, but card and slot can do 5 GT/s x4")
    # What the slot cannot do is no fault.
    link(machine, "2.5 GT/s PCIe", "1")
    machine.write(f"{PCI}/{PORT}/max_link_speed", "2.5 GT/s PCIe")
    machine.write(f"{PCI}/{PORT}/max_link_width", "1")
    machine.line("link").is_("ok", "2.5 GT/s x1, all that the slot can do; the card can do 5 GT/s x4")
    machine.write(f"{PCI}/{PORT}/max_link_width", "4")
    machine.line("link").is_("warning", "can do 2.5 GT/s x4")


@pytest.mark.parametrize("width", ["0", "63"])
def test_link_down(machine, width):
    link(machine, "Unknown", width)
    machine.line("link").is_("wrong", "the link is down", RESEAT)


def test_odd_links(machine):
    link(machine, "Unknown", "4")
    machine.line("link").is_("unknown", "does not know the speed (width x4)")
    link(machine, "5.0 GT/s PCIe", "4")
    machine.at(f"{PCI}/{CARD}/current_link_speed").chmod(0o600)
    machine.line("link", user=USER).is_("unknown", "run as root")
    machine.remove(f"{PCI}/{CARD}/current_link_speed")
    machine.line("link").is_("ok", "not PCI Express")


def test_link_on_the_root_bus(machine):
    machine.link(f"{PCI}/{CARD}", f"../../../devices/pci0000:00/{CARD}")
    (machine.at("/sys/devices/pci0000:00") / CARD).symlink_to(f"{PORT}/{CARD}")
    machine.line("link").is_("ok", "all that the card can do")


def test_iommu(machine):
    machine.line("iommu").is_("ok", "on, group 7, type DMA-FQ")
    machine.at("/sys/kernel/iommu_groups/7/type").chmod(0o600)
    machine.line("iommu", user=USER).is_("unknown", "run as root")
    machine.write("/sys/kernel/iommu_groups/7/type", "identity")
    machine.line("iommu").is_("warning", "(group 7) reach any memory: take iommu=pt")
    machine.remove("/sys/kernel/iommu_groups/7/type")       # before Linux 5.11
    machine.line("iommu").is_("ok", "on, group 7")
    machine.remove(f"{PCI}/{CARD}/iommu_group")
    machine.line("iommu").is_("warning", "not before this card")


def test_no_iommu(machine):
    machine.remove("/sys/kernel/iommu_groups/7")
    machine.line("iommu").is_("warning", "it wants this on the kernel's command line: intel_iommu=on")
    grub = machine.at("/etc/default/grub")
    machine.write("/etc/default/grub", 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX="a=b"')
    line = machine.line("iommu")
    assert line.state == "warning" and line.mend.endswith(" && update-grub && reboot")
    # The first part of that command, as a user's shell takes it
    edit = machine.line("iommu", user=USER).mend.removeprefix("sudo ").replace("/etc/default/grub", str(grub))
    subprocess.run(["sh", "-c", edit.replace(" && update-grub && reboot", "")], check=True)
    assert grub.read_text() == 'GRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX="intel_iommu=on a=b"\n'

    machine.at("/sys/firmware/acpi/tables/DMAR").rename(machine.at("/sys/firmware/acpi/tables/IVRS"))
    machine.write("/etc/os-release", "ID=fedora")
    machine.line("iommu").is_("warning", "the kernel does not use it",
                              "grubby --update-kernel=ALL --args=amd_iommu=on && reboot")
    machine.remove("/sys/firmware/acpi")
    machine.line("iommu").is_("warning", "firmware's setup has VT-d or AMD-Vi")


def test_node_of_the_group(machine):
    node = dict(check="node", about="grabber0")
    machine.line(**node).is_("ok", "root may use")
    machine.line(**node, user=USER, groups=[VIDEO]).is_("ok", "ann may use")
    machine.line(**node, user=USER).is_("wrong", "ann is in the group video, but this session began")
    machine.line(**node, user=NOBODY).is_("wrong", f"{NOBODY} may not open",
                                          f"sudo usermod -aG video {NOBODY}")
    machine.write("/etc/group", "root:x:0:\nvideo:x:44:")
    machine.line(**node, user=USER).is_("wrong", "for the group video; afterwards log out",
                                        "sudo usermod -aG video ann")


def test_node_asked_by_sudo(machine):
    node = dict(check="node", about="grabber0")
    machine.line(**node, sudo=USER).is_("ok", "ann may use")
    machine.write("/etc/group", "root:x:0:\nvideo:x:44:bob")
    machine.line(**node, sudo=USER).is_("wrong", "ann may not open", "usermod -aG video ann")


def test_node_that_udev_missed(machine):
    node = dict(check="node", about="grabber0")
    machine.node("grabber0", 0o600, 0)
    machine.line(**node).is_("warning", "only root may open", TRIGGER)
    machine.line(**node, user=USER, groups=[VIDEO]).is_("wrong", "udev's rules did not reach it",
                                                        f"sudo sh -c '{TRIGGER}'")
    machine.node("grabber0", 0o660, 0)      # nobody is to join the group root
    machine.line(**node, user=USER).is_("wrong", "udev's rules did not reach it", f"sudo sh -c '{TRIGGER}'")
    machine.node("grabber0", 0o600, 0)
    machine.remove("/usr/lib/udev")
    machine.line("udev").is_("warning", "udev has no rules for grabber",
                             "apt install ./grabber-dkms_*.deb")
    machine.line(**node, user=USER).is_("wrong", "udev's rules are missing",
                                        "sudo apt install ./grabber-dkms_*.deb")
    machine.write("/etc/udev/rules.d/60-grabber.rules")
    machine.line("udev").is_("ok", "/etc/udev/rules.d/60-grabber.rules")


def test_node_with_other_modes(machine):
    node = dict(check="node", about="grabber0")
    machine.node("grabber0", 0o666, VIDEO)
    machine.line(**node).is_("warning", "everybody on this machine may open", TRIGGER)
    machine.node("grabber0", 0o640, VIDEO)
    machine.line(**node, user=USER, groups=[VIDEO]).is_("warning", "may capture from",
                                                        f"sudo sh -c '{TRIGGER}'")


def test_node_by_acl(machine):
    """What logind gives to who sits before the machine."""
    machine.node("grabber0", 0o600, VIDEO)
    machine.line("node", "grabber0", user=USER).is_("wrong", "", f"sudo sh -c '{TRIGGER}'")
    # An ACL's entries: its owner, ann, the group, the mask, others
    entries = ((1, 6, -1), (2, 6, USER), (4, 0, -1), (16, 6, -1), (32, 0, -1))
    acl = b"\2\0\0\0" + b"".join(tag.to_bytes(2, "little") + mode.to_bytes(2, "little")
                                 + id.to_bytes(4, "little", signed=True) for tag, mode, id in entries)
    try:
        os.setxattr(machine.at("/dev/grabber0"), "system.posix_acl_access", acl)
    except OSError:
        pytest.skip("/tmp takes no ACLs")
    machine.line("node", "grabber0", user=USER).is_("ok", "ann may use")
    machine.line("node", "grabber0", sudo=USER).is_("ok", "ann may use")


def test_missing_node(machine):
    machine.remove("/dev/grabber0")
    machine.line("node", "grabber0").is_("wrong", "is missing, though the card is there",
                                         "modprobe -r grabber && modprobe grabber")
    machine.write("/dev/grabber0")
    machine.line("node", "grabber0").is_("wrong", "is not the card's node",
                                         f"rm {machine.at('/dev/grabber0')} && modprobe -r grabber && "
                                         "modprobe grabber")
    machine.write("/sys/class/grabber/grabber0-bar/dev", "240:9")
    assert "is not the card's node" in machine.line("node", "grabber0-bar").text
    machine.at("/dev").chmod(0o700)
    machine.line("node", "grabber0", user=USER).is_("unknown", "run as root")
    machine.at("/sys/class/grabber").chmod(0o700)
    machine.line("node", user=USER).is_("unknown", "run as root")


def test_register_node(machine):
    node = dict(check="node", about="grabber0-bar")
    machine.line(**node).is_("ok", "closed to ordinary users, as they should be (group root, mode 0600)")
    machine.line(**node, user=USER).is_("ok", "closed to ordinary users")
    machine.node("grabber0-bar", 0o660, VIDEO)
    machine.line(**node, user=USER, groups=[VIDEO]).is_("ok", "ann may use the registers, which is as much")
    machine.node("grabber0-bar", 0o666, 0)
    machine.line(**node).is_("wrong", "everybody may open the card's registers",
                             f"chmod o= {machine.at('/dev/grabber0-bar')}")
