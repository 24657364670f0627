# SPDX-License-Identifier: GPL-2.0-only
"""Lines that tell a waiting person what is going on."""

import os
import sys
import threading
import time

# GRABBER_START is handed down by the Makefile, so that all parts of one run
# count from the same moment.
_start = float(os.environ.setdefault("GRABBER_START", f"{time.time():.0f}"))
_label = os.environ.setdefault("GRABBER_LABEL", "tests")
_lock = threading.Lock()


def say(text):
    """Print one progress line, at once."""
    with _lock:
        print(f"[{_label} {time.time() - _start:.0f}s] {text}", flush=True)


def fail(text):
    """Print why a run cannot go on, and end it."""
    with _lock:
        print(f"{_label}: {text}", file=sys.stderr, flush=True)
    raise SystemExit(1)
