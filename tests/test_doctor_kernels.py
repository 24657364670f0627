# SPDX-License-Identifier: GPL-2.0-only
"""grabberctl doctor on real kernels; every state of every check is in tests/tools."""

import json

import pytest

pytestmark = pytest.mark.guest(devices=["edu"], card=dict(chart="320x240", rate=20), iommu=True)

PCI = "/sys/bus/pci/devices"


def line(guest, check, about=""):
    told = json.loads(guest.run("grabberctl doctor --json", check=False).out)["checks"]
    found = [line for line in told if (line["check"], line["about"]) == (check, about)]
    assert len(found) == 1, told
    return found[0]


def expect(guest, check, about, state, part):
    told = line(guest, check, about)
    assert told["state"] == state and part in told["text"], told
    return told["mend"]


@pytest.mark.every_kernel
def test_from_load_to_frames(guest):
    card, edu = guest.bdf("card0"), guest.bdf("edu0")
    for bus in card, edu:
        expect(guest, "card", bus, "wrong", "the module is not loaded")
    expect(guest, "loaded", "", "wrong", "not installed")
    guest.load()
    expect(guest, "loaded", "", "ok", "version ")
    expect(guest, "card", card, "ok", "(10ee:7024), board xdma, idle")
    expect(guest, "card", edu, "ok", "(1234:11e8), board edu, idle")
    expect(guest, "link", card, "ok", "5 GT/s x4, all that the card can do")
    expect(guest, "link", edu, "ok", "not PCI Express")
    for bus in card, edu:
        expect(guest, "iommu", bus, "ok", "on, group ")
    expect(guest, "secure-boot", "", "ok", "not started by UEFI")
    expect(guest, "kernel", "", "ok", "no crash")
    for number in 0, 1:
        expect(guest, "node", f"grabber{number}", "warning", "only root may open")
        expect(guest, "node", f"grabber{number}-bar", "ok", "closed to ordinary users")
        expect(guest, "memory", f"grabber{number}", "ok", "slots of")


def test_what_mends_a_card(guest):
    """The commands that it tells do mend."""
    guest.load()
    card = guest.bdf("card0")
    guest.run(f"echo {card} >{PCI}/{card}/driver/unbind")
    guest.run(expect(guest, "card", card, "wrong", "no driver has it"))
    expect(guest, "card", card, "ok", "board xdma")

    guest.run(f"echo vfio-pci >{PCI}/{card}/driver_override; echo {card} >{PCI}/{card}/driver/unbind")
    guest.run(expect(guest, "card", card, "wrong", "kept for the driver 'vfio-pci'"))
    expect(guest, "card", card, "ok", "board xdma")
    guest.run(f"echo >{PCI}/{card}/driver_override")

    guest.run("chmod 666 /dev/grabber0-bar")
    guest.run(expect(guest, "node", "grabber0-bar", "wrong", "everybody may open the card's registers"))
    expect(guest, "node", "grabber0-bar", "ok", "closed to ordinary users")


def test_missing_node(guest):
    guest.load()
    guest.run("mv /dev/grabber0 /dev/grabber0.away; cp -a /dev/null /dev/grabber0")
    expect(guest, "node", "grabber0", "wrong", "is not the card's node")
    guest.run("rm /dev/grabber0")
    expect(guest, "node", "grabber0", "wrong", "is missing, though the card is there")
    guest.run("mv /dev/grabber0.away /dev/grabber0")
    expect(guest, "node", "grabber0", "warning", "only root may open")


def test_link_down(guest):
    guest.load()
    card = guest.bdf("card0")
    guest.surprise("card0")
    expect(guest, "link", card, "wrong", "the link is down")
    guest.surprise_over("card0")
    expect(guest, "link", card, "ok", "all that the card can do")


def test_lockdown_is_off(guest):
    told = line(guest, "lockdown")
    if told["state"] == "unknown":
        guest.run(told["mend"])     # securityfs gets mounted
    told = line(guest, "lockdown")
    assert told["state"] == "ok" and told["text"] in ("off", "none: this kernel does not have it")


def install(guest):
    guest.run("d=/lib/modules/$(uname -r); mkdir -p $d/updates/dkms; cp /lib/grabber.ko $d/updates/dkms;"
              "echo updates/dkms/grabber.ko: >$d/modules.dep")


def refused(guest, message):
    """The kernel refuses the module, and doctor says so before."""
    expect(guest, "signature", "", "wrong", "has no signature, and this kernel takes signed ones only")
    expect(guest, "loaded", "", "wrong", "the kernel would refuse it")
    expect(guest, "card", guest.bdf("edu0"), "wrong", "the module is not loaded")
    assert guest.run("insmod /lib/grabber.ko", check=False).rc != 0
    guest.wait_log(message)
    assert not guest.loaded()
    guest.run("rm -r /lib/modules/$(uname -r)")


@pytest.mark.guest(kernel="6.1", devices=["edu"], cmdline="module.sig_enforce=1")
def test_enforced_signatures(guest):
    install(guest)
    refused(guest, "Loading of unsigned module is rejected")


@pytest.mark.guest(kernel="6.1", devices=["edu"], cmdline="lockdown=integrity")
def test_lockdown(guest):
    install(guest)
    guest.run(expect(guest, "lockdown", "", "unknown", "securityfs is not mounted"))
    expect(guest, "lockdown", "", "warning", "on (integrity): frames can be had")
    refused(guest, "Lockdown: insmod: unsigned module loading is restricted")
