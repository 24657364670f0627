# SPDX-License-Identifier: GPL-2.0-only
"""A kernel that loads nothing but what is signed by a key that it knows."""

import pytest

from . import apt, secureboot
from .boot import boot
from .test_install import CARDS, check_capture, check_nodes


def test_secure_boot_refuses(suite, machine):
    apt.install(machine, "/packages/grabber-dkms_*.deb", "/packages/grabber-tools_*.deb")
    [kernel] = apt.kernels(machine)
    assert machine.exists("/var/lib/dkms/mok.pub")
    with boot(machine, kernel, f"packages-signed-{suite}", cmdline="module.sig_enforce=1 ",
              **CARDS) as guest:
        assert not guest.loaded()
        # Signed, by a key that is not enrolled yet.
        said = guest.run("modprobe grabber 2>&1", check=False)
        assert said.rc and ("Key was rejected by service" in said.out
                            or "Required key not available" in said.out)
        guest.wait_log("Loading of module with unavailable key is rejected")
        # Not signed at all.
        guest.run("cp $(modinfo -F filename grabber) /tmp/; cd /tmp; unxz grabber.ko.xz"
                  " 2>/dev/null; strip --strip-debug -o bare.ko grabber.ko")
        said = guest.run("insmod /tmp/bare.ko 2>&1", check=False)
        assert said.rc and ("Key was rejected by service" in said.out
                            or "Required key not available" in said.out)
        guest.wait_log("Loading of unsigned module is rejected")
        doctor = guest.run("/usr/bin/grabberctl doctor", check=False)
        assert doctor.rc and "mokutil" in doctor.out


def start(machine, tmp_path, name, certificate=None):
    """Boot through OVMF and shim; certificate: enrolled as a machine owner's key."""
    secureboot.variables(tmp_path / "vars.fd", certificate)
    [kernel] = apt.kernels(machine)
    return boot(machine, kernel, name, loader=secureboot.loader(tmp_path / "vars.fd"),
                **CARDS)


def prepare(machine):
    apt.install(machine, "/packages/grabber-dkms_*.deb", "/packages/grabber-tools_*.deb",
                "mokutil")


def check_on(guest):
    assert "SecureBoot enabled" in guest.run("mokutil --sb-state").out
    assert "[integrity]" in guest.read("/sys/kernel/security/lockdown")


@pytest.mark.suites("bookworm", "trixie")
def test_secure_boot_up_to_enrolment(suite, machine, tmp_path):
    prepare(machine)
    with start(machine, tmp_path, f"packages-not-enrolled-{suite}") as guest:
        check_on(guest)
        assert not guest.loaded()
        said = guest.run("modprobe grabber 2>&1", check=False)
        assert said.rc and "Key was rejected by service" in said.out
        guest.wait_log("Loading of module with unavailable key is rejected")
        assert "is not enrolled" in guest.run("mokutil --test-key /var/lib/dkms/mok.pub",
                                              check=False).out
        doctor = guest.run("/usr/bin/grabberctl doctor", check=False)
        assert doctor.rc and "mokutil --import /var/lib/dkms/mok.pub" in doctor.out
        guest.run("mokutil --generate-hash=once >/root/hash")
        guest.run("mokutil --import /var/lib/dkms/mok.pub --hash-file /root/hash")
        assert "DKMS module signing key" in guest.run("mokutil --list-new").out
        doctor = guest.run("/usr/bin/grabberctl doctor", check=False).out
        assert "Enroll MOK" in doctor


@pytest.mark.suites("bookworm", "trixie")
def test_secure_boot_enrolled_key_is_accepted(suite, machine, tmp_path):
    prepare(machine)
    machine.get("/var/lib/dkms/mok.pub", tmp_path / "mok.pub")
    with start(machine, tmp_path, f"packages-enrolled-{suite}", tmp_path / "mok.pub") as guest:
        check_on(guest)
        assert "is already enrolled" in guest.run("mokutil --test-key /var/lib/dkms/mok.pub",
                                                  check=False).out
        assert guest.loaded()
        check_nodes(guest)
        check_capture(guest)
        # And the register node is closed, to root too.
        said = guest.run("head -c 4 /dev/grabber0-bar", check=False)
        assert "Operation not permitted" in said.err
