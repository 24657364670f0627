# SPDX-License-Identifier: GPL-2.0-only
"""Programs built on the host."""

import fcntl
import subprocess

from .paths import BUILD, TOP


def make(directory, *arguments):
    """Run make in DIRECTORY of the tree and return how it ended, output and all.

    One at a time: several processes of one test run may want the same files, and
    must not link what another is writing.
    """
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / "make.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        return subprocess.run(["make", "-C", TOP / directory, *arguments],
                              capture_output=True, text=True)
