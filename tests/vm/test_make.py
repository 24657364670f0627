# SPDX-License-Identifier: GPL-2.0-only
"""Several test processes may build at a time."""

import subprocess
import sys

from .paths import TESTS

MAKEFILE = "all:\n\t@mkdir busy && sleep 0.2 && rmdir busy\n"
CALLER = "import sys; from vm.make import make; make(sys.argv[1])"


def test_one_at_a_time(tmp_path):
    (tmp_path / "Makefile").write_text(MAKEFILE)
    callers = [subprocess.Popen([sys.executable, "-c", CALLER, tmp_path], cwd=TESTS,
                                stderr=subprocess.PIPE, text=True) for _ in range(4)]
    for caller in callers:
        _, said = caller.communicate(timeout=60)
        assert caller.returncode == 0, said
