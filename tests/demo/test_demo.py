# SPDX-License-Identifier: GPL-2.0-only
"""make demo, as a user calls it, and the figures that grabber promises."""

import re
import struct

import pytest

from demo_helpers import DEMO, make_demo, png

# Last of all, and nothing beside them: they measure.
pytestmark = pytest.mark.alone


def is_good(said, frames):
    assert said.returncode == 0
    assert re.search(rf"^frames +{frames}\b", said.stdout, re.MULTILINE)
    assert re.search(r"^frames lost +0$", said.stdout, re.MULTILINE)
    assert re.search(r"^every frame +identical$", said.stdout, re.MULTILINE)
    assert len(list(DEMO.glob("frame-*.png"))) == frames


def test_own_picture(tmp_path):
    """Alpha is dropped; the frames have the picture's own, odd size."""
    picture = tmp_path / "a picture.png"
    png(picture, 333, 217, 6)
    said, _ = make_demo(f"PICTURE={picture}")
    is_good(said, 30)
    frame = (DEMO / "frame-000000.png").read_bytes()
    assert struct.unpack(">II", frame[16:24]) == (333, 217)


def test_demo():
    said, seconds = make_demo()
    is_good(said, 30)
    assert re.search(r"0000:\w\w:00\.0 .*\[10ee:\w+\]", said.stdout)
    assert "/dev/grabber0\n" in said.stdout and "/dev/grabber0-bar\n" in said.stdout
    assert (DEMO / "frame-000000.png").read_bytes()[16:24] == struct.pack(">II", 1920, 1080)
    print(f"warm make demo took {seconds:.0f} s")
    assert seconds < 90
