# SPDX-License-Identifier: GPL-2.0-only
"""make bench-frames: what a frame costs its reader, and its memory at set-up, in
instructions. docs/frames.md tells what is measured; frames.c, interrupt.c and memory.c measure it.
"""

import argparse
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench import machine  # noqa: E402
from vm import Card, GuestError, kernels, qemu  # noqa: E402
from vm.progress import fail, say  # noqa: E402

FRAMES = """
edu=$(grep -l 0x11e8 /sys/bus/pci/devices/*/device)
edu=${edu%/device}
insmod /lib/grabber.ko slots=16
/bench/frames
rmmod grabber
for module in /bench/uio_pci_generic/*; do insmod $module; done
echo 1234 11e8 >/sys/bus/pci/drivers/uio_pci_generic/new_id
/bench/frames $edu
"""

INTERRUPT = """
insmod /lib/grabber.ko slots=16
/bench/interrupt
"""

MEMORY = """
insmod /lib/grabber.ko slots=8
for module in /bench/vivid/*; do
	case $module in
	*-vivid.ko) insmod $module n_devs=1 node_types=1 num_inputs=1;;
	*) insmod $module;;
	esac
done
/bench/memory
"""

# name: what it is, aim, as measured of others in the same way (docs/frames.md)
FRAME_ROWS = {
    "empty_call": ("an empty system call", None),
    "wake_by_poll": ("interrupt to reader, poll", 4100),
    "wake_by_read": ("interrupt to reader, read of 4 bytes", 4100),
    "wake_by_take": ("interrupt to reader, TAKE", 4100),
    "take": ("TAKE of a ready frame", None),
    "take_and_give": ("TAKE and GIVE of a ready frame, two calls", None),
    "take_gives": ("TAKE that gives the last frame back, one call", 1300),
    "status_page": ("a ready frame by the status page", 60),
    "uio_by_read": ("uio_pci_generic, interrupt to reader, read", None),
    "uio_by_poll": ("uio_pci_generic, interrupt to reader, poll", None),
}

# From the store that raises it to the next instruction
INTERRUPT_ROWS = {
    "interrupt_alone": ("the interrupt of a frame, nobody waits", None),
    "interrupt_64_readers": ("64 readers wait", 10000),
    "interrupt_1000_held": ("1,000 frames are held", 1500),
    "interrupt_held_long": ("one is held since 900 frames", 1500),
}

# Of a buffer of eight frames, 1920x1080, 24 bits
MEMORY_ROWS = {
    "set_buffer": ("SET_BUFFER, from the smallest one", None),
    "set_buffer_again": ("SET_BUFFER, from one of that size", None),
    "mmap_page": ("mmap, a page", 617),
    "mmap_walk": ("the first look at each page then, a page", 20),
    "mmap_faults": ("page faults of that walk", 1),
    "vivid_reqbufs": ("V4L2 (vivid), REQBUFS, from none", None),
    "vivid_reqbufs_again": ("V4L2 (vivid), REQBUFS, from one of that size", None),
    "vivid_mmap_page": ("V4L2 (vivid), mmap, a page", None),
    "vivid_walk": ("V4L2 (vivid), the first look, a page", None),
}


def measure_frames(name):
    """{what: (median, lowest, highest)} on kernel NAME, as the next one."""
    return machine.run(name, "frames", FRAMES, ["uio_pci_generic"], ["edu"])


def measure_interrupt(name):
    return machine.run(name, "interrupt", INTERRUPT, [], ["edu"])


def measure_memory(name):
    qemu.need_vfio_user()
    with Card(chart="1920x1080", rate=1, name="bench-memory") as card:
        device = qemu.device_text(qemu.card_device("card0", card.socket))
        return machine.run(name, "memory", MEMORY, ["vivid"], [device], memory="512M",
                           cpu=qemu.CPU)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kernels", nargs="*", default=["6.1"],
                        help=f"of {', '.join(kernels.STOCK)}; 6.1 if none is said")
    for name in parser.parse_args().kernels:
        say(f"booting kernel {name} three times, its instructions counted (about three minutes)")
        try:
            for rows, measure in ((FRAME_ROWS, measure_frames), (INTERRUPT_ROWS, measure_interrupt),
                                  (MEMORY_ROWS, measure_memory)):
                print("\n".join(machine.table(name, rows, measure(name))), flush=True)
        except (GuestError, ValueError) as error:
            fail(str(error))


if __name__ == "__main__":
    main()
