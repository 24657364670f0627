# SPDX-License-Identifier: GPL-2.0-only
"""What several test files ask of a guest: which card is which, and what of
grabber is left in the kernel."""

import contextlib
import re
import time

from vm import tap

DRIVER = "/sys/bus/pci/drivers/grabber"


def number(guest, device):
    """The N of /dev/grabberN of a device, by its id."""
    names = guest.run(f"ls /sys/bus/pci/devices/{guest.bdf(device)}/grabber").out.split()
    return min(int(re.match(r"grabber(\d+)", name)[1]) for name in names)


def run(guest, program, device="card0", *arguments, timeout=300):
    """Run a guest program on a device, and judge the KTAP that it prints."""
    return guest.ktap(" ".join([program, str(number(guest, device)), *map(str, arguments)]),
                      timeout=timeout)


def interrupts(guest):
    """What /proc/interrupts shows of grabber: a line for each card. The user logic's may be
    among them, or have a line of its own, which is left out."""
    return [line for line in guest.read("/proc/interrupts").splitlines()
            if re.search(r"grabber(?!-)", line)]


def nodes(guest):
    """All of grabber's nodes, as devtmpfs shows them."""
    return sorted(guest.run("cd /dev; ls -d grabber* 2>/dev/null || true").out.split())


def expected(numbers):
    return sorted(name for n in numbers for name in (f"grabber{n}", f"grabber{n}-bar"))


def wait_for_cards(guest, numbers, timeout=20):
    """A card that was plugged in is probed a little later."""
    deadline = time.monotonic() + timeout
    while nodes(guest) != expected(numbers) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert nodes(guest) == expected(numbers)


def bind(guest, bdf):
    guest.write(f"{DRIVER}/bind", bdf)


def unbind(guest, bdf):
    guest.write(f"{DRIVER}/unbind", bdf)


def bind_any(guest, bdf):
    """Bind a card that no board claims: board "generic". Return the status."""
    guest.write(f"/sys/bus/pci/devices/{bdf}/driver_override", "grabber")
    # It may be bound already, by an override from before the module was loaded.
    return guest.run(f"[ -d {DRIVER}/{bdf} ] || echo {bdf} >{DRIVER}/bind", check=False).rc


def leftovers(guest):
    """What the module shows in the kernel beyond its own name, as text."""
    return guest.run("ls -d /dev/grabber* /sys/class/grabber/* 2>/dev/null;"
                     "grep -i grabber /proc/iomem /proc/ioports /proc/interrupts", check=False).out


def messages(log, bdf):
    """The driver's own lines about a device; the driver core's are not counted, nor those of
    Debian's kernels about files that the firmware loader did not find."""
    return [line for line in log.splitlines()
            if f"grabber {bdf}:" in line and "failed with error" not in line
            and f"{bdf}: firmware: " not in line]


@contextlib.contextmanager
def refusing(guest, function, value):
    """In the block, the next call of one of the kernel's functions is not entered, and
    gives back VALUE."""
    guest.load_test_module("refuse", function=function, value=value)
    yield
    called = guest.read("/sys/module/refuse/parameters/refused").strip()
    guest.unload("refuse")
    assert called == "Y", f"nobody called {function}"


@contextlib.contextmanager
def slow(guest, function, ms):
    """In the block, each call of one of the kernel's functions, or of grabber's, waits
    that many milliseconds before it begins."""
    guest.load_test_module("slow", function=function, ms=ms)
    yield
    calls = int(guest.read("/sys/module/slow/parameters/calls"))
    guest.unload("slow")
    assert calls, f"nobody called {function}"


@contextlib.contextmanager
def log_of(guest):
    """The kernel log that comes in the block: a list with one text after it."""
    before = len(guest.log)
    text = []
    yield text
    guest.run("sync")	# a round trip, so that the console has caught up
    text.append(guest.log[before:])


def finish(process, timeout=120):
    """Wait for a guest program that prints KTAP, and judge it."""
    return tap.check(process.wait(timeout=timeout))
