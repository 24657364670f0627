# SPDX-License-Identifier: GPL-2.0-only
"""What the packages look like: lintian, reproducible, one version number, what is in
them."""

import gzip
import re
import subprocess

import pytest

from vm import kernels
from vm.paths import TOP

from . import build, suites
from .machine import Machine

LINT = {"bookworm": build.DEB_TOOLS["bookworm"], "trixie": ["lintian"]}
VERSION = build.VERSION


@pytest.fixture(scope="module")
def source_package(tmp_path_factory):
    to = tmp_path_factory.mktemp("source")
    build.source(to)
    return sorted(to.iterdir())


@pytest.mark.suites("bookworm", "trixie")
def test_lintian(suite, packages, source_package):
    about = "debhelper" if suite == "bookworm" else "lintian"
    with Machine(suites.tool_root(suite, LINT[suite], about)) as machine:
        machine.put("/packages", *packages.values(), *source_package)
        # Debian 12's lintian knows no later standard than debian/control names.
        rc, said = machine.run("lintian --display-info --pedantic"
                               " --suppress-tags out-of-date-standards-version"
                               " --fail-on=error,warning,info,pedantic"
                               " --allow-root /packages/*.deb /packages/*.dsc", check=False)
    lines = [line for line in said.splitlines() if not line.startswith("N:")]
    assert rc == 0 and not lines, said


@pytest.mark.suites("trixie", "sid")
def test_udev_rules_verify(suite, base):
    """The first suites whose udevadm can."""
    with Machine(base) as machine:
        machine.put("/rules", TOP / "udev/60-grabber.rules", TOP / "udev/60-grabber-bind.rules.in")
        machine.run("cd /rules && sed s,@PREFIX@,/usr, 60-grabber-bind.rules.in >60-grabber-bind.rules")
        machine.run("udevadm verify /rules/*.rules")


def test_rpmlint(tmp_path):
    build.rpm(to=tmp_path)
    with Machine(suites.tool_root("bookworm", build.RPM_TOOLS, "rpmbuild")) as machine:
        machine.put("/rpms", *tmp_path.glob("*.rpm"), TOP / "rpm/rpmlint.toml")
        rc, said = machine.run("cd /rpms && rpmlint -c rpmlint.toml *.rpm", check=False)
        assert rc == 0 and " 0 errors, 0 warnings" in said, said
        names = machine.run("cd /rpms && rpm -qp --qf '%{NAME} ' *.rpm").split()
    assert {"grabber-dkms", "grabber-tools", "grabber-devel"} <= set(names)


def test_reproducible(packages, tmp_path):
    """Built again, later and in another directory: the same files."""
    build.deb(to=tmp_path)
    for package in packages.values():
        assert (tmp_path / package.name).read_bytes() == package.read_bytes(), package.name


@pytest.mark.quick
def test_one_version(packages):
    def found(pattern, path):
        return re.search(pattern, (TOP / path).read_text(), re.M)[1]

    module = next(kernels.build_module("6.1")[0].glob("*.ko"))
    modinfo = subprocess.run(["modinfo", "-F", "version", module], capture_output=True,
                             text=True, check=True).stdout.strip()
    grabberctl = subprocess.run([TOP / "build/tools/grabberctl", "--version"],
                                capture_output=True, text=True, check=True).stdout
    assert {
        "dkms.conf": found(r'^PACKAGE_VERSION="(.*)"', "dkms.conf"),
        "changelog": found(r"\Agrabber \((.*)-\d+\)", "debian/changelog"),
        "spec": found(r"^Version:\s*(\S+)", "rpm/grabber.spec"),
        "modinfo": modinfo,
        "grabberctl": grabberctl.split()[-1],
    } == dict.fromkeys(("dkms.conf", "changelog", "spec", "modinfo", "grabberctl"), VERSION)
    assert {p.name.split("_")[1] for p in packages.values()} == {f"{VERSION}-1"}


@pytest.mark.quick
def test_metainfo_has_the_cards():
    """What software centres match against is what the module says it serves."""
    module = next(kernels.build_module("6.1")[0].glob("*.ko"))
    aliases = subprocess.run(["modinfo", "-F", "alias", module], capture_output=True,
                             text=True, check=True).stdout.split()
    [path] = (TOP / "udev").glob("*.metainfo.xml")
    listed = re.findall("<modalias>(.*)</modalias>", path.read_text())
    assert sorted(listed) == sorted(a for a in aliases if a.startswith("pci:"))


def test_contents(packages, tmp_path):
    for name, needed in {
        "grabber-dkms": [f"usr/src/grabber-{VERSION}/dkms.conf",
                         f"usr/src/grabber-{VERSION}/driver/Kbuild",
                         "usr/lib/udev/rules.d/60-grabber.rules"],
        "grabber-tools": ["usr/bin/grabberctl", "usr/share/man/man1/grabberctl.1.gz",
                          "usr/share/man/man4/grabber.4.gz"],
        "libgrabber-dev": ["usr/include/grabber.h", "usr/include/linux/grabber.h",
                           "usr/share/pkgconfig/grabber.pc"],
    }.items():
        subprocess.run(["dpkg-deb", "-x", packages[name], tmp_path / name], check=True)
        for path in needed:
            assert (tmp_path / name / path).is_file(), path
    # The headers are enough for a program, by pkg-config and without.
    root = tmp_path / "libgrabber-dev"
    (tmp_path / "try.c").write_text("#include <grabber.h>\nint main(void) { return 0; }\n")
    subprocess.run(["gcc", "-Wall", "-Werror", f"-I{root}/usr/include", "-o",
                    tmp_path / "try", tmp_path / "try.c"], check=True)
    page = gzip.decompress((tmp_path / "grabber-tools/usr/share/man/man1/grabberctl.1.gz")
                           .read_bytes()).decode()
    assert page == (TOP / "docs/grabberctl.1").read_text()


@pytest.mark.quick
def test_shell_scripts(tmp_path):
    scripts = [path for path in (*(TOP / "driver/dkms").iterdir(),
                                 *(TOP / "debian").glob("grabber-*.p*"))
               if path.read_text().startswith("#!/bin/sh")]
    assert len(scripts) > 8
    scripts += [TOP / "udev/grabber-nodes", TOP / "debian/kernel-hook/00-grabber-dkms",
                TOP / "tests/packages/check.sh", TOP / "tests/check.sh", TOP / "tests/setup.sh",
                TOP / "driver/compat/probe.sh", TOP / ".ci/run"]
    subprocess.run(["shellcheck", *scripts], check=True)
