# SPDX-License-Identifier: GPL-2.0-only
"""Where things are in the source tree."""

from pathlib import Path

VM = Path(__file__).resolve().parent
TESTS = VM.parent
TOP = TESTS.parent
DRIVER = TOP / "driver"
BUILD = TOP / "build"
LOGS = BUILD / "log"
