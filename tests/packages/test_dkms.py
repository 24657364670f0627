# SPDX-License-Identifier: GPL-2.0-only
"""dkms.conf, with each suite's DKMS: from a clone, by make dkms, by Debian's own test."""

import hashlib
import subprocess

import pytest

from vm.paths import TOP

from . import apt, build
from .test_kernels import check_module

VERSION = build.VERSION


@pytest.fixture
def clone(machine, tmp_path):
    """The sources, in the machine."""
    tree = tmp_path / "grabber"
    build.sources(tree)
    machine.put("/clone", tree)
    return "/clone/grabber"


def test_dkms_add_from_a_clone(machine, clone):
    [kernel] = apt.kernels(machine)
    said = machine.run(f"cd {clone} && dkms add . 2>&1")
    said += machine.run(f"dkms install grabber/{VERSION} -k {kernel} 2>&1")
    assert "eprecated" not in said and "arning" not in said, said
    check_module(machine, kernel)
    said = machine.run(f"dkms remove grabber/{VERSION} --all")
    assert apt.module(machine, kernel) is None


def test_dkms_make_dkms(machine, clone):
    [kernel] = apt.kernels(machine)
    machine.run(f"make -C {clone} dkms")
    check_module(machine, kernel)
    assert machine.exists("/etc/udev/rules.d/60-grabber.rules")
    machine.run(f"make -C {clone} dkms")	# again, as after a change
    check_module(machine, kernel)


def archive(machine, packages):
    """Make the packages known to apt by name, without a tool for that."""
    entries = []
    for path in packages.values():
        control = subprocess.run(["dpkg-deb", "-f", path], check=True, capture_output=True,
                                 text=True).stdout
        data = path.read_bytes()
        entries.append(f"{control}Filename: ./{path.name}\nSize: {len(data)}\n"
                       f"SHA256: {hashlib.sha256(data).hexdigest()}\n")
    machine.write("/packages/Packages", "\n".join(entries))
    machine.write("/etc/apt/sources.list.d/grabber.list",
                  "deb [trusted=yes] file:/packages ./\n")
    machine.run("apt-get -q update -o Dir::Etc::sourcelist=sources.list.d/grabber.list"
                " -o Dir::Etc::sourceparts=- -o APT::Get::List-Cleanup=0")


def test_dkms_autopkgtest(machine, packages):
    archive(machine, packages)
    # Debian 11's finds the package's name in debian/control, later ones are told it.
    machine.put("/source/debian", TOP / "debian/control")
    said = machine.run("cd /source && AUTOPKGTEST_ARTIFACTS=/tmp"
                       " /usr/lib/dkms/dkms-autopkgtest grabber-dkms 2>&1")
    [kernel] = apt.kernels(machine)
    check_module(machine, kernel)
    assert "FAIL" not in said
