# SPDX-License-Identifier: GPL-2.0-only
"""grabberctl stats and top: by ioctl, and by files that look like sysfs."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import termios
import threading

import pytest

from fake import BUCKETS, NOBODY, finish

FULL = dict(delivered=900, truncated=1, dropped_no_slot=20, dropped_error=3, dropped_stop=4,
            lost_by_card=5000000000)


def counters(text):
    return {name: int(value) for name, value in re.findall(r"^  (\w+) +(\d+)  ", text, re.M)}


def test_stats(card):
    result = card.run("stats")
    assert result.status == 0 and not result.stderr
    assert counters(result.stdout) == dict.fromkeys(("begun", *BUCKETS, "stalls", "held"), 0) | {"readers": 1}
    assert "this one included" in result.stdout and "The sum fits" in result.stdout
    assert "sysfs" not in result.stdout


def test_stats_by_sysfs(card):
    card.sysfs(held=2, readers=3, stalls=7, **FULL)
    (card.dev / "grabber0").chmod(0)
    result = card.run("stats", user=NOBODY)
    assert result.status == 0 and not result.stderr
    assert counters(result.stdout) == {"begun": sum(FULL.values()), "stalls": 7, "held": 2, "readers": 3, **FULL}
    assert "from sysfs" in result.stdout and "The sum fits: each" in result.stdout
    assert "this one" not in result.stdout

    told = json.loads(card.run("stats", "--json", user=NOBODY).stdout)
    assert told == {"stats": {"begun": sum(FULL.values()), "stalls": 7, "held": 2, "readers": 3, **FULL}, "card": 0,
                    "source": "sysfs", "begun_before": sum(FULL.values()), "sum_fits": True}


def test_stats_json(card):
    card.sysfs(**FULL)      # which the ioctl is preferred to
    told = json.loads(card.run("stats", "--json").stdout)
    assert told["source"] == "ioctl" and told["sum_fits"] is True
    assert told["stats"] == dict.fromkeys(("begun", *BUCKETS, "stalls", "held"), 0) | {"readers": 1}


@pytest.mark.parametrize("begun", [sum(FULL.values()) - 1, sum(FULL.values()) + 1])
def test_unfit_stats(card, begun):
    card.sysfs(begun=begun, **FULL)
    (card.dev / "grabber0").chmod(0)
    for args in ([], ["--json"]):
        result = card.run("stats", *args, user=NOBODY)
        assert result.status == 1 and "The sum fits" not in result.stdout
        assert (f"begun is {begun}, but the other counters add up to {sum(FULL.values())}"
                in result.stderr)
    assert json.loads(result.stdout)["sum_fits"] is False


def test_unfit_stats_by_ioctl(card):
    result = card.run("stats", UNFIT=1)
    assert result.status == 1 and "begun is 1, but the other counters add up to 0" in result.stderr


def test_no_stats(card):
    (card.dev / "grabber0").chmod(0o600)
    result = card.run("stats", user=NOBODY)
    assert result.status == 1 and result.stdout == "" and "permission denied" in result.stderr
    card.sysfs()
    (card.classes / "grabber0" / "stats" / "begun").write_text("many\n")
    assert "permission denied" in card.run("stats", user=NOBODY).stderr


HEADING = ["NODE", "STATE", "FRAMES/S", "MB/S", "NO-SLOT", "ERROR", "STOP", "CARD", "CUT", "HELD",
           "READERS"]


class Busy:
    """A card that goes on counting, by these steps, until it is told to stop."""

    def __init__(self, card, **steps):
        self.card, self.steps, self.stop = card, steps, threading.Event()
        self.now = dict(FULL)
        self.thread = threading.Thread(target=self.count)

    def count(self):
        while not self.stop.wait(0.01):
            for name, step in self.steps.items():
                self.now[name] += step
            self.write()

    def write(self):
        self.card.sysfs(state="streaming", held=1, readers=2, sizeimage=1000000, **self.now)

    def __enter__(self):
        self.write()
        self.thread.start()

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def test_top_lines(make_card):
    card = make_card(cards=("0000:01:00.0", "0000:02:00.0"))
    card.sysfs(1, **FULL)
    for node in card.dev.iterdir():
        node.unlink()       # it opens none
    with Busy(card, delivered=10, dropped_no_slot=2):
        result = card.run("top", "-d", 0.5, "-n", 3, user=NOBODY)
    assert result.status == 0 and not result.stderr and "\033" not in result.stdout
    lines = [line.split() for line in result.stdout.splitlines()]
    assert lines[0] == ["TIME", *HEADING] and len(lines) == 1 + 3 * 2
    assert all(re.fullmatch(r"\d\d:\d\d:\d\d", line[0]) for line in lines[1:])
    for line in lines[1::2]:
        told = dict(zip(HEADING, line[1:]))
        frames, no_slot = float(told["FRAMES/S"]), float(told["NO-SLOT"])
        # The files are written one by one, so a look may find a step done in part.
        assert frames > 0 and abs(frames - float(told["MB/S"])) <= 1
        assert abs(frames - 5 * no_slot) <= 60 + frames / 5
        assert told == {**told, "NODE": "grabber0", "STATE": "streaming", "ERROR": "0.0", "STOP": "0.0",
                        "CARD": "0.0", "CUT": "0.0", "HELD": "1", "READERS": "2"}
    for line in lines[2::2]:
        assert line[1:] == ["grabber1", "idle", *["0.0"] * 7, "0", "0"]


def test_top_when_cards_change(make_card):
    card = make_card(cards=("0000:01:00.0", "0000:02:00.0"))
    card.sysfs(0, **FULL)
    process = card.start("top", "-d", 1, "-n", 4)

    # The heading comes when the cards were looked at once.
    def line():
        return process.stdout.readline().decode().split()

    assert line() == ["TIME", *HEADING]
    card.sysfs(0)                           # another card, which began anew
    assert line()[1:] == ["grabber0", "idle", *["-"] * 7, "0", "0"]
    assert line()[1:4] == ["grabber1", "tells", "nothing:"]
    card.sysfs(1)                           # a card whose driver tells more
    assert line()[1:] == ["grabber0", "idle", *["0.0"] * 7, "0", "0"]
    assert line()[1:] == ["grabber1", "idle", *["-"] * 7, "0", "0"]
    card.classes.rename(card.dir / "unloaded")
    result = finish(process)
    assert result.status == 0 and result.stdout.splitlines()[-1].split()[1:] == ["no", "card"]


def in_terminal(card, *args, rows=24, term="xterm"):
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", rows, 80, 0, 0))
    environment = {**card.environment(), "TERM": term}
    process = subprocess.Popen([str(card.program), *args], env=environment, stdout=theirs,
                               stdin=subprocess.DEVNULL)
    os.close(theirs)
    text = b""
    try:
        while piece := os.read(ours, 4096):
            text += piece
    except OSError:
        pass                # how Linux tells that the other end is closed
    os.close(ours)
    assert process.wait(60) == 0
    return text.decode().replace("\r\n", "\n")


def test_top_in_a_terminal(make_card):
    card = make_card(cards=[f"0000:{n:02x}:00.0" for n in range(1, 9)])
    for number in range(8):
        card.sysfs(number, **FULL)
    tables = in_terminal(card, "top", "-d", "0.1", "-n", "2").split("\033[H")
    assert tables[0] == "\033[2J" and len(tables) == 1 + 3
    for number, table in enumerate(tables[1:]):
        assert table.endswith("\033[J")
        lines = table.removesuffix("\033[J").split("\033[K\n")
        assert "8 cards; frames lost a second by cause" in lines[0]
        assert lines[1].split() == HEADING and len(lines) == 2 + 8 + 1
        assert all(len(line) <= 79 for line in lines)
        assert lines[2].split()[2] == ("0.0" if number else "-")

    # No more cards than there are rows for, or the table would roll by.
    table = in_terminal(card, "top", "-d", "0.1", "-n", "1", rows=6).split("\033[H")[-1]
    assert "8 cards, of which 3 fit here" in table and table.count("\n") == 5

    assert "\033" not in in_terminal(card, "top", "-d", "0.1", "-n", "1", term="dumb")


def test_top_on_a_full_disk(card):
    card.sysfs()
    with open("/dev/full", "wb") as full:
        result = finish(card.start("top", "-d", 0.1, stdout=full))
    assert result.status == 1 and "cannot write to standard output" in result.stderr
