# SPDX-License-Identifier: GPL-2.0-only
"""make bench-frames: what a frame costs its reader, in instructions.

A guest with one processor whose clock counts instructions (QEMU's -icount), a stock
Debian kernel and device edu: no noise from this machine, and the same figures at
every run. docs/frames.md tells what is measured; frames.c measures it.
"""

import argparse
import lzma
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from vm import GuestError, initramfs, kernels, qemu  # noqa: E402
from vm.paths import BUILD, DRIVER, LOGS, TESTS, TOP  # noqa: E402
from vm.progress import fail, say  # noqa: E402

SOURCE = TESTS / "bench" / "frames.c"
PROGRAM = BUILD / "bench" / "frames"
TIMEOUT = 400

INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox --install -s /bin
export PATH=/bin
exec </dev/console >/dev/console 2>&1
edu=$(grep -l 0x11e8 /sys/bus/pci/devices/*/device)
edu=${edu%/device}
insmod /lib/grabber.ko slots=16
/bench/frames
rmmod grabber
insmod /bench/uio.ko && insmod /bench/uio_pci_generic.ko
echo 1234 11e8 >/sys/bus/pci/drivers/uio_pci_generic/new_id
/bench/frames $edu
echo done
reboot -f
"""

# name: what it is, aim, as measured of others in the same way (docs/frames.md)
ROWS = {
    "empty_call": ("an empty system call", None),
    "wake_by_poll": ("interrupt to reader, poll", 4100),
    "wake_by_read": ("interrupt to reader, read of 4 bytes", 4100),
    "wake_by_take": ("interrupt to reader, TAKE", 4100),
    "take": ("TAKE of a ready frame", None),
    "take_and_give": ("TAKE and GIVE of a ready frame, two calls", None),
    "take_gives": ("TAKE that gives the last frame back, one call", 1300),
    "status_page": ("a ready frame by the status page", 60),
    "uio_by_read": ("uio_pci_generic, interrupt to reader, read", None),
    "uio_by_poll": ("uio_pci_generic, interrupt to reader, poll", None),
}


def build_program():
    PROGRAM.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-static",
                    "-D_GNU_SOURCE", f"-I{TOP}/tools/include", f"-I{DRIVER}/include/uapi",
                    "-o", PROGRAM, SOURCE], check=True)


def plain_module(kernel, name, directory):
    """A module of the kernel's, not compressed."""
    found = sorted(kernel.modules.rglob(f"{name}.ko*"))
    if not found:
        raise GuestError(f"kernel {kernel.version} has no module {name}")
    data = found[0].read_bytes()
    path = directory / f"{name}.ko"
    path.write_bytes(lzma.decompress(data) if found[0].suffix == ".xz" else data)
    return path


def measure(name):
    """{what: (median, lowest, highest)} on kernel NAME."""
    kernel = kernels.kernel(name)
    build_program()
    LOGS.mkdir(parents=True, exist_ok=True)
    console = LOGS / f"bench-frames-{name}.log"
    with tempfile.TemporaryDirectory(prefix="grabber-bench-") as directory:
        directory = Path(directory)
        init = directory / "init"
        init.write_text(INIT)
        init.chmod(0o755)
        files = {"/bench/init": init, "/bench/frames": PROGRAM}
        for module in "uio", "uio_pci_generic":
            files[f"/bench/{module}.ko"] = plain_module(kernel, module, directory)
        initrd = directory / "initrd"
        initramfs.build(initrd, kernel, [kernels.build_module(name)[0]], files)
        command = [
            *qemu.find()[0], "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-smp", "1",
            "-seed", "1", "-rtc", "base=2026-01-01,clock=vm", "-cpu", "max,la57=off",
            "-machine", "q35", "-m", "256M", "-kernel", kernel.image, "-initrd", initrd,
            "-append", "console=ttyS0 quiet nokaslr norandmaps panic=-1 tsc=reliable "
            "rdinit=/bench/init", "-serial", f"file:{console}", "-device", "edu"]
        try:
            subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                           check=True, timeout=TIMEOUT, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            raise GuestError(f"QEMU failed: {error.stderr}") from None
        except subprocess.TimeoutExpired:
            raise GuestError(f"not done after {TIMEOUT} s; see {console}") from None
    return results(console)


def results(console):
    found = {}
    text = console.read_text(errors="replace").replace("\r", "")
    for line in text.splitlines():
        words = line.split()
        if words and words[0] in ROWS and len(words) == 4:
            found[words[0]] = tuple(map(int, words[1:]))
    if "error:" in text or "done" not in text.split() or len(found) != len(ROWS):
        raise GuestError(f"the guest did not measure all; it said:\n{text[-2000:]}")
    return found


def table(name, found):
    """Lines to print."""
    yield f"kernel {kernels.kernel(name).version}, instructions:"
    yield f"  {'':44} {'median':>8} {'lowest':>8} {'highest':>8} {'aim':>8}"
    for key, (what, aim) in ROWS.items():
        median, lowest, highest = found[key]
        verdict = "" if aim is None else f"{'< ' + str(aim):>8} {'' if median < aim else 'missed'}"
        yield f"  {what:44} {median:8} {lowest:8} {highest:8} {verdict}".rstrip()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kernels", nargs="*", default=["6.1"],
                        help=f"of {', '.join(kernels.STOCK)}; 6.1 if none is said")
    for name in parser.parse_args().kernels:
        say(f"booting kernel {name} with its instructions counted (about a minute)")
        try:
            print("\n".join(table(name, measure(name))), flush=True)
        except (GuestError, ValueError) as error:
            fail(str(error))


if __name__ == "__main__":
    main()
