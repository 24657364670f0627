# SPDX-License-Identifier: GPL-2.0-only
"""make gateware-report: what the gateware takes of a part, by yosys, as a table.

Lines are those of docs/fpga.md; test_synthesis.py holds the table to what comes out.
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from gateware import build  # noqa: E402

FAMILIES = {"xc7": "7 series", "xcup": "UltraScale+"}
SETS = {
    "64 bits, 1 pixel of 24": {},
    "128 bits, 2 pixels of 24": {"M_DATA_WIDTH": 128, "PIXELS_PER_BEAT": 2},
    "256 bits, 4 pixels of 24": {"M_DATA_WIDTH": 256, "PIXELS_PER_BEAT": 4},
    "512 bits, 8 pixels of 24": {"M_DATA_WIDTH": 512, "PIXELS_PER_BEAT": 8},
}
# LUTs in one cell: a memory's are its slices' all
LUTS = {**{f"LUT{n}": 1 for n in range(1, 7)}, "RAM32M": 4, "RAM64M": 4, "RAM32M16": 8,
        "RAM64M8": 8, "RAM32X1D": 2, "RAM64X1D": 2, "SRL16E": 1}
# yosys 0.23 tells of its own mapping of block memories: an address has a bit to spare.
OWN = re.compile(r"Resizing cell port \S*memory\S* from 1[5-7] bits to 1[4-6] bits")


class Synthesis:
    def __init__(self, family, parameters):
        with tempfile.TemporaryDirectory() as scratch:
            log = Path(scratch) / "log"
            sets = " ".join(f"-set {key} {value}" for key, value in parameters.items())
            said = subprocess.run(
                ["yosys", "-q", "-l", log, "-p",
                 f"read_verilog {' '.join(str(path) for path in build.verilog())}; "
                 + (f"chparam {sets} grabber_video_source; " if sets else "")
                 + f"synth_xilinx -family {family} -top grabber_video_source -flatten -noiopad; "
                 "stat"], capture_output=True, text=True)
            assert not said.returncode, said.stdout + said.stderr
            self.log = log.read_text()
        cells = {}
        for name, count in re.findall(r"^     (\w+) +(\d+)$", self.log, re.MULTILINE):
            cells[name] = int(count)
        self.cells = cells
        self.luts = sum(cells.get(name, 0) * n for name, n in LUTS.items())
        self.ffs = sum(cells.get(name, 0) for name in ("FDRE", "FDSE", "FDCE", "FDPE"))
        self.bram = sum(n if name.startswith("RAMB36") else n / 2
                        for name, n in cells.items() if name.startswith("RAMB"))
        self.dsp = sum(n for name, n in cells.items() if name.startswith("DSP"))
        self.latches = sum(n for name, n in cells.items() if name.startswith("LD"))
        # the mapper, ABC, has remarks of its own on what it is given
        self.warnings = [line for line in self.log.splitlines()
                         if line.startswith("Warning:") and not OWN.search(line)]


def row(family, name):
    s = Synthesis(family, SETS[name])
    return f"| {FAMILIES[family]} | {name} | {s.luts} | {s.ffs} | {s.bram:g} |", s


def main():
    print("| part | stream, video | LUTs | flip-flops | BRAM36 |")
    print("|---|---|---|---|---|")
    for family in FAMILIES:
        for name in SETS:
            print(row(family, name)[0], flush=True)


if __name__ == "__main__":
    main()
