# SPDX-License-Identifier: GPL-2.0-only
"""A kernel that loads nothing but what is signed by a key that it knows."""

import pytest

from . import apt
from .boot import boot
from .test_install import CARDS

pytestmark = pytest.mark.packages


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
        doctor = guest.run("/usr/bin/grabberctl doctor", check=False).out
        assert "mokutil --import /var/lib/dkms/mok.pub" in doctor
