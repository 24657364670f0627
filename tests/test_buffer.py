# SPDX-License-Identifier: GPL-2.0-only
"""The buffer: its slots' number and size set while the driver is loaded, its frames
as the ordinary memory that they are, and what a frame is made of."""

import subprocess

import pytest

import nodes

# with a port free for a disk
CARD = dict(card=dict(chart="320x240", rate=60), ports=1, memory=768)


@pytest.mark.guest(**CARD)
def test_set_buffer(guest):
    guest.load(slots=8)
    for program in "set_buffer", "buffer_busy", "formats":
        guest.ktap(f"{program} 0", timeout=600)


@pytest.mark.long
@pytest.mark.guest(devices=["edu"])
def test_set_buffer_on_edu(guest):
    guest.load(slots=8)
    for program in "set_buffer", "buffer_busy", "formats":
        guest.ktap(f"{program} 0", timeout=600)


@pytest.mark.guest(**CARD)
def test_slots_smaller_than_frames(guest):
    guest.load(slots=8)
    guest.ktap("truncated 0", timeout=300)
    # no descriptor that the core must not be given
    assert guest.cards[0].stats()["rule_breaks"] == 0


@pytest.mark.guest(card=dict(chart="64x48", rate=60))
def test_memory_runs_out(guest):
    guest.load(slots=8)
    guest.ktap("short_memory 0", timeout=600)


@pytest.mark.long
@pytest.mark.guest(**CARD)
def test_changed_while_all_else_goes_on(guest):
    """With the card bound and unbound besides."""
    guest.load(slots=8)
    card = guest.bdf("card0")
    race = guest.spawn("buffer_race 0 16")
    race.wait_for("STARTED")
    guest.run("sleep 6")
    while race.running:
        nodes.unbind(guest, card)
        nodes.bind(guest, card)
        guest.run("sleep 1.5")
    nodes.finish(race)
    stats = guest.cards[0].stats()
    assert stats["rule_breaks"] == 0 and stats["dma_writes_refused"] == 0


@pytest.mark.guest(**CARD)
def test_frames_are_memory(guest, tmp_path):
    """O_DIRECT to ext4 on virtio-blk, MAP_POPULATE, mremap, fork."""
    disk = tmp_path / "disk"
    with open(disk, "wb") as image:
        image.truncate(64 << 20)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-b", "4096", disk], check=True)
    guest.qmp("blockdev-add", **{"driver": "raw", "node-name": "disk", "file": {
        "driver": "file", "filename": str(disk), "cache": {"direct": False}}})
    guest.plug("virtio-blk-pci,drive=disk")
    guest.run("for i in $(seq 100); do [ -b /dev/vda ] && break; sleep 0.1; done;"
              "mkdir -p /disk && mount -t ext4 /dev/vda /disk")
    guest.load(slots=8)
    guest.ktap("direct_io 0 /disk", timeout=300)
    guest.run("umount /disk")


@pytest.mark.guest(kernel="6.12", **CARD)
def test_frames_are_memory_to_other_processes(guest):
    """With process_vm_readv, which the debug kernel is built without."""
    guest.load(slots=8)
    guest.run("mkdir -p /tmpfs && mount -t tmpfs -o size=64m none /tmpfs")
    said = guest.run("direct_io 0 /tmpfs", timeout=300).out
    guest.run("umount /tmpfs")
    assert "ok 1" in said and "no process_vm_readv" not in said, said
