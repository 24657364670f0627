# SPDX-License-Identifier: GPL-2.0-only
"""What make demo says to pictures that it cannot show."""

import pytest

from demo_helpers import make_demo, png


@pytest.mark.parametrize("name, text", [("picture.jpg", "not a PNG file"),
                                        ("absent.png", "cannot read the picture"),
                                        ("large.png", "up to 4096x4096")])
def test_bad_picture(tmp_path, name, text):
    path = tmp_path / name
    if name == "picture.jpg":
        path.write_bytes(b"\xff\xd8\xff\xe0 and so on")
    elif name == "large.png":
        png(path, 4097, 1, 2)
    said, _ = make_demo(f"PICTURE={path}")
    assert said.returncode != 0
    assert text in said.stderr
