# SPDX-License-Identifier: GPL-2.0-only
"""Seeing inside: tracepoints by tracefs, trace-cmd and perf, and sysfs as documented."""

import re
import shutil

import pytest

from vm.paths import TOP

TRACERS = {f"/opt/bin/{name}": path for name in ("trace-cmd", "perf")
           if (path := shutil.which(name))}
# trace-cmd and perf want kernel features that the debug kernel has not
STOCK = dict(kernel="6.1", card=dict(chart="320x240", rate=30), memory=768, files=TRACERS)
EVENTS = ["queued", "done", "taken", "given", "lost"]
TRACING = "/sys/kernel/tracing"
CAPTURE = "grabberctl capture -n 20 -o - >/dev/null"


def events(text):
    """{event: [its line]} of what one of the three tools printed."""
    return {name: re.findall(rf"grabber_{name}:.*", text) for name in EVENTS}


def field(line, name):
    return int(re.search(rf"\b{name}=(\w+)", line)[1], 0)


def is_a_capture(found):
    """20 frames were taken, each after it was done, and given back."""
    assert len(found["taken"]) == 20 and len(found["given"]) == 20, found
    done = [field(line, "sequence") for line in found["done"]]
    taken = [field(line, "sequence") for line in found["taken"]]
    assert done == sorted(set(done)) and taken == sorted(set(taken))
    assert set(taken) <= set(done)
    assert {field(line, "bytes") for line in found["done"]} == {320 * 240 * 3}
    assert len(found["queued"]) >= len(done)


@pytest.mark.guest(card=dict(chart="320x240", rate=30))
def test_tracefs(guest):
    guest.load(slots=8)
    guest.write(f"{TRACING}/trace", "")
    guest.write(f"{TRACING}/events/grabber/enable", "1")
    guest.run(CAPTURE)
    guest.write(f"{TRACING}/events/grabber/enable", "0")
    found = events(guest.read(f"{TRACING}/trace"))
    guest.write(f"{TRACING}/trace", "")
    is_a_capture(found)
    # The frame that was under way when capture ended.
    stats = guest.run("grabberctl stats --json").out
    stopped = int(re.search(r'"dropped_stop": *(\d+)', stats)[1])
    assert sum(field(line, "frames") for line in found["lost"]) == stopped
    assert all(line.rstrip().endswith("cause=stop") for line in found["lost"])


@pytest.mark.every_kernel
@pytest.mark.guest(card=dict(chart="320x240", rate=30))
def test_timestamp_is_taken_in_the_interrupt(guest):
    """Between the kernel's own marks around the handler: not in a thread, nor earlier. But
    where the host is late, two frames may come at once, or a thread be needed."""
    guest.load(slots=8)
    irq = guest.run("grep 'grabber$' /proc/interrupts").out.split(":")[0].strip()
    guest.write(f"{TRACING}/trace_clock", "mono")	# and empties the trace
    guest.write(f"{TRACING}/events/irq/filter", f"irq == {irq}")
    wanted = [f"{TRACING}/events/{name}/enable" for name in
              ("irq/irq_handler_entry", "irq/irq_handler_exit", "grabber/grabber_done")]
    for path in wanted:
        guest.write(path, "1")
    guest.run(CAPTURE)
    for path in wanted:
        guest.write(path, "0")
    trace = guest.read(f"{TRACING}/trace")
    guest.write(f"{TRACING}/events/irq/filter", "0")
    guest.write(f"{TRACING}/trace_clock", "local")

    def microseconds(event):
        return [int(seconds) * 1000000 + int(rest) for seconds, rest in
                re.findall(rf"(\d+)\.(\d{{6}}): {event}:", trace)]

    handled = list(zip(microseconds("irq_handler_entry"), microseconds("irq_handler_exit")))
    frames = [field(line, "timestamp") / 1000 for line in events(trace)["done"]]
    assert len(frames) >= 20 and all(entry <= end for entry, end in handled)
    # The trace has whole microseconds, and a clock of its own for the last of them.
    late = [frame for frame in frames
            if not any(entry - 2 <= frame <= end + 2 for entry, end in handled)]
    assert len(late) <= len(frames) // 4, (late, trace)
    assert frames == sorted(frames)


@pytest.mark.guest(**STOCK)
def test_trace_cmd(guest):
    guest.load(slots=8)
    guest.run(f"cd /tmp && trace-cmd record -q -e grabber sh -c '{CAPTURE}'", timeout=120)
    is_a_capture(events(guest.run("trace-cmd report -i /tmp/trace.dat").out))


@pytest.mark.guest(**STOCK)
def test_perf(guest):
    guest.load(slots=8)
    guest.run(f"cd /tmp && perf record -q -o perf.data -a -e 'grabber:*' sh -c '{CAPTURE}'", timeout=120)
    is_a_capture(events(guest.run("cd /tmp && perf script -i perf.data").out))


@pytest.mark.guest(card=dict(chart="320x240", rate=30))
def test_sysfs_is_as_documented(guest):
    guest.load(slots=8)
    text = (TOP / "docs/ABI/sysfs-class-grabber").read_text()
    documented = set(re.findall(r"^What:\s+/sys/class/grabber/grabber<N>/(\S+)", text,
                                re.MULTILINE))
    here = "/sys/class/grabber/grabber0"
    there = set(guest.run(f"cd {here} && find . -type f | cut -c3-").out.split())
    of_the_core = {"dev", "uevent"} | {name for name in there if name.startswith("power/")}
    assert documented == there - of_the_core
    # What both nodes have is described once.
    for what in re.split(r"^(?:What:.*\n)+", text, flags=re.MULTILINE)[1:]:
        assert re.search(r"^Date:\s+\w+ 20\d\d$", what, re.MULTILINE), what
        assert re.search(r"^Description:", what, re.MULTILINE), what
    guest.run(CAPTURE)
    stats = guest.run("grabberctl stats --json").out
    for name in sorted(documented):
        value = guest.read(f"{here}/{name}").strip()
        assert value or name == "name", name	# which nobody gave it
        said = re.search(rf'"{name.split("/")[-1]}": *(\d+)', stats)
        if said and name != "readers":	# grabberctl was one itself
            assert value == said[1], name
