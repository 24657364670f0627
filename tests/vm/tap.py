# SPDX-License-Identifier: GPL-2.0-only
"""Reads TAP and KTAP, the output of the guest's test programs."""

import re
from dataclasses import dataclass

from .errors import CommandFailed

_PLAN = re.compile(r"^\s*1\.\.(\d+)(\s*#\s*skip\b.*)?", re.IGNORECASE)
_LINE = re.compile(r"^(\s*)(not )?ok\b\s*(\d+)?\s*(?:- )?\s*([^#]*?)\s*(?:#\s*(.*))?$")


@dataclass
class TapLine:
    ok: bool
    name: str
    directive: str

    def __iter__(self):
        return iter((self.ok, self.name, self.directive))


def parse(text):
    """Return (test lines, problems). Indented KTAP subtests count as well;
    a plan is checked against the tests at its own depth."""
    tests, problems = [], []
    plans, counts = {}, {}

    def close(depth):
        """Tests deeper than this one are over: were they all there?"""
        for d in sorted(set(plans) | set(counts), reverse=True):
            if d <= depth:
                continue
            planned, ran = plans.pop(d, None), counts.pop(d, 0)
            if planned is None:
                problems.append("no plan line (1..N)")
            elif planned != ran:
                problems.append(f"planned {planned} tests, ran {ran}")

    for line in text.splitlines():
        plan, test = _PLAN.match(line), _LINE.match(line)
        if line.strip().startswith("Bail out!"):
            problems.append(line.strip())
        elif plan:
            depth = len(line) - len(line.lstrip())
            plans[depth] = int(plan[1])
        elif test:
            depth = len(test[1])
            close(depth)
            counts[depth] = counts.get(depth, 0) + 1
            directive = test[5] or ""
            ok = not test[2] or directive.upper().startswith("SKIP")
            tests.append(TapLine(ok, test[4], directive))
            if not ok:
                problems.append(line.strip())
    close(-1)
    if not tests and not problems and not re.search(r"^1\.\.0", text, re.MULTILINE):
        problems.append("no test was run")
    return tests, problems


def check(result):
    """Fail unless a Result is the output of a clean run."""
    tests, problems = parse(result.out)
    if result.rc:
        problems.append(f"ended with status {result.rc}")
    if problems:
        raise CommandFailed(f"{result.command}:\n  " + "\n  ".join(problems) +
                            f"\nAll that it printed:\n{result.out}{result.err}")
    return tests
