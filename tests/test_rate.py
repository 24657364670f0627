# SPDX-License-Identifier: GPL-2.0-only
"""The main figure: 1080p at 30 frames a second, every byte of every frame checked
in the guest, where it lies in the mapping; none is lost."""

import re

import pytest

from vm.paths import BUILD

RATE = 30
VERIFY = {"/bin/grabber-verify": str(BUILD / "card/grabber-verify")}
HD = dict(card=dict(chart="1920x1080", rate=RATE), memory=1024, files=VERIFY)


def capture(guest, seconds):
    guest.load(slots=24)
    said = guest.run(f"grabber-verify --device /dev/grabber0 --seconds {seconds} --no-loss",
                     timeout=seconds + 60).out
    print(f"1920x1080 at {RATE} frames a second for {seconds} s: {said.strip()}")
    frames = int(re.search(r"frames (\d+),", said)[1])
    assert abs(frames - RATE * seconds) <= RATE, "not the rate that was set"
    stats = guest.cards[0].stats()
    assert stats["overrun"] == 0 and stats["rule_breaks"] == 0, stats


@pytest.mark.alone
@pytest.mark.guest(kernel="6.12", **HD)
def test_1080p30_for_a_minute(guest):
    capture(guest, 60)
