# SPDX-License-Identifier: GPL-2.0-only
"""Kernel lockdown that comes while the driver is at work."""


def test_lockdown_comes_later(boot):
    """In a machine of its own: it cannot be undone."""
    with boot(kernel="6.12", card=dict(chart="320x240", rate=30)) as guest:
        guest.load(slots=8)
        guest.run("mount -t securityfs none /sys/kernel/security")
        guest.ktap("lockdown 0")
