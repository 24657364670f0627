# SPDX-License-Identifier: GPL-2.0-only
"""The small root that most guests run from: busybox, the agent, grabber.ko,
the test programs and the kernel modules that the harness itself needs."""

import lzma
import os
import re
import shutil
import stat
import subprocess
from pathlib import Path

from .errors import Unavailable
from .paths import BUILD, VM

# Loaded by /init, where the kernel has them as modules.
HARNESS_MODULES = ["virtio_pci", "virtio_console", "9pnet_virtio", "9p"]
DEBIAN_MODULES = HARNESS_MODULES + ["virtio_blk", "ext4"]

INIT = """#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /run /mnt /host
/bin/busybox mount -t proc proc /proc
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox mount -t devtmpfs devtmpfs /dev 2>/dev/null
/bin/busybox --install -s /bin
exec </dev/console >/dev/console 2>&1
export PATH=/opt/bin:/bin HOME=/ TERM=dumb
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /tmp
mount -t debugfs debugfs /sys/kernel/debug
mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null
for module in $(cat /etc/harness-modules); do insmod /lib/modules/$module; done
if grep -q host9p /sys/bus/virtio/drivers/9pnet_virtio/*/mount_tag 2>/dev/null; then
	mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 host9p /host
fi
find_port() {
	for port in /sys/class/virtio-ports/*; do
		[ "$(cat $port/name 2>/dev/null)" = grabber ] && echo /dev/${port##*/}
	done
}
while [ -z "$(find_port)" ]; do sleep 0.1; done
%(hand_over)s
"""

RUN_AGENT = "exec /opt/bin/agent $(find_port)"

# systemd starts the agent from /run/grabber, which stays when the root changes.
SWITCH_ROOT = """mount -t ext4 /dev/vda /mnt
mount -t tmpfs -o mode=755 tmpfs /mnt/run
cp -a /opt /mnt/run/grabber
mkdir /mnt/run/grabber/lib
cp -a /lib/*.ko /lib/*-linux-gnu /lib64 /mnt/run/grabber/lib/
mount --move /host /mnt/host 2>/dev/null
umount /sys/kernel/tracing /sys/kernel/debug /dev/shm /dev/pts /tmp
exec switch_root /mnt /sbin/init"""

# The guest's own libraries may be older than the host's.
WITH_LIBRARIES = """#!/bin/sh
lib=/run/grabber/lib
exec $lib/lib64/ld-linux-x86-64.so.2 --library-path $(echo $lib/*-linux-gnu) %s "$@"
"""


class Archive:
    """A cpio archive in the kernel's "newc" format, written in memory."""

    def __init__(self):
        self._parts = []
        self._inode = 0
        self._seen = set()

    def _entry(self, name, mode, data=b"", device=(0, 0)):
        self._inode += 1
        encoded = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(data), 0, 0, *device,
                  len(encoded), 0)
        head = b"070701" + b"".join(b"%08X" % f for f in fields) + encoded
        for part in (head, data):
            self._parts.append(part + bytes(-len(part) % 4))

    def directory(self, path):
        path = path.strip("/")
        if path and path not in self._seen:
            self.directory(os.path.dirname(path))
            self._seen.add(path)
            self._entry(path, stat.S_IFDIR | 0o755)

    def add(self, path, data, mode=0o644):
        path = path.strip("/")
        if path not in self._seen:
            self.directory(os.path.dirname(path))
            self._seen.add(path)
            self._entry(path, stat.S_IFREG | mode, data)

    def link(self, path, target):
        self.directory(os.path.dirname(path))
        self._entry(path.strip("/"), stat.S_IFLNK | 0o777, target.encode())

    def device(self, path, major, minor):
        self.directory(os.path.dirname(path))
        self._entry(path.strip("/"), stat.S_IFCHR | 0o600, device=(major, minor))

    def program(self, path, source):
        """A host program with the shared libraries that it is linked to."""
        self.add(path, Path(source).read_bytes(), 0o755)
        for library in _libraries(source):
            self.add(library, Path(library).read_bytes(), 0o755)

    def write(self, path):
        self._entry("TRAILER!!!", 0)
        with open(path, "wb") as out:
            out.writelines(self._parts)


def _libraries(program):
    found = subprocess.run(["ldd", str(program)], capture_output=True, text=True)
    if found.returncode:
        return []	# not a dynamic executable
    return re.findall(r"(/\S+) \(0x", found.stdout)


def _plain(path):
    data = path.read_bytes()
    return lzma.decompress(data) if path.suffix == ".xz" else data


def modules_with_needs(kernel, wanted):
    """[(name, bytes)] of the wanted modules and what they need, in load order."""
    base = kernel.modules
    depends, by_name = {}, {}
    if not (base / "modules.dep").exists():
        return []	# everything is built in
    for line in (base / "modules.dep").read_text().splitlines():
        module, _, needs = line.partition(":")
        depends[module] = needs.split()
        by_name[re.sub(r"\.ko(\.\w+)?$", "", Path(module).name)] = module
    order = []

    def visit(module):
        for need in depends[module]:
            visit(need)
        if module not in order:
            order.append(module)

    for name in wanted:
        if name in by_name:
            visit(by_name[name])
    # ext4 finds its checksum by a soft dependency that modules.dep lacks.
    if "ext4" in wanted and "crc32c_generic" in by_name:
        order.insert(0, by_name["crc32c_generic"])
    return [(re.sub(r"\.ko.*$", ".ko", Path(m).name), _plain(base / m)) for m in order]


def agent():
    """The agent, built for the host: static, so it runs on every guest."""
    program = BUILD / "vm" / "agent"
    source = VM / "agent" / "agent.c"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        program.parent.mkdir(parents=True, exist_ok=True)
        fresh = program.with_name(f".agent-{os.getpid()}")
        subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-static", "-o", fresh,
                        source], check=True)
        fresh.rename(program)
    return program


def build(path, kernel, modules=(), files=None, debian=False):
    """Write an initramfs for KERNEL to PATH.

    modules: directories with *.ko files to put into /lib.
    """
    busybox = shutil.which("busybox")
    if not busybox or _libraries(busybox):
        raise Unavailable("busybox is not the static one; install busybox-static")
    archive = Archive()
    archive.device("/dev/console", 5, 1)
    archive.add("/bin/busybox", Path(busybox).read_bytes(), 0o755)
    archive.add("/etc/passwd", b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534::/:/bin/sh\n")
    archive.add("/etc/group", b"root:x:0:\nnogroup:x:65534:\n")
    hand_over = SWITCH_ROOT if debian else RUN_AGENT
    archive.add("/init", (INIT % {"hand_over": hand_over}).encode(), 0o755)
    names = []
    for name, data in modules_with_needs(kernel, DEBIAN_MODULES if debian else HARNESS_MODULES):
        archive.add(f"/lib/modules/{name}", data)
        names.append(name)
    archive.add("/etc/harness-modules", "\n".join(names).encode() + b"\n")
    archive.program("/opt/bin/agent", agent())
    for directory in modules:
        for ko in Path(directory).glob("*.ko"):
            archive.add(f"/lib/{ko.name}", ko.read_bytes())
    for program in [BUILD / "tools/grabberctl", *sorted((BUILD / "guest").glob("*"))]:
        if not (program.is_file() and os.access(program, os.X_OK)):
            continue
        if debian and _libraries(program):
            archive.program(f"/opt/real/{program.name}", program)
            wrapper = WITH_LIBRARIES % f"/run/grabber/real/{program.name}"
            archive.add(f"/opt/bin/{program.name}", wrapper.encode(), 0o755)
        else:
            archive.program(f"/opt/bin/{program.name}", program)
    for guest_path, host_path in (files or {}).items():
        if os.access(host_path, os.X_OK):
            archive.program(guest_path, host_path)
        else:
            archive.add(guest_path, Path(host_path).read_bytes())
    archive.write(path)
