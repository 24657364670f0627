# SPDX-License-Identifier: GPL-2.0-only
"""grabberctl format and buffer, against the card made of software."""

import mmap
import re
import subprocess
import sys

import pytest

from fake import NOBODY

# A program of ours that has the node open, mapped only, or neither; it tells when it is ready.
HOLDER = """
import mmap, sys, time
how, node = sys.argv[1:]
file = open(node, "r+b") if how != "none" else None
if how == "mapped":
    window = mmap.mmap(file.fileno(), 4096)
    file.close()
print("ready", flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder(card):
    started = []

    def start(how):
        node = card.dev / "grabber0"
        node.write_bytes(bytes(mmap.PAGESIZE))
        started.append(subprocess.Popen([sys.executable, "-c", HOLDER, how, node],
                                        stdout=subprocess.PIPE))
        assert started[-1].stdout.readline() == b"ready\n"
        return started[-1].pid

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_format(card):
    result = card.run("format", WIDTH=1920, HEIGHT=1080, CHOICES=3)
    assert result.status == 0 and not result.stderr
    lines = result.stdout.splitlines()
    assert lines[1:] == ["  1920x1080:RGB3:5760:6220800 (24-bit RGB)", "Can be set",
                         "  1920x1080:RGB3:5760:6220800 (24-bit RGB)",
                         "  1922x1080:RGB3:5768:6229440 (24-bit RGB)",
                         "  1924x1080:RGB3:5776:6238080 (24-bit RGB)"]
    assert "any other that fits a slot" in card.run("format", FREE=1).stdout


@pytest.mark.parametrize("spec, now, settings", [
    ("16x12:RGB3", "16x12:RGB3:53:636", dict(PAD=5)),       # as the card offers it
    ("18x12:RGB3", "18x12:RGB3:56:672", dict(CHOICES=2)),
    ("8x12:GREY:32", "8x12:GREY:32:384", dict(FREE=1)),
    ("8x12:BGR3:32:400", "8x12:BGR3:32:400", dict(FREE=1)),
    ("16x12:GREY", "16x12:GREY:16:192", dict(FREE=1)),
])
def test_set_format(card, spec, now, settings):
    result = card.run("format", "--set", spec, "0", **settings)
    assert result.status == 0 and not result.stderr
    assert result.stdout.splitlines()[1].split()[0] == now


def test_corrected_format(card):
    result = card.run("format", "--set", "20x12:GREY", FREE=1)
    assert result.status == 0
    assert result.stdout.splitlines()[1].split()[0] == "20x12:GREY:32:384"
    assert "corrected 20x12:GREY:20:240 to 20x12:GREY:32:384, which is set now" in result.stderr


@pytest.mark.parametrize("spec, settings, sentence", [
    ("640x480:GREY", {}, "cannot do 640x480:GREY:640:307200; 'grabberctl format 0' shows what it can do"),
    ("640x480:GREY", dict(FREE=1), "which have 576 bytes; make them larger with "
                                   "'grabberctl buffer --slot-size 307200 0'"),
    ("16x12:GREY:16:100", dict(FREE=1), "bytes a line times height must be no more than bytes a frame"),
    ("16x12:MJPG", dict(FREE=1), "add bytes a line and bytes a frame"),
    ("18x12:RGB3", dict(CHOICES=2, BUSY="running"), "/grabber0 is busy, and its format stays as it was: "
                                                    "capture is on; "),
    ("16x12:RGB3", dict(OLD=1), "the running driver is older than this grabberctl"),
])
def test_refused_format(card, spec, settings, sentence):
    result = card.run("format", "--set", spec, **settings)
    assert result.status == 1 and result.stdout == ""
    assert sentence in result.stderr and result.stderr.count("\n") == 1


@pytest.mark.parametrize("args", [["format", "--set", "16x12:RGB3"], ["buffer", "--slots", "4"]])
def test_changes_need_permission(card, args):
    (card.dev / "grabber0").chmod(0o600)
    result = card.run(*args, user=NOBODY)
    assert result.status == 1 and result.stdout == ""
    assert "permission denied; it may be opened by root only" in result.stderr


def shown(result):
    assert result.status == 0 and not result.stderr
    return dict(re.split(r" {3,}", line.strip()) for line in result.stdout.splitlines()[1:])


def test_buffer(card):
    assert shown(card.run("buffer", WIDTH=1920, HEIGHT=1080)) == {
        "slots": "8", "slot size": "6220800 bytes", "stride": "6221824 bytes from one slot to the next",
        "memory": "47.5 MiB", "may be held": "6 slots at a time"}


@pytest.mark.parametrize("args, slots, size", [
    (["--slots", "16"], 16, 4096),          # the size stays, though a frame needs less
    (["--slot-size", "4M"], 8, 4 << 20),
    (["--slot-size", "1000k"], 8, 1024000),
    (["--slot-size=0"], 8, 48),
    (["--slots=3", "--slot-size=0x1000"], 3, 4096),
    (["--slots=1024", "--slot-size=64M"], 1024, 64 << 20),
])
def test_set_buffer(card, args, slots, size):
    # 4096 bytes a slot at first, of which a frame takes 48
    result = shown(card.run("buffer", *args, WIDTH=4, HEIGHT=4, SLOT_SIZE=4096))
    assert (result["slots"], result["slot size"]) == (str(slots), f"{size} bytes")
    pages = -(-size // 4096)
    assert result["memory"] == f"{slots * pages / 256:.1f} MiB"
    total = slots - 3 if slots > 3 else 1
    most = total - 1 if total > 1 else total
    assert result["may be held"] == f"{most} slot{'s' if most != 1 else ''} at a time"


@pytest.mark.parametrize("args, settings, sentence", [
    (["--slot-size", "100"], {}, "slots of 100 bytes are too small for the frames of grabber0, which have 576"),
    (["--slots", "512"], dict(MEMORY=1 << 20), "512 slots of 576 bytes (0.3 MiB); its buffer stays as it was: "
                                               "ask for fewer or smaller slots"),
    (["--slot-size", "8M"], dict(MEMORY=1 << 20), "more than 4M a slot take an IOMMU"),
    (["--slot-size", "0"], dict(MEMORY=1), "8 slots of 576 bytes"),
    (["--slots", "512", "--slot-size", "8M"], dict(LIMIT=1 << 20),
     "grabber0: a buffer of 4096.0 MiB is more than users may have, and stays as it was: run this as root"),
    (["--slots", "9"], dict(OLD=1), "the running driver is older than this grabberctl"),
])
def test_refused_buffer(card, args, settings, sentence):
    result = card.run("buffer", *args, **settings)
    assert result.status == 1 and result.stdout == ""
    assert sentence in result.stderr and result.stderr.count("\n") == 1
    assert ("IOMMU" in result.stderr) == ("IOMMU" in sentence)


def test_slots_that_cut_frames_off(card):
    result = card.run("buffer", "--slot-size", 100, CUTS=1)
    assert result.status == 0 and "  slot size         100 bytes\n" in result.stdout
    assert "frames have 576 bytes, so each will be cut off at its slot's end" in result.stderr


@pytest.mark.parametrize("why, reason", [("running", "capture is on"), ("held", "3 slots are held"),
                                         ("mapped", "its buffer is mapped")])
def test_busy_buffer(card, why, reason):
    result = card.run("buffer", "--slots", 4, BUSY=why)
    assert result.status == 1 and result.stdout == ""
    assert f"its buffer stays as it was: {reason}" in result.stderr
    assert "no program has it open" in result.stderr


@pytest.mark.parametrize("how", ["open", "mapped"])
def test_who_is_busy(card, holder, how):
    pids = {holder(how), holder(how)}
    holder("none")
    result = card.run("buffer", "--slots", 4, BUSY="mapped")
    assert result.status == 1
    told = re.search(r"it is used by (.*): end that and try again\n", result.stderr)
    assert {int(pid) for pid in re.findall(r"\S+ \((\d+)\)", told[1])} == pids


def test_others_programs_are_not_seen(card, holder):
    holder("open")
    (card.dev / "grabber0").chmod(0o666)
    result = card.run("buffer", "--slots", 4, BUSY="mapped", user=NOBODY)
    assert result.status == 1 and "root is told their names here" in result.stderr
