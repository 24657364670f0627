# SPDX-License-Identifier: GPL-2.0-only
"""The harness's own parts, in guests without the driver."""

import time

import pytest

from vm import CommandFailed, GuestDied, GuestError, GuestTimeout, kernels, roots
from vm.paths import BUILD

pytestmark = pytest.mark.guest(kernel="6.1", devices=["edu", "pci-testdev"], modules=[],
                               ports=1, share=str(BUILD / "vm"))


def test_commands(guest):
    result = guest.run("echo out; echo err >&2; exit 3", check=False)
    assert (result.rc, result.out, result.err) == (3, "out\n", "err\n")
    with pytest.raises(CommandFailed, match="status 3"):
        guest.run("exit 3")
    with pytest.raises(CommandFailed, match="killed by SIGKILL"):
        guest.run("kill -9 $$")
    assert guest.run("cat", input=b"\0\xff\n" * 100000).raw == b"\0\xff\n" * 100000


def test_many_commands_at_a_time(guest):
    sleepers = [guest.spawn(f"read line; echo $line {n}") for n in range(40)]
    assert all(s.running for s in sleepers)
    for sleeper in reversed(sleepers):
        sleeper.write(b"hello\n")
    for number, sleeper in enumerate(sleepers):
        assert sleeper.wait(30).out == f"hello {number}\n"


def test_time_limit(guest):
    start = time.monotonic()
    with pytest.raises(GuestTimeout, match="in vain.*sleep 60"):
        guest.run("echo begun; sleep 60", timeout=2)
    assert time.monotonic() - start < 20


def test_wait_for_output(guest):
    process = guest.spawn("for i in 1 2 3; do echo line $i; done; exec sleep 60")
    assert process.wait_for(r"line (3)")[1] == "3"
    process.kill()
    assert process.wait(30).rc == -15
    with pytest.raises(CommandFailed, match="without printing"):
        guest.spawn("echo no").wait_for("yes")


def test_files(guest, tmp_path):
    here, back = tmp_path / "here", tmp_path / "back"
    here.write_bytes(bytes(range(256)) * 4096)
    guest.put(here, "/tmp/there", mode=0o600)
    guest.get("/tmp/there", back)
    assert back.read_bytes() == here.read_bytes()
    assert guest.run("stat -c %a /tmp/there").out == "600\n"


def test_share(guest):
    guest.write("/host/from-guest", "hello\n")
    assert (BUILD / "vm" / "from-guest").read_text() == "hello\n"
    (BUILD / "vm" / "from-guest").unlink()


def test_tap(guest):
    assert len(guest.ktap("echo 1..2; echo ok 1 a; echo ok 2 b")) == 2
    with pytest.raises(CommandFailed, match="not ok 2 b"):
        guest.ktap("echo 1..2; echo ok 1 a; echo not ok 2 b")
    with pytest.raises(CommandFailed, match="status 1"):
        guest.ktap("echo 1..1; echo ok 1 a; exit 1")


def test_plug_and_unplug(guest):
    first = guest.bdf("edu0")
    guest.unplug("edu0")
    with pytest.raises(GuestError, match="no device"):
        guest.bdf("edu0")
    guest.plug("edu0")
    assert guest.bdf("edu0") == first
    assert guest.plug("edu") == "edu1"
    assert guest.read(f"/sys/bus/pci/devices/{guest.bdf('edu1')}/device") == "0x11e8\n"


def test_cut_off(guest):
    device = f"/sys/bus/pci/devices/{guest.bdf('edu0')}"
    guest.surprise("edu0")
    assert guest.run(f"hexdump -n 4 -e '1/4 \"%08x\"' {device}/config").out == "ffffffff"
    guest.surprise_over("edu0")
    assert guest.run(f"hexdump -n 4 -e '1/4 \"%08x\"' {device}/config").out == "11e81234"


def test_suspend(guest):
    guest.suspend()
    assert guest.run("echo awake").out == "awake\n"
    guest.wait_log("PM: suspend exit")


def test_death_is_told(boot):
    with pytest.raises(GuestError):
        with boot(kernel="6.1", modules=[]) as g:
            with pytest.raises(GuestDied):
                g.run("echo c >/proc/sysrq-trigger; sleep 60")


def test_debian_root(boot):
    """systemd is up, and udev handles a card that is plugged in."""
    with boot(kernel="6.1", root="debian", devices=["edu"], memory=768) as g:
        assert g.read("/proc/1/comm") == "systemd\n"
        g.load()
        g.run("udevadm settle")
        said = g.run("udevadm info -q all /dev/grabber0").out
        assert "SUBSYSTEM=grabber" in said
        assert g.run("grabberctl list").out


def test_absent_suite():
    gone = roots.Suite("gone", "buzz-that-never-was")
    with pytest.raises(roots.SuiteGone, match="no longer carries"):
        roots.sources(gone)


def test_unknown_kernel():
    with pytest.raises(ValueError, match="no kernel is called"):
        kernels.kernel("2.4")
