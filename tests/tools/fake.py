# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of grabberctl share: building it, its card made of software, a PNG reader."""

import os
import pathlib
import shutil
import struct
import subprocess
import tempfile
import zlib

from vm import paths
from vm.make import make

BUILD = paths.BUILD / "tools"
NOBODY = 65534
BUCKETS = ("delivered", "truncated", "dropped_no_slot", "dropped_error", "dropped_stop",
           "lost_by_card")


def build():
    said = make("tools", f"O={BUILD}", "all", "test-programs")
    assert "warning" not in said, said


class FakeCard:
    """Trees that look like /sys/class/grabber and /dev, and a directory to save to."""

    def __init__(self, cards=("0000:01:00.0",), bar_bytes=4096):
        # Below /tmp and open to all, for some tests run grabberctl as nobody.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="grabberctl-"))
        self.dir.chmod(0o755)
        self.program = shutil.copy(BUILD / "check" / "grabberctl-fake", self.dir / "grabberctl")
        self.classes, self.dev, self.out = (self.dir / name for name in ("class", "dev", "out"))
        for directory in (self.classes, self.dev, self.out):
            directory.mkdir()
        self.out.chmod(0o777)
        for number, bus in enumerate(cards):
            (self.dir / "devices" / bus).mkdir(parents=True)
            for name in (f"grabber{number}", f"grabber{number}-bar"):
                (self.classes / name).mkdir()
                (self.classes / name / "device").symlink_to(self.dir / "devices" / bus)
                (self.dev / name).touch()
            os.truncate(self.dev / f"grabber{number}-bar", bar_bytes)

    def remove(self):
        shutil.rmtree(self.dir)

    def sysfs(self, number=0, **values):
        """Write the card's attributes, as docs/ABI has them; begun is the sum of the others."""
        files = {"board": "fake", "state": "idle", "width": 16, "height": 12, "pixelformat": "RGB3",
                 "sizeimage": 576, "slots": 8, "slot_size": 576, "held": 0, "readers": 0,
                 **dict.fromkeys(BUCKETS, 0), **values}
        files.setdefault("begun", sum(files[name] for name in BUCKETS))
        top = self.classes / f"grabber{number}"
        (top / "stats").mkdir(exist_ok=True)
        # "begun" is what a reader may look at last, so it is written first.
        for name, value in sorted(files.items(), key=lambda item: item[0] != "begun"):
            path = top / ("stats" if name in (*BUCKETS, "begun", "stalls") else "") / name
            new = path.with_suffix(".new")
            new.write_bytes(value if isinstance(value, bytes) else f"{value}\n".encode())
            new.rename(path)    # nobody sees half of it

    def environment(self, **settings):
        env = dict(os.environ, FAKE_CLASS_DIR=str(self.classes), FAKE_DEV_DIR=str(self.dev),
                   FAKE_REPORT=str(self.dir / "report"), LC_ALL="C.UTF-8")
        env.update({"FAKE_" + name: str(value) for name, value in settings.items()})
        return env

    def start(self, *args, user=None, stdout=subprocess.PIPE, **settings):
        return subprocess.Popen([str(self.program), *map(str, args)], cwd=self.out, user=user,
                                env=self.environment(**settings), stdin=subprocess.DEVNULL,
                                stdout=stdout, stderr=subprocess.PIPE)

    def run(self, *args, **settings):
        return finish(self.start(*args, **settings))

    def held(self):
        """Slots that grabberctl still held when it ended."""
        return int((self.dir / "report").read_text().split()[1])

    def files(self):
        return sorted(path.name for path in self.out.iterdir())


class Result:
    def __init__(self, status, stdout, stderr):
        self.status, self.raw, self.stderr = status, stdout, stderr

    @property
    def stdout(self):
        return self.raw.decode()


def finish(process, timeout=60):
    try:
        stdout, stderr = process.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    result = Result(process.returncode, stdout, stderr.decode())
    assert "Sanitizer" not in result.stderr and "runtime error" not in result.stderr, result.stderr
    return result


def painted(sequence, width=16, height=12, pixel=3, pad=0):
    """The bytes of a frame of the fake card; fake_card.c's paint() is the same rule."""
    line = width * pixel + pad
    return bytes((i * 7 + i // line * 3 + sequence * 31) & 0xff for i in range(line * height))


def crop(frame, width=16, height=12, pixel=3, pad=0):
    line = width * pixel + pad
    return b"".join(frame[y * line:y * line + width * pixel] for y in range(height))


def read_png(path):
    """Width, height, pixels and texts of an 8-bit PNG, by nobody's library but zlib."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    texts, packed, at = {}, b"", 8
    while at < len(data):
        length, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + length]
        crc, = struct.unpack(">I", data[at + 8 + length:at + 12 + length])
        assert crc == zlib.crc32(kind + body)
        at += 12 + length
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert depth == 8 and colour in (0, 2)
        elif kind == b"tEXt":
            key, value = body.split(b"\0")
            texts[key.decode()] = int(value)
        elif kind == b"IDAT":
            packed += body
    assert kind == b"IEND"
    return width, height, unfilter(zlib.decompress(packed), width * (3 if colour else 1),
                                   3 if colour else 1), texts


def unfilter(data, row, pixel):
    pixels, above = bytearray(), bytes(row)
    for at in range(0, len(data), row + 1):
        method, line = data[at], bytearray(data[at + 1:at + 1 + row])
        if method == 1:
            for i in range(pixel, row):
                line[i] = (line[i] + line[i - pixel]) & 0xff
        elif method == 2:
            line = bytearray((a + b) & 0xff for a, b in zip(line, above))
        else:
            assert method == 0, "grabberctl uses the filters none, sub and up only"
        pixels += line
        above = line
    return bytes(pixels)
