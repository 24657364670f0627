# SPDX-License-Identifier: GPL-2.0-only
"""A clone whose path has a space in it, and worse: nothing outside it is ever touched;
what cannot work there says so in one sentence, before anything is done."""

import os
import shutil
import subprocess

import pytest

from packages.build import sources
from vm.paths import TOP

NAMES = {"space": "Documents 2026", "worse": "it's -$HOME (a&b); 100%"}


class Clone:
    def __init__(self, home, name):
        self.home = home
        self.path = home / name / "grabber"
        sources(self.path)
        # What a name cut in two would hit: from its own directory, from the clone.
        for bait in (home / name.split()[0] / "keep.o", home / "build/keep.o",
                     self.path / "2026/grabber/build/keep.o",
                     self.path / "2026/grabber/driver/keep.o"):
            bait.parent.mkdir(parents=True, exist_ok=True)
            bait.write_text("keep")
        self.before = self.outside()

    def outside(self):
        """All files that no recipe has to do with."""
        return {path: path.stat().st_mtime_ns for path in self.home.rglob("*")
                if path.is_file() and not any(
                    path.is_relative_to(self.path / name) for name in ("build", "driver"))}

    def run(self, *command, **options):
        options = {"cwd": self.path, **options}
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
        environment.update(options.pop("environment", {}))
        return subprocess.run(command, capture_output=True, text=True, timeout=300,
                              env=environment, **options)

    def check(self):
        assert self.outside() == self.before


@pytest.fixture(params=NAMES)
def clone(request, tmp_path):
    return Clone(tmp_path, NAMES[request.param])


@pytest.mark.parametrize("how", ["inside", "-C"])
def test_path_clean(clone, how):
    made = [clone.path / "build/tools/x.o", clone.path / "driver/x.ko",
            clone.path / "driver/.x.o.d", clone.path / "driver/compat/probed.h"]
    for path in made:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    if how == "inside":
        said = clone.run("make", "clean")
    else:
        said = clone.run("make", "-C", str(clone.path), "clean", cwd="/")
    assert said.returncode == 0, said.stderr
    assert not [path for path in made if path.exists()]
    assert (clone.path / "driver/Kbuild").exists()
    clone.check()


def test_path_makefile_of_another_directory(clone, tmp_path):
    """The directory is what counts, not where the Makefile is."""
    other = tmp_path / "other"
    (other / "build").mkdir(parents=True)
    said = clone.run("make", "-f", str(clone.path / "Makefile"), "clean", cwd=other)
    assert said.returncode and "Run make in grabber's own directory" in said.stderr
    assert (other / "build").exists()


def test_path_module_one_sentence(clone, tmp_path):
    for headers in (tmp_path, tmp_path / "none"):
        said = clone.run("make", f"KDIR={headers}")
        assert said.returncode
        ours = [line for line in said.stderr.splitlines() if line.startswith("grabber: ")]
        assert len(ours) == 1 and "move it to another" in ours[0] and str(clone.path) in ours[0]
    assert not (clone.path / "build").exists()
    clone.check()


def test_path_of_headers_one_sentence(tmp_path):
    said = subprocess.run(["make", "-C", TOP, "module", f"KDIR={tmp_path}/with space"],
                          capture_output=True, text=True)
    assert said.returncode and f"({tmp_path}/with space)" in said.stderr


def test_path_tools_and_install(clone, tmp_path):
    to = tmp_path / "in a stage's root"
    prefix = "/opt/my, own & 'more'"
    said = clone.run("make", "install", f"DESTDIR={to}", f"PREFIX={prefix}")
    assert said.returncode == 0, said.stderr
    assert (to / prefix[1:] / "bin/grabberctl").exists()
    [pc] = to.rglob("grabber.pc")
    assert "prefix=/opt/my,\\ own\\ &\\ 'more'\n" in pc.read_text()
    shutil.rmtree(to)
    clone.check()


def test_path_relative_destdir(clone):
    said = clone.run("make", "install", "DESTDIR=build/a stage")
    assert said.returncode == 0, said.stderr
    assert (clone.path / "build/a stage/usr/local/bin/grabberctl").exists()
    clone.check()


def test_path_tools_cannot_be_built_there(clone, tmp_path):
    said = clone.run("make", "-C", "tools", f"O={tmp_path}/with space")
    assert said.returncode and "a directory with a space" in said.stderr
    clone.check()


def test_path_what_dkms_gets(clone, tmp_path):
    """Sources for DKMS can be taken from anywhere; CDPATH leads nobody away."""
    away = tmp_path / "away"
    for name in ("driver/dkms", "tests"):
        (away / name).mkdir(parents=True)
    (away / "VERSION").write_text("6.6.6\n")
    to = tmp_path / "in a root"
    said = clone.run("sh", "driver/dkms/install-sources", str(to),
                     environment={"CDPATH": str(away)})
    assert said.returncode == 0, said.stderr
    version = (TOP / "VERSION").read_text().strip()
    assert (to / f"usr/src/grabber-{version}/driver/Kbuild").exists()
    shutil.rmtree(to)
    shutil.rmtree(away)
    clone.check()


@pytest.mark.parametrize("command", [("tests/check.sh",), ("tests/packages/check.sh",),
                                     ("make", "bench-frames")])
def test_path_tests_one_sentence(clone, command):
    said = clone.run(*command)
    assert said.returncode and said.stderr.count("move it to another") == 1
    assert not (clone.path / "build").exists()
    clone.check()


def test_path_cache_one_sentence():
    said = subprocess.run([TOP / "tests/setup.sh", "demo"], capture_output=True, text=True,
                          env={**os.environ, "XDG_CACHE_HOME": "/tmp/my cache"})
    assert said.returncode and "set XDG_CACHE_HOME" in said.stderr
