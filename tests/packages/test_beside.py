# SPDX-License-Identifier: GPL-2.0-only
"""What else is at work on the machine: DKMS called by hand or by another package, a second
build at the same time, make dkms before the package, kernels that cannot have the module."""

import re

import pytest

from . import apt
from .build import VERSION
from .machine import Machine
from .test_dkms import clone	# noqa: F401 (a fixture)
from .test_kernels import check_module
from .test_versions import ours

RULES = "/etc/udev/rules.d/60-grabber.rules"


# In place of the driver, for DKMS is what these tests are about; slow enough to be met.
KBUILD = "obj-m := grabber.o\n$(shell sleep 1)\n"
SOURCE = f"""#include <linux/module.h>
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("small");
MODULE_VERSION("{VERSION}");
"""

_installed = {}


@pytest.fixture(scope="module", autouse=True)
def _end_of_installed():
    yield
    while _installed:
        _installed.popitem()[1].__exit__()


def small(machine, sources):
    machine.write(f"{sources}/driver/Kbuild", KBUILD)
    machine.write(f"{sources}/driver/grabber.c", SOURCE)


@pytest.fixture
def installed(suite, base, packages):
    """A machine where the package is installed, and its module built for the one kernel."""
    if suite not in _installed:
        first = _installed[suite] = Machine(base)
        first.__enter__()
        first.put("/packages", *packages.values())
        apt.install(first, "/packages/grabber-dkms_*.deb")
        small(first, f"/usr/src/grabber-{VERSION}")
    with Machine(_installed[suite].as_base) as machine:
        [machine.kernel] = apt.kernels(machine)
        yield machine


def unbuild(machine, kernel):
    """DKMS has the sources, and nothing built of them."""
    machine.run(f"dkms remove grabber/{VERSION} -k {kernel};"
                f" dkms status -m grabber | grep -q . || dkms add grabber/{VERSION}")
    assert apt.module(machine, kernel) is None


def together(machine, *commands):
    """Run them at the same time, each until its end; their statuses, and what they said."""
    machine.run("rm -rf /tmp/all; mkdir /tmp/all")
    lines = [f"(sh -c '{command}' >/tmp/all/{n} 2>&1; echo $? >/tmp/all/{n}.rc) &"
             for n, command in enumerate(commands)]
    machine.run("\n".join([*lines, "wait"]))
    return ([int(machine.read(f"/tmp/all/{n}.rc")) for n in range(len(commands))],
            machine.run("cat /tmp/all/?"))


@pytest.mark.quick
def test_beside_another_build(installed):
    machine, kernel = installed, installed.kernel
    build_all = f"/usr/libexec/grabber/build-all {kernel}"
    unbuild(machine, kernel)
    statuses, said = together(machine, build_all, build_all)
    assert statuses == [0, 0] and "could not" not in said, said
    check_module(machine, kernel)
    # DKMS itself, beside a hook of ours, and by itself
    dkms = f"dkms install grabber/{VERSION} -k {kernel} --force"
    for commands in ((build_all, dkms), (dkms, dkms)):
        unbuild(machine, kernel)
        statuses, said = together(machine, *commands)
        # DKMS may have looked what is there before it waited, and ends with 5 then.
        assert 0 in statuses and set(statuses) <= {0, 5} and "could not" not in said, said
        assert statuses == [0, 0] or "already installed" in said, said
        check_module(machine, kernel)


@pytest.mark.quick
def test_beside_another_packages_script(installed):
    """An image builder's package calls DKMS; only a kernel's own leave it to our hook."""
    machine, kernel = installed, installed.kernel
    for package, built in (("linux-image-9.9-amd64", False), ("linux-headers-9.9-amd64", False),
                           ("proxmox-kernel-9.9", False), ("my-image", True), ("dkms", True)):
        unbuild(machine, kernel)
        machine.run(f"dkms autoinstall -k {kernel}",
                    environment=(f"DPKG_MAINTSCRIPT_PACKAGE={package}",))
        assert (apt.module(machine, kernel) is not None) == built, package


def test_beside_how_many_jobs(suite, installed):
    """As many as DKMS is told, not one for each processor."""
    machine, kernel = installed, installed.kernel
    machine.write("/usr/local/sbin/make", '#!/bin/sh\necho "$*" >>/called\nexec /usr/bin/make "$@"\n',
                  0o755)
    path = "PATH=/usr/local/sbin:/usr/sbin:/usr/bin:/sbin:/bin"
    unbuild(machine, kernel)
    machine.run(f"dkms build grabber/{VERSION} -k {kernel} -j 3", environment=(path,))
    assert re.search(r"-C \S+ M=\S+ -j3 ", machine.read("/called"))
    if suite == "bookworm":	# it has no such setting
        return
    machine.run("echo parallel_jobs=5 >>/etc/dkms/framework.conf; rm /called")
    unbuild(machine, kernel)
    machine.run(f"/usr/libexec/grabber/build-all {kernel}", environment=(path,))
    assert re.search(r"-C \S+ M=\S+ -j5 ", machine.read("/called"))


@pytest.mark.quick
def test_beside_kernel_that_cannot_have_it(installed):
    """It is left out, and said to be; nothing of an earlier build is shown as the cause."""
    machine, kernel = installed, installed.kernel
    unbuild(machine, kernel)
    log = f"/var/lib/dkms/grabber/{VERSION}/build/make.log"
    machine.run(f"mkdir -p $(dirname {log}); echo 'error: an earlier one' >{log}")
    headers = machine.run(f"readlink -f /lib/modules/{kernel}/build").strip()
    for option, value in (("PCI", "# CONFIG_PCI is not set"), ("64BIT", "# is 32-bit")):
        configs = f"{headers}/.config {headers}/include/config/auto.conf"
        machine.run(f"for f in {configs}; do cp $f $f.kept;"
                    f" sed -i 's/^CONFIG_{option}=y/{value}/' $f; done")
        said = machine.run(f"/usr/libexec/grabber/build-all {kernel} 2>&1")
        assert f"kernel {kernel} is left out" in said and "could not be built" not in said
        assert "an earlier one" not in said
        assert not machine.exists(f"/var/log/grabber-dkms/{kernel}.log")
        machine.run(f"for f in {configs}; do mv $f.kept $f; done")
    # A package of ours can be installed where there is only such a kernel.
    machine.run(f"for f in {configs}; do sed -i 's/^CONFIG_PCI=y//' $f; done")
    apt.install(machine, "--reinstall", "/packages/grabber-dkms_*.deb")
    apt.sound(machine)


@pytest.mark.quick
def test_beside_make_dkms_then_package(machine, clone):	# noqa: F811
    before = ours(machine)
    [kernel] = apt.kernels(machine)
    small(machine, clone)
    machine.run(f"make -C {clone} dkms")
    check_module(machine, kernel)
    assert machine.exists(RULES)
    said = apt.install(machine, "/packages/grabber-dkms_*.deb")
    apt.sound(machine)
    assert "takes the place of what make dkms had installed" in said
    check_module(machine, kernel)
    assert not machine.exists(RULES)
    assert machine.exists("/usr/lib/udev/rules.d/60-grabber.rules") or \
        machine.exists("/lib/udev/rules.d/60-grabber.rules")
    # And not the other way round.
    rc, said = machine.run(f"make -C {clone} dkms 2>&1", check=False)
    assert rc and "by the package grabber-dkms" in said
    machine.run("apt-get -y -q purge grabber-dkms")
    machine.run(f"make -C {clone} clean")
    assert [path for path in ours(machine) if not path.startswith("/clone")] == before
    assert apt.module(machine, kernel) is None


@pytest.mark.quick
def test_beside_make_dkms_goes_again(machine, clone):	# noqa: F811
    before = ours(machine)
    [kernel] = apt.kernels(machine)
    small(machine, clone)
    rc, said = machine.run(f"make -C {clone} dkms-remove 2>&1", check=False)
    assert rc and "nothing of it is installed here" in said
    machine.run(f"make -C {clone} dkms")
    check_module(machine, kernel)
    machine.run(f"make -C {clone} dkms-remove")
    assert apt.status(machine) == {} and apt.module(machine, kernel) is None
    assert ours(machine) == before
    # Rules of the administrator's own are not ours to take, but hide the package's.
    machine.write(RULES, '# mine\nKERNEL=="grabber*", MODE="0666"\n')
    said = apt.install(machine, "/packages/grabber-dkms_*.deb")
    assert f"{RULES} hides the rules of this package" in said
    assert machine.exists(RULES)


def test_beside_no_group_video(machine):
    machine.run("groupdel video 2>/dev/null || sed -i '/^video:/d' /etc/group /etc/gshadow")
    assert not machine.ok("getent group video")
    apt.install(machine, "/packages/grabber-dkms_*.deb")
    assert machine.ok("getent group video")
