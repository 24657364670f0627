# SPDX-License-Identifier: GPL-2.0-only
"""The package goes up, down and away, and leaves nothing stale."""

import pytest

from . import apt, debs
from .build import VERSION
from .test_kernels import check_module

LATER = "9.9.9"
PLACES = "/lib/modules /usr/src /var/lib/dkms /usr/lib/udev /lib/udev /etc /usr/libexec " \
	 "/usr/share/metainfo /var/log"


@pytest.fixture
def later(machine, packages, tmp_path):
    machine.put("/packages", debs.changed(packages["grabber-dkms"], LATER, tmp_path))


def ours(machine):
    """Every file with our name in it, where the module and its sources are."""
    said = machine.run(f"find {PLACES} -name '*grabber*' -not -name 'grabber-agent*'"
                       " -not -path '/etc/systemd/*' | sort -u")
    return said.split()


def check_only(machine, version, other):
    [kernel] = apt.kernels(machine)
    assert apt.status(machine) == {kernel: (version, "installed")}
    check_module(machine, kernel, version)
    assert machine.run("find /lib/modules -name 'grabber.ko*' | wc -l").strip() == "1"
    found = ours(machine)
    assert f"/usr/src/grabber-{version}" in found
    assert not [path for path in found if other in path]
    assert not machine.exists(f"/var/lib/dkms/grabber/{other}")


def test_package_up_down_again(machine, later):
    apt.install(machine, f"/packages/grabber-dkms_{VERSION}-1_all.deb")
    check_only(machine, VERSION, LATER)
    apt.install(machine, f"/packages/grabber-dkms_{LATER}-1_all.deb")
    apt.sound(machine)
    check_only(machine, LATER, VERSION)
    apt.install(machine, f"/packages/grabber-dkms_{VERSION}-1_all.deb")
    apt.sound(machine)
    check_only(machine, VERSION, LATER)
    apt.install(machine, "--reinstall", f"/packages/grabber-dkms_{VERSION}-1_all.deb")
    apt.sound(machine)
    check_only(machine, VERSION, LATER)


def test_package_remove_and_purge(machine):
    before = ours(machine)
    [kernel] = apt.kernels(machine)
    apt.install(machine, "/packages/grabber-dkms_*.deb")
    machine.run("apt-get -y -q remove grabber-dkms")
    apt.sound(machine)
    assert apt.status(machine) == {} and apt.module(machine, kernel) is None
    hooks = [p for p in ours(machine) if p not in before]
    assert hooks and all(p.startswith("/etc/kernel/") for p in hooks)	# conffiles
    machine.run(f"for hook in {' '.join(hooks)}; do $hook {kernel}; done")
    machine.run("apt-get -y -q purge grabber-dkms")
    assert ours(machine) == before
