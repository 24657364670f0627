# SPDX-License-Identifier: GPL-2.0-only
"""What /proc/PID/maps shows of a reader: docs/mmap.md explains it line by line."""
import pytest

import nodes

pytestmark = pytest.mark.guest(card=dict(chart="1920x1080", rate=30), memory=1024)


def test_maps_of_a_reader(guest):
    guest.load(slots=8)
    guest.ktap(f"show_maps {nodes.number(guest, 'card0')}")
