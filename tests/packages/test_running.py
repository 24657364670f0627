# SPDX-License-Identifier: GPL-2.0-only
"""Installing and upgrading on a machine that runs, with cards in it."""

import pytest

from . import apt, debs
from .boot import boot
from .build import VERSION
from .test_install import CARDS, check_nodes, xdma

LATER = "9.9.9"
# The module is built by an emulated processor.
SLOWLY = 1500


def goes_on(guest):
    """The reader gets ten megabytes more: some eleven frames."""
    guest.run("io() { sed -n 's/rchar: //p' /proc/$(pgrep -x cat)/io; }; before=$(io);"
              " until [ $(io) -gt $((before + 10000000)) ]; do sleep 0.1; done")


def test_running_install_then_upgrade_under_a_reader(suite, machine, packages, tmp_path):
    later = debs.changed(packages["grabber-dkms"], LATER, tmp_path)
    apt.install(machine, "/packages/grabber-tools_*.deb")
    machine.put("/packages", later)
    [kernel] = apt.kernels(machine)
    with boot(machine, kernel, f"packages-running-{suite}", **CARDS) as guest:
        assert not guest.loaded()
        said = guest.run(f"dpkg -i /packages/grabber-dkms_{VERSION}-1_all.deb 2>&1",
                         timeout=SLOWLY).out
        assert guest.loaded(), said		# without a restart
        check_nodes(guest)

        node = xdma(guest)
        reader = guest.spawn(f"exec cat /dev/{node} >/dev/null")
        goes_on(guest)
        said = guest.run(f"dpkg -i /packages/grabber-dkms_{LATER}-1_all.deb 2>&1",
                         timeout=SLOWLY).out
        assert f"version {VERSION} is loaded and goes on working" in said
        assert f"version {LATER} is installed; it waits" in said
        assert "modprobe -r grabber && modprobe grabber" in said
        assert reader.running
        goes_on(guest)
        check_nodes(guest)

        assert guest.read("/sys/module/grabber/version").strip() == VERSION
        reader.kill()
        reader.wait(30)
        guest.run("modprobe -r grabber && modprobe grabber && udevadm settle")
        assert guest.read("/sys/module/grabber/version").strip() == LATER
        check_nodes(guest)


def test_running_udev_rules_change_nodes_that_are_there(suite, machine):
    """The rules reach nodes that a hand-loaded module has made before."""
    apt.install(machine, "/packages/grabber-dkms_*.deb")
    machine.run("mv /usr/lib/udev/rules.d/60-grabber.rules /root/")
    [kernel] = apt.kernels(machine)
    with boot(machine, kernel, f"packages-nodes-{suite}", **CARDS) as guest:
        assert guest.run("stat -c %a /dev/grabber0").out.strip() == "600"
        guest.run("mv /root/60-grabber.rules /usr/lib/udev/rules.d/"
                  " && /usr/libexec/grabber/nodes")
        check_nodes(guest)


@pytest.mark.suites("sid")
def test_running_by_id(suite, machine):
    """A card with a serial number, where the kernel tells it (not the ones before 13's):
    QEMU's network card has one, and serves as a card of no known family."""
    apt.install(machine, "/packages/grabber-dkms_*.deb")
    [kernel] = apt.kernels(machine)
    with boot(machine, kernel, f"packages-serial-{suite}", devices=["e1000e"]) as guest:
        card = f"/sys/bus/pci/devices/{guest.bdf('e1000e0')}"
        serial = guest.read(f"{card}/serial_number").strip()
        guest.run(f"modprobe grabber; echo grabber >{card}/driver_override;"
                  f" [ ! -e {card}/driver ] || echo {guest.bdf('e1000e0')} >{card}/driver/unbind;"
                  f" echo {guest.bdf('e1000e0')} >/sys/bus/pci/drivers_probe; udevadm settle")
        name = f"/dev/grabber/by-id/pci-0x8086-0x10d3-{serial}"
        assert guest.run(f"readlink -f {name} {name}-bar").out.split() == [
            "/dev/grabber0", "/dev/grabber0-bar"]


@pytest.mark.suites("bullseye", "sid")
def test_running_bound_by_settings(suite, machine):
    """A card of no known family, for which there is another driver: grabber's at boot, and when
    it is plugged in again."""
    apt.install(machine, "/packages/grabber-dkms_*.deb", "/packages/grabber-tools_*.deb")
    for bus in range(1, 6):	# one of them is it
        machine.run(f"grabberctl set pci-0000:0{bus}:00.0 board=generic slots=5 name=belt --save")
    [kernel] = apt.kernels(machine)

    def check(guest):
        guest.run("udevadm settle; until [ -e /dev/grabber/by-name/belt ]; do sleep 0.2; done",
                  timeout=300)
        assert guest.run("readlink -f /dev/grabber/by-name/belt /dev/grabber/by-name/belt-bar"
                         ).out.split() == ["/dev/grabber0", "/dev/grabber0-bar"]
        assert guest.run("cd /sys/class/grabber/grabber0; cat board slots").out.split() == \
            ["generic", "5"]

    with boot(machine, kernel, f"packages-bound-{suite}", devices=["intel-hda"]) as guest:
        check(guest)
        guest.unplug("intel-hda0")
        guest.plug("intel-hda0")
        check(guest)
        bdf = guest.bdf("intel-hda0")
        guest.run(f"grabberctl unbind {bdf}")
        guest.unplug("intel-hda0")
        guest.plug("intel-hda0")
        guest.run("udevadm settle")
        assert guest.run(f"readlink /sys/bus/pci/devices/{bdf}/driver", check=False).out.strip(
            ).rpartition("/")[2] != "grabber"
