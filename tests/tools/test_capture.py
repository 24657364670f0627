# SPDX-License-Identifier: GPL-2.0-only
"""grabberctl capture, against the card made of software: frames, losses, signals, full disks."""

import os
import pty
import re
import signal
import subprocess
import time

import pytest

from fake import crop, finish, painted, read_png

BIG = dict(WIDTH=256, HEIGHT=256)   # 192 KiB a frame, more than a pipe takes
# No more frames than slots: none is overwritten, however late the machine lets us come.
WHOLE = dict(SLOTS=16, FRAMES=16)
BIG_BYTES = 256 * 256 * 3


def summary(result):
    found = re.search(r"^grabberctl: (\d+) frames?, (?:([\d.]+) frames per second, )?"
                      r"(\d+) lost, (\d+) (missed|skipped)(, \d+ damaged)?$", result.stderr, re.M)
    assert found, result.stderr
    return int(found[1]), int(found[3]), int(found[4])


def test_png(card):
    result = card.run("capture", "-n", 5, "-o", "frame-%06d.png", **WHOLE)
    assert result.status == 0 and result.stdout == ""
    assert summary(result) == (5, 0, 0)
    assert card.files() == [f"frame-{i:06d}.png" for i in range(5)]
    before = 0
    for sequence, name in enumerate(card.files()):
        width, height, pixels, texts = read_png(card.out / name)
        assert (width, height) == (16, 12)
        assert texts["grabber:sequence"] == sequence
        assert texts["grabber:timestamp_ns"] > before
        before = texts["grabber:timestamp_ns"]
        assert pixels == painted(sequence)
    assert card.held() == 0


@pytest.mark.parametrize("level", [0, 1, 9])
def test_compression(card, level):
    assert card.run("capture", "--compression", level, "-o", "a.png", **BIG, **WHOLE).status == 0
    assert read_png(card.out / "a.png")[2] == painted(0, 256, 256)
    assert (level == 0) == ((card.out / "a.png").stat().st_size > BIG_BYTES)


def test_grey_with_padding(card):
    settings = dict(FOURCC="GREY", PAD=5, **WHOLE)
    assert card.run("capture", "-n", 2, "-o", "%d.png", **settings).status == 0
    assert card.run("capture", "-n", 2, "-o", "%d.pgm", **settings).status == 0
    for i in range(2):
        pixels = crop(painted(i, pixel=1, pad=5), pixel=1, pad=5)
        assert read_png(card.out / f"{i}.png")[2] == pixels
        assert (card.out / f"{i}.pgm").read_bytes() == b"P5\n16 12\n255\n" + pixels


def test_bgr(card):
    assert card.run("capture", "-o", "a.png", FOURCC="BGR3", **WHOLE).status == 0
    assert card.run("capture", "-o", "a.ppm", FOURCC="BGR3", **WHOLE).status == 0
    frame = painted(0)
    pixels = b"".join(frame[i:i + 3][::-1] for i in range(0, len(frame), 3))
    assert read_png(card.out / "a.png")[2] == pixels
    assert (card.out / "a.ppm").read_bytes() == b"P6\n16 12\n255\n" + pixels


def test_other_format_is_raw_only(card):
    result = card.run("capture", "-o", "a.png", FOURCC="YUYV", **WHOLE)
    assert result.status == 1 and card.files() == []
    assert "pixel format YUYV can be saved as they are only" in result.stderr
    assert card.run("capture", "-o", "a.raw", FOURCC="YUYV", **WHOLE).status == 0
    assert (card.out / "a.raw").read_bytes() == painted(0, pixel=1)


@pytest.mark.parametrize("extra", [[], ["--read"]])
def test_raw(card, extra):
    expected = [painted(i) for i in range(5)]
    result = card.run("capture", *extra, "-n", 5, "-o", "all.raw", **WHOLE)
    assert result.status == 0 and summary(result) == (5, 0, 0)
    assert (card.out / "all.raw").read_bytes() == b"".join(expected)
    result = card.run("capture", *extra, "-n", 5, "-o", "-", **WHOLE)
    assert result.status == 0 and result.raw == b"".join(expected)
    assert card.run("capture", *extra, "-n", 5, "-o", "%d.raw", **WHOLE).status == 0
    assert [(card.out / f"{i}.raw").read_bytes() for i in range(5)] == expected
    assert len(card.files()) == 6


def test_verbose(card):
    result = card.run("capture", "-v", "-n", 3, "-o", "%d.png", **WHOLE)
    told = re.findall(r"^grabberctl: (\d).png: frame \1, sequence \1, timestamp \d+ ns, 576 bytes$",
                      result.stderr, re.M)
    assert sorted(told) == ["0", "1", "2"]


def stalled(card, *args, seconds=1.0, **settings):
    """Run with a reader of standard output that sleeps at first."""
    process = card.start("capture", "-o", "-", *args, **settings)
    time.sleep(seconds)
    return finish(process)


def test_holds_cover_a_slow_writer(card):
    # 30 frames in 0.3 s, while not one can be written for a whole second.
    result = stalled(card, "-n", 30, "--strict", SLOTS=32, RATE=100, **BIG)
    assert result.status == 0 and summary(result) == (30, 0, 0)
    assert result.raw == b"".join(painted(i, 256, 256) for i in range(30))


def test_missed_frames_are_counted(card):
    result = stalled(card, "-n", 40, SLOTS=8, RATE=100, **BIG)
    frames, lost, missed = summary(result)
    assert result.status == 0 and frames == 40 and lost == 0 and missed > 20
    assert len(result.raw) == 40 * BIG_BYTES
    # What came is whole, and was not overwritten while it was held.
    for at in range(0, len(result.raw), BIG_BYTES):
        frame = result.raw[at:at + BIG_BYTES]
        sequence = frame[0] * pow(31, -1, 256) % 256
        assert frame == painted(sequence, 256, 256)
    assert stalled(card, "-n", 40, "--strict", SLOTS=8, RATE=100, **BIG).status == 3


def test_newest_skips(card):
    # 0 and 1 are held for a second; then 16 to 29 are in the buffer, and no more come.
    settings = dict(SLOTS=16, HOLD=2, FRAMES=30, **BIG)
    result = stalled(card, "-n", 3, **settings)
    assert result.status == 0 and summary(result) == (3, 0, 14)
    assert result.raw[2 * BIG_BYTES:] == painted(16, 256, 256)
    result = stalled(card, "-n", 3, "--newest", "--strict", **settings)
    assert result.status == 0 and summary(result) == (3, 0, 27)
    assert result.stderr.endswith(" 27 skipped\n")
    assert result.raw[2 * BIG_BYTES:] == painted(29, 256, 256)


@pytest.mark.parametrize("extra", [[], ["--read"]])
def test_lost_frames_are_counted(card, extra):
    # 4, 9, 14 and 19 never come.
    args = ["capture", *extra, "-n", 20, "-o", "all.raw"]
    result = card.run(*args, LOSE=5, SLOTS=32)
    assert result.status == 0 and summary(result) == (20, 4, 0)
    assert (card.out / "all.raw").read_bytes() == b"".join(
        painted(i) for i in range(24) if i % 5 != 4)
    result = card.run(*args, "--strict", LOSE=5, SLOTS=32)
    assert result.status == 3 and "--strict" in result.stderr


def test_rate(card):
    result = card.run("capture", "-n", 51, "-o", "-", RATE=100, SLOTS=64)
    rate = float(re.search(r"([\d.]+) frames per second", result.stderr)[1])
    assert 95 < rate < 105
    assert "per second" not in card.run("capture", "-n", 1, "-o", "-").stderr


@pytest.mark.parametrize("extra", [[], ["--read"]])
def test_no_frame(card, extra):
    start = time.monotonic()
    result = card.run("capture", *extra, "-t", "0.5", "-o", "a.raw", FRAMES=0)
    assert 0.5 <= time.monotonic() - start < 5
    assert result.status == 1 and card.files() == []
    assert "no frame came from grabber0 within 0.5 seconds, and the card began none" in result.stderr
    result = card.run("capture", *extra, "-n", 9, "-t", "0.5", "-o", "%d.png", FRAMES=5, SLOTS=16)
    assert result.status == 1 and summary(result)[0] == 5 and len(card.files()) == 5
    assert "though the card began 5 since this capture started" in result.stderr


def test_card_goes(card):
    result = card.run("capture", "-n", 9, "-o", "%d.png", GONE=5, SLOTS=16)
    assert result.status == 1 and "the card is gone; was it unplugged or unbound?" in result.stderr
    assert card.files() == [f"{i}.png" for i in range(5)]
    result = card.run("capture", "-n", 9, "-o", "all.raw", GONE=5, SLOTS=16)
    assert result.status == 1 and card.files()[-1] == "all.raw"
    assert (card.out / "all.raw").read_bytes() == b"".join(painted(i) for i in range(5))


def test_short_frame(card):
    half = painted(2)[:16 * 12 * 3 // 2]
    black = half + bytes(len(half))
    for name in ("%d.png", "%d.raw", "all.raw"):
        result = card.run("capture", "-n", 4, "-o", name, SHORT=2, SLOTS=64)
        assert result.status == 0
        assert result.stderr.count("frame 2 is short: only 288 bytes came") == 1
        assert result.stderr.endswith(" 0 lost, 0 missed, 1 damaged\n")
    assert card.run("capture", "-n", 4, "--strict", "-o", "-", SHORT=2, SLOTS=64).status == 3
    assert read_png(card.out / "2.png")[2] == black
    assert (card.out / "2.raw").read_bytes() == half
    assert (card.out / "all.raw").read_bytes() == painted(0) + painted(1) + black + painted(3)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal(card, number):
    process = card.start("capture", "-n", 0, "-o", "all.raw", RATE=200)
    wait_for(lambda: (card.out / "all.raw.part").exists())
    time.sleep(0.3)
    process.send_signal(number)
    result = finish(process, timeout=10)
    frames, lost, missed = summary(result)
    assert result.status == 0 and frames > 10 and card.held() == 0
    assert (card.out / "all.raw").stat().st_size == frames * 576 and len(card.files()) == 1


def test_signal_before_the_end_is_a_failure(card):
    process = card.start("capture", "-n", 100000, "-o", "%d.png", RATE=100)
    wait_for(lambda: (card.out / "3.png").exists())
    process.send_signal(signal.SIGINT)
    result = finish(process, timeout=10)
    frames = summary(result)[0]
    assert result.status == 1 and card.held() == 0
    assert f"stopped by a signal after {frames} of 100000 frames" in result.stderr
    assert len(card.files()) == frames and not any(f.endswith(".part") for f in card.files())


def test_signal_while_no_frame_comes(card):
    process = card.start("capture", "-t", 0, "-o", "a.png", FRAMES=0)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert finish(process, timeout=5).status == 1 and card.files() == []


def test_second_signal_ends_a_capture_that_is_stuck(card):
    process = card.start("capture", "-n", 0, "-o", "-", **BIG)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert process.poll() is None, "nobody reads, yet it ended in good order"
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=5) == -signal.SIGINT
    process.communicate()


def wait_for(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_reader_ends(card):
    process = card.start("capture", "-n", 0, "-o", "-", **BIG)
    process.stdout.read(10)
    process.stdout.close()
    process.stdout = None
    result = finish(process, timeout=10)
    assert result.status == 1 and "whoever read the frames has ended" in result.stderr
    assert card.held() == 0


def test_terminal_gets_no_frames(card):
    master, slave = pty.openpty()
    result = finish(card.start("capture", "-o", "-", stdout=slave))
    os.close(slave)
    os.close(master)
    assert result.status == 1 and "standard output is a terminal" in result.stderr


def test_existing_file_is_replaced_only_by_a_whole_one(card):
    old = card.out / "a.png"
    old.write_text("old")
    assert card.run("capture", "-t", "0.2", "-o", "a.png", FRAMES=0).status == 1
    assert old.read_text() == "old"
    assert card.run("capture", "-o", "a.png").status == 0
    assert read_png(old)[2] == painted(0)


def test_no_directory(card):
    for name in ("none/%d.png", "none/all.raw"):
        result = card.run("capture", "-o", name)
        assert result.status == 1 and "the directory it should go to does not exist" in result.stderr
    (card.out / "a.png").mkdir()
    assert card.run("capture", "-o", "a.png").status == 1
    assert card.files() == ["a.png"]


def on_small_disk(card, kilobytes, *args, **settings):
    """Run with its directory on a tmpfs of that size; the files left there are moved to disk."""
    kept = card.dir / "kept"
    kept.mkdir()
    script = f"""mount -t tmpfs -o size={kilobytes}k none "$1" && cd "$1" || exit 99
        shift; kept="$1"; shift; "$@"; status=$?; cp -- * "$kept"; exit $status"""
    process = subprocess.Popen(
        ["unshare", "-m", "sh", "-c", script, "sh", str(card.out), str(kept), str(card.program),
         *map(str, args)], env=card.environment(**settings), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    result = finish(process)
    assert result.status != 99, result.stderr
    return result, kept


def test_full_disk_pictures(card):
    result, kept = on_small_disk(card, 1000, "capture", "-n", 30, "--compression=0", "-o", "%d.png",
                                 SLOTS=16, **BIG)
    assert result.status == 1 and card.held() == 0
    assert result.stderr.count("the disk is full; free some space") >= 1
    names = sorted(path.name for path in kept.iterdir())
    assert 3 <= len(names) <= 5 and all(re.fullmatch(r"\d+\.png", name) for name in names)
    for name in names:
        width, height, pixels, texts = read_png(kept / name)
        assert pixels == painted(texts["grabber:sequence"], 256, 256)


def test_full_disk_stream(card):
    result, kept = on_small_disk(card, 1000, "capture", "-n", 30, "-o", "all.raw", SLOTS=16, **BIG)
    assert result.status == 1 and card.held() == 0
    assert "the disk is full" in result.stderr
    assert "the whole frames before that are kept in all.raw.part" in result.stderr
    assert [path.name for path in kept.iterdir()] == ["all.raw.part"]
    assert (kept / "all.raw.part").stat().st_size == 5 * BIG_BYTES
