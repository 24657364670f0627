# SPDX-License-Identifier: GPL-2.0-only
"""A machine made of files, for grabberctl doctor: below one directory, /sys, /proc, /lib ..."""

import json
import os
import pathlib
import shutil
import stat
import struct
import subprocess
import tempfile

import fake

RELEASE = "6.1.0-50-amd64"
OTHER = "6.1.0-49-amd64"
CARD = "0000:01:00.0"
PORT = "0000:00:1c.0"
USER, VIDEO = 1001, 44
DKMS = "/var/lib/dkms/grabber"
MODULES = f"/lib/modules/{RELEASE}"
FILE = f"{MODULES}/updates/dkms/grabber.ko"
PCI = "/sys/bus/pci/devices"
KEY = "/var/lib/dkms/mok.pub"


def module_file(directory, version="0.1.0", srcversion="AABBCCDD00112233445566F"):
    """The bytes of a grabber.ko that modinfo can read."""
    source = directory / "module.c"
    source.write_text('static const char text[] __attribute__((section(".modinfo"), used)) = '
                      f'"license=GPL\\0version={version}\\0srcversion={srcversion}";\n')
    subprocess.run(["gcc", "-c", "-o", directory / "module.o", source], check=True, timeout=60)
    return (directory / "module.o").read_bytes()


def signed(module, signer="Ann's key"):
    """With a signature behind it, of the form that has the signer's name in it."""
    name, key, signature = signer.encode(), b"\1\2\3\4", bytes(64)
    info = struct.pack(">BBBBB3xI", 1, 4, 1, len(name), len(key), len(signature))
    return module + name + key + signature + info + b"~Module signature appended~\n"


class Machine:
    """Healthy: Debian, UEFI without Secure Boot, one XDMA card with driver, an IOMMU, two kernels."""

    def __init__(self, module):
        # Below /tmp and open to all, for some tests run grabberctl as a user.
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="grabberctl-doctor-"))
        self.dir.chmod(0o755)
        # Not below its own root, where only what the machine has is looked for
        self.program = shutil.copy(fake.BUILD / "check" / "grabberctl-fake", self.dir / "grabberctl")
        self.root = self.dir / "root"
        self.root.mkdir()
        self.module = module
        self.system()
        self.kernel(RELEASE)
        self.kernel(OTHER)
        self.loaded()
        self.card()
        self.nodes()

    def close(self):
        subprocess.run(["chmod", "-R", "u+rwx", self.dir], check=True)
        shutil.rmtree(self.dir)

    def at(self, path):
        return self.root / path.lstrip("/")

    def write(self, path, text="", mode=0o644):
        to = self.at(path)
        to.parent.mkdir(parents=True, exist_ok=True)
        to.write_bytes(text if isinstance(text, bytes) else f"{text}\n".encode())
        to.chmod(mode)

    def link(self, path, target):
        at = self.at(path)
        at.parent.mkdir(parents=True, exist_ok=True)
        at.unlink(missing_ok=True)
        at.symlink_to(target)

    def remove(self, path):
        at = self.at(path)
        if at.is_dir() and not at.is_symlink():
            shutil.rmtree(at)
        else:
            at.unlink()

    def command(self, name, script=""):
        self.write(f"/usr/bin/{name}", f"#!/bin/sh\n{script}", 0o755)

    def system(self):
        self.write("/etc/os-release", 'PRETTY_NAME="Debian GNU/Linux 12"\nID=debian')
        self.write("/etc/passwd", f"root:x:0:0::/root:/bin/sh\nann:x:{USER}:{USER}::/:/bin/sh")
        self.write("/etc/group", f"root:x:0:\nvideo:x:{VIDEO}:ann\nann:x:{USER}:")
        self.write("/proc/sys/kernel/osrelease", RELEASE)
        self.write("/proc/sys/kernel/tainted", str(1 << 12 | 1 << 13))
        self.write("/proc/meminfo", "MemTotal: 8000000 kB\nMemFree: 1 kB\nMemAvailable: 4096000 kB")
        self.write("/sys/kernel/security/lockdown", "[none] integrity confidentiality")
        self.secure_boot(False)
        for name in ("make", "gcc-12", "dkms", "sudo"):
            self.command(name)
        self.link("/usr/bin/modinfo", shutil.which("modinfo", path="/usr/sbin:/sbin:/usr/bin"))

    def secure_boot(self, on):
        self.write("/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
                   b"\6\0\0\0" + bytes([on]))

    def kernel(self, release):
        modules, source = f"/lib/modules/{release}", f"/usr/src/linux-headers-{release}"
        self.write(f"{modules}/kernel/fs/ext4.ko")
        self.write(f"{source}/Makefile")
        self.write(f"{source}/.config", 'CONFIG_CC_VERSION_TEXT="gcc-12 (Debian 12.2.0) 12.2.0"')
        self.link(f"{modules}/build", source)
        self.write(f"{modules}/updates/dkms/grabber.ko", self.module)
        self.write(f"{modules}/modules.dep", "kernel/fs/ext4.ko: kernel/fs/jbd2.ko\n"
                                             "updates/dkms/grabber.ko:")
        self.write(f"{modules}/modules.alias", "alias pci:v000010EEd00007024sv*sd*bc*sc*i* grabber")
        self.write("/usr/src/grabber-0.1.0/dkms.conf")
        self.link(f"{DKMS}/0.1.0/source", "/usr/src/grabber-0.1.0")
        self.write(f"{DKMS}/0.1.0/{release}/x86_64/module/grabber.ko", self.module)
        self.link(f"{DKMS}/kernel-{release}-x86_64", f"0.1.0/{release}/x86_64")

    def uninstall(self, release=RELEASE):
        """The module, but not DKMS's sources of it."""
        self.remove(f"/lib/modules/{release}/updates")
        self.write(f"/lib/modules/{release}/modules.dep", "kernel/fs/ext4.ko:")
        self.remove(f"{DKMS}/kernel-{release}-x86_64")
        self.remove(f"{DKMS}/0.1.0/{release}")

    def no_package(self):
        for release in (RELEASE, OTHER):
            self.uninstall(release)
        self.remove(DKMS)
        self.remove("/usr/lib/udev")

    def loaded(self):
        for name, value in dict(initstate="live", version="0.1.0", refcnt="0", taint="OE",
                                srcversion="AABBCCDD00112233445566F").items():
            self.write(f"/sys/module/grabber/{name}", value)
        self.write("/sys/module/module/parameters/sig_enforce", "N")

    def unload(self):
        self.remove("/sys/module/grabber")
        self.remove("/sys/class/grabber")
        self.remove(f"{PCI}/{CARD}/driver")

    def pci(self, bus, where, vendor, device, link=None):
        """@link: the speed and width now, then the greatest."""
        real = f"/sys/devices/{where}/{bus}"
        values = dict(vendor=f"0x{vendor:04x}", device=f"0x{device:04x}", driver_override="(null)",
                      modalias=f"pci:v{vendor:08X}d{device:08X}sv00000000sd00000000bc05sc80i00")
        if link:
            values |= dict(zip(("current_link_speed", "current_link_width", "max_link_speed",
                                "max_link_width"), link))
        for name, value in values.items():
            self.write(f"{real}/{name}", value)
        self.link(f"{PCI}/{bus}", f"../../../devices/{where}/{bus}")

    def card(self):
        self.pci(PORT, "pci0000:00", 0x8086, 0xa110, ("8.0 GT/s PCIe", "4", "8.0 GT/s PCIe", "16"))
        self.pci(CARD, f"pci0000:00/{PORT}", 0x10ee, 0x7024,
                 ("5.0 GT/s PCIe", "4", "5.0 GT/s PCIe", "4"))
        self.link(f"{PCI}/{PORT}/driver", "../../../../bus/pci/drivers/pcieport")
        self.link(f"{PCI}/{CARD}/driver", "../../../../bus/pci/drivers/grabber")
        self.link(f"{PCI}/{CARD}/iommu_group", "../../../../kernel/iommu_groups/7")
        self.write("/sys/kernel/iommu_groups/7/type", "DMA-FQ")
        self.write("/sys/firmware/acpi/tables/DMAR")

    def nodes(self):
        self.write("/usr/lib/udev/rules.d/60-grabber.rules")
        for name, minor, mode, group in (("grabber0", 0, 0o660, VIDEO), ("grabber0-bar", 1, 0o600, 0)):
            self.link(f"/sys/class/grabber/{name}/device", f"../../../devices/pci0000:00/{PORT}/{CARD}")
            self.write(f"/sys/class/grabber/{name}/dev", f"240:{minor}")
            self.at("/dev").mkdir(exist_ok=True)
            os.mknod(self.at(f"/dev/{name}"), stat.S_IFCHR, os.makedev(240, minor))
            self.node(name, mode, group)
        # As docs/ABI has them
        values = dict(board="xdma", state="idle", width=1920, height=1080, pixelformat="RGB3",
                      sizeimage=6220800, slots=16, slot_size=6220800, held=0, readers=0)
        values |= {f"stats/{name}": 0 for name in ("begun", *fake.BUCKETS)}
        for name, value in values.items():
            self.write(f"/sys/class/grabber/grabber0/{name}", value)

    def node(self, name, mode, group):
        os.chown(self.at(f"/dev/{name}"), 0, group)
        self.at(f"/dev/{name}").chmod(mode)

    def run(self, *args, user=None, groups=(), sudo=None):
        """As root; as @user, who is in @groups; or as root by @user's sudo."""
        environment = dict(PATH=str(self.at("/usr/bin")), FAKE_ROOT=str(self.root), LC_ALL="C.UTF-8",
                           FAKE_CLASS_DIR=str(self.at("/sys/class/grabber")),
                           FAKE_DEV_DIR=str(self.at("/dev")))
        if sudo:
            environment |= dict(SUDO_UID=str(sudo), SUDO_GID=str(sudo))
        as_user = dict(user=user, group=user, extra_groups=list(groups)) if user else {}
        return fake.finish(subprocess.Popen(
            [self.program, "doctor", *args], cwd="/", env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, **as_user))

    def doctor(self, **options):
        """All lines, and whether the exit status and the counts fit them."""
        result = self.run("--json", **options)
        assert not result.stderr, result.stderr
        told = json.loads(result.stdout)
        states = [line["state"] for line in told["checks"]]
        for state in ("ok", "warning", "wrong", "unknown"):
            assert told[state] == states.count(state)
        assert len(states) == sum(value for value in told.values() if isinstance(value, int))
        assert result.status == (1 if "wrong" in states else 0)
        return told["checks"]

    def line(self, check, about=None, **options):
        """The one line of a check, of that card or node where it is given."""
        lines = [line for line in self.doctor(**options) if line["check"] == check
                 and about in (None, line["about"])]
        assert len(lines) == 1, lines
        return Line(lines[0])


class Line:
    def __init__(self, told):
        self.state, self.text, self.mend, self.about = (told[key] for key in
                                                        ("state", "text", "mend", "about"))

    def is_(self, state, part="", mend=None):
        """Fails unless it is in that state, says @part, and has just this command."""
        assert (self.state, self.mend) == (state, mend), vars(self)
        assert part in self.text, vars(self)
