# SPDX-License-Identifier: GPL-2.0-only
"""A guest with one processor whose clock counts instructions (QEMU's -icount), and a
stock Debian kernel: no noise from this machine, and the same figures at every run."""

import subprocess
import tempfile
from pathlib import Path

from vm import GuestError, initramfs, kernels, qemu
from vm.paths import BUILD, DRIVER, LOGS, TESTS, TOP

TIMEOUT = 400

BEGIN = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox --install -s /bin
export PATH=/bin
exec </dev/console >/dev/console 2>&1
"""
END = """
echo done
reboot -f
"""


def build_program(name):
    source = TESTS / "bench" / f"{name}.c"
    program = BUILD / "bench" / name
    program.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["gcc", "-O2", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-static",
                    "-D_GNU_SOURCE", f"-I{TOP}/tools/include", f"-I{DRIVER}/include/uapi",
                    "-o", program, source], check=True)
    return program


def modules(kernel, wanted, directory):
    """{guest path: host path} of modules of the kernel's, in load order."""
    files = {}
    for name, data in initramfs.modules_with_needs(kernel, [wanted]):
        path = directory / name
        path.write_bytes(data)
        files[f"/bench/{wanted}/{len(files):02}-{name}"] = path
    if not files:
        raise GuestError(f"kernel {kernel.version} has no module {wanted}")
    return files


def run(name, program, script, wanted_modules, devices, memory="256M", cpu="max,la57=off"):
    """Boot kernel NAME, run SCRIPT in it, and return {what: (median, lowest, highest)}
    from the lines of that form."""
    kernel = kernels.kernel(name)
    LOGS.mkdir(parents=True, exist_ok=True)
    console = LOGS / f"bench-{program}-{name}.log"
    with tempfile.TemporaryDirectory(prefix="grabber-bench-") as directory:
        directory = Path(directory)
        init = directory / "init"
        init.write_text(BEGIN + script + END)
        init.chmod(0o755)
        files = {"/bench/init": init, f"/bench/{program}": build_program(program)}
        for wanted in wanted_modules:
            files |= modules(kernel, wanted, directory)
        initrd = directory / "initrd"
        initramfs.build(initrd, kernel, [kernels.build_module(name)[0]], files)
        command = [
            *qemu.find()[0], "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
            "-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-smp", "1",
            "-seed", "1", "-rtc", "base=2026-01-01,clock=vm", "-cpu", cpu,
            "-object", f"memory-backend-memfd,id=mem,size={memory},share=on",
            "-machine", "q35,memory-backend=mem", "-m", memory, "-kernel", kernel.image,
            "-initrd", initrd, "-append", "console=ttyS0 quiet nokaslr norandmaps panic=-1 "
            "tsc=reliable rdinit=/bench/init", "-serial", f"file:{console}"]
        for device in devices:
            command += ["-device", device]
        try:
            subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL,
                           check=True, timeout=TIMEOUT, capture_output=True, text=True)
        except subprocess.CalledProcessError as error:
            raise GuestError(f"QEMU failed: {error.stderr}") from None
        except subprocess.TimeoutExpired:
            raise GuestError(f"not done after {TIMEOUT} s; see {console}") from None
    return _results(console)


def _results(console):
    found = {}
    text = console.read_text(errors="replace").replace("\r", "")
    for line in text.splitlines():
        words = line.split()
        if len(words) == 4 and all(word.isdigit() for word in words[1:]):
            found[words[0]] = tuple(map(int, words[1:]))
    if "error:" in text or "done" not in text.split():
        raise GuestError(f"the guest did not measure all; it said:\n{text[-2000:]}")
    return found


def table(name, rows, found):
    """Lines to print. rows: {what: (its name, aim or None)}"""
    missing = rows.keys() - found.keys()
    if missing:
        raise GuestError(f"the guest did not measure {', '.join(sorted(missing))}")
    yield f"kernel {kernels.kernel(name).version}, instructions:"
    yield f"  {'':44} {'median':>10} {'lowest':>10} {'highest':>10} {'aim':>10}"
    for key, (what, aim) in rows.items():
        median, lowest, highest = found[key]
        verdict = "" if aim is None else f"{'< ' + str(aim):>10} {'' if median < aim else 'missed'}"
        yield f"  {what:44} {median:10} {lowest:10} {highest:10} {verdict}".rstrip()
