# SPDX-License-Identifier: GPL-2.0-only
"""Secure Boot as on a user's machine, as far as software goes: OVMF with Microsoft's
keys, Debian's shim, a Debian kernel; and a machine owner's key that is enrolled, or not,
in OVMF's variables, where shim's MokManager would have put it."""

import uuid

from . import suites
from .machine import Machine

FIRMWARE = ["ovmf", "shim-signed", "python3-virt-firmware", "openssl"]
OVMF = "/usr/share/OVMF"


def _root():
    return suites.tool_root("trixie", FIRMWARE, "ovmf")


def variables(to, certificate=None):
    """OVMF's variables with Secure Boot on; certificate (DER): enrolled as MOK."""
    root = _root()
    with Machine(root) as machine:
        command = f"virt-fw-vars -i {OVMF}/OVMF_VARS_4M.ms.fd -o /vars.fd --secure-boot"
        if certificate:
            machine.put("/keys", certificate)
            machine.run(f"openssl x509 -inform DER -in /keys/{certificate.name} -out /mok.pem")
            command += f" --add-mok {uuid.uuid4()} /mok.pem"
        machine.run(command)
        machine.get("/vars.fd", to)


def options(vars_file):
    """For QEMU's command line."""
    root = _root()
    return ["-machine", "smm=on",
            "-global", "driver=cfi.pflash01,property=secure,value=on",
            "-drive", "if=pflash,unit=0,format=raw,readonly=on,"
            f"file={root}{OVMF}/OVMF_CODE_4M.ms.fd",
            "-drive", f"if=pflash,unit=1,format=raw,file={vars_file}",
            "-shim", f"{root}/usr/lib/shim/shimx64.efi.signed"]
