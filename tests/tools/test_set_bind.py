# SPDX-License-Identifier: GPL-2.0-only
"""grabberctl set, bind and unbind on a machine made of files: what they do to cards.conf and to
sysfs, and what they say. Real cards are bound in tests/test_settings.py."""

import fcntl
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import pytest

import fake

BUS = "0000:01:00.0"
PCI = "sys/bus/pci"
USER = 1001


class Machine:
    """One card of grabber's, in a tree of its own; @bus stands on its PCI bus."""

    def __init__(self, card):
        self.card = card
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="root-", dir=card.dir))
        self.root.chmod(0o755)
        self.file = self.root / "etc/grabber/cards.conf"
        (self.root / "etc").mkdir()
        (self.root / "run").mkdir()
        self.add(BUS, driver="grabber")
        self.write("lib/firmware/grabber/cards.conf")
        for name in ("bind", "unbind", "settings"):
            self.write(f"{PCI}/drivers/grabber/{name}")
        card.sysfs(0)

    def write(self, path, text=""):
        to = self.root / path
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(text if isinstance(text, bytes) else text.encode())

    def read(self, path):
        return (self.root / path).read_text()

    def add(self, bus, driver=None, pci_class="0x058000", **files):
        directory = f"{PCI}/devices/{bus}"
        for name, text in dict({"class": pci_class, "driver_override": "(null)\n"}, **files).items():
            self.write(f"{directory}/{name}", text)
        if driver:
            (self.root / PCI / "drivers" / driver).mkdir(parents=True, exist_ok=True)
            self.write(f"{PCI}/drivers/{driver}/unbind")
            self.write(f"{PCI}/drivers/{driver}/bind")
            (self.root / directory / "driver").symlink_to(f"../../drivers/{driver}")

    def conf(self, text):
        self.write("etc/grabber/cards.conf", text)

    def run(self, *args, user=None, **settings):
        return self.card.run(*args, user=user, ROOT=self.root, **settings)

    def good(self, *args, **settings):
        result = self.run(*args, **settings)
        assert result.status == 0 and not result.stderr, result.stderr
        return result.stdout

    def bad(self, part, *args, status=1, **settings):
        result = self.run(*args, **settings)
        assert result.status == status and part in result.stderr, result.stderr
        assert result.stderr.count("\n") <= 2 or status == 2, result.stderr


@pytest.fixture
def machine(card):
    return Machine(card)


BEFORE = f"""# kept, as is what follows

[pci-0000:02:00.0]
  slots = 4
# about the next one
[pci-{BUS}]
# why so many
 slots =  8
name=belt

# the end
[serial:01-23-45-67-89-ab-cd-ef]
bar=1"""


def test_new_file(machine):
    machine.good("set", BUS, "slots=16", "slot_size=4M", "--save", SLOTS=8)
    text = machine.file.read_text()
    assert text.startswith("# ") and text.endswith(f"\n[pci-{BUS}]\nslots=16\nslot_size=4M\n")
    assert machine.file.stat().st_mode & 0o7777 == 0o644
    assert os.listdir(machine.file.parent) == ["cards.conf"]


def test_the_rest_stays(machine):
    machine.conf(BEFORE)
    machine.good("set", "0", "slots=16", "bar=2", "--save")
    assert machine.file.read_text() == BEFORE.replace(" slots =  8\n", "slots=16\n").replace(
        "name=belt\n", "name=belt\nbar=2\n")
    machine.conf(BEFORE)
    machine.good("set", "serial:01-23-45-67-89-AB-cd-ef", "name=x", "--save")
    assert machine.file.read_text() == BEFORE + "\nname=x\n"
    machine.conf(BEFORE)
    machine.good("set", "pci-0000:03:00.0", "name=x", "--save")
    assert machine.file.read_text() == BEFORE + "\n\n[pci-0000:03:00.0]\nname=x\n"


def test_twice_in_the_file(machine):
    machine.conf(f"[pci-{BUS}]\nslots=4\nslots=5\n[pci-{BUS}]\n# here\nslots=6")
    machine.good("set", BUS, "slots=7", "--save")
    assert machine.file.read_text() == f"[pci-{BUS}]\nslots=4\nslots=5\n[pci-{BUS}]\n# here\nslots=7\n"


def test_owner_and_mode_stay(machine):
    machine.conf(BEFORE)
    real = machine.file.with_name("real")
    machine.file.rename(real)
    machine.file.symlink_to("real")
    real.chmod(0o640)
    os.chown(real, 0, 44)
    machine.good("set", BUS, "slots=16", "--save")
    assert machine.file.is_symlink() and "slots=16" in real.read_text()
    assert real.stat().st_mode & 0o7777 == 0o640 and real.stat().st_gid == 44


@pytest.mark.parametrize("wish,part", [
    ("slots=1", "from 2 to 1024"), ("slots=4K", "from 2 to 1024"), ("slot_size=1G", "from 1 to 64M"),
    ("bar=6", "from 0 to 5"), ("framing=card", "packet or slot"), ("board=edu", "xdma or generic"),
    ("name=a/b", "letters"), ("name=x-bar", "-bar"), ("color=red", "no such setting"),
    ("=5", "no such setting"), ("slots =4", "no such setting"), (" slots=4", "no such setting"),
    ("#a=b", "no such setting"), ("[a=b]", "no such setting"), ("slots= 4", "no blanks"),
    ("slots=4\t", "no blanks"), ("name=5", "is no number"), ("id=10ee", "VENDOR:DEVICE"),
    ("slots=5\n[pci-0000:02:00.0]", "one line"),
    ("format=640x480", "WIDTHxHEIGHT:FOURCC"), ("format=640x480:NV12", "bytes a line"),
    ("format=99999x99999:GREY", "32 bits"), ("format=9999x9999:GREY", "up to 64M")])
def test_nonsense_is_not_saved(machine, wish, part):
    machine.conf(BEFORE)
    machine.bad(part, "set", BUS, "slots=16", wish, "--save")
    assert machine.file.read_text() == BEFORE


def test_usage(machine):
    machine.bad("say which card", "set", status=2)
    machine.bad("is not KEY=VALUE", "set", BUS, "slots", status=2)
    machine.bad("say what is to be set", "set", BUS, "--save", status=2)
    for name in ("pci-0] [x", "pci-01:00.0", "pci-0000:01:00.8", "pci-0000:01:00.0-chan4",
                 "pci-0000:01:00.0-chan", "pci-0000:01:00.0-chan00", "serial:", "serial:01-23",
                 "serial:01-23-45-67-89-ab-cd-eg", "serial:01-23-45-67-89-ab-cd:ef"):
        machine.bad("no name of a section", "set", name, "slots=4", "--save")
    machine.bad("say --save", "set", "pci-0000:05:00.0", "slots=4")
    machine.bad("there is no PCI device", "set", "0000:05:00.0", "slots=4", "--save")
    machine.bad("has no serial number", "set", BUS, "slots=4", "--save", "--by-serial")
    machine.bad("whole card", "set", "pci-0000:01:00.0-chan1", "board=xdma", "--save")
    machine.bad("say --rebind", "set", BUS, "name=x")
    assert not machine.file.exists()


def test_format_is_written_out(machine):
    machine.good("set", "pci-0000:05:00.0", "format=640x480:RGB3", "--save")
    assert machine.file.read_text().endswith("\nformat=640x480:RGB3:1920:921600\n")


def test_serial_number(machine):
    """By the file of newer kernels, and by the configuration space for older ones."""
    serial = "01-23-45-67-89-ab-cd-ef"
    space = bytearray(4096)
    space[0x100:0x104] = (0x14010001).to_bytes(4, "little")
    space[0x140:0x144] = (0x00010003).to_bytes(4, "little")
    space[0x144:0x14c] = bytes.fromhex(serial.replace("-", ""))[::-1]
    for name, content in (("serial_number", serial + "\n"), ("config", bytes(space))):
        at = machine.root / PCI / "devices" / BUS / name
        machine.write(f"{PCI}/devices/{BUS}/{name}", content)
        machine.file.unlink(missing_ok=True)
        machine.good("set", "0", "slots=16", "--save", "--by-serial")
        machine.good("set", "0", "slots=17", "--save")	# where it is already
        assert machine.file.read_text().endswith(f"\n[serial:{serial}]\nslots=17\n")
        machine.conf(f"[serial:{serial}-chan0]\nslots=3\n")
        machine.bad("which counts", "set", BUS, "slots=4", "--save")
        assert "slots=4" not in machine.file.read_text()
        at.unlink()
    space[0x140:0x144] = (0x14010003 ^ 3 | 2).to_bytes(4, "little")	# a list without an end
    machine.write(f"{PCI}/devices/{BUS}/config", bytes(space))
    machine.bad("has no serial number", "set", BUS, "slots=4", "--save", "--by-serial")


def test_full_disk(machine):
    machine.conf("# " + "x" * 5000 + f"\n[pci-{BUS}]\nslots=4\n")
    script = f"""mount -t tmpfs -o size=8k none "$1/etc" && mkdir "$1/etc/grabber" || exit 99
        cp "$2" "$1/etc/grabber/cards.conf"
        FAKE_ROOT=$1 {machine.card.program} set pci-{BUS} slots=5 --save; echo status $?
        ls -A "$1/etc/grabber"; cmp "$2" "$1/etc/grabber/cards.conf" && echo same"""
    kept = shutil.copy(machine.file, machine.card.dir / "kept")
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", machine.root, kept],
                          capture_output=True, text=True, timeout=60)
    assert done.stdout.split("\n")[:-1] == ["status 1", "cards.conf", "same"], done
    assert "the disk is full; the file is as it was" in done.stderr


def test_many_at_once(machine):
    waiting = [machine.card.start("set", f"pci-0000:{n:02x}:00.0", f"slots={n}", "--save",
                                  ROOT=machine.root) for n in range(2, 22)]
    for process in waiting:
        assert fake.finish(process).status == 0
    text = machine.file.read_text()
    assert all(f"[pci-0000:{n:02x}:00.0]\nslots={n}\n" in text for n in range(2, 22))
    assert text.count("\n#") == 0 and os.listdir(machine.file.parent) == ["cards.conf"]


def test_too_long(machine):
    machine.conf("#" * 65530)
    machine.bad("more than 65536 bytes", "set", BUS, "slots=16", "--save")
    assert machine.file.read_text() == "#" * 65530


def test_not_root(machine):
    machine.conf(BEFORE)
    machine.bad("run this as root, with sudo", "set", "pci-0000:05:00.0", "slots=4", "--save", user=USER)
    machine.bad("run this with sudo", "bind", BUS, user=USER)
    machine.bad("run this with sudo", "unbind", BUS, user=USER)
    assert machine.file.read_text() == BEFORE


def test_what_cannot_be_set_is_not_saved(machine):
    machine.bad("grabber0", "set", "0", "slots=16", "--save", BUSY="running")
    assert not machine.file.exists()


def test_shown(machine):
    machine.conf(f"[pci-{BUS}]\nslots=8\nbar=2\n")
    machine.card.sysfs(0, name="belt", framing="card")
    said = machine.good("set", "0")
    assert "slots      8                                line 2 of" in said
    assert "bar        2                                line 3 of" in said and "belt" in said
    assert machine.good("set", "belt") == said == machine.good("set", BUS)


def test_missing_link(machine):
    (machine.root / "lib/firmware/grabber/cards.conf").unlink()
    result = machine.run("set", BUS, "slots=16", "--save")
    assert result.status == 0 and "ln -s /etc/grabber/cards.conf" in result.stderr


def test_bind_refused(machine):
    machine.add("0000:02:00.0", driver="xdma")
    machine.add("0000:03:00.0", pci_class="0x060400", driver="pcieport")
    machine.add("0000:04:00.0", physfn="")
    machine.add("0000:05:00.0", sriov_numvfs="4\n")
    machine.add("0000:06:00.0", driver="nvme", pci_class="0x010802")
    for part, *args in (("is no PCI address", "1:0"), ("is no PCI address", "+1:00.0"),
                        ("is no PCI address", "0000:01:20.0"), ("is no PCI address", "0000:01:00.8"),
                        ("there is no PCI device", "0000:09:00.0"),
                        ("the driver 'xdma' has 0000:02:00.0; --force", "02:00.0"),
                        ("is a bridge", "03:00.0", "--force"), ("is a virtual function", "04:00.0"),
                        ("has 4 virtual functions", "05:00.0"),
                        ("is a disk controller", "06:00.0", "--force")):
        machine.bad(part, "bind", *args)
    machine.bad("neither xdma nor generic", "bind", BUS, "--board=edu", status=2)
    machine.bad("neither packet nor slot", "bind", BUS, "--framing=card", status=2)
    machine.bad("say which card", "bind", status=2)
    machine.card.sysfs(0, readers=2)
    machine.bad("is in use", "bind", BUS)
    machine.bad("is in use", "unbind", BUS)
    machine.bad("is in use", "set", BUS, "name=x", "--rebind")
    assert not machine.file.exists()
    assert machine.read(f"{PCI}/devices/{BUS}/driver_override") == "(null)\n"


def test_bind(machine):
    """To the end: as nothing moves here, it is grabber's before and after."""
    (machine.root / PCI / "devices" / BUS / "grabber/grabber0").mkdir(parents=True)
    assert machine.good("bind", BUS, "--once", "--framing", "slot") == f"{BUS} is grabber0, this once\n"
    assert not machine.file.exists()
    # Said, and taken back: an empty line over the first byte
    assert machine.read(f"{PCI}/drivers/grabber/settings") == f"\npci-{BUS}]\nboard=xdma\nframing=slot\n"
    assert machine.read(f"{PCI}/devices/{BUS}/driver_override") == "grabber"
    machine.conf(f"# mine\n[pci-{BUS}]\nslots=4\n")
    machine.good("bind", BUS, "--board=generic")
    assert machine.file.read_text() == f"# mine\n[pci-{BUS}]\nslots=4\nboard=generic\n"


def test_unbind(machine):
    machine.conf(f"[pci-0000:02:00.0]\nboard=xdma\n\n[pci-{BUS}]\nboard=xdma\nframing=slot\n\n# end\n")
    machine.write(f"{PCI}/devices/{BUS}/driver_override", "grabber\n")
    machine.write(f"{PCI}/drivers_probe")
    machine.run("unbind", BUS)
    assert machine.file.read_text() == f"[pci-0000:02:00.0]\nboard=xdma\n\n[pci-{BUS}]\n\n# end\n"
    machine.good("set", "pci-0000:05:00.0", "board=xdma", "--save")
    machine.add("0000:05:00.0")
    assert machine.good("unbind", "05:00.0") == "0000:05:00.0 has no driver now\n"
    assert "05:00" not in machine.file.read_text()
    machine.bad("nothing says that it should", "unbind", "05:00.0")


OTHER = "0000:02:00.0"
OVERRIDE = f"{PCI}/devices/{OTHER}/driver_override"
READY, TAKE = ("bind", "--from-settings", OTHER), ("bind", "--take-saved", OTHER)


def test_made_ready_for_udev(machine):
    """What the rule calls when a device appears: none but grabber can have it then."""
    machine.add(OTHER)
    assert machine.run(*READY).status == 1
    machine.conf(f"[pci-{OTHER}]\nslots=4\n")
    assert machine.run(*READY).status == 1
    assert machine.read(OVERRIDE) == "(null)\n"
    machine.conf(f"[pci-{OTHER}]\nboard=xdma\n")
    machine.write(OVERRIDE, "vfio-pci\n")
    assert machine.run(*READY).status == machine.run(*TAKE).status == 1
    assert machine.read(OVERRIDE) == "vfio-pci\n"
    machine.write(OVERRIDE, "(null)\n")
    assert machine.good(*READY) == "GRABBER_BIND=1\n"
    assert machine.read(OVERRIDE) == "grabber"
    assert machine.run("bind", "--from-settings", BUS).status == 1


def test_taken_when_grabber_is_there(machine):
    """Another driver has it: that keeps it until the module is loaded, and has it again where
    grabber does not take it, as it never does here."""
    machine.add(OTHER, driver="xdma")
    machine.conf(f"[pci-{OTHER}]\nboard=xdma\n")
    assert machine.good(*READY) == "GRABBER_BIND=1\n"
    assert machine.read(OVERRIDE) == "(null)\n" and not machine.read(f"{PCI}/drivers/xdma/unbind")
    machine.bad("grabber does not take", *TAKE)
    assert machine.read(f"{PCI}/drivers/xdma/unbind") == OTHER
    assert machine.read(f"{PCI}/drivers/grabber/bind") == OTHER
    assert machine.read(OVERRIDE) == "\nrabber"


def test_not_taken_without_the_module(machine):
    machine.add(OTHER, driver="xdma")
    machine.add("0000:03:00.0", driver_override="grabber\n")
    machine.write(f"{PCI}/drivers_probe")
    machine.conf(f"[pci-{OTHER}]\nboard=xdma\n[pci-0000:03:00.0]\nboard=xdma\n")
    shutil.rmtree(machine.root / PCI / "drivers/grabber")
    machine.bad("module is not loaded", *TAKE)
    assert machine.read(OVERRIDE) == "(null)\n" and not machine.read(f"{PCI}/drivers/xdma/unbind")
    assert not machine.read(f"{PCI}/drivers_probe")
    machine.bad("module is not loaded", "bind", "--take-saved", "0000:03:00.0")
    assert machine.read(f"{PCI}/devices/0000:03:00.0/driver_override") == "\nrabber\n"
    assert machine.read(f"{PCI}/drivers_probe") == "0000:03:00.0"


def test_at_boot_without_a_lock(machine):
    """A card that was kept from other drivers is not left without one."""
    machine.add(OTHER, driver_override="grabber\n")
    machine.conf(f"[pci-{OTHER}]\nboard=xdma\n")
    (machine.root / "run/grabber.lock").mkdir()
    machine.bad("cannot be", *TAKE)
    assert machine.read(f"{PCI}/drivers/grabber/bind") == OTHER
    assert machine.read(OVERRIDE) == "\nrabber\n"


PRECIOUS = {"0x010802": "disk", "0x020000": "network", "0x030000": "display", "0x0c0330": "USB",
            "0x0c0010": "FireWire", "0x0c0400": "Fibre Channel", "0x0c0600": "InfiniBand",
            "0x080501": "SD host", "0x088000": "system", "0x0d8000": "wireless"}


@pytest.mark.parametrize("files,part", [
    *((dict(pci_class=number), what) for number, what in PRECIOUS.items()),
    (dict(pci_class="0x060400"), "bridge"), (dict(physfn=""), "virtual function"),
    (dict(sriov_numvfs="2\n"), "2 virtual functions")])
@pytest.mark.parametrize("driver", [None, "xdma"])
def test_never_taken_at_boot(machine, files, part, driver):
    machine.add(OTHER, driver=driver, **files)
    machine.conf(f"[pci-{OTHER}]\nboard=xdma\n")
    for step in (READY, TAKE):
        machine.bad(part, *step)
        assert machine.read(OVERRIDE) == "(null)\n"
    machine.bad(part, "bind", "--force", OTHER)
    assert machine.read(OVERRIDE) == "(null)\n" and not machine.read(f"{PCI}/drivers/grabber/bind")


def test_another_card_in_the_slot(machine):
    """Bus numbers move: what was said is said of a card with these ids."""
    ids = dict(vendor="0x10ee\n", device="0x7024\n")
    machine.add(OTHER, **ids)
    for text, good in ((f"[pci-{OTHER}]\nboard=xdma\nid=10ee:7024\n", True),
                       (f"[pci-{OTHER}]\nboard=xdma\nid=10EE:7024\n", True),
                       (f"[pci-{OTHER}]\nboard=xdma\nid=10ee:7025\n", False)):
        machine.conf(text)
        machine.write(OVERRIDE, "(null)\n")
        if good:
            machine.good(*READY)
        else:
            machine.bad("10ee:7024 now, and line 3 of", *READY)
        assert machine.read(OVERRIDE) == ("grabber" if good else "(null)\n")
    # By serial number it is that card, whatever was in the slot before.
    machine.write(f"{PCI}/devices/{OTHER}/serial_number", "01-23-45-67-89-ab-cd-ef\n")
    machine.conf(f"[pci-{OTHER}]\nid=10ee:7025\n[serial:01-23-45-67-89-ab-cd-ef]\nboard=xdma\n")
    machine.good(*READY)


def test_id_is_saved(machine):
    for name, text in (("vendor", "0x10ee\n"), ("device", "0x7024\n")):
        machine.write(f"{PCI}/devices/{BUS}/{name}", text)
    machine.conf(f"[pci-{BUS}]\nid=1234:5678\nslots=4\n")
    machine.good("bind", BUS)
    assert machine.file.read_text() == f"[pci-{BUS}]\nid=10ee:7024\nslots=4\nboard=xdma\n"
    machine.run("unbind", BUS)
    assert machine.file.read_text() == f"[pci-{BUS}]\nslots=4\n"
    machine.good("set", BUS, "board=generic", "--save")
    assert machine.file.read_text() == f"[pci-{BUS}]\nslots=4\nboard=generic\nid=10ee:7024\n"


def test_kept_for_somebody_else(machine):
    machine.add(OTHER, driver_override="vfio-pci\n")
    machine.bad("is kept for the driver 'vfio-pci'", "bind", OTHER)
    assert machine.read(OVERRIDE) == "vfio-pci\n"
    machine.run("bind", OTHER, "--force")
    assert machine.read(f"{PCI}/drivers/grabber/bind") == OTHER
    assert machine.read(OVERRIDE) == "vfio-pci\n"	# again


def test_driver_that_does_not_let_go(machine):
    """driver_override is not touched then: that would wait for the same lock."""
    machine.add(OTHER, driver="vfio-pci", driver_override="vfio-pci\n")
    hangs = machine.root / PCI / "drivers/vfio-pci/unbind"
    hangs.unlink()
    os.mkfifo(hangs)
    machine.bad(f"has none: say this again, or 'grabberctl unbind {OTHER}'", "bind", OTHER, "--force")
    assert machine.read(OVERRIDE) == "grabberi\n"	# over the longer name
    assert not machine.read(f"{PCI}/drivers/grabber/bind") and not machine.file.exists()
    machine.good("set", f"pci-{OTHER}", "slots=4", "--save")	# nobody waits for it
    overridden = machine.root / OVERRIDE
    overridden.unlink()
    os.mkfifo(overridden)
    machine.bad("has not let go", "bind", OTHER, "--force")
    for path in (hangs, overridden):
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))


def test_lock_is_roots(machine):
    """A user who locks what he can open stops nobody."""
    machine.conf(BEFORE)
    fd = os.open(machine.file.parent, os.O_RDONLY)
    fcntl.flock(fd, fcntl.LOCK_EX)
    machine.good("set", f"pci-{OTHER}", "slots=4", "--save")
    os.close(fd)
    lock = machine.root / "run/grabber.lock"
    assert lock.stat().st_mode & 0o7777 == 0o600
    with lock.open() as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        waiting = machine.card.start("bind", BUS, "--once", ROOT=machine.root)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(1)
        assert machine.read(f"{PCI}/devices/{BUS}/driver_override") == "(null)\n"
    assert fake.finish(waiting).status == 0


def test_signals_come_after_the_move(machine):
    machine.add(OTHER, driver="xdma")
    hangs = machine.root / PCI / "drivers/xdma/unbind"
    hangs.unlink()
    os.mkfifo(hangs)
    moving = machine.card.start("bind", OTHER, "--force", ROOT=machine.root)
    while machine.read(OVERRIDE) != "grabber":
        assert moving.poll() is None
    moving.send_signal(signal.SIGINT)
    moving.send_signal(signal.SIGTERM)
    result = fake.finish(moving)
    os.close(os.open(hangs, os.O_RDONLY | os.O_NONBLOCK))
    assert "has not let go" in result.stderr and result.status < 0


def test_cut_off_file_is_not_saved(machine):
    """Shorter by what unbind takes out, what was read would fit."""
    text = f"[pci-{BUS}]\nboard=xdma\n[pci-{OTHER}]\n" + "# kept\n" * 9360 + "slots=4\n"
    assert len(text) > 65536
    machine.conf(text)
    for args in (("unbind", BUS), ("set", BUS, "slots=8", "--save"), ("bind", BUS)):
        machine.bad("has more than 65536 bytes", *args)
        assert machine.file.read_text() == text


def test_file_that_is_none(machine):
    machine.file.parent.mkdir()
    os.mkfifo(machine.file)
    machine.bad("no regular file", "set", BUS, "slots=8", "--save")
    machine.file.unlink()
    machine.file.mkdir()
    machine.bad("no regular file", "set", BUS, "slots=8", "--save")


def test_rebound_before_it_is_saved(machine):
    """What is in force now, by the text for once; and nothing is saved where that fails."""
    machine.conf(BEFORE)
    machine.write(f"{PCI}/drivers/grabber/settings")
    machine.good("set", BUS, "name=x", "--save", "--rebind")
    assert machine.read(f"{PCI}/drivers/grabber/settings") == f"\npci-{BUS}]\nname=x\n"
    assert "name=x\n" in machine.file.read_text()
    machine.conf(BEFORE)
    (machine.root / PCI / "drivers/grabber/settings").unlink()
    machine.bad("older than this grabberctl", "set", BUS, "name=x", "--save", "--rebind")
    assert machine.file.read_text() == BEFORE


def test_nearer_section_is_told_of(machine):
    machine.conf(f"[pci-{BUS}-chan1]\nframing=packet\n")
    result = machine.run("bind", BUS, "--framing", "slot")
    assert result.status == 0 and "channel 1 has the framing= of line 2" in result.stderr
    assert f"[pci-{BUS}]\nboard=xdma\nframing=slot\n" in machine.file.read_text()
    machine.good("bind", BUS)
