# SPDX-License-Identifier: GPL-2.0-only
"""Programs built on the host."""

import fcntl
import subprocess

from .paths import BUILD, TOP


def make(directory, *arguments):
    """Run make in DIRECTORY of the tree; returns what the compiler complained of.

    One at a time: several processes of one test run may want the same files, and
    must not link what another is writing.
    """
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / "make.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = subprocess.run(["make", "-C", TOP / directory, *arguments],
                              capture_output=True, text=True, timeout=300)
    if said.returncode:
        raise RuntimeError(f"{directory} does not build:\n{said.stdout}{said.stderr}")
    return said.stderr
