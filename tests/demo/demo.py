# SPDX-License-Identifier: GPL-2.0-only
"""make demo: a PCI card streams a picture through /dev/grabber0.

A virtual card in QEMU, a stock Debian kernel, grabber.ko and grabberctl; what
was captured is compared with what the card showed, bit by bit.
"""

import argparse
import concurrent.futures
import os
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from vm import Card, Guest, GuestError, Unavailable, kernels, qemu  # noqa: E402
from vm.make import make  # noqa: E402
from vm.paths import BUILD, TOP  # noqa: E402
from vm.progress import fail, say  # noqa: E402
from vm.roots import SuiteGone  # noqa: E402

KERNEL = "6.1"
FRAMES = 30
RATE = 30
CHART = (1920, 1080)
OUT = BUILD / "demo"
LARGEST = 4096


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--frames", type=int, default=FRAMES)
    return parser.parse_args()


def picture_size(path):
    """Width and height from a PNG file's first chunk."""
    try:
        head = path.read_bytes()[:26]
    except OSError as error:
        fail(f"cannot read the picture {path}: {error.strerror}.")
    if head[:8] != b"\x89PNG\r\n\x1a\n" or head[12:16] != b"IHDR":
        fail(f"{path} is not a PNG file; convert it, for example with "
             f"ImageMagick: convert {path} picture.png")
    width, height = struct.unpack(">II", head[16:24])
    if not (0 < width <= LARGEST and 0 < height <= LARGEST):
        fail(f"{path} has {width}x{height} pixels; the virtual card takes up to "
             f"{LARGEST}x{LARGEST}: scale it down.")
    return width, height


def memory_for(frame_bytes, slots):
    """MiB for the guest: all slots, what runs in it, and room."""
    needed = 512 + slots * (frame_bytes >> 20) * 5 // 4
    with open("/proc/meminfo") as info:
        free = int(re.search(r"MemAvailable:\s+(\d+)", info.read())[1]) >> 10
    if free < needed + 256:
        fail(f"frames of this size need a machine with {needed + 256} MiB of free "
             f"memory, and this one has {free}: take a smaller picture, or free some.")
    return needed


def prepare():
    """Roots, programs and the module; what can be done at the same time, is."""
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        jobs = [pool.submit(kernels.kernel, KERNEL), pool.submit(qemu.need_vfio_user)]
        for directory in ("tests/card", "tools"):
            make(directory, "-s")
        for job in jobs:
            job.result()
    say(f"building grabber.ko for the guest's kernel, {kernels.kernel(KERNEL).version}")
    return kernels.build_module(KERNEL)[0]


def pci_line(guest, bdf):
    where = f"/sys/bus/pci/devices/{bdf}"
    words = guest.run(f"cd {where}; cat class vendor device revision; "
                      "basename $(readlink driver)").out.split()
    kind, vendor, device, revision = (int(w, 16) for w in words[:4])
    return (f"{bdf} Multimedia controller [{kind >> 8:04x}]: Xilinx XDMA card "
            f"[{vendor:04x}:{device:04x}] (rev {revision:02x}), driver {words[4]}")


def show(text):
    for line in text.rstrip().splitlines():
        print(f"    {line}", flush=True)


def capture(guest, frames):
    """Capture in the guest; returns what grabberctl said."""
    say("what the guest sees on the PCI bus, and the card's two nodes:")
    guest.load(slots=frames + 4)
    show(pci_line(guest, guest.bdf("card0")))
    show(guest.run("ls -l /dev/grabber*").out)
    command = f"grabberctl capture -n {frames} -o frame-%06d.png --strict"
    say(f"in the guest: {command}")
    result = guest.run(f"cd /host && {command}", timeout=1200, check=False)
    show(result.out + result.err)
    if result.rc:
        fail(f"grabberctl ended with status {result.rc}; the guest's kernel log "
             f"is {guest.console}.")
    return result.out + result.err


def compare(source):
    files = sorted(OUT.glob("frame-*.png"))
    say(f"comparing {len(files)} files in {OUT.relative_to(TOP)} with the source")
    said = subprocess.run([BUILD / "card/grabber-compare", *source, *files],
                          capture_output=True, text=True)
    show(said.stdout + said.stderr)
    return said.returncode == 0, files


def run(options):
    if options.picture:
        picture = options.picture.absolute()
        width, height = picture_size(picture)
        source = [f"--picture={picture}"]
    else:
        width, height = CHART
        source = [f"--chart={width}x{height}"]
    memory = memory_for(width * height * 3, options.frames + 4)
    module = prepare()
    shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(parents=True)
    say(f"starting the virtual card: {width}x{height}, {RATE} frames a second, "
        f"{options.picture or 'a test chart'}")
    card = Card(rate=RATE, args=source, name="demo")
    with card:
        say(f"booting Debian's kernel {kernels.kernel(KERNEL).version} in QEMU "
            f"{'.'.join(map(str, qemu.find()[1]))}, the card on a pcie-root-port")
        with Guest(kernel=KERNEL, card=card, memory=memory, ports=1, share=OUT,
                   modules=[module], name="demo") as guest:
            said = capture(guest, options.frames)
        stats = card.stats()
    identical, files = compare(source)
    summary = re.search(r"(\d+) frames?, ([\d.]+) frames per second, (\d+) lost, "
                        r"(\d+) missed", said)
    if not summary:
        fail(f"grabberctl's summary is not as expected: {said}")
    lost = int(summary[3]) + int(summary[4])
    if not identical or len(files) != options.frames or lost:
        fail("what was captured is not what the card showed, see above; keep "
             f"{OUT} and {BUILD / 'log'} for a bug report. The card counted: {stats}")
    print(f"""
frames             {len(files)}, from {files[0].relative_to(TOP)} on
frames per second  {summary[2]}
frames lost        {lost}
every frame        identical""")


def main():
    options = arguments()
    if os.geteuid():
        fail("this needs root: run it with sudo.")
    try:
        run(options)
    except (Unavailable, SuiteGone) as missing:
        fail(f"{missing}.")
    except (GuestError, RuntimeError) as error:
        fail(str(error))


if __name__ == "__main__":
    main()
