# SPDX-License-Identifier: GPL-2.0-only
"""What the driver makes of a file with settings, on the host, with sanitizers."""

import pathlib
import random
import subprocess

import pytest

HERE = pathlib.Path(__file__).resolve().parent
DRIVER = HERE.parents[1] / "driver"
SLOT, SERIAL = "pci-0000:01:00.0", "serial:01-23-45-67-89-ab-cd-ef"


@pytest.fixture(scope="module")
def parse(tmp_path_factory):
    """parse(text...) -> for each a dict of channel 0, and the last line's words"""
    directory = tmp_path_factory.mktemp("settings")
    program = directory / "settings_print"
    subprocess.run(
        ["gcc", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined",
         "-fno-sanitize-recover=all", f"-I{HERE / 'include'}", f"-I{DRIVER}", "-o", program,
         HERE / "settings_print.c", DRIVER / "settings_parse.c"], check=True)

    def run(*texts, serial=SERIAL):
        paths = []
        for number, text in enumerate(texts):
            paths.append(directory / str(number))
            paths[-1].write_bytes(text if isinstance(text, bytes) else text.encode())
        done = subprocess.run([program, SLOT, serial, *paths], capture_output=True, text=True,
                              errors="replace", timeout=600)
        assert done.returncode == 0, done.stderr
        lines = done.stdout.split("\n")[:-1]
        assert len(lines) == 5 * len(texts)
        return [Said(lines[5 * n:5 * n + 5]) for n in range(len(texts))]

    return run


class Said:
    def __init__(self, lines):
        self.channel = [dict(word.split("=") for word in line.split()[1:]) for line in lines[:4]]
        self.sections, self.wrong, self.line = (int(word.split("=")[1]) for word in lines[4].split()[:3])
        self.why = " ".join(lines[4].split()[3:])


def section(*lines, name=SLOT):
    return "\n".join([f"[{name}]", *lines, ""])


def test_all_that_can_be_said(parse):
    [said] = parse("# a comment, of any length" + " ä" * 9999 + "\n\n" + section(
        "board=xdma", "  framing = slot ", "bar=5\r", "slots=1024", "\tslot_size=4M",
        "format=640x480:GREY:640", "name=belt-2.left_side"))
    assert said.channel == [{
        "board": "1", "framing": "2", "bar": "5", "slots": "1024", "slot_size": "4194304",
        "format": "640x480:59455247:640:307200", "name": "belt-2.left_side"}] * 4
    assert (said.sections, said.wrong) == (1, 0)


@pytest.mark.parametrize("good,value", [
    ("slots=2", "2"), ("slots=0064", "64"), ("slot_size=1", "1"), ("slot_size=64m", str(64 << 20)),
    ("slot_size=65536K", str(64 << 20)), ("bar=0", "0"), ("board=generic", "2"),
    ("framing=packet", "1"), ("name=a", "a"), ("name=x" + "9" * 30, "x" + "9" * 30), ("name=bar", "bar"),
    ("name=1-2", "1-2"), ("id=10ee:7024", "10ee7024"), ("id=10EE:903F", "10ee903f"),
    ("format=8x2:Y16:16", "8x2:20363159:16:32"), ("format=8x2:Y16 :16:40", "8x2:20363159:16:40"),
    ("format=8x2:Y16-BE:16", "8x2:a0363159:16:32"), ("format=8x2:0x20363159:16", "8x2:20363159:16:32"),
    ("format=8x2:unknown:16", "8x2:00000000:16:32"), ("format=8x2:MJPG:0:1000", "8x2:47504a4d:0:1000"),
    ("format=0x0:0x12:0:1", "0x0:32317830:0:1")])
def test_good(parse, good, value):
    [said] = parse(section(good))
    assert said.wrong == 0 and said.channel[0] == {good.split("=")[0]: value}


@pytest.mark.parametrize("bad", [
    "slots", "=", "=5", "slots=", "slots=1", "slots=1025", "slots=-2", "slots=+2", "slots=0x10",
    "slots=2 3", "slots=4K", "slots=99999999999999999999", "slots=4294967298", "Slots=4", "slots =",
    "slot_size=0", "slot_size=65M", "slot_size=M", "slot_size=4G", "slot_size=0K",
    "slot_size=67108865", "slot_size=4398046511104K", "bar=6", "bar=-1", "framing=card",
    "framing=Packet", "board=edu", "board=", "name=", "name=a/b", "name=..", "name=-a", "name=a b",
    "name=x-bar", "name=5", "name=" + "9" * 31, "name=pci-a", "name=PCI-0000", "name=ä",
    "id=", "id=10ee", "id=10ee:702", "id=10ee:70245", "id=10ee-7024", "id=0x10:7024", "id=10ee:702g", "name=" + "a" * 32, "name=a\0b", "format=640x480", "format=640x480:GREY",
    "format=640x480:GREY:", "format=640x480:GREY:640:", "format=640x480:GREY:640:307199",
    "format=640x480:GREY:640:307200:1", "format=640:480:GREY:640", "format=x:GREY:1", "format=::::",
    "format=65536x65536:GREY:65536", "format=1x1:GREYS:1", "format=1x1::1", "format=1x1:0x1234567g:1",
    "format=1x1:GR\x01Y:1", "format=4294967296x1:GREY:1", "format=1x0:GREY:1", "unknown=5",
    "slots=4 # a comment", "[pci-0000:01:00.0", "[", "]"])
def test_bad(parse, bad):
    """Left out, and the lines around it are in force."""
    [said] = parse(section("name=before", bad, name=SLOT) + section("framing=slot"))
    assert (said.wrong, said.line) == (1, 3) and said.why
    assert said.channel[3] == {"name": "before", "framing": "2"}


def test_whose_section_it_is(parse):
    others = ["pci-0000:01:00.1", "pci-0000:01:00.01", "pci-0000:01:00", "pci-0000:01:00.0-chan4",
              "pci-0000:01:00.0-chan", "pci-0000:01:00.0-chan00", "pci-0000:01:00.0-chan0x",
              "serial:01-23-45-67-89-ab-cd-ee", "serial:", "", "]", "*"]
    for said in parse(*(section("slots=4", "not a line", name=name) for name in others)):
        assert (said.channel, said.sections, said.wrong) == ([{}] * 4, 0, 0)
    for said in parse(*(section("slots=4", name=name) for name in
                        (SLOT, SERIAL, SERIAL.upper(), f"  {SLOT}\t", "PCI-0000:01:00.0"))):
        assert (said.channel, said.sections) == ([{"slots": "4"}] * 4, 1)
    [said] = parse(section("slots=4", name="serial:") + section("slots=5", name=""), serial="")
    assert said.channel == [{}] * 4


def test_the_nearest_counts(parse):
    whole, serial = section("slots=4", "bar=1"), section("slots=5", "name=x", name=SERIAL)
    one, nearest = section("slots=6", name=SLOT + "-chan1"), section("slots=7", name=SERIAL + "-chan2")
    for text in (whole + serial + one + nearest, nearest + one + serial + whole):
        [said] = parse(text)
        assert said.channel == [{"bar": "1", "slots": slots, "name": "x"} for slots in "5675"]
    [said] = parse(whole + section("slots=9") + section("slots=1"))
    assert said.channel[0] == {"bar": "1", "slots": "9"} and said.wrong == 1
    for setting in ("board=xdma", "id=10ee:7024"):
        [said] = parse(section(setting, name=SLOT + "-chan1"))
        assert said.wrong == 1 and "whole card" in said.why


def test_only_the_first_is_told(parse):
    [said] = parse("slots=4\n" * 3 + section(*["x"] * 5000))
    assert (said.wrong, said.line) == (5003, 1) and "no section" in said.why


def test_nothing(parse):
    for said in parse("", "\n", "#", "#\n\n#", "\n" * 65536, b"\0" * 100, " ", "\r\n"):
        assert said.channel == [{}] * 4


def test_any_bytes(parse):
    """Sanitizers, and that what is in force is always within bounds."""
    chance = random.Random(1)
    good = (section("board=xdma", "framing=slot", "bar=5", "slots=1024", "slot_size=4M",
                    "format=640x480:GREY:640:307200", "name=belt")
            + section("slots=9", name=SERIAL + "-chan3")).encode()
    texts = []
    for _ in range(3000):
        text = bytearray(good)
        for _ in range(chance.randrange(1, 8)):
            at, many = chance.randrange(len(text)), chance.randrange(4)
            text[at:at + many] = chance.choice(
                (bytes([chance.randrange(256)]), b"\n", b":", b"=", b"]", b"", b"99999", bytes(text[at:at + 20])))
        texts.append(bytes(text[:chance.randrange(len(text) + 1)]))
    texts.append(chance.randbytes(65536))
    for start in range(0, len(texts), 500):
        for said in parse(*texts[start:start + 500]):
            for channel in said.channel:
                assert 2 <= int(channel.get("slots", 2)) <= 1024
                assert 1 <= int(channel.get("slot_size", 1)) <= 64 << 20
                assert 0 <= int(channel.get("bar", 0)) <= 5
                assert len(channel.get("name", "")) <= 31 and "/" not in channel.get("name", "")
                assert 0 < int(channel.get("format", ":1").rsplit(":", 1)[1]) <= 64 << 20
