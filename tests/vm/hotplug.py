# SPDX-License-Identifier: GPL-2.0-only
"""Guests' devices: where they sit, and how they come and go."""

import re
import time

from . import qemu
from .card import Card
from .errors import GuestError, GuestTimeout


class Hotplug:
    """The part of Guest that is about devices."""

    def _place_devices(self):
        """Give each device and card its root port, in order."""
        self._port_of = {}
        self._known = {}		# id: device, also when it is unplugged
        self._placed = []
        for number, card in enumerate(self.cards):
            self._boot_devices.append(qemu.card_device(f"card{number}", card.socket))
        for device in self._boot_devices:
            if "bus" not in device:
                port = len(self._port_of)
                self._port_of[device["id"]] = port
                device["bus"] = f"rp{port}"
            self._known[device["id"]] = device
            self._placed.append(device)
        self._ports = len(self._port_of) + self._spare_ports
        self._unplugged = set()

    def _objects(self):
        """Back ends that devices need."""
        objects = []
        for device in self._placed:
            if device["driver"] == "ivshmem-plain" and "memdev" not in device:
                device["memdev"] = f"{device['id']}-memory"
                objects.append(f"memory-backend-ram,id={device['memdev']},size=1M")
        return objects

    def _port_address(self, identity):
        if identity not in self._port_of:
            raise ValueError(f"{identity} is on no root port; "
                             f"these are: {', '.join(self._port_of) or 'none'}")
        return f"0000:00:{qemu.FIRST_PORT + self._port_of[identity]:02x}.0"

    def bdf(self, identity):
        """The PCI address of a device in the guest."""
        if identity not in self._port_of:
            return self._root_bus_address(identity)
        where = f"/sys/bus/pci/devices/{self._port_address(identity)}"
        names = self.run(f"ls {where}").out.split()
        found = [n for n in names if re.fullmatch(r"[0-9a-f]{4}:[0-9a-f]{2}:00\.0", n)]
        if not found:
            raise GuestError(f"the guest sees no device behind the port of {identity}")
        return found[0]

    def _root_bus_address(self, identity):
        for bus in self.qmp("query-pci"):
            for device in bus["devices"]:
                if device.get("qdev_id") == identity:
                    return f"0000:{device['bus']:02x}:{device['slot']:02x}.{device['function']}"
        raise ValueError(f"there is no device {identity}")

    def plug(self, device, port=None):
        """Plug a device in; returns its id when the guest has seen it.

        device: a -device string, the id of one that was unplugged, or a Card.
        """
        if isinstance(device, Card):
            number = 0
            while f"card{number}" in self._known:
                number += 1
            if device not in self.cards:
                self.cards.append(device)
            device = qemu.card_device(f"card{number}", device.socket)
        elif device in self._unplugged:
            device = self._known[device]
        else:
            counts = {}
            parsed = qemu.parse_device(device, counts)
            while parsed["id"] in self._known and "id=" not in device:
                parsed = qemu.parse_device(device, counts)
            device = parsed
        identity = device["id"]
        number = self._choose_port(identity, port)
        device = {**device, "bus": f"rp{number}"}
        self._device_add(device)
        self._known[identity] = device
        self._port_of[identity] = number
        self._unplugged.discard(identity)
        self._await(lambda: self._present(identity), f"to see {identity}")
        return identity

    def _choose_port(self, identity, port):
        if port is not None:
            return int(str(port).removeprefix("rp"))
        taken = {p for i, p in self._port_of.items() if i not in self._unplugged}
        if identity in self._port_of and self._port_of[identity] not in taken:
            return self._port_of[identity]
        for number in range(self._ports):
            if number not in taken:
                return number
        raise ValueError("all root ports are taken; boot with more ports=")

    def _device_add(self, device):
        if any(isinstance(value, dict) for value in device.values()):
            self.monitor.execute("device_add", **device)
            return
        said = self.hmp("device_add " + qemu.device_text(device))
        if said.strip():
            raise GuestError(f"QEMU refused to plug {device['id']}: {said.strip()}")

    def _present(self, identity):
        try:
            return self.bdf(identity)
        except GuestError:
            return None

    def unplug(self, identity, timeout=60):
        """Unplug a device and wait until the guest has let it go."""
        since = self.monitor.mark()
        self.monitor.execute("device_del", id=identity)
        self.monitor.event("DEVICE_DELETED", timeout, since,
                           lambda data: data.get("device") == identity)
        self._unplugged.add(identity)
        self._await(lambda: not self._present(identity), f"to let {identity} go")

    def _await(self, condition, what, timeout=60):
        deadline = time.monotonic() + timeout
        while not condition():
            self.alive_or_raise()
            if time.monotonic() > deadline:
                raise GuestTimeout(f"waited {timeout} s in vain for the guest {what}")
            time.sleep(0.1)

    def surprise(self, identity):
        """Cut a device off as if it was pulled out: reads are all ones.

        Its root port forgets its bus numbers and stops forwarding. Before that its own
        way to memory is closed, for QEMU's ports do not stop DMA.
        """
        command = f"/sys/bus/pci/devices/{self.bdf(identity)}/config"
        self.run(f"printf '\\0\\0' | dd of={command} bs=1 seek=4 conv=notrunc 2>/dev/null")
        config = f"/sys/bus/pci/devices/{self._port_address(identity)}/config"
        self.run(f"dd if={config} of=/tmp/surprise.{identity} bs=1 count=64 2>/dev/null &&"
                 f" printf '\\0\\0' | dd of={config} bs=1 seek=4 conv=notrunc 2>/dev/null &&"
                 f" printf '\\0\\0\\0' | dd of={config} bs=1 seek=24 conv=notrunc 2>/dev/null")

    def surprise_over(self, identity):
        """Undo surprise()."""
        config = f"/sys/bus/pci/devices/{self._port_address(identity)}/config"
        for offset, count in ((24, 3), (4, 2)):
            self.run(f"dd if=/tmp/surprise.{identity} of={config} bs=1 skip={offset} "
                     f"seek={offset} count={count} conv=notrunc 2>/dev/null")
