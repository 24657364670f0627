# SPDX-License-Identifier: GPL-2.0-only
"""The gateware by yosys: no latches, no warnings, and not larger than docs/fpga.md says."""

import re

import pytest

from gateware import build, report

# Other versions of yosys come to somewhat other figures.
MARGIN = 1.15


def documented():
    text = (build.TOP / "docs/fpga.md").read_text()
    return {(part, name): tuple(float(number) for number in numbers)
            for part, name, *numbers in re.findall(
                r"^\| ([^|]+) \| (\d+ bits[^|]*) \| (\d+) \| (\d+) \| ([\d.]+) \|$", text, re.MULTILINE)}


@pytest.mark.parametrize("name", ["64 bits, 1 pixel of 24", "512 bits, 8 pixels of 24"])
@pytest.mark.parametrize("family", report.FAMILIES)
def test_synthesis(family, name):
    _, s = report.row(family, name)
    assert not s.warnings, "\n".join(s.warnings)
    assert not s.latches and not s.dsp, s.cells
    luts, ffs, bram = documented()[report.FAMILIES[family], name]
    assert 0 < s.luts <= luts * MARGIN and 0 < s.ffs <= ffs * MARGIN and 0 < s.bram <= bram, s.cells


def test_every_figure_is_there():
    assert set(documented()) == {(part, name) for part in report.FAMILIES.values()
                                 for name in report.SETS}
