# SPDX-License-Identifier: GPL-2.0-only
"""Kernels come and go; the module is there for each without a hand laid on."""

import pytest

from . import apt, suites
from .build import VERSION
from .boot import boot
from .test_install import CARDS, check_capture, check_nodes


@pytest.fixture
def newer(suite, machine):
    """Packages of the suite's newer kernel; skips where Debian has only one."""
    wanted = apt.newer(suites.SUITES[suite])
    said = machine.run(f"apt-get -s -q install {' '.join(wanted)}")
    if "Inst linux-image-" not in said:
        pytest.skip(f"Debian {suite} has only one kernel at the moment")
    return wanted


def upgrade(machine, newer):
    """As apt upgrade does: the meta packages' new versions and what they pull in."""
    return apt.install(machine, *newer)


def check_module(machine, kernel, version=VERSION):
    assert apt.status(machine)[kernel] == (version, "installed")
    module = apt.module(machine, kernel)
    assert module["version"] == version and module["vermagic"].startswith(f"{kernel} ")
    assert "/updates/dkms/" in module["filename"]


def version_to_come(machine, newer):
    said = machine.run(f"apt-get -s -q install {newer[0]}")
    return next(line.split()[1].removeprefix("linux-image-") for line in said.splitlines()
                if line.startswith("Inst linux-image-") and "linux-image-amd64" not in line)


def new_of(machine):
    return apt.kernels(machine)[-1]


@pytest.mark.quick
def test_kernel_upgrade_and_boot(suite, machine, newer):
    apt.install(machine, "/packages/grabber-dkms_*.deb", "/packages/grabber-tools_*.deb")
    [old] = apt.kernels(machine)
    upgrade(machine, newer)
    apt.sound(machine)
    new = new_of(machine)
    assert new != old
    check_module(machine, old)
    check_module(machine, new)
    with boot(machine, new, f"packages-upgraded-{suite}", **CARDS) as guest:
        assert guest.run("uname -r").out.strip() == new
        check_nodes(guest)
        check_capture(guest)


def test_kernel_headers_arrive_after_image(machine, newer):
    apt.install(machine, "/packages/grabber-dkms_*.deb")
    new = version_to_come(machine, newer)
    machine.run("apt-get -y -q remove linux-headers-amd64")	# it would bring them along
    said = apt.install(machine, f"linux-image-{new}")
    assert new_of(machine) == new and new not in apt.status(machine)
    assert f"apt install linux-headers-{new}" in said
    apt.install(machine, f"linux-headers-{new}")
    apt.sound(machine)
    check_module(machine, new)


def test_kernel_two_at_once_then_old_removed(machine, newer):
    upgrade(machine, newer)
    apt.install(machine, "/packages/grabber-dkms_*.deb")
    old, new = apt.kernels(machine)
    check_module(machine, old)
    check_module(machine, new)
    machine.run(f"apt-get -y -q purge {apt.kernel_packages(machine, old)}")
    apt.sound(machine)
    assert set(apt.status(machine)) == {new}
    assert not machine.exists(f"/lib/modules/{old}")
    check_module(machine, new)


def test_kernel_last_removed_another_installed(machine, newer):
    apt.install(machine, "/packages/grabber-dkms_*.deb")
    [old] = apt.kernels(machine)
    machine.run(f"apt-get -y -q purge {apt.kernel_packages(machine)}")
    assert old not in apt.status(machine)
    assert not machine.exists(f"/lib/modules/{old}/updates")
    apt.install(machine, *newer)
    apt.sound(machine)
    check_module(machine, new_of(machine))
