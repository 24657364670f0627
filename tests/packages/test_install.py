# SPDX-License-Identifier: GPL-2.0-only
"""A user installs the driver: apt builds, signs and installs the module, the machine
boots with the right nodes, and a user in group video captures."""

import json
import re

from . import apt
from .boot import boot

CARDS = dict(devices=["edu"], card=dict(chart="640x480", rate=10))


def nodes(guest):
    """{name: "mode owner:group"} of the nodes, and {symlink: node}."""
    said = guest.run("cd /dev && stat -c '%n %a %U:%G' grabber[0-9]*").out
    found = dict(line.split(" ", 1) for line in said.splitlines())
    said = guest.run("cd /dev/grabber/by-path && for l in *; do"
                     " echo $l $(basename $(readlink -f $l)); done").out
    return found, dict(line.split() for line in said.splitlines())


def check_nodes(guest):
    found, links = nodes(guest)
    assert found == {
        "grabber0": "660 root:video", "grabber0-bar": "600 root:root",
        "grabber1": "660 root:video", "grabber1-bar": "600 root:root"}
    by_card = {}
    for number in (0, 1):
        card = guest.run(f"basename $(readlink -f /sys/class/grabber/grabber{number}/device)")
        by_card[f"pci-{card.out.strip()}"] = f"grabber{number}"
    assert links == {**by_card, **{f"{path}-bar": f"{node}-bar"
                                   for path, node in by_card.items()}}
    # Services can wait for them.
    units = " ".join(f"dev-{node.replace('-', chr(92) * 2 + 'x2d')}.device" for node in found)
    said = guest.run(f"systemctl is-active {units}", check=False).out.split()
    assert said == ["active"] * len(found), units


def as_user(user, command):
    return f"setpriv --reuid={user} --regid={user} --init-groups {command}"


def xdma(guest):
    """The node of the virtual card; the other one is edu's."""
    return guest.run("cd /sys/class/grabber; grep -l xdma */board").out.split("/")[0]


def check_capture(guest):
    node = xdma(guest)
    guest.run(as_user("watcher", "/usr/bin/grabberctl capture -n 3 -o /tmp/frame-%d.png"
                      f" /dev/{node}"))
    said = guest.run("ls /tmp/frame-*.png; head -qc 4 /tmp/frame-*.png | od -c").out
    assert said.count("frame-") == 3 and said.count("P   N   G") == 3
    for user, path, allowed in (("watcher", node, True), ("watcher", f"{node}-bar", False),
                                ("stranger", node, False), ("stranger", f"{node}-bar", False)):
        result = guest.run(as_user(user, f"sh -c '</dev/{path}'"), check=False)
        assert (result.rc == 0) == allowed, f"{user} {path}: {result.err}"
        assert allowed or "Permission denied" in result.err


def check_doctor(guest, **states):
    """What grabberctl doctor says of each check, on all of its lines."""
    said = guest.run("/usr/bin/grabberctl doctor --json", check=False).out
    for check, state in states.items():
        lines = [line for line in json.loads(said)["checks"] if line["check"] == check]
        assert lines and {line["state"] for line in lines} == {state}, said


def test_boot_and_capture(suite, machine, request):
    apt.install(machine, "/packages/grabber-dkms_*.deb", "/packages/grabber-tools_*.deb")
    apt.sound(machine)
    [kernel] = apt.kernels(machine)
    assert apt.status(machine)[kernel][1] == "installed"
    module = apt.module(machine, kernel)
    assert module["filename"].startswith(f"/lib/modules/{kernel}/updates/dkms/grabber.ko")
    assert "DKMS" in module["signer"] and module["sig_id"] == "PKCS#7"
    with boot(machine, kernel, f"packages-{suite}", **CARDS) as guest:
        assert guest.loaded()	# by its alias: nobody said modprobe
        check_nodes(guest)
        check_capture(guest)
        seat = guest.run("udevadm info -q property -n grabber0").out
        assert re.search("^TAGS=.*:uaccess:", seat, re.M)
        bar = guest.run("udevadm info -q property -n grabber0-bar").out
        assert "uaccess" not in bar
        check_doctor(guest, headers="ok", dkms="ok", module="ok", loaded="ok", card="ok",
                     node="ok")
