# SPDX-License-Identifier: GPL-2.0-only
"""Frames as dma-bufs: for other programs, beyond the card's life, and for another
driver of the kernel."""

import pytest

import nodes
from vm import initramfs, kernels

CARD = dict(card=dict(chart="320x240", rate=60))
EDU = dict(devices=["edu"])
# "export" alone is the shell's
EXPORT = "exec export 0"
# The size that vivid's HDMI has after loading
VIVID_CARD = dict(card=dict(chart="1280x720", rate=15))
# One HDMI input (3) and one HDMI output (1)
VIVID = "n_devs=1 node_types=0x101 num_inputs=1 input_types=3 num_outputs=1 output_types=1"


@pytest.mark.guest(**CARD)
def test_export(guest):
    guest.load(slots=8)
    guest.ktap(EXPORT, timeout=300)


@pytest.mark.long
@pytest.mark.guest(**EDU)
def test_export_on_edu(guest):
    guest.load(slots=8)
    guest.ktap(EXPORT, timeout=300)


def unload_refused(guest):
    assert guest.run("rmmod grabber", check=False).rc != 0 and guest.loaded(), \
        "the module went away under a dma-buf"


def outlives(guest, device, away, back):
    """A program has dma-bufs while its card goes, comes back, and goes on."""
    guest.load(slots=8)
    bdf = guest.bdf(device)
    user = guest.spawn("export_removal 0")
    user.wait_for("READY", timeout=60)
    away(bdf)
    user.write(b"gone\n")
    user.wait_for("CHECKED|not ok", timeout=60)
    unload_refused(guest)
    back(bdf)
    guest.run("for i in $(seq 200); do [ -c /dev/grabber0 ] && break; sleep 0.1; done")
    guest.ktap("stream 0 2", timeout=120)
    unload_refused(guest)
    user.write(b"close\n")
    nodes.finish(user)
    guest.unload()
    assert not nodes.leftovers(guest)


@pytest.mark.guest(**CARD)
def test_frames_outlive_unbind(guest):
    outlives(guest, "card0", lambda bdf: nodes.unbind(guest, bdf),
             lambda bdf: nodes.bind(guest, bdf))


@pytest.fixture
def vivid(tmp_path):
    """vivid and the modules that it needs: {guest path: host path}, in load order."""
    files = {}
    for name, data in initramfs.modules_with_needs(kernels.kernel("6.1"), ["vivid"]):
        path = tmp_path / name
        path.write_bytes(data)
        files[f"/lib/vivid/{len(files):02}-{name}"] = str(path)
    assert files, "Debian's kernel has no vivid"
    return files


def test_another_driver_imports_frames(boot, vivid):
    """vivid sends them out and in again; the picture is the frame, bit for bit."""
    with boot(kernel="6.1", files=vivid, memory=768, **VIVID_CARD) as guest:
        last = list(vivid)[-1]
        guest.run(f"for module in /lib/vivid/*; do case $module in {last}) "
                  f"insmod $module {VIVID};; *) insmod $module;; esac || exit 1; done")
        guest.load(slots=8)
        guest.ktap("vivid_import 0", timeout=300)
