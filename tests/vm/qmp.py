# SPDX-License-Identifier: GPL-2.0-only
"""QEMU's machine protocol: commands, and events in the order they came."""

import json
import socket
import threading
import time

from .errors import GuestDied, GuestError, GuestTimeout


class Qmp:
    def __init__(self, path, started, timeout=30):
        """started() raises an error when QEMU has ended instead."""
        self._socket = self._connect(path, started, timeout)
        self._file = self._socket.makefile("rw")
        self._changed = threading.Condition()
        self._events = []
        self._replies = {}
        self._next = 0
        self._gone = False
        json.loads(self._file.readline())	# the greeting
        self._socket.settimeout(None)
        threading.Thread(target=self._read, daemon=True).start()
        self.execute("qmp_capabilities")

    @staticmethod
    def _connect(path, started, timeout):
        deadline = time.monotonic() + timeout
        while True:
            to = socket.socket(socket.AF_UNIX)
            to.settimeout(timeout)
            try:
                to.connect(str(path))
                return to
            except OSError as error:
                to.close()
                started()
                if time.monotonic() > deadline:
                    raise GuestTimeout(f"QEMU does not answer at {path}: {error}") from error
                time.sleep(0.02)

    def _read(self):
        try:
            for line in self._file:
                message = json.loads(line)
                with self._changed:
                    if "event" in message:
                        self._events.append(message)
                    else:
                        self._replies[message.get("id")] = message
                    self._changed.notify_all()
        except (OSError, ValueError):
            pass
        with self._changed:
            self._gone = True
            self._changed.notify_all()

    def execute(self, command, timeout=30, **arguments):
        """Run a command; an error reply is a GuestError."""
        with self._changed:
            self._next += 1
            number = self._next
        # QMP's names have dashes where Python's have underscores.
        arguments = {k.replace("_", "-"): v for k, v in arguments.items()}
        request = {"execute": command, "arguments": arguments, "id": number}
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
        except OSError as error:
            raise GuestDied(f"QEMU ended before {command}") from error
        with self._changed:
            if not self._changed.wait_for(
                    lambda: number in self._replies or self._gone, timeout):
                raise GuestTimeout(f"QEMU did not answer {command} within {timeout} s")
            if number not in self._replies:
                raise GuestDied(f"QEMU ended while asked for {command}")
            reply = self._replies.pop(number)
        if "error" in reply:
            raise GuestError(f"QEMU refused {command}: {reply['error']['desc']}")
        return reply["return"]

    def mark(self):
        """A place in the stream of events, to wait from."""
        with self._changed:
            return len(self._events)

    def event(self, name, timeout=30, since=0, match=lambda data: True):
        """Wait for an event and return its data."""
        def found():
            return [e for e in self._events[since:]
                    if e["event"] == name and match(e.get("data", {}))]
        deadline = time.monotonic() + timeout
        with self._changed:
            if not self._changed.wait_for(lambda: found() or self._gone,
                                          deadline - time.monotonic()):
                raise GuestTimeout(f"no {name} from QEMU within {timeout} s")
            if not found():
                raise GuestDied(f"QEMU ended while {name} was awaited")
            return found()[0].get("data", {})

    def close(self):
        self._socket.close()
