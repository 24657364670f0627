# SPDX-License-Identifier: GPL-2.0-only
"""A Debian 12 root with systemd and udev, as a disk image for guests."""

from . import cache, roots

PACKAGES = ["systemd-sysv", "udev", "dbus", "kmod", "pciutils", "busybox-static",
            "libpng16-16", "procps"]

UNIT = """[Unit]
Description=Commands from the test harness
After=systemd-udevd.service systemd-udev-trigger.service

[Service]
ExecStart=/usr/local/sbin/grabber-agent

[Install]
WantedBy=multi-user.target
"""

# After udev has handled what was there at boot.
START = """#!/bin/sh
export PATH=/run/grabber/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb
udevadm settle
for port in /sys/class/virtio-ports/*; do
	[ "$(cat $port/name)" = grabber ] && exec /run/grabber/bin/agent /dev/${port##*/}
done
"""

SETUP = """
set -e
mkdir -p /host
echo grabber-guest >/etc/hostname
: >/etc/fstab
passwd -d root >/dev/null
systemctl enable grabber-agent.service
for unit in getty.target serial-getty@ttyS0.service apt-daily.timer \
	apt-daily-upgrade.timer fstrim.timer e2scrub_all.timer; do
	systemctl mask $unit >/dev/null 2>&1
done
"""


def _make(tmp):
    root = tmp.with_name(tmp.name + ".root")
    hook = (f"cat >/etc/systemd/system/grabber-agent.service <<'END'\n{UNIT}END\n"
            f"cat >/usr/local/sbin/grabber-agent <<'END'\n{START}END\n"
            f"chmod 755 /usr/local/sbin/grabber-agent\n{SETUP}")
    try:
        roots.mmdebstrap(root, "bookworm", roots.sources(roots.SUITES["bookworm"]),
                         PACKAGES, hook=hook)
        tmp.mkdir()
        roots.run_logged(["mke2fs", "-q", "-t", "ext4", "-d", str(root),
                          str(tmp / "root.img"), "1G"], "debian-guest-image")
    finally:
        cache.remove(root)


def image():
    recipe = repr((PACKAGES, UNIT, START, SETUP))
    return cache.entry("guest", recipe, _make,
                       "the disk of a Debian 12 guest (about 40 s)") / "root.img"
