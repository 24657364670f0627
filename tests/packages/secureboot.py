# SPDX-License-Identifier: GPL-2.0-only
"""Secure Boot as on a user's machine, as far as software goes: OVMF with Microsoft's
keys, Debian's shim and GRUB, a Debian kernel; and a machine owner's key that is
enrolled, or not, in OVMF's variables, where shim's MokManager would have put it."""

import uuid

from . import suites
from .machine import Machine

FIRMWARE = ["ovmf", "shim-signed", "grub-efi-amd64-signed", "python3-virt-firmware",
            "openssl", "mtools", "dosfstools"]
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


GRUB = """linux /vmlinuz {append}
initrd /initrd
boot
"""


def _disk(kernel, initrd, append, to):
    """An EFI system partition, as a whole disk."""
    to.parent.mkdir(exist_ok=True)
    (to.parent / "grub.cfg").write_text(GRUB.format(append=append))
    with Machine(_root()) as machine:
        machine.put("/in", to.parent / "grub.cfg")
        machine.outside("cp", kernel, "in/vmlinuz")
        machine.outside("cp", initrd, "in/initrd")
        machine.run("""
            set -e
            truncate -s 300M /esp
            mkfs.vfat -F 32 /esp
            mmd -i /esp ::/EFI ::/EFI/BOOT ::/EFI/debian
            mcopy -i /esp /usr/lib/shim/shimx64.efi.signed ::/EFI/BOOT/BOOTX64.EFI
            mcopy -i /esp /usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed ::/EFI/BOOT/grubx64.efi
            mcopy -i /esp /in/grub.cfg ::/EFI/debian/grub.cfg
            mcopy -i /esp /in/vmlinuz /in/initrd ::/""")
        machine.get("/esp", to)


def loader(vars_file):
    """For Guest: boots through firmware, shim and GRUB."""
    def options(kernel, initrd, append, directory):
        disk = directory / "esp" / "disk"
        _disk(kernel, initrd, append, disk)
        code = f"{_root()}{OVMF}/OVMF_CODE_4M.secboot.fd"
        return ["-machine", "smm=on",
                "-global", "driver=cfi.pflash01,property=secure,value=on",
                "-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
                "-drive", f"if=pflash,unit=1,format=raw,file={vars_file}",
                "-drive", f"if=none,id=esp,format=raw,file={disk}",
                "-device", "virtio-blk-pci,bus=pcie.0,addr=0x6,drive=esp,bootindex=1"]

    return options
