# SPDX-License-Identifier: GPL-2.0-only
"""Where the module cannot be built: the user is told what and where, and apt goes on."""

import json

from . import apt
from .build import VERSION
from .test_kernels import check_module, new_of, newer, version_to_come	# noqa: F401 (a fixture)

# As if a later kernel had dropped an interface that the module uses: as soon as its
# headers are unpacked, before any hook runs.
BREAK = """#!/bin/sh
[ "$1" = "$(cat /etc/broken-kernel 2>/dev/null)" ] || exit 0
for header in /usr/src/linux-headers-*/include/linux/cdev.h; do
	case "$header" in */linux-headers-${1%-amd64}*) sed -i /cdev_alloc/d "$header" ;; esac
done
"""


def break_kernel(machine, kernel):
    machine.run(f"echo {kernel} >/etc/broken-kernel")
    for hooks in ("postinst.d", "header_postinst.d"):
        machine.write(f"/etc/kernel/{hooks}/0-break", BREAK, 0o755)


def check_told(said, kernel, machine, cause):
    assert f"could not be built for kernel {kernel}" in said
    log = f"/var/log/grabber-dkms/{kernel}.log"
    assert log in said
    assert cause in machine.read(log)
    assert f"dkms install grabber/{VERSION} -k {kernel}" in said


def test_broken_kernel_arrives(machine, newer):	# noqa: F811
    apt.install(machine, "/packages/grabber-dkms_*.deb")
    [old] = apt.kernels(machine)
    new = version_to_come(machine, newer)
    break_kernel(machine, new)
    said = apt.install(machine, *newer)
    apt.sound(machine)
    assert new_of(machine) == new
    check_told(said, new, machine, "cdev_alloc")
    check_module(machine, old)
    assert apt.module(machine, new) is None
    # The next run of apt is not stuck either, and mending it by hand is one command.
    apt.install(machine, "--reinstall", "kmod")
    machine.run("rm /etc/kernel/*/0-break")
    machine.run(f"apt-get -y -q --no-install-recommends install --reinstall "
                f"linux-headers-{new}")
    apt.sound(machine)


def test_broken_kernel_is_there_already(machine):
    [kernel] = apt.kernels(machine)
    break_kernel(machine, kernel)
    machine.run(f"/etc/kernel/postinst.d/0-break {kernel}")
    said = apt.install(machine, "/packages/grabber-dkms_*.deb", "/packages/grabber-tools_*.deb")
    apt.sound(machine)
    check_told(said, kernel, machine, "cdev_alloc")
    # By hand it is always tried, and says that it failed.
    assert not machine.ok(f"dkms install grabber/{VERSION} -k {kernel}")
    # The machine's own kernel is another one, that of this test.
    said = machine.run("grabberctl doctor --json", check=False)[1]
    [line] = [line for line in json.loads(said)["checks"] if line["check"] == "next-boot"]
    assert line["about"] == kernel and line["state"] == "warning"
    assert line["mend"] == f"dkms install --force grabber/{VERSION} -k {kernel}"


def test_broken_no_headers(machine):
    [kernel] = apt.kernels(machine)
    headers = [p for p in apt.kernel_packages(machine).split() if "-headers-" in p]
    machine.run(f"apt-get -y -q purge {' '.join(headers)}")
    said = apt.install(machine, "/packages/grabber-dkms_*.deb")
    apt.sound(machine)
    assert f"no headers for kernel {kernel}" in said
    assert f"apt install linux-headers-{kernel}" in said


def test_broken_no_compiler(machine):
    [kernel] = apt.kernels(machine)
    machine.run("rm -f /usr/bin/gcc* /usr/bin/x86_64-linux-gnu-gcc*")
    said = apt.install(machine, "/packages/grabber-dkms_*.deb")
    apt.sound(machine)
    assert f"could not be built for kernel {kernel}" in said
    assert "the compiler" in said and "apt install gcc" in said


def test_broken_wrong_compiler(machine):
    """One that is too old for what the kernel's build asks of it."""
    [kernel] = apt.kernels(machine)
    machine.run("for f in /usr/bin/gcc /usr/bin/gcc-[0-9]* /usr/bin/x86_64-linux-gnu-gcc*; do"
                " rm -f $f; printf '#!/bin/sh\\n"
                "[ \"$1\" = --version ] && echo gcc 1.0 && exit\\n"
                "echo unrecognized command-line option >&2; exit 1\\n' >$f;"
                " chmod 755 $f; done")
    said = apt.install(machine, "/packages/grabber-dkms_*.deb")
    apt.sound(machine)
    assert f"could not be built for kernel {kernel}" in said
    assert "That kernel was built by:" in said and "gcc 1.0" in said
