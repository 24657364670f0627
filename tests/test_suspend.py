# SPDX-License-Identifier: GPL-2.0-only
"""Suspend to RAM with streams running, and with nobody looking. A machine is
suspended once: in the second one, QEMU 11.1 sends no SUSPEND event and the guest
is awake again at once."""

import pytest

import nodes

pytestmark = pytest.mark.guest(card=dict(chart="320x240", rate=20), devices=["edu"], fresh=True)


def test_streams_go_on(guest):
    """Readers of both boards see frames again, the first one flagged; and then the
    cards can leave."""
    guest.load(slots=8)
    numbers = [nodes.number(guest, device) for device in ("card0", "edu0")]
    streams = [guest.spawn(f"suspended {n}") for n in numbers]
    readers = [guest.spawn(f"cat /dev/grabber{n} >/dev/null") for n in numbers]
    for stream in streams:
        stream.wait_for("READY", timeout=60)
    guest.suspend(seconds=1)
    for stream in streams:
        stream.write(b"resumed\n")
    for stream in streams:
        nodes.finish(stream, 180)
    for device, reader in zip(("card0", "edu0"), readers):
        assert reader.running, "a reader that knows nothing of it ended with the suspend"
        nodes.unbind(guest, guest.bdf(device))
        assert reader.wait(timeout=10).rc != 0
    assert not nodes.leftovers(guest)


def test_nobody_streams(guest):
    """Nothing is started by the resume, and everything can be afterwards."""
    guest.load(slots=8)
    guest.suspend(seconds=1)
    guest.run("sleep 1")
    assert not guest.cards[0].stats()["running"], "the card was started by the resume"
    guest.ktap(f"stream {nodes.number(guest, 'card0')} 4", timeout=120)
    guest.ktap(f"edu_frames {nodes.number(guest, 'edu0')} 3", timeout=120)
