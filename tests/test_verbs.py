# SPDX-License-Identifier: GPL-2.0-only
"""grabberctl on a real card; tests/tools has all that can be shown without one."""

import json
import re

import pytest

pytestmark = pytest.mark.guest(card=dict(chart="320x240", rate=30))

FRAME = 320 * 240 * 3


def fails(guest, command, status, sentence):
    """It ends with that status, and its first line says why."""
    said = guest.run(command, check=False)
    assert said.rc == status, said.err
    assert re.match(rf"grabberctl: .*{sentence}", said.err), said.err


def test_list_and_info(guest):
    assert guest.run("grabberctl list", check=False).rc != 0	# no driver yet
    guest.load(slots=8)
    lines = guest.run("grabberctl list").out.splitlines()
    assert len(lines) == 1 or lines[0].lower().startswith("node")
    assert re.search(rf"grabber0\b.*\bxdma\b.*{guest.bdf('card0')}", lines[-1])
    for name in "", "0", "grabber0", "/dev/grabber0", guest.bdf("card0"):
        info = json.loads(guest.run(f"grabberctl info --json {name}").out)
        text = json.dumps(info)
        assert guest.bdf("card0") in text and str(FRAME) in text


def test_buffer(guest):
    guest.load(slots=8)
    assert "12" in guest.run("grabberctl buffer --slots=12 --slot-size=256K").out
    assert guest.read("/sys/class/grabber/grabber0/slots").strip() == "12"
    assert guest.read("/sys/class/grabber/grabber0/slot_size").strip() == str(256 << 10)
    guest.run("grabberctl capture -n 5 --strict -o - >/dev/null")
    reader = guest.spawn("grabberctl capture -n 0 -o - >/dev/null")
    guest.run("for i in $(seq 100); do grep -q streaming /sys/class/grabber/grabber0/state &&"
              " break; sleep 0.1; done")
    fails(guest, "grabberctl buffer --slots=6", 1, "capture")
    reader.kill()
    reader.wait()
    guest.run("grabberctl buffer --slots=6 --slot-size=0")
    assert guest.read("/sys/class/grabber/grabber0/slots").strip() == "6"
    assert guest.read("/sys/class/grabber/grabber0/slot_size").strip() == str(FRAME)


def test_format(guest):
    guest.load(slots=8)
    assert "320x240" in guest.run("grabberctl format").out
    guest.run("grabberctl format --set=320x240:RGB3")
    fails(guest, "grabberctl format --set=640x480:RGB3", 1, "")
    assert guest.read("/sys/class/grabber/grabber0/width").strip() == "320"


def test_stats_and_top(guest):
    before = guest.cards[0].stats()["begun"]	# by the tests before this one
    guest.load(slots=8)
    reader = guest.spawn("grabberctl capture -n 0 -o - >/dev/null")
    table = guest.run("grabberctl top -d 1 -n 3").out
    reader.kill(2)
    reader.wait()
    rates = [float(x) for x in re.findall(r"grabber0\s+(?:\S+\s+)?([\d.]+)", table)]
    assert rates and 15 < rates[-1] < 45, table
    stats = json.loads(guest.run("grabberctl stats --json").out)["stats"]
    card = guest.cards[0].stats()
    assert stats["begun"] == card["begun"] - before
    assert stats["begun"] == sum(stats[name] for name in (
        "delivered", "truncated", "dropped_no_slot", "dropped_error", "dropped_stop",
        "lost_by_card"))


def test_disk_full(guest):
    """A clear end, and no slot is kept from the card."""
    guest.load(slots=8)
    guest.run("mkdir -p /small && mount -t tmpfs -o size=600k none /small")
    fails(guest, "grabberctl capture -n 10 -o /small/%d.raw", 1, "the disk is full")
    fails(guest, "grabberctl capture -n 10 -o - >/dev/full", 1, "the disk is full")
    guest.run("umount /small")
    assert guest.read("/sys/class/grabber/grabber0/held").strip() == "0"
    guest.run("grabberctl capture -n 5 --strict -o - >/dev/null")
