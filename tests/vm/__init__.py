# SPDX-License-Identifier: GPL-2.0-only
"""Kernels in QEMU for tests: see tests/README.md for how to use it."""

from .card import Card
from .errors import (CommandFailed, GuestDied, GuestError, GuestTimeout, LogGate,
                     Unavailable)
from .guest import Guest

__all__ = ["Card", "CommandFailed", "Guest", "GuestDied", "GuestError",
           "GuestTimeout", "LogGate", "Unavailable"]
