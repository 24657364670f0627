# SPDX-License-Identifier: GPL-2.0-only
"""Which QEMU, and its command line."""

import functools
import json
import os
import re
import shutil
import subprocess

from . import roots
from .errors import Unavailable

NEEDED = (10, 1)	# the first with vfio-user-pci
FIRST_PORT = 0x10	# root port N is device 0x10 + N of bus 0
# 5-level page tables cost, and are of no use here. With erms and fsrm kernels move memory by
# "rep movsb", which TCG does byte by byte; without, eight bytes at a time.
CPU = "max,la57=off,erms=off,fsrm=off"


def _version(command):
    try:
        said = subprocess.run([*command, "--version"], capture_output=True, text=True)
    except OSError:
        return (0, 0)
    match = re.search(r"version (\d+)\.(\d+)", said.stdout)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _from_root(root):
    """QEMU in a root of its own, run with that root's libraries."""
    usr = root / "usr"
    return [str(usr / "lib64/ld-linux-x86-64.so.2"), "--library-path",
            f"{usr}/lib/x86_64-linux-gnu:{usr}/lib",
            str(usr / "bin/qemu-system-x86_64"),
            "-L", str(usr / "share/qemu"), "-L", str(usr / "share/seabios")]


@functools.lru_cache(maxsize=None)
def find():
    """(command, version) of the QEMU to use: $GRABBER_QEMU, the machine's own
    where it is new enough, else the one of Debian's backports, else what the
    machine has."""
    own = os.environ.get("GRABBER_QEMU") or shutil.which("qemu-system-x86_64")
    own_version = _version([own]) if own else (0, 0)
    if os.environ.get("GRABBER_QEMU") or own_version >= NEEDED:
        return [own], own_version
    try:
        command = _from_root(roots.qemu_root())
        version = _version(command)
        if version >= NEEDED:
            return command, version
    except roots.SuiteGone:
        pass
    if own:
        return [own], own_version
    raise Unavailable("no QEMU: install qemu-system-x86")


def has_vfio_user():
    return find()[1] >= NEEDED


def need_vfio_user():
    if not has_vfio_user():
        version = ".".join(map(str, find()[1]))
        raise Unavailable(f"the virtual card needs QEMU 10.1 or later; this is {version}")


def parse_device(text, counts):
    """A -device string as a dict with an id: "edu" is edu0, edu1, ..."""
    driver, *options = text.split(",")
    device = {"driver": driver, **dict(o.split("=", 1) for o in options)}
    if "id" not in device:
        number = counts.get(driver, 0)
        counts[driver] = number + 1
        device["id"] = f"{driver}{number}"
    return device


def card_device(name, socket):
    return {"driver": "vfio-user-pci", "id": name,
            "socket": {"type": "unix", "path": str(socket)}}


def device_text(device):
    """For -device and the monitor's device_add: JSON where it must be."""
    if any(isinstance(value, dict) for value in device.values()):
        return json.dumps(device)
    options = {k: v for k, v in device.items() if k != "driver"}
    return ",".join([device["driver"], *(f"{k}={v}" for k, v in options.items())])


def command_line(*, kernel, initrd, append, directory, console, memory, smp, ports,
                 devices, objects=(), iommu=False, native_hotplug=False, share=None,
                 drive=None, loader=None):
    """The whole command; sockets "qmp" and "agent" are made in directory. loader: options
    to boot by, instead of QEMU's own way to load a kernel."""
    loader = loader or ["-kernel", str(kernel), "-initrd", str(initrd), "-append", append]
    command = [*find()[0], "-nodefaults", "-no-user-config", "-display", "none",
               "-no-reboot", "-accel", os.environ.get("GRABBER_ACCEL", "tcg,thread=multi"),
               "-cpu", CPU, "-smp", str(smp), "-m", f"{memory}M",
               "-object", f"memory-backend-memfd,id=mem,size={memory}M,share=on",
               "-machine", "q35,memory-backend=mem",
               *loader,
               "-serial", f"file:{console}",
               "-qmp", f"unix:{directory}/qmp,server=on,wait=off",
               "-chardev", f"socket,id=agent,path={directory}/agent,server=on,wait=off"]
    if iommu:
        # First of all devices: those before it would bypass it.
        command += ["-device", "intel-iommu,caching-mode=on"]
    command += ["-device", "virtio-serial-pci,bus=pcie.0,addr=0x3",
                "-device", "virtserialport,chardev=agent,name=grabber"]
    if native_hotplug:
        command += ["-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off"]
    for port in range(ports):
        command += ["-device", f"pcie-root-port,id=rp{port},bus=pcie.0,"
                    f"addr={FIRST_PORT + port:#x},chassis={port + 1}"]
    for thing in objects:
        command += ["-object", thing]
    for device in devices:
        command += ["-device", device_text(device)]
    if share:
        command += ["-fsdev", f"local,id=host9p,path={share},security_model=none",
                    "-device", "virtio-9p-pci,bus=pcie.0,addr=0x4,fsdev=host9p,"
                    "mount_tag=host9p"]
    if drive:
        command += ["-drive", f"file={drive},format=raw,if=none,id=root,snapshot=on",
                    "-device", "virtio-blk-pci,bus=pcie.0,addr=0x5,drive=root"]
    return command
