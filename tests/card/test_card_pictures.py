# SPDX-License-Identifier: GPL-2.0-only
"""Pictures, and the two programs that say whether frames are what the card showed."""
import random
import struct
import subprocess
import zlib

import pytest

from vfio_user_client import *


def png(width, height, depth, colour, rows, text=None, palette=None):
    """A PNG file; @rows are the lines' bytes."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    out = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    if palette:
        out += chunk(b"PLTE", palette)
    for key, value in (text or {}).items():
        out += chunk(b"tEXt", key.encode() + b"\0" + value.encode())
    return out + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + r for r in rows))) + chunk(b"IEND", b"")


def rgb_png(width, height, data, sequence=None):
    rows = [data[y * width * 3:(y + 1) * width * 3] for y in range(height)]
    return png(width, height, 8, 2, rows, {"grabber:sequence": str(sequence)} if sequence is not None else None)


def captured(card, connect, width, height, frames):
    """The bytes of the first frames that the card sends."""
    c = connect(card)
    c.enable()
    size = width * height * 3
    room = -(-size // 64) * 64
    out = []
    for _ in range(frames):
        c.descriptor(0, room, STOP, dst=DATA)
        c.start()
        c.run()
        assert c.wait_writeback(0) == (EOP, size)
        c.stop()
        out.append(c.mem[DATA:DATA + size])
    return out


def noise(n, seed=1):
    return random.Random(seed).randbytes(n)


@pytest.mark.parametrize("width,height", [(1, 1), (7, 5), (640, 480), (4096, 3)])
def test_png_picture(new_card, connect, tmp_path, width, height):
    pixels = noise(width * height * 3)
    (tmp_path / "p.png").write_bytes(rgb_png(width, height, pixels))
    card = new_card("--picture", str(tmp_path / "p.png"), "--rate", "0")
    assert captured(card, connect, width, height, 3) == [pixels] * 3


def test_png_alpha_is_dropped(new_card, connect, tmp_path):
    """Also where it is 0: the colours come as they are in the file."""
    width, height = 33, 9
    rgba = noise(width * height * 4)
    rows = [rgba[y * width * 4:(y + 1) * width * 4] for y in range(height)]
    (tmp_path / "p.png").write_bytes(png(width, height, 8, 6, rows))
    card = new_card("--picture", str(tmp_path / "p.png"), "--rate", "0")
    want = b"".join(rgba[i:i + 3] for i in range(0, len(rgba), 4))
    assert captured(card, connect, width, height, 1) == [want]


def test_png_of_other_kinds(new_card, connect, tmp_path):
    width, height = 8, 4
    indices = bytes(i % 4 for i in range(width * height))
    palette = bytes([10, 20, 30, 40, 50, 60, 70, 80, 90, 255, 254, 253])
    rows = [indices[y * width:(y + 1) * width] for y in range(height)]
    (tmp_path / "palette.png").write_bytes(png(width, height, 8, 3, rows, palette=palette))
    card = new_card("--picture", str(tmp_path / "palette.png"), "--rate", "0")
    assert captured(card, connect, width, height, 1) == [b"".join(palette[i * 3:i * 3 + 3] for i in indices)]
    grey = noise(width * height)
    rows = [grey[y * width:(y + 1) * width] for y in range(height)]
    (tmp_path / "grey.png").write_bytes(png(width, height, 8, 0, rows))
    card = new_card("--picture", str(tmp_path / "grey.png"), "--rate", "0")
    assert captured(card, connect, width, height, 1) == [b"".join(bytes([g] * 3) for g in grey)]


def test_raw_picture(new_card, connect, tmp_path):
    pixels = noise(100 * 10 * 3)
    (tmp_path / "p.raw").write_bytes(pixels)
    card = new_card("--raw", str(tmp_path / "p.raw"), "--size", "100x10", "--rate", "0")
    assert captured(card, connect, 100, 10, 2) == [pixels] * 2


@pytest.mark.parametrize("args", [
    ("--picture", "none.png"), ("--picture", "broken.png"), ("--picture", "wide.png"), ("--raw", "short.raw"),
    ("--raw", "short.raw", "--size", "5x5"), ("--chart", "63x48"), ("--chart", "4097x48"), ("--chart", "big"),
    ("--chart", "64x48", "--picture", "x"), ("--rate", "-1"), ("--fifo", "0"), ("--vendor", "0x10000"), ("extra",)])
def test_bad_arguments(programs, tmp_path, args):
    good = rgb_png(8, 8, noise(192))
    (tmp_path / "broken.png").write_bytes(good[:-30])
    (tmp_path / "wide.png").write_bytes(rgb_png(4097, 1, noise(4097 * 3)))
    (tmp_path / "short.raw").write_bytes(bytes(74))
    done = subprocess.run([str(programs / "grabber-card"), "--socket", str(tmp_path / "s"), *args], cwd=tmp_path,
                          capture_output=True, text=True, timeout=10)
    assert done.returncode not in (0, -11) and len(done.stderr) > 20


W, H = 160, 120


@pytest.fixture
def chart_frames(new_card, connect):
    return captured(new_card("--chart", f"{W}x{H}", "--rate", "0"), connect, W, H, 12)


def test_chart_frames_differ(chart_frames):
    """In every line, so that no line of one frame passes for another's."""
    for n, a in enumerate(chart_frames):
        for b in chart_frames[n + 1:]:
            for y in range(H):
                assert a[y * W * 3:(y + 1) * W * 3] != b[y * W * 3:(y + 1) * W * 3]
    lines = {chart_frames[0][y * W * 3:(y + 1) * W * 3] for y in range(H)}
    assert len(lines) == H


def test_chart_is_the_same_however_it_came_about(programs, new_card, connect, tmp_path):
    """The card draws each frame over the one before; a checker that starts there draws it afresh."""
    width, height = 640, 480
    frames = captured(new_card("--chart", f"{width}x{height}", "--rate", "0"), connect, width, height, 6)
    for n, data in enumerate(frames):
        path = tmp_path / f"{n}.raw"
        path.write_bytes(data)
        done = subprocess.run([str(programs / "grabber-compare"), "--chart", f"{width}x{height}", str(path)],
                              capture_output=True, text=True, timeout=10)
        assert done.stdout == "identical: 1 frame\n"
    rows = [[f[(y * width + 48) * 3:(y + 1) * width * 3] for y in range(height)] for f in frames]
    changed = [y for y in range(height) if rows[0][y] != rows[1][y]]
    digits = [y for y in changed if height * 46 // 100 < y < height * 84 // 100]
    track = [y for y in changed if y >= height * 89 // 100]
    assert digits and track and len(digits) + len(track) == len(changed)


def compare(programs, tmp_path, frames, *args, kind="png", sequences=None):
    names = []
    for n, data in enumerate(frames):
        path = tmp_path / f"frame-{n:06d}.{kind}"
        if kind == "png":
            path.write_bytes(rgb_png(W, H, data, sequences[n] if sequences else None))
        elif kind == "ppm":
            path.write_bytes(b"P6\n# grabber\n%d %d\n255\n" % (W, H) + data)
        else:
            path.write_bytes(data)
        names.append(str(path))
    done = subprocess.run([str(programs / "grabber-compare"), *(args or ("--chart", f"{W}x{H}")), *names],
                          capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout


@pytest.mark.parametrize("kind", ["png", "ppm", "raw"])
def test_compare_identical(programs, tmp_path, chart_frames, kind):
    assert compare(programs, tmp_path, chart_frames, kind=kind) == (0, "identical: 12 frames\n")
    assert compare(programs, tmp_path, chart_frames[5:6], kind=kind) == (0, "identical: 1 frame\n")


def test_compare_sequences(programs, tmp_path, chart_frames):
    assert compare(programs, tmp_path, chart_frames, sequences=range(100, 112))[0] == 0
    code, said = compare(programs, tmp_path, chart_frames, sequences=[*range(100, 111), 112])
    assert code == 1 and "frame-000011.png: sequence 112 comes after 110" in said
    lossy = chart_frames[:3] + chart_frames[5:]
    code, said = compare(programs, tmp_path, lossy, "--chart", f"{W}x{H}", "--allow-lost",
                         sequences=[*range(3), *range(5, 12)])
    assert code == 0
    code, said = compare(programs, tmp_path, lossy, "--chart", f"{W}x{H}", "--allow-lost", sequences=range(10))
    assert code == 1 and "shows frame 5, but its sequence is 3" in said


@pytest.mark.parametrize("at", [0, 1, 95, 96, 143, 5000, W * H * 3 - 1])
def test_compare_finds_one_bit(programs, tmp_path, chart_frames, at):
    frames = [bytearray(f) for f in chart_frames]
    frames[7][at] ^= 1
    code, said = compare(programs, tmp_path, frames)
    x, y = at // 3 % W, at // 3 // W
    assert code == 1 and "frame-000007.png" in said and f"x {x}, y {y}: got" in said


def test_compare_finds_order(programs, tmp_path, chart_frames):
    for broken, words in ((chart_frames[:4] + chart_frames[3:], "frame 3 comes after frame 3"),
                          (chart_frames[:4] + chart_frames[5:], "frame 5 comes after frame 3"),
                          (chart_frames[:4] + chart_frames[2:], "frame 2 comes after frame 3")):
        code, said = compare(programs, tmp_path, broken)
        assert code == 1 and words in said


@pytest.mark.parametrize("cut", [W * 3 * 50, W * 3 * 50 + 7, W * 3 * (H - 1)])
def test_compare_finds_a_tear(programs, tmp_path, chart_frames, cut):
    torn = chart_frames[4][:cut] + chart_frames[5][cut:]
    code, said = compare(programs, tmp_path, chart_frames[:4] + [torn])
    assert code == 1 and "lines of several frames" in said


def test_compare_finds_shifted_lines(programs, tmp_path, chart_frames):
    frame = chart_frames[0]
    code, said = compare(programs, tmp_path, [frame[W * 3:] + frame[:W * 3]])
    assert code == 1


def test_compare_bad_files(programs, tmp_path, chart_frames):
    good = rgb_png(W, H, chart_frames[0])
    for name, data, words in (("a.png", good[:-40], "no whole PNG"), ("b.png", rgb_png(8, 8, bytes(192)), "192 bytes"),
                              ("c.ppm", b"P6\n160 120\n255\n" + bytes(5), "no whole PPM"), ("d.raw", b"", "no whole"),
                              ("e.png", png(W, H, 8, 0, [bytes(W)] * H), "no whole PNG"), ("f", None, "cannot open")):
        path = tmp_path / name
        if data is not None:
            path.write_bytes(data)
        done = subprocess.run([str(programs / "grabber-compare"), "--chart", f"{W}x{H}", str(path)],
                              capture_output=True, text=True, timeout=10)
        assert done.returncode == 1 and words in done.stdout, name


def test_compare_picture(programs, tmp_path):
    pixels = noise(W * H * 3)
    (tmp_path / "source.png").write_bytes(rgb_png(W, H, pixels))
    (tmp_path / "source.raw").write_bytes(pixels)
    for args in (("--picture", str(tmp_path / "source.png")),
                 ("--raw", str(tmp_path / "source.raw"), "--size", f"{W}x{H}")):
        assert compare(programs, tmp_path, [pixels] * 3, *args, sequences=range(3)) == (0, "identical: 3 frames\n")
        other = bytearray(pixels)
        other[1234] ^= 0x80
        assert compare(programs, tmp_path, [pixels, other], *args)[0] == 1
        assert compare(programs, tmp_path, [pixels] * 3, *args, sequences=[0, 1, 3])[0] == 1


def verify(programs, data, *args):
    done = subprocess.run([str(programs / "grabber-verify"), "--chart", f"{W}x{H}", *args], input=data,
                          capture_output=True, timeout=60)
    return done.returncode, done.stdout.decode()


def test_verify(programs, chart_frames):
    code, said = verify(programs, b"".join(chart_frames))
    assert code == 0
    assert said.startswith("frames 12, lost 0, missed 0, torn 0, differing 0, repeated 0, ")
    code, said = verify(programs, b"".join(chart_frames), "--frames", "5")
    assert code == 0 and said.startswith("frames 5, ")


def test_verify_finds(programs, chart_frames):
    f = chart_frames
    broken = bytearray(f[3])
    broken[-1] ^= 4
    torn = f[1][:W * 3 * 60] + f[2][W * 3 * 60:]
    for frames, args, code, words in (
            (f[:3] + f[5:], (), 0, "lost 2,"), (f[:3] + f[5:], ("--no-loss",), 1, "lost 2,"),
            (f[:3] + [f[2]] + f[3:], (), 1, "repeated 1,"), (f[:3] + [broken], (), 1, "differing 1,"),
            (f[:1] + [torn], (), 1, "torn 1,"), ([], (), 1, "frames 0,")):
        got, said = verify(programs, b"".join(frames), *args)
        assert got == code and words in said, (words, said)
    assert verify(programs, b"".join(f[:2]) + f[2][:100])[0] == 1


def test_verify_raw(programs, tmp_path):
    pixels = noise(W * H * 3)
    (tmp_path / "p.raw").write_bytes(pixels)
    args = [str(programs / "grabber-verify"), "--raw", str(tmp_path / "p.raw"), "--size", f"{W}x{H}"]
    assert subprocess.run(args, input=pixels * 4, capture_output=True, timeout=10).returncode == 0
    assert subprocess.run(args, input=pixels[:-1] + b"\0", capture_output=True, timeout=10).returncode == 1
