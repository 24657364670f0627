#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Frames as numpy arrays, where the card put them: no copy, and while frames are
ready no system call.

    frames.py [/dev/grabber0 [FRAMES]]

The structures are those of <linux/grabber.h>; docs/frames.md explains the status page.
"""

import fcntl
import mmap
import os
import select
import struct
import sys

import numpy as np

STATUS = np.dtype([("abi_version", "=u4"), ("slots", "=u4"), ("entries_offset", "=u4"),
                   ("order_offset", "=u4"), ("frames", "=u8"), ("totals", "=u8", 7),
                   ("flags", "=u4"), ("reserved", "=u4", 11)])
ENTRY = np.dtype([("generation", "=u8"), ("frame", "=u8"), ("sequence", "=u8"),
                  ("timestamp_ns", "=u8"), ("bytes", "=u4"), ("frame_flags", "=u4"),
                  ("reserved", "=u8", 3)])
FORMAT = struct.Struct("=5I3I")		# width height pixelformat bytesperline sizeimage
BUFFER = struct.Struct("=IIQQIIQ2I")	# slots slot_size stride mmap_size hold_max ...
STATS = struct.Struct("=10Q8I")		# ... reader_next is the tenth
SEEK = struct.Struct("=QQ")		# frame missed

READ, WRITE = 2, 1


def request(direction, number, size):
    return direction << 30 | size << 16 | 0xBE << 8 | number


class Reader:
    """The frames of one card from now on."""

    def __init__(self, path):
        self.fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        width, self.height, _, self.line, self.size = self._get(0x10, FORMAT)[:5]
        _, _, self.stride, size, _, _, status = self._get(0x11, BUFFER)[:7]
        self.map = mmap.mmap(self.fd, size, mmap.MAP_SHARED, mmap.PROT_READ)
        # The mapping changes by itself: look at it anew each time.
        self.status = np.frombuffer(self.map, STATUS, 1, status)
        head = self.status[0]
        self.slots = int(head["slots"])
        self.entries = np.frombuffer(self.map, ENTRY, self.slots,
                                     status + int(head["entries_offset"]))
        self.order = np.frombuffer(self.map, "=u4", self.slots,
                                   status + int(head["order_offset"]))
        self.next = self.told = self._get(0x12, STATS)[9]
        self.missed = self.told_missed = 0

    def _get(self, number, layout):
        code = request(READ, number, layout.size)
        return layout.unpack(fcntl.ioctl(self.fd, code, bytes(layout.size)))

    @property
    def frames(self):
        """How many frames came into the buffer so far."""
        return int(self.status["frames"][0])

    def wait(self, seconds):
        """Sleep until there is a frame; False when the time is up."""
        if self.frames > self.next:
            return True
        # The driver does not see what is read here: say how far it got.
        missed = min(self.missed - self.told_missed, self.next - self.told)
        fcntl.ioctl(self.fd, request(WRITE, 0x17, SEEK.size), SEEK.pack(self.next, missed))
        self.told, self.told_missed = self.next, self.told_missed + missed
        poll = select.poll()
        poll.register(self.fd, select.POLLIN)
        events = poll.poll(seconds * 1000)
        if events and not events[0][1] & select.POLLIN:
            raise OSError("the card is gone")
        return bool(events)

    def read(self, look):
        """look(sequence, picture) at each frame that is ready.

        Gives what look() returned, once the frame is known to have stayed whole
        until then. So look() must not keep the picture, nor any view of it.
        """
        while self.next < self.frames:
            number = self.next
            self.next += 1
            slot = int(self.order[number % self.slots])
            generation = int(self.entries["generation"][slot])
            if generation % 2 == 0 and int(self.entries["frame"][slot]) == number:
                sequence = int(self.entries["sequence"][slot])
                picture = np.frombuffer(self.map, np.uint8, self.size, slot * self.stride)
                seen = look(sequence, picture.reshape(self.height, self.line))
                if int(self.entries["generation"][slot]) == generation:
                    yield seen
                    continue
            self.missed += 1


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "/dev/grabber0"
    wanted = int(sys.argv[2]) if len(sys.argv) > 2 else 100
    reader = Reader(path)
    count = 0
    while count < wanted:
        if not reader.wait(5):
            sys.exit(f"frames.py: no frame from {path} for 5 s")
        for sequence, total in reader.read(
                lambda sequence, picture: (sequence, picture.sum(dtype=np.uint64))):
            print(f"frame {sequence} sum {total}")
            count += 1
            if count == wanted:
                break
    print(f"{count} frames, {reader.missed} missed")


if __name__ == "__main__":
    main()
