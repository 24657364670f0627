# SPDX-License-Identifier: GPL-2.0-only
"""The virtual card: one build/card/grabber-card process."""

import json
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from .errors import GuestError, GuestTimeout, Unavailable
from .paths import BUILD, LOGS

# Whatever ends a test run, its cards and guests end with it.
DIE_WITH_US = ["setpriv", "--pdeathsig", "KILL", "--"]
PROGRAM = BUILD / "card" / "grabber-card"


class Card:
    def __init__(self, chart=None, picture=None, rate=None, args=(), name="card"):
        self.name = name
        self._options = []
        for option, value in (("chart", chart), ("picture", picture), ("rate", rate)):
            if value is not None:
                self._options.append(f"--{option}={value}")
        self._options += [str(arg) for arg in args]
        self._process = None
        self._directory = None
        self._control = None

    @property
    def socket(self):
        """Where QEMU finds the card."""
        return self._directory / "card"

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.stop()
        return False

    def start(self, timeout=30):
        if not PROGRAM.exists():
            raise Unavailable(f"{PROGRAM} is not built; run make -C tests/card")
        self._directory = Path(tempfile.mkdtemp(prefix="grabber-card-"))
        LOGS.mkdir(parents=True, exist_ok=True)
        self.log = LOGS / f"{self.name}.card.log"
        command = [*DIE_WITH_US, str(PROGRAM), f"--socket={self.socket}",
                   f"--control={self._directory / 'control'}", *self._options]
        with open(self.log, "wb") as out:
            self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL,
                                             stdout=out, stderr=out)
        deadline = time.monotonic() + timeout
        while not (self.socket.exists() and (self._directory / "control").exists()):
            if not self.running:
                raise GuestError(f"the virtual card did not start:\n{self.log.read_text()}")
            if time.monotonic() > deadline:
                raise GuestTimeout(f"the virtual card made no socket in {timeout} s")
            time.sleep(0.02)

    def stop(self):
        if self._control:
            self._control.close()
            self._control = None
        if self.running:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        if self._directory:
            shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def running(self):
        return self._process is not None and self._process.poll() is None

    def _say(self, line):
        if not self._control:
            connection = socket.socket(socket.AF_UNIX)
            connection.settimeout(30)
            connection.connect(str(self._directory / "control"))
            self._control = connection.makefile("rw")
            connection.close()	# the file keeps it open
        self._control.write(line + "\n")
        self._control.flush()
        return self._control.readline().strip()

    def stats(self):
        return json.loads(self._say("stats"))

    def fault(self, command):
        answer = self._say(command)
        if answer.startswith("error"):
            raise ValueError(f"the virtual card does not take {command!r}: {answer}")
        return answer
