# SPDX-License-Identifier: GPL-2.0-only
"""A machine's root, booted in QEMU with the kernel that is installed in it."""

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path

from vm import Guest
from vm.initramfs import DEBIAN_MODULES
from vm.paths import BUILD


@dataclass(frozen=True)
class Installed:
    """What vm.kernels.Kernel is to the other tests."""
    version: str
    tree: Path

    @property
    def image(self):
        return self.tree / "vmlinuz"

    @property
    def modules(self):
        return self.tree / "modules"


def _needed(dependencies):
    """The files of the harness's modules and of what these need."""
    depends = {}
    for line in dependencies.splitlines():
        module, _, needs = line.partition(":")
        depends[module] = needs.split()
    wanted, found = {*DEBIAN_MODULES, "crc32c_generic"}, set()
    for module, needs in depends.items():
        if Path(module).name.split(".")[0] in wanted:
            found |= {module, *needs}
    return sorted(found)


def kernel(machine, version, to):
    """Copy the kernel VERSION out of a machine."""
    home = f"/lib/modules/{version}"
    machine.get(f"/boot/vmlinuz-{version}", to / "vmlinuz")
    machine.get(f"{home}/modules.dep", to / "modules/modules.dep")
    for module in _needed((to / "modules/modules.dep").read_text()):
        machine.get(f"{home}/{module}", to / "modules" / module)
    return Installed(version, to)


@contextlib.contextmanager
def boot(machine, version, name, **options):
    """A guest that runs the machine as it is; what it does there is not kept."""
    with tempfile.TemporaryDirectory(dir=BUILD, prefix="boot-") as scratch:
        image = Path(scratch) / "root.img"
        machine.image(image)
        options = {"memory": 1024, **options}
        with Guest(kernel=kernel(machine, version, Path(scratch)), root="debian",
                   image=image, modules=[], name=name, **options) as guest:
            yield guest
