# SPDX-License-Identifier: GPL-2.0-only
"""A kernel that clang and lld built: the module is built for it as DKMS builds it, and
frames come."""

import re
import tempfile
from pathlib import Path

import pytest

from packages.build import sources
from packages.machine import Machine
from test_build import complaints
from vm import kernels

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A directory with grabber.ko, and what the build said."""
    kernel = kernels.kernel("clang")
    to = tmp_path_factory.mktemp("clang")
    with tempfile.TemporaryDirectory() as scratch, Machine(kernel.root) as machine:
        sources(Path(scratch) / "src")
        machine.put("/", Path(scratch) / "src")
        said = machine.run("cd /src && sh driver/dkms/build"
                           f" /lib/modules/{kernel.version}/build -j2 W=1")
        machine.get("/src/driver/grabber.ko", to / "grabber.ko")
    return to, said


def test_clang_builds_without_warning(built):
    directory, said = built
    assert not complaints(said), "\n".join(complaints(said))
    config = (kernels.kernel("clang").root / "usr/src/linux/.config").read_text()
    assert "CONFIG_CC_IS_CLANG=y" in config and "CONFIG_LD_IS_LLD=y" in config
    assert re.search(rb"clang version \d+", (directory / "grabber.ko").read_bytes())


def test_clang_kernel_captures(built, boot):
    with boot(kernel="clang", devices=["edu"], card=dict(chart="320x240", rate=20),
              modules=[built[0]]) as guest:
        assert "clang" in guest.read("/proc/version")
        guest.load(slots=8)
        guest.ktap("status_page 0", timeout=300)
        guest.unload()
