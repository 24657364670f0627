# SPDX-License-Identifier: GPL-2.0-only
"""A kernel running in QEMU, and what tests do with it. See tests/README.md."""

import contextlib
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from . import debian, gate, initramfs, kernels, qemu, tap
from .card import DIE_WITH_US, Card
from .channel import Channel
from .errors import CommandFailed, GuestDied, GuestError, GuestTimeout, LogGate
from .hotplug import Hotplug
from .paths import LOGS, VM
from .qmp import Qmp

BOOT_TIMEOUT = {"initramfs": 120, "debian": 300}

# The console has all of the log; and a larger buffer takes longer to scan for leaks. Where
# the host is busy a timer may be late, and the kernel would panic for one that does not work.
COMMON_CMDLINE = (
    "console=ttyS0 ignore_loglevel panic=-1 oops=panic log_buf_len=512K "
    "tsc=reliable random.trust_cpu=on watchdog_thresh=30 "
    "rcupdate.rcu_cpu_stall_timeout=60 nokaslr no_timer_check "
)
# slab_sysfs_init makes thousands of files in /sys that nobody reads.
DEBUG_CMDLINE = ("kasan_multi_shot kmemleak=on dma_debug_entries=65536 "
                 "initcall_blacklist=slab_sysfs_init ")
IOMMU_CMDLINE = "intel_iommu=on iommu.strict=1 "


class Guest(Hotplug):
    def __init__(self, kernel="debug", root="initramfs", devices=(), card=None,
                 iommu=False, memory=512, smp=2, ports=0, cmdline="",
                 native_hotplug=False, share=None, files=None, modules=None,
                 image=None, loader=None, name="guest"):
        if root not in BOOT_TIMEOUT:
            raise ValueError(f"root is one of {', '.join(BOOT_TIMEOUT)}, not {root}")
        self.kernel = kernel
        self.name = name
        self._root = root
        self._lib = "/run/grabber/lib" if root == "debian" else "/lib"
        self._machine = dict(iommu=iommu, memory=memory, smp=smp,
                             native_hotplug=native_hotplug, share=share)
        self._spare_ports = ports
        self._cmdline = cmdline
        self._files = files
        self._modules = modules
        self._image = image	# a disk instead of the usual one
        self._loader = loader	# (kernel, initrd, command line, directory) -> QEMU's options
        counts = {}
        self._boot_devices = [qemu.parse_device(d, counts) for d in devices]
        cards = [] if card is None else card if isinstance(card, (list, tuple)) else [card]
        self.cards = [c if isinstance(c, Card) else Card(**c) for c in cards]
        self._own_cards = [c for c, given in zip(self.cards, cards) if c is not given]
        self._expected = []
        self._flushes = 0
        self._judged = 0	# the log up to here has passed the gate
        self._mark = 0		# where this test's part of the log begins
        self._process = None
        self._ending = False
        self._closed = False

    # Starting and ending

    def __enter__(self):
        self._stack = contextlib.ExitStack()
        try:
            self._boot()
        except BaseException as error:
            self._kill()
            self._stack.close()
            if isinstance(error, GuestError) and self.console.exists():
                raise type(error)(f"{error}\n{self._tail()}") from error
            raise
        return self

    def __exit__(self, kind, value, traceback):
        try:
            self.close(failed=kind is not None)
        except GuestError as error:
            if kind is None:
                raise
            # The test has failed already: add to what it says, do not hide it.
            print(f"\nand at the end of guest {self.name}: {error}")
        return False

    def _boot(self):
        if self.cards:
            qemu.need_vfio_user()
        kernel = (kernels.kernel(self.kernel) if isinstance(self.kernel, str)
                  else self.kernel)
        if self._modules is None:
            self._modules = [kernels.build_module(self.kernel)[0]]
        directory = Path(tempfile.mkdtemp(prefix="grabber-vm-"))
        self._stack.callback(shutil.rmtree, directory, ignore_errors=True)
        for number, card in enumerate(self._own_cards):
            card.name = f"{self.name}.{number}"
            self._stack.enter_context(card)
        LOGS.mkdir(parents=True, exist_ok=True)
        self.console = LOGS / f"{self.name}.log"
        self.console.write_bytes(b"")
        initrd = directory / "initrd"
        initramfs.build(initrd, kernel, self._modules, self._files,
                        debian=self._root == "debian")
        self._place_devices()
        append = COMMON_CMDLINE
        append += DEBUG_CMDLINE if self.kernel == "debug" else ""
        append += IOMMU_CMDLINE if self._machine["iommu"] else ""
        append += self._cmdline
        loader = self._loader and self._loader(kernel.image, initrd, append, directory)
        command = qemu.command_line(
            loader=loader,
            kernel=kernel.image, initrd=initrd, append=append, directory=directory,
            console=self.console, ports=self._ports, devices=self._placed,
            objects=self._objects(), drive=self._drive(), **self._machine)
        self._qemu_log = LOGS / f"{self.name}.qemu.log"
        with open(self._qemu_log, "wb") as out:
            out.write((" ".join(command) + "\n").encode())
            out.flush()
            self._process = subprocess.Popen([*DIE_WITH_US, *command], stdin=subprocess.DEVNULL,
                                             stdout=out, stderr=out)
        self.monitor = Qmp(directory / "qmp", self._started_or_raise)
        self._channel = Channel(directory / "agent")
        timeout = BOOT_TIMEOUT[self._root]
        self._channel.wait_for(lambda: self._channel.hello, timeout, "to boot")

    def _drive(self):
        if self._root != "debian":
            return None
        return self._image or debian.image()

    def _started_or_raise(self):
        if self._process.poll() is not None:
            said = self._qemu_log.read_text(errors="replace")[-3000:]
            raise GuestDied(f"QEMU did not start:\n{said}")

    def close(self, failed=False):
        """Shut the guest down, and fail if anything in it went wrong."""
        if self._closed:
            return
        self._closed = True
        try:
            problem = None
            try:
                self.alive_or_raise()
                if not failed:
                    self.settle()
                    self._last_look()
                self._shut_down()
            except GuestError as error:
                problem = error
            self.check_log()
            if problem:
                raise type(problem)(f"{problem}\n{self._tail()}")
        finally:
            self._ending = True
            self._kill()
            self._stack.close()

    def _last_look(self):
        """What only shows at the end: leaks, and checkers that gave up."""
        if self.kernel != "debug":
            return
        if self.loaded():
            self.unload()
        said = self.run("""
			grep -q '^ debug_locks: *1' /proc/lockdep_stats || echo 'INFO: lockdep is turned off'
			[ "$(cat /sys/kernel/debug/dma-api/disabled)" = N ] ||
				echo 'DMA-API: debugging was disabled'
			""").out
        self.load_test_module("noscan")		# from here on only kmemleak looks
        said += self.run("""
			cd /sys/kernel/debug
			# kmemleak reports what two scans found alike and 5 s old
			start=$(date +%s)
			echo scan >kmemleak
			while [ $(($(date +%s) - start)) -lt 7 ]; do sleep 1; done
			echo scan >kmemleak
			cat kmemleak
			""", timeout=120).out
        if said:
            with open(self.console, "a") as log:
                log.write("\n" + said)

    def _shut_down(self):
        self._ending = True
        self._channel.spawn("sync; reboot -f")
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            raise GuestTimeout("the guest did not shut down within 20 s") from None

    def _kill(self):
        if self._process and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        for thing in (getattr(self, "_channel", None), getattr(self, "monitor", None)):
            if thing:
                thing.close()

    # The kernel log

    @property
    def log(self):
        """All of the kernel log so far."""
        return self.console.read_bytes().decode(errors="replace").replace("\r", "")

    def _tail(self, lines=40):
        text = "\n".join(self.log.splitlines()[-lines:])
        return f"The end of its kernel log (all of it is in {self.console}):\n{text}"

    def mark(self, text):
        """Write a line to the kernel log; wait_log looks from here on."""
        self._mark = len(self.log)
        self.write("/dev/kmsg", f"grabber-test: {text}\n")

    def wait_log(self, regex, timeout=30):
        pattern = re.compile(regex)
        deadline = time.monotonic() + timeout
        while True:
            match = pattern.search(self.log[self._mark:])
            if match:
                return match
            self.alive_or_raise()
            if time.monotonic() > deadline:
                raise GuestTimeout(f"{regex!r} did not come in the kernel log within "
                                   f"{timeout} s\n{self._tail()}")
            time.sleep(0.05)

    def expect(self, regex):
        """Faults whose line matches are wanted, from now on, or within a with."""
        expectation = _Expectation(self, regex)
        self._expected.append(expectation)
        return expectation

    def _flush_log(self):
        """Wait until the console has all that the kernel has said so far."""
        if not self.alive or self._closed:
            return
        self._flushes += 1
        line = f"grabber-test: log read {self._flushes}"
        self.run(f"echo '{line}' >/dev/kmsg")
        deadline = time.monotonic() + 30
        while f"{line}\n" not in self.log[self._judged:]:
            self.alive_or_raise()
            if time.monotonic() > deadline:
                raise GuestTimeout(f"the console stopped\n{self._tail()}")
            time.sleep(0.02)

    def check_log(self):
        """The gate: fail on faults that came since it was last called."""
        self._flush_log()
        whole = self.log
        text, self._judged = whole[self._judged:], len(whole)
        expected, self._expected = self._expected, []
        found = gate.judge(text, [e.pattern for e in expected])
        if found:
            raise LogGate(f"the kernel of guest {self.name} reported:\n"
                          f"{gate.describe(text, found)}\n"
                          f"All of its log is in {self.console}.")
        lines = text.splitlines()
        for e in expected:
            if not any(e.pattern.search(line) for line in lines):
                raise LogGate(f"the kernel log was expected to have {e.pattern.pattern!r}, "
                              f"but has not; see {self.console}")

    @property
    def alive(self):
        return self._process is not None and self._process.poll() is None

    def alive_or_raise(self):
        if not self.alive and not self._ending:
            said = self._qemu_log.read_text(errors="replace").splitlines()[1:]
            raise GuestDied(f"guest {self.name} ended by itself "
                            f"(QEMU's exit status {self._process.poll()}) " +
                            "\n".join(said[-10:]))

    # Commands

    def spawn(self, command):
        self.alive_or_raise()
        return self._channel.spawn(command)

    def run(self, command, timeout=60, check=True, input=b""):
        process = self.spawn(command)
        if input:
            process.write(input)
        process.close_input()
        result = process.wait(timeout)
        return result.check() if check else result

    def ktap(self, command, timeout=120):
        return tap.check(self.run(command, timeout, check=False))

    def put(self, host_path, guest_path, mode=0o644):
        self.run(f"cat >'{guest_path}' && chmod {mode:o} '{guest_path}'",
                 input=Path(host_path).read_bytes())

    def get(self, guest_path, host_path):
        Path(host_path).write_bytes(self.run(f"cat '{guest_path}'").raw)

    def read(self, path):
        return self.run(f"cat '{path}'").out

    def write(self, path, text):
        self.run(f"cat >'{path}'", input=text.encode())

    def settle(self):
        """End whatever commands are still running."""
        for process in self._channel.running():
            process.kill(9)
        for process in self._channel.running():
            try:
                process.wait(30)
            except GuestTimeout as error:
                stack = self.run(f"cat /proc/{process.pid}/stack", check=False).out
                raise GuestTimeout(f"cannot be killed: {process.command}\n{stack}") from error

    def tidy(self):
        """Between two tests: everything as it was after boot, or an error."""
        self.alive_or_raise()
        self.settle()
        if self._unplugged:
            raise GuestError(f"the test left {', '.join(sorted(self._unplugged))} unplugged")
        if self.loaded():
            self.unload()
        self.check_log()

    # The driver

    def load(self, module="grabber", **parameters):
        self._insmod(f"{self._lib}/{module}.ko", parameters)

    def load_test_module(self, name, **parameters):
        """A module of tests/vm, built for this kernel."""
        built = kernels.build_module(self.kernel, source=VM / name)[0]
        self.put(built / f"{name}.ko", f"/tmp/{name}.ko")
        self._insmod(f"/tmp/{name}.ko", parameters)

    def _insmod(self, path, parameters):
        words = " ".join(f"{k}={v}" for k, v in parameters.items())
        self.run(f"insmod {path} {words}")

    def unload(self, module="grabber"):
        self.run(f"rmmod {module}")

    def loaded(self, module="grabber"):
        return self.run(f"grep -q '^{module} ' /proc/modules", check=False).rc == 0

    # Power

    def suspend(self, seconds=1, meanwhile=None):
        since = self.monitor.mark()
        seen = len(self.log)
        sleeper = self.spawn("echo mem >/sys/power/state")
        if meanwhile:
            # Programs are frozen, and the drivers' turn comes.
            while "Freezing remaining freezable tasks" not in self.log[seen:]:
                assert sleeper.running, sleeper.wait()
                time.sleep(0.02)
            meanwhile()
        self._until_event(sleeper, "SUSPEND", since)
        time.sleep(seconds)
        self.monitor.execute("system_wakeup")
        self.monitor.event("WAKEUP", since=since)
        sleeper.wait(60).check()

    def _until_event(self, process, name, since, timeout=60):
        deadline = time.monotonic() + timeout
        while True:
            try:
                return self.monitor.event(name, timeout=0.1, since=since)
            except GuestTimeout:
                if not process.running:
                    process.wait().check()
                    raise CommandFailed(f"{process.command} ended without {name}") from None
                if time.monotonic() > deadline:
                    raise

    def qmp(self, command, **arguments):
        return self.monitor.execute(command, **arguments)

    def event(self, name, timeout=30):
        return self.monitor.event(name, timeout)

    def hmp(self, line):
        return self.monitor.execute("human-monitor-command", command_line=line)


class _Expectation:
    def __init__(self, guest, regex):
        self.pattern = re.compile(regex)
        self._guest = guest

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind is None:
            self._guest.check_log()
        return False
