# SPDX-License-Identifier: GPL-2.0-only
"""Does the log gate fail a guest whose kernel reports a fault?"""

import re

import pytest

from vm import GuestDied, LogGate, gate, kernels, tap
from vm.paths import VM

# As kernels print them; a report whose text has no other fault line must be
# found by the one that is here.
REPORTS = {
    "warning": "[    9.1] WARNING: CPU: 1 PID: 93 at drivers/pci/msi/msi.c:402 f+0x1/0x2 [grabber]",
    "warning of 7.x": "[    9.1] WARNING: drivers/base/core.c:12 at device_add+0x1/0x2, CPU#1: sh/93",
    "bug": "[    9.1] kernel BUG at mm/slub.c:441!",
    "oops": "[    9.1] BUG: kernel NULL pointer dereference, address: 0000000000000008",
    "general protection": "[    9.1] general protection fault, probably for non-canonical "
                          "address 0xdead: 0000 [#1] PREEMPT SMP",
    "panic": "[    9.1] Kernel panic - not syncing: Fatal exception",
    "hung task": "[  242.1] INFO: task cat:93 blocked for more than 120 seconds.",
    "soft lockup": "[   62.1] watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [cat:93]",
    "RCU stall": "[   62.1] rcu: INFO: rcu_preempt self-detected stall on CPU",
    "lock order": "[    9.1] WARNING: possible circular locking dependency detected",
    "lock state": "[    9.1] WARNING: inconsistent lock state",
    "RCU use": "[    9.1] drivers/x.c:12 suspicious RCU usage. rcu_dereference_check() usage!",
    "wait context": "[    9.1] [ BUG: Invalid wait context ]",
    "KASAN": "[    9.1] BUG: KASAN: slab-use-after-free in ring_publish+0x5/0x90 [grabber]",
    "UBSAN": "[    9.1] UBSAN: array-index-out-of-bounds in ring.c:41:9",
    "leak": "unreferenced object 0xffff888006e5a000 (size 192):",
    "leaks, counted": "[    9.1] kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
    "DMA-API": "[    9.1] DMA-API: grabber 0000:01:00.0: device driver failed to check map error",
    "DMAR": "[    9.1] DMAR: [DMA Write NO_PASID] Request device [01:00.0] fault addr 0x7f000",
    "atomic sleep": "[    9.1] BUG: sleeping function called from invalid context at mm/util.c:1",
    "scheduling": "[    9.1] BUG: scheduling while atomic: cat/93/0x00000002",
    "page state": "[    9.1] BUG: Bad page state in process cat  pfn:06e5a",
    "page map": "[    9.1] BUG: Bad page map in process cat  pte:8000000006e5a067 pmd:06e5b067",
    "counters": "[    9.1] BUG: Bad rss-counter state mm:00000000 type:MM_SHMEMPAGES val:4",
    "refcount": "[    9.1] refcount_t: underflow; use-after-free.",
    "objects": "[    9.1] ODEBUG: free active (active state 0) object type: timer_list",
    "list": "[    9.1] list_del corruption. prev->next should be ffff88, but was 0000",
    "slab": "[    9.1] BUG kmalloc-64 (Tainted: G           O): Right Redzone overwritten",
    "sysfs": "[    9.1] sysfs: cannot create duplicate filename '/class/grabber/grabber0'",
    "irq": "[    9.1] irq 16: nobody cared (try booting with the \"irqpoll\" option)",
    "unforeseen": "[    9.1] a report in new words\n[    9.1] Call Trace:\n[    9.1]  <TASK>",
    "checker off": "INFO: lockdep is turned off",
}

HARMLESS = """\
[    0.0] Kernel command line: console=ttyS0 oops=panic rcupdate.rcu_cpu_stall_timeout=60
[    0.0] rcu: RCU CPU stall warnings timeout set to 60 (rcu_cpu_stall_timeout).
[    0.1] kasan: KernelAddressSanitizer initialized
[    0.1] kmemleak: Kernel memory leak detector initialized (mem pool available: 14944)
[    0.2] DMA-API: preallocated 65536 debug entries
[    0.2] DMA-API: debugging enabled by kernel config
[    0.2] NMI watchdog: Enabled. Permanently consumes one hw-PMU counter.
[    0.3] DMAR: Host address width 39
[    1.0] grabber: loading out-of-tree module taints kernel.
[    1.1] grabber 0000:01:00.0: cannot map BAR 0: it has no memory
[    1.2] grabber-test: test_removal.py::test_no_BUG_or_WARNING
"""


@pytest.mark.parametrize("name", REPORTS)
def test_report_is_found(name):
    assert gate.judge(HARMLESS + REPORTS[name] + "\n" + HARMLESS)


def test_harmless_lines_pass():
    assert not gate.judge(HARMLESS)


def test_trace_belongs_to_its_fault():
    text = REPORTS["warning"] + "\n[    9.1] Call Trace:\n"
    assert len(gate.findings(text)) == 1
    assert not gate.judge(text, [re.compile("drivers/pci/msi")])


def test_expected_line_does_not_hide_another():
    text = REPORTS["warning"] + "\n" + REPORTS["KASAN"]
    assert len(gate.judge(text, [re.compile("drivers/pci/msi")])) == 1


def test_known_splats_have_reasons():
    gate.known()
    with pytest.raises(ValueError, match="why"):
        gate.read_known("# why\nfirst\nsecond without a reason\n")


def test_tap_reader():
    good = "TAP version 13\n1..2\nok 1 - a\n    # note\nok 2 - b # SKIP no card\n"
    tests, problems = tap.parse(good)
    assert [t.ok for t in tests] == [True, True] and not problems
    nested = "KTAP version 1\n1..1\n    KTAP version 1\n    1..2\n    ok 1 x\n    not ok 2 y\nnot ok 1 z\n"
    assert len(tap.parse(nested)[1]) == 2
    assert tap.parse("1..2\nok 1 a\n")[1] == ["planned 2 tests, ran 1"]
    assert tap.parse("ok 1 a\n")[1] == ["no plan line (1..N)"]
    assert tap.parse("all is well\n")[1]
    assert tap.parse("1..1\nBail out! no card\n")[1]
    assert not tap.parse("1..0 # SKIP no card\n")[1]


@pytest.fixture(scope="module")
def splat():
    return kernels.build_module("debug", source=VM / "splat")[0]


FAULTS = {
    "warn": "WARNING: .* warn",
    "sleep": "sleeping function called",
    "dma": "DMA-API",
    "deadlock": "possible circular locking",
    "use_after_free": "KASAN: (slab-)?use-after-free",	# ends lock checking, so it is last
}


def test_provoked_faults(boot, splat):
    """Each fault fails the gate, and the leak does so at the end."""
    with pytest.raises(LogGate, match="unreferenced object"):
        with boot(modules=[splat]) as g:
            for fault, report in FAULTS.items():
                g.load("splat", fault=fault)
                with pytest.raises(LogGate, match=report):
                    g.check_log()
                g.unload("splat")
            g.load("splat", fault="leak")
            g.unload("splat")
            g.check_log()	# nothing to see yet


def test_expected_fault_passes(boot):
    stock = kernels.build_module("6.1", source=VM / "splat")[0]
    with boot(kernel="6.1", modules=[stock]) as g:
        with g.expect("WARNING: .* warn"):
            g.load("splat", fault="warn")
        g.unload("splat")
        with pytest.raises(LogGate, match="expected to have"):
            with g.expect("WARNING: .* warn"):
                pass


def test_oops_ends_guest(boot, splat):
    with pytest.raises((LogGate, GuestDied), match="null-ptr-deref|NULL pointer"):
        with boot(modules=[splat]) as g:
            with pytest.raises(GuestDied):
                g.load("splat", fault="oops")
