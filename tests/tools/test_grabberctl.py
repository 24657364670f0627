# SPDX-License-Identifier: GPL-2.0-only
"""grabberctl on the host: its parts, its arguments, its manual, and what it says without a card."""

import json
import re
import subprocess

import pytest

from fake import NOBODY
from vm.paths import TOP

VERBS = ["list", "info", "capture", "format", "buffer", "stats", "top", "bar", "doctor"]


def test_parts(programs):
    result = subprocess.run([str(programs / "check" / "unit")], capture_output=True, text=True,
                            timeout=120)
    bad = [line for line in result.stdout.splitlines() if line.startswith("not ok")]
    assert not bad and result.returncode == 0, "\n".join(bad) + result.stderr[-2000:]
    assert result.stdout.splitlines()[-1] == f"1..{result.stdout.count('ok ')}"


@pytest.mark.parametrize("args", [[]] + [[verb] for verb in VERBS])
def test_help_and_version(card, args):
    version = (TOP / "VERSION").read_text().strip()
    for option in ("--help", "-?"):
        result = card.run(*args, option)
        assert result.status == 0 and not result.stderr
        assert result.stdout.startswith("Usage: grabberctl")
        assert all(len(line) <= 80 for line in result.stdout.splitlines())
    assert card.run(*args, "--version").stdout == f"grabberctl {version}\n"
    assert card.run(*args, "--usage").status == 0


@pytest.mark.parametrize("args, sentence", [
    ([], "say what to do"),
    (["show"], "there is no verb 'show'"),
    (["--loud"], "unrecognized option"),
    (["list", "0"], "list takes no argument, but got '0'"),
    (["info", "0", "1"], "one card at a time"),
    (["info", "--xml"], "unrecognized option"),
    (["capture"], "say where the frames go with -o"),
    (["capture", "-o"], "requires an argument"),
    (["capture", "-o", "frame"], "must end in .png, .pgm, .ppm or .raw"),
    (["capture", "-o", "frame.jpeg"], "must end in .png, .pgm, .ppm or .raw"),
    (["capture", "-o", "%s.png"], "only d is known"),
    (["capture", "-o", "%n.raw"], "only d is known"),
    (["capture", "-o", "%d%d.png"], "more than one place"),
    (["capture", "-n", "2", "-o", "one.png"], "a picture file holds one frame"),
    (["capture", "-n", "0", "-o", "one.ppm"], "a picture file holds one frame"),
    (["capture", "-n", "-1", "-o", "-"], "not a whole number"),
    (["capture", "-n", "ten", "-o", "-"], "not a whole number"),
    (["capture", "-n", "99999999999999999999", "-o", "-"], "not a whole number"),
    (["capture", "-t", "soon", "-o", "-"], "not a number of seconds"),
    (["capture", "-t", "-1", "-o", "-"], "not a number of seconds"),
    (["capture", "--compression=10", "-o", "%d.png"], "not a level from 0 to 9"),
    (["capture", "--newest", "--read", "-o", "-"], "--newest does not go with --read"),
    (["capture", "-o", "-", "0", "1"], "one card at a time"),
    (["format", "0", "1"], "one card at a time"),
    (["format", "--set"], "requires an argument"),
    (["format", "--set", "640x480"], "write the format as WIDTHxHEIGHT:FOURCC"),
    (["format", "--set", "640:GREY"], "not of the form WIDTHxHEIGHT"),
    (["format", "--set", "640x480:GREYS"], "no V4L2 FourCC code"),
    (["format", "--set", "640x480:GREY:many"], "the bytes a line are not a number"),
    (["format", "--set", "640x480:GREY:640:many"], "the bytes a frame are not a number"),
    (["buffer", "0", "1"], "one card at a time"),
    (["buffer", "--slots", "1"], "not a number from 2 to 1024"),
    (["buffer", "--slots", "1025"], "not a number from 2 to 1024"),
    (["buffer", "--slots", "8M"], "not a number from 2 to 1024"),
    (["buffer", "--slot-size", "65M"], "not a number of bytes up to 64M"),
    (["buffer", "--slot-size", "big"], "not a number of bytes up to 64M"),
    (["stats", "0", "1"], "one card at a time"),
    (["stats", "--xml"], "unrecognized option"),
    (["top", "0"], "top shows all cards and takes no argument, but got '0'"),
    (["top", "-d", "0.05"], "not a number of seconds from 0.1 to 86400"),
    (["top", "-d", "soon"], "not a number of seconds from 0.1 to 86400"),
    (["top", "-d", "86401"], "not a number of seconds from 0.1 to 86400"),
    (["top", "-n", "-1"], "not a whole number"),
    (["bar"], "say what to do: list, read, write or wait"),
    (["bar", "peek", "0"], "none of list, read, write and wait"),
    (["bar", "wait"], "say which interrupt line"),
    (["bar", "wait", "16"], "is not a number from 0 to 15"),
    (["bar", "wait", "0", "--timeout=soon"], "is not a number of seconds"),
    (["bar", "list", "0", "1"], "one argument too many"),
    (["bar", "read", "0", "--bar=6"], "is not a number from 0 to 5"),
    (["bar", "read", "0", "-b", "-1"], "is not a number from 0 to 5"),
    (["bar", "read"], "the register's offset is missing"),
    (["bar", "write", "0"], "the value to write is missing"),
    (["bar", "read", "x"], "the offset 'x' is not a number"),
    (["bar", "read", "0x"], "is not a number"),
    (["bar", "read", "99999999999999999999"], "too large for any register window"),
    (["bar", "read", "2"], "is not a multiple of 4 bytes"),
    (["bar", "read", "-w", "64", "4"], "is not a multiple of 8 bytes"),
    (["bar", "read", "1", "--width=16"], "is not a multiple of 2 bytes"),
    (["bar", "read", "0", "--width=24"], "is not 8, 16, 32 or 64 bits"),
    (["bar", "write", "0", "256", "--width=8"], "does not fit into 8 bits"),
    (["bar", "write", "0", "0x10000", "--width=16"], "does not fit into 16 bits"),
    (["bar", "write", "0", "0x100000000"], "does not fit into 32 bits"),
    (["bar", "write", "0", "0x10000000000000000", "--width=64"], "does not fit into 64 bits"),
    (["bar", "write", "0", "full"], "the value 'full' is not a number"),
    (["bar", "read", "0", "0", "1"], "one argument too many"),
    (["bar", "write", "0", "0", "0", "1"], "one argument too many"),
])
def test_wrong_arguments(card, args, sentence):
    result = card.run(*args)
    assert result.status == 2
    assert result.stdout == ""
    assert result.stderr.startswith("grabberctl") and sentence in result.stderr
    assert card.files() == []


@pytest.mark.parametrize("args", [["list"], ["info"], ["capture", "-o", "a.png"], ["bar", "read", "0"],
                                  ["format"], ["buffer", "--slots", "4"], ["stats"], ["top"],
                                  ["info", "0"], ["info", "grabber0"], ["info", "01:00.0"]])
def test_no_card(make_card, args):
    card = make_card(cards=())
    result = card.run(*args)
    assert result.status == 1 and result.stdout == ""
    assert "the grabber module is loaded, but drives none" in result.stderr
    card.classes.rmdir()
    result = card.run(*args)
    assert result.status == 1 and result.stdout == ""
    assert "the grabber module is not loaded; load it with 'modprobe grabber'" in result.stderr
    assert card.files() == []


@pytest.mark.parametrize("name, sentence", [
    ("7", "there is no card 7"),
    ("grabber7", "there is no card 7"),
    ("/dev/grabber7-bar", "there is no card 7"),
    ("0000:02:00.0", "no grabber card has the bus address 0000:02:00.0"),
    ("99999999999", "names no card"),
    ("0x0", "names no card"),
    ("video0", "names no card"),
    ("/dev/video0", "names no card"),
    ("grabber", "names no card"),
    ("grabber0x", "names no card"),
    ("grabber0-bars", "names no card"),
    ("", "names no card"),
])
def test_wrong_device(card, name, sentence):
    result = card.run("info", name)
    assert result.status == 1 and sentence in result.stderr


@pytest.mark.parametrize("name", ["1", "grabber1", "/dev/grabber1", "grabber1-bar", "/dev/grabber1-bar",
                                  "0000:02:00.0", "02:00.0"])
def test_device_names(make_card, name):
    card = make_card(cards=("0000:01:00.0", "0000:02:00.0"))
    assert card.run("bar", "write", 0, 0x1234, name).status == 0
    assert (card.dev / "grabber1-bar").read_bytes()[:4] == b"\x34\x12\0\0"
    assert (card.dev / "grabber0-bar").read_bytes()[:4] == bytes(4)


def test_first_card_is_the_lowest_number(make_card):
    card = make_card(cards=[f"0000:{n:02x}:00.0" for n in range(12)])
    for node in ("grabber0", "grabber0-bar", "grabber1", "grabber1-bar"):
        (card.classes / node / "device").unlink()
        (card.classes / node).rmdir()
    # 2 comes before 10, though not in the alphabet.
    assert card.run("bar", "write", 0, 5).status == 0
    assert (card.dev / "grabber2-bar").read_bytes()[0] == 5


def test_node_is_missing(card):
    (card.dev / "grabber0").unlink()
    result = card.run("info")
    assert result.status == 1
    assert "card 0 is there, but" in result.stderr and "is udev running" in result.stderr


def test_foreign_node(card):
    result = card.run("info", FOREIGN=1)
    assert result.status == 1 and "is no node of the grabber driver" in result.stderr


def test_other_interface_version(card):
    result = card.run("info", ABI=2)
    assert result.status == 1
    assert "the driver speaks version 2 of the interface, this grabberctl version 1" in result.stderr


def test_permission_denied(card):
    node = card.dev / "grabber0-bar"
    node.chmod(0o600)
    result = card.run("bar", "read", 0, user=NOBODY)
    assert result.status == 1
    assert "permission denied; it may be opened by root only" in result.stderr

    node = card.dev / "grabber0"
    node.chmod(0o660)
    group = next(line for line in open("/etc/group", encoding="utf8") if line.startswith("video:"))
    subprocess.run(["chgrp", "video", str(node)], check=True)
    for args in (["info"], ["capture", "-o", "a.png"]):
        result = card.run(*args, user=NOBODY)
        assert result.status == 1, group
        assert "may be opened by root and the group video" in result.stderr
        assert "usermod -aG video USER" in result.stderr
    result = card.run("list", user=NOBODY)
    assert result.status == 1
    assert re.search(r"^grabber0 +- +0000:01:00.0 +no permission", result.stdout, re.M)
    assert "the group video" in result.stderr


def test_list(make_card):
    card = make_card(cards=("0000:01:00.0", "0000:02:00.0"))
    result = card.run("list")
    lines = result.stdout.splitlines()
    assert result.status == 0 and not result.stderr
    assert lines[0].split() == ["NODE", "BOARD", "BUS", "STATE", "FRAMES"]
    assert [line.split()[0] for line in lines[1:]] == ["grabber0", "grabber1"]
    assert lines[1].endswith("16x12 RGB3, 576 bytes a frame") and " idle " in lines[1]


def test_list_by_sysfs(make_card):
    card = make_card(cards=("0000:01:00.0", "0000:02:00.0", "0000:03:00.0"))
    card.sysfs(0, state="streaming", board="xdma", width=1920, height=1080, sizeimage=6220800)
    card.sysfs(1, state="gone", pixelformat=b"Y16\xa0\n")
    card.sysfs(2, board="generic", width=0, height=0, pixelformat="unknown", sizeimage=4096)
    for node in card.dev.iterdir():
        node.chmod(0)
    result = card.run("list", user=NOBODY)
    assert result.status == 0 and not result.stderr
    assert [line.split(maxsplit=4) for line in result.stdout.splitlines()[1:]] == [
        ["grabber0", "xdma", "0000:01:00.0", "streaming", "1920x1080 RGB3, 6220800 bytes a frame"],
        ["grabber1", "fake", "0000:02:00.0", "gone", "16x12 Y16-BE, 576 bytes a frame"],
        ["grabber2", "generic", "0000:03:00.0", "idle", "4096 bytes a frame"]]

    # A driver that does not tell all of it in sysfs is asked by ioctls.
    (card.classes / "grabber0" / "stats" / "begun").unlink()
    assert "16x12 RGB3, 576 bytes" in card.run("list").stdout.splitlines()[1]


def test_info(card):
    result = card.run("info", WIDTH=1920, HEIGHT=1080)
    assert result.status == 0 and not result.stderr
    for line in ("size              1920 x 1080 pixels", "pixel format      RGB3 (24-bit RGB)",
                 "frame             6220800 bytes", "held now          0 of at most 6 slots",
                 "slots             8 of 6220800 bytes, one every 6221824 bytes",
                 "begun             0\n"):
        assert line in result.stdout


def test_info_json(card):
    result = card.run("info", "--json", FOURCC="GREY")
    told = json.loads(result.stdout)
    assert result.status == 0
    assert told["info"]["board"] == 'fake "card"' and told["info"]["bus"] == "0000:01:00.0"
    assert told["info"]["streaming"] is False
    assert told["format"] == {"width": 16, "height": 12, "fourcc": "GREY", "pixelformat": 0x59455247,
                              "bytesperline": 16, "sizeimage": 192}
    assert told["buffer"] == {"slots": 8, "slot_size": 192, "stride": 4096, "mmap_size": 32768,
                              "hold_max": 6, "hold_total": 6}
    assert told["stats"]["begun"] == 0 and told["stats"]["readers"] == 1


@pytest.mark.parametrize("width, value, text", [
    (8, 0xab, "0xab"), (16, 0xabcd, "0xabcd"), (32, 0x12345678, "0x12345678"),
    (64, 0x123456789abcdef0, "0x123456789abcdef0"), (32, 7, "0x00000007"),
])
def test_bar(card, width, value, text):
    assert card.run("bar", "write", 0x40, value, "--width", width).stdout == ""
    result = card.run("bar", "read", 64, "--width", width)
    assert (result.status, result.stdout, result.stderr) == (0, text + "\n", "")
    window = (card.dev / "grabber0-bar").read_bytes()
    assert window[0x40:0x40 + width // 8] == value.to_bytes(width // 8, "little")
    assert not any(window[:0x40]) and not any(window[0x40 + width // 8:])


def test_bar_outside(make_card):
    card = make_card(bar_bytes=256)
    assert card.run("bar", "read", 252).status == 0
    for offset in (256, 0x7ffffffffffffffc):
        result = card.run("bar", "read", offset)
        assert result.status == 1 and result.stdout == ""
        assert "outside BAR 2 of grabber0, which has 256 bytes" in result.stderr


def test_bar_list(card):
    result = card.run("bar", "list")
    assert (result.status, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [
        "BAR 0          65536 bytes  64-bit, the driver's own",
        "BAR 2           4096 bytes  the default",
        "BAR 4            128 bytes  64-bit, prefetchable, cannot be mapped",
    ]


def test_bar_wait(card):
    result = card.run("bar", "wait", 3)
    assert (result.status, result.stdout, result.stderr) == (0, "line 3: 1\n", "")
    result = card.run("bar", "wait", 8)
    assert result.status == 1 and "no interrupt line 8" in result.stderr


def test_bar_other(card):
    assert card.run("bar", "--bar=4", "write", 124, 7).status == 0
    assert card.run("bar", "read", 124, "-b", 2).stdout == "0x00000007\n"
    result = card.run("bar", "read", 128, "--bar", 4)
    assert result.status == 1 and "outside BAR 4 of grabber0, which has 128 bytes" in result.stderr
    result = card.run("bar", "read", 0, "--bar", 0)
    assert result.status == 1 and "BAR 0 of grabber0 has its DMA engine" in result.stderr
    result = card.run("bar", "read", 0, "--bar", 3)
    assert result.status == 1 and "no memory BAR 3" in result.stderr
    assert "grabberctl bar list" in result.stderr


def manual():
    return (TOP / "docs" / "grabberctl.1").read_text(encoding="utf8")


def test_manual_is_clean():
    result = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", str(TOP / "docs/grabberctl.1")],
                            capture_output=True, text=True, timeout=60,
                            env={"PATH": "/usr/bin:/bin", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
    assert result.returncode == 0 and result.stderr == ""
    assert "CAPTURE" not in result.stdout and "grabberctl capture" in result.stdout


def test_manual_has_every_option(card):
    text = manual().replace("\\-", "-")
    for verb in VERBS:
        for option in re.findall(r"--([a-z-]+)", card.run(verb, "--help").stdout):
            assert f"Fl -{option}" in text, f"{verb} --{option} is not in the manual"
    for status in (0, 1, 2, 3):
        assert f".It {status}\n" in text
