# SPDX-License-Identifier: GPL-2.0-only
"""The host's end of the command channel; tests/vm/agent/agent.c is the other."""

import os
import re
import signal
import socket
import struct
import threading
import time
from dataclasses import dataclass

from .errors import CommandFailed, GuestDied, GuestTimeout

RUN, INPUT, SIGNAL = 1, 2, 3
HELLO, STARTED, OUTPUT, ERROR, EXIT = 16, 17, 18, 19, 20
_HEADER = struct.Struct("<III")
_PIECE = 1 << 16


@dataclass
class Result:
    """How a command ended. A signal's number is negative in rc."""
    command: str
    rc: int
    raw: bytes
    raw_err: bytes

    @property
    def out(self):
        return self.raw.decode(errors="replace")

    @property
    def err(self):
        return self.raw_err.decode(errors="replace")

    def check(self):
        if self.rc:
            how = (f"was killed by {signal.Signals(-self.rc).name}" if self.rc < 0
                   else f"ended with status {self.rc}")
            raise CommandFailed(f"in the guest, {how}: {self.command}\n"
                                f"{self.out[-4000:]}{self.err[-4000:]}")
        return self


class Process:
    """A command that runs in the guest."""

    def __init__(self, channel, number, command):
        self._channel = channel
        self._number = number
        self.command = command
        self.pid = None
        self._out = bytearray()
        self._err = bytearray()
        self._status = None

    @property
    def running(self):
        return self._status is None

    @property
    def out(self):
        with self._channel.changed:
            return self._out.decode(errors="replace")

    @property
    def err(self):
        with self._channel.changed:
            return self._err.decode(errors="replace")

    def wait(self, timeout=60):
        self._channel.wait_for(lambda: not self.running, timeout,
                               f"to end: {self.command}", self)
        return Result(self.command, os.waitstatus_to_exitcode(self._status),
                      bytes(self._out), bytes(self._err))

    def wait_for(self, regex, timeout=60):
        """Wait until the output matches; return the match."""
        pattern = re.compile(regex, re.MULTILINE)
        self._channel.wait_for(
            lambda: pattern.search(self._out.decode(errors="replace"))
            or not self.running, timeout,
            f"to print {regex!r}: {self.command}", self)
        match = pattern.search(self.out)
        if not match:
            raise CommandFailed(f"ended without printing {regex!r}: {self.command}\n"
                                f"{self.out[-4000:]}{self.err[-4000:]}")
        return match

    def kill(self, signal=signal.SIGTERM):
        """Send a signal to the command and all that it started."""
        if self.running:
            self._channel.send(self._number, SIGNAL, struct.pack("<I", signal))

    def write(self, data):
        for at in range(0, len(data), _PIECE):
            self._channel.send(self._number, INPUT, data[at:at + _PIECE])

    def close_input(self):
        self._channel.send(self._number, INPUT, b"")


class Channel:
    """Commands to the agent, over the Unix socket that QEMU offers."""

    def __init__(self, path):
        self.changed = threading.Condition()
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))
        self._sending = threading.Lock()
        self._processes = {}
        self._next = 0
        self.hello = False
        self.gone = False
        threading.Thread(target=self._read, daemon=True).start()

    def _exactly(self, size):
        data = bytearray()
        while len(data) < size:
            piece = self._socket.recv(size - len(data))
            if not piece:
                raise EOFError
            data += piece
        return bytes(data)

    def _read(self):
        try:
            while True:
                number, kind, length = _HEADER.unpack(self._exactly(_HEADER.size))
                data = self._exactly(length)
                with self.changed:
                    self._handle(number, kind, data)
                    self.changed.notify_all()
        except (EOFError, OSError):
            pass
        with self.changed:
            self.gone = True
            self.changed.notify_all()

    def _handle(self, number, kind, data):
        if kind == HELLO:
            self.hello = True
            return
        process = self._processes[number]
        if kind == STARTED:
            process.pid = struct.unpack("<I", data)[0]
        elif kind == OUTPUT:
            process._out += data
        elif kind == ERROR:
            process._err += data
        elif kind == EXIT:
            process._status = struct.unpack("<I", data)[0]
            del self._processes[number]

    def send(self, number, kind, data):
        try:
            with self._sending:
                self._socket.sendall(_HEADER.pack(number, kind, len(data)) + data)
        except OSError as error:
            raise GuestDied("the guest is gone") from error

    def spawn(self, command):
        with self.changed:
            self._next += 1
            number = self._next
            process = self._processes[number] = Process(self, number, command)
        self.send(number, RUN, command.encode())
        return process

    def running(self):
        with self.changed:
            return list(self._processes.values())

    def wait_for(self, condition, timeout, what, process=None):
        deadline = time.monotonic() + timeout
        with self.changed:
            done = self.changed.wait_for(lambda: condition() or self.gone,
                                         deadline - time.monotonic())
            if condition():
                return
        if done:
            raise GuestDied(f"the guest ended while it was awaited {what}")
        said = ""
        if process:
            said = f"\nSo far it said:\n{process.out[-2000:]}{process.err[-2000:]}"
        raise GuestTimeout(f"waited {timeout} s in vain for the guest {what}{said}")

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()
