# SPDX-License-Identifier: GPL-2.0-only
"""The .rpm packages, by dnf and rpm as Debian has them, on a Debian root: DKMS, the
compiler and the kernels are Debian's, and a package without files says so to dnf.
dnf's exit status means little, so the tests look at dkms status and the modules."""

import pytest

from vm import roots

from . import apt, build, suites
from .machine import Machine

pytestmark = pytest.mark.suites("trixie")

VERSION, LATER = build.VERSION, "9.9.9"
DNF = ("dnf -y --disablerepo='*' --enablerepo=grabber --setopt=install_weak_deps=0"
       " --setopt=cachedir=/tmp/dnf --releasever=1")

REPO = "[grabber]\nname=grabber\nbaseurl=file:///repo\ngpgcheck=0\nmetadata_expire=0\n"

SHIM = """Name: shim
Version: 1
Release: 1
Summary: What Debian has under other names
License: GPL-2.0-only
BuildArch: noarch
Provides: dkms = 3, kernel-devel, gcc, make, kmod, openssl, /bin/sh, /usr/bin/sh
%description
What Debian has under other names.
%files
"""


def without_hook(tree):
    """A later release whose module cannot be built for any kernel."""
    (tree / "driver/main.c").write_text("#error planted by a test\n")


@pytest.fixture(scope="module")
def rpms():
    """Directories with the packages: as they are, a later version, a broken one."""
    home = build.BUILD / "rpm-tests"
    found = {}
    for name, options in {"now": {}, "later": dict(version=LATER),
                          "broken": dict(version=LATER, edit=without_hook)}.items():
        found[name] = home / name
        build.rpm(to=home / name, **options)
    return found


@pytest.fixture
def machine(suite, rpms):
    try:
        base = suites.test_root(suite, ("dnf", "rpm", "createrepo-c"), "-dnf")
    except roots.SuiteGone as gone:
        pytest.skip(str(gone))
    with Machine(base) as m:
        m.write("/tmp/shim.spec", SHIM)
        m.write("/etc/yum.repos.d/grabber.repo", REPO)
        m.run("rpmbuild -bb --define '_rpmdir /repo' /tmp/shim.spec")
        offer(m, rpms["now"])
        yield m


def offer(machine, *directories):
    for directory in directories:
        machine.put("/repo", *directory.glob("grabber-dkms-*.noarch.rpm"))
    machine.run("createrepo_c -q /repo")


def dnf(machine, what):
    return machine.run(f"{DNF} {what}", check=False)[1]


def check(machine, version):
    """The module of this version, once, for every kernel; nothing of another."""
    kernels = apt.kernels(machine)
    assert apt.status(machine) == {k: (version, "installed") for k in kernels}, machine.said
    for kernel in kernels:
        assert apt.module(machine, kernel)["version"] == version
    count = machine.run("find /lib/modules -name 'grabber.ko*' | wc -l").strip()
    assert int(count) == len(kernels)


def test_dnf_install_upgrade_downgrade_remove(machine, rpms):
    dnf(machine, "install grabber-dkms")
    check(machine, VERSION)
    dnf(machine, "reinstall grabber-dkms")
    check(machine, VERSION)
    offer(machine, rpms["later"])
    dnf(machine, "upgrade grabber-dkms")
    check(machine, LATER)
    assert not machine.exists(f"/usr/src/grabber-{VERSION}")
    assert not machine.exists(f"/var/lib/dkms/grabber/{VERSION}")
    dnf(machine, "downgrade grabber-dkms")
    check(machine, VERSION)
    assert not machine.exists(f"/var/lib/dkms/grabber/{LATER}")
    dnf(machine, "remove grabber-dkms")
    assert apt.status(machine) == {}
    left = machine.run("find /lib/modules /usr/src /var/lib/dkms /usr/lib/udev /usr/libexec /var/lib"
                       " /var/log -name '*grabber*' -not -name grabber-agent")
    assert left == ""


def test_dnf_broken_upgrade_keeps_the_module(machine, rpms):
    dnf(machine, "install grabber-dkms")
    offer(machine, rpms["broken"])
    said = dnf(machine, "upgrade grabber-dkms")
    assert LATER in machine.run("rpm -q grabber-dkms")
    [kernel] = apt.kernels(machine)
    assert f"could not be built for kernel {kernel}; version {VERSION} stays" in said
    assert apt.status(machine)[kernel] == (VERSION, "installed")
    assert apt.module(machine, kernel)["version"] == VERSION
    # The next one that can be built takes its place, and the old one is gone.
    machine.run("rm /repo/grabber-dkms*")
    offer(machine, rpms["later"])
    dnf(machine, "reinstall grabber-dkms")
    check(machine, LATER)
    assert not machine.exists(f"/var/lib/dkms/grabber/{VERSION}")


def test_dnf_kernel_install_builds(machine):
    """What a kernel's own package calls on Fedora."""
    dnf(machine, "install grabber-dkms")
    [kernel] = apt.kernels(machine)
    machine.run(f"dkms unbuild grabber/{VERSION} -k {kernel}")
    assert apt.module(machine, kernel) is None
    machine.run("systemd-machine-id-setup")
    machine.run(f"kernel-install --verbose add {kernel} /boot/vmlinuz-{kernel}")
    check(machine, VERSION)
