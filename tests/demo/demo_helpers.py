# SPDX-License-Identifier: GPL-2.0-only
"""What the demo's tests share."""

import os
import struct
import subprocess
import time
import zlib

from vm.paths import BUILD, TOP

DEMO = BUILD / "demo"


def make_demo(*arguments):
    """Run it with nothing of this make's own variables."""
    environment = {k: v for k, v in os.environ.items()
                   if not k.startswith(("GRABBER_START", "GRABBER_LABEL", "MAKE", "MFLAGS"))}
    start = time.monotonic()
    said = subprocess.run(["make", "-s", "-C", TOP, "demo", *arguments], env=environment,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=900)
    print(said.stdout, said.stderr)
    return said, time.monotonic() - start


def png(path, width, height, colour_type):
    """A PNG file of noise-like colours: 2 is RGB, 6 RGB with alpha."""
    channels = {2: 3, 6: 4}[colour_type]
    rows = bytearray()
    for y in range(height):
        rows.append(0)
        rows += bytes((x * 7 + y * 13 + x * y) & 0xff for x in range(width * channels))

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))

    head = struct.pack(">IIBBBBB", width, height, 8, colour_type, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) +
                     chunk(b"IDAT", zlib.compress(bytes(rows), 1)) + chunk(b"IEND", b""))
