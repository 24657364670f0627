# SPDX-License-Identifier: GPL-2.0-only
"""The other end of QEMU's ivshmem-doorbell: a device with a BAR of 256 bytes, a
BAR that is memory of ours, and MSI-X. The protocol is in QEMU's
docs/specs/ivshmem-spec.rst; one client, no other peers."""

import mmap
import os
import socket
import struct
import tempfile
import threading
from pathlib import Path

VERSION = 0
OWN_ID = 1
VECTORS = 1


class IvshmemServer:
    def __init__(self, size=1 << 20):
        self._directory = tempfile.TemporaryDirectory(prefix="grabber-ivshmem-")
        self.path = Path(self._directory.name) / "socket"
        self._memory = os.memfd_create("ivshmem")
        os.truncate(self._memory, size)
        self.memory = mmap.mmap(self._memory, size)
        self._events = [os.eventfd(0) for _ in range(VECTORS)]
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(1)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._listener.close()
        self.memory.close()
        for fd in [self._memory, *self._events]:
            os.close(fd)
        self._directory.cleanup()

    def _serve(self):
        self._client, _ = self._listener.accept()
        self._say(VERSION)
        self._say(OWN_ID)
        self._say(-1, self._memory)
        for event in self._events:
            self._say(OWN_ID, event)

    def _say(self, number, fd=None):
        socket.send_fds(self._client, [struct.pack("<q", number)], [] if fd is None else [fd])

    def interrupt(self):
        os.eventfd_write(self._events[0], 1)
