# SPDX-License-Identifier: GPL-2.0-only
"""The log gate: which lines of a kernel log fail a test.

A fault's own line counts ("BUG: KASAN: ..."), and a bare "Call Trace:" counts
where no such line is near: a report in words that nobody foresaw.
"""

import re
from dataclasses import dataclass

from .paths import VM

FAULTS = [re.compile(p) for p in (
    r"\bWARNING\b",
    r"\bBUG\b",
    r"\bOops\b",
    r"Kernel panic",
    r"general protection",
    r"[Uu]nable to handle",
    r"INFO: task .* blocked for more than",
    r"INFO: trying to register non-static key",
    r"INFO: lockdep is turned off",
    r"the code is fine but needs lockdep annotation",
    r"turning off the locking correctness validator",
    r"rcu.*(detected stalls|self-detected stall|starved)|rcu: INFO",
    r"soft lockup|hard LOCKUP|NMI watchdog: (?!Enabled|Perf)",
    r"[Ww]orkqueue lockup|workqueue: .* hogged CPU",
    r"possible (circular|recursive) locking|inconsistent lock state",
    r"possible irq lock inversion|invalid wait context",
    r"suspicious RCU usage|[Ii]llegal context switch in RCU",
    r"held lock freed|lock held when returning|bad unlock balance|bad contention",
    r"still has locks held|locks? held by .* at exit",
    r"KASAN: (?!KernelAddressSanitizer initialized)|KFENCE|KCSAN",
    r"UBSAN",
    r"unreferenced object",
    r"kmemleak: .*(suspected|disabled|[Cc]annot)",
    r"DMA-API: (?!preallocated|debugging enabled|dma_debug_|exceeded \d+ )",
    r"DMAR: .*(fault|Fault)|DMAR: \[DMA (Read|Write)",
    r"sleeping function called|scheduling while atomic",
    r"voluntary context switch within RCU",
    r"[Bb]ad page (state|map)|[Bb]ad rss-counter|nonzero (mapcount|_refcount)",
    r"refcount_t:",
    r"ODEBUG:",
    r"list_(add|del) corruption|slab .* (corrupt|[Pp]oison)|Redzone|Object already free",
    r"Slab .*: Objects remaining|kmem_cache_destroy .*still has objects",
    r"stack-protector|stack is corrupted|corrupted stack end",
    r"usercopy: Kernel memory",
    r"detected buffer overflow|memcpy: detected",
    r"kobject: .*(not initialized|does not have a release)|kobject_add_internal failed",
    r"cannot create duplicate filename",
    r"[Ii]rq \d+: nobody cared|Disabling IRQ|Trying to free already-free IRQ",
    r"Freezing .* failed after|PM: .*(returned|failed).* -\d+",
    r"Trying to (vfree|vunmap)|nonexistent vm area",
    r"module .* still .* refcount|Module .* is in use by",
)]

# Lines of a report that come with a line above, or are a report of their own.
TRACE = re.compile(r"Call Trace:|cut here \]")
NEAR_BEFORE, NEAR_AFTER = 60, 4

# Lines that a program wrote to the log, and the harness's own.
USER_SPACE = re.compile(r"^(\[[^]]*\]\s*)*(grabber-test|systemd(\[\d+\])?|systemd-\w+\[\d+\]):")
COMMAND_LINE = re.compile(r"(Kernel command line|Command line|Unknown kernel command line)")


@dataclass
class Finding:
    number: int		# line number in the scanned text, from 0
    line: str


def _is_fault(line):
    if USER_SPACE.match(line) or COMMAND_LINE.search(line):
        return False
    return any(p.search(line) for p in FAULTS)


def findings(text):
    """All lines of a log that report a fault."""
    lines = text.splitlines()
    faults = [n for n, line in enumerate(lines) if _is_fault(line)]
    found = [Finding(n, lines[n]) for n in faults]
    for n, line in enumerate(lines):
        if TRACE.search(line) and n not in faults and not any(
                -NEAR_AFTER <= n - fault <= NEAR_BEFORE for fault in faults):
            found.append(Finding(n, line))
    return sorted(found, key=lambda finding: finding.number)


def read_known(text):
    """The expressions of a known-splats file; each must have its reason."""
    known, reason = [], False
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("#"):
            reason = True
        elif not line.strip():
            reason = False
        elif not reason:
            raise ValueError(f"known-splats.txt:{number}: no comment above it says why")
        else:
            known.append(re.compile(line))
            reason = False
    return known


def known():
    return read_known((VM / "known-splats.txt").read_text())


def judge(text, expected=()):
    """The findings that are neither known nor expected (compiled expressions)."""
    passing = [*known(), *expected]
    return [f for f in findings(text) if not any(p.search(f.line) for p in passing)]


def describe(text, found, around=25):
    """The faults with what stands after them in the log, for a person."""
    lines = text.splitlines()
    parts, shown = [], -1
    for finding in found[:5]:
        if finding.number <= shown:
            continue
        shown = min(finding.number + around, len(lines) - 1)
        parts.append("\n".join(lines[max(finding.number - 1, 0):shown + 1]))
    more = f"\n(and {len(found) - 5} more lines)" if len(found) > 5 else ""
    return "\n...\n".join(parts) + more
