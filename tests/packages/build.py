# SPDX-License-Identifier: GPL-2.0-only
"""make deb, make rpm: builds packages into build/packages, in roots of its own.

    python3 -m packages.build deb|rpm
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from vm import roots
from vm.paths import BUILD, LOGS, TOP
from vm.progress import fail, say

from . import suites
from .machine import Failed, Machine

PACKAGES = BUILD / "packages"
VERSION = (TOP / "VERSION").read_text().strip()

# debhelper packages of "all" architectures are built on Debian 12: what 13's
# dh_dkms makes depends on more than 12 has. grabber-tools is built on 11, for a
# program that is linked on 12 wants a C library that 11 has not.
DEB_TOOLS = {
    "bookworm": ["build-essential", "debhelper", "dh-dkms", "libpng-dev", "lintian"],
    "bullseye": ["build-essential", "debhelper", "libpng-dev"],
}


def sources(to):
    """What a release has: all that git knows, as it is now in the work tree."""
    said = subprocess.run(["git", "-c", f"safe.directory={TOP}", "ls-files", "-z",
                           "--cached", "--others", "--exclude-standard"],
                          cwd=TOP, capture_output=True)
    if said.returncode == 0:
        names = said.stdout.decode().split("\0")
    else:	# a tarball has no .git
        names = [str(p.relative_to(TOP)) for p in TOP.rglob("*")
                 if BUILD not in p.parents]
    for name in sorted(filter(None, names)):
        if (TOP / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TOP / name, to / name)


def _debs(suite, kind, scratch, to):
    with Machine(suites.tool_root(suite, DEB_TOOLS[suite], "debhelper")) as machine:
        home = f"/{scratch.parent.name}"
        machine.put(home, scratch)
        machine.run(f"cd {home}/{scratch.name} && dpkg-buildpackage --build={kind} -us -uc")
        for path in machine.run(f"ls {home}/*.deb").split():
            machine.get(path, to / Path(path).name)


def _start(to, kind, scratch):
    """Where packages go, with the old ones gone, and the sources in a scratch directory."""
    scratch.mkdir()
    sources(scratch)
    to.mkdir(parents=True, exist_ok=True)
    for old in to.glob(f"*.{kind}"):
        old.unlink()


def deb(to=PACKAGES):
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="source-") as home:
        scratch = Path(home) / f"grabber-{VERSION}"
        _start(to, "deb", scratch)
        say("building grabber-dkms and libgrabber-dev on Debian 12")
        _debs("bookworm", "all", scratch, to)
        say("building grabber-tools on Debian 11")
        try:
            _debs("bullseye", "any", scratch, to)
        except roots.SuiteGone as gone:
            say(f"{gone}; building on Debian 12 instead, for 12 and later")
            _debs("bookworm", "any", scratch, to)


def source(to):
    """The source package, as a .dsc and what that names."""
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="source-") as home:
        scratch = Path(home) / f"grabber-{VERSION}"
        scratch.mkdir()
        sources(scratch)
        root = suites.tool_root("bookworm", DEB_TOOLS["bookworm"], "debhelper")
        with Machine(root) as machine:
            machine.put("/source", scratch)
            machine.run(f"""
                set -e
                cd /source
                tar --exclude=debian -czf grabber_{VERSION}.orig.tar.gz {scratch.name}
                cd {scratch.name}
                dpkg-buildpackage --build=source -us -uc""")
            for path in machine.run("ls /source/grabber_*").split():
                machine.get(path, to / Path(path).name)


RPM_TOOLS = ["build-essential", "file", "libpng-dev", "rpm", "rpmlint"]


def rpm(to=PACKAGES, version=VERSION, edit=lambda tree: None):
    """For tests: another version, and what edit() does to the sources."""
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="source-") as home:
        scratch = Path(home) / f"grabber-{version}"
        _start(to, "rpm", scratch)
        for name in ("VERSION", "dkms.conf", "rpm/grabber.spec"):
            text = (scratch / name).read_text().replace(VERSION, version)
            (scratch / name).write_text(text)
        edit(scratch)
        _rpms(scratch, to)


def _rpms(scratch, to):
    say("building the .rpm packages with rpmbuild on Debian 12")
    with Machine(suites.tool_root("bookworm", RPM_TOOLS, "rpmbuild")) as machine:
        machine.put("/root/rpmbuild/SOURCES", scratch)
        # --nodeps: the compiler is there, but under Debian's names.
        machine.run(f"""
            set -e
            cd /root/rpmbuild/SOURCES
            epoch=$(dpkg-parsechangelog -l {scratch.name}/debian/changelog -S Timestamp)
            tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@$epoch \
                -czf {scratch.name}.tar.gz {scratch.name}
            export SOURCE_DATE_EPOCH=$epoch
            rpmbuild -ba --nodeps --define '_buildhost grabber' \
                --define 'clamp_mtime_to_source_date_epoch 1' \
                --define 'use_source_date_epoch_as_buildtime 1' \
                {scratch.name}/rpm/grabber.spec""")
        for path in machine.run("find /root/rpmbuild -name '*.rpm'").split():
            machine.get(path, to / Path(path).name)


def main():
    try:
        {"deb": deb, "rpm": rpm}[sys.argv[1]]()
    except (Failed, RuntimeError) as error:
        (LOGS / "packages.log").write_text(str(error))
        tail = "\n".join(str(error).splitlines()[-20:])
        fail(f"{tail}\nAll of it is in {LOGS / 'packages.log'}.")
    for path in sorted(PACKAGES.glob(f"*.{sys.argv[1]}")):
        say(f"made {path.relative_to(TOP)}")


if __name__ == "__main__":
    main()
