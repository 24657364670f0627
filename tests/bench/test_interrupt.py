# SPDX-License-Identifier: GPL-2.0-only
"""What the interrupt of a frame costs does not grow with readers that wait, nor with frames
that are held. Instructions are counted, so the figures are the same at every run."""

import pytest

from bench import frames
from vm import Unavailable


def test_interrupt_is_bounded():
    try:
        found = {name: median for name, (median, _, _) in frames.measure_interrupt("6.1").items()}
    except Unavailable as missing:
        pytest.skip(str(missing))
    print(found)
    # Four readers are woken at once, some 1,340 instructions each; 64 would be 86,000.
    assert found["interrupt_64_readers"] < found["interrupt_alone"] + 10000
    assert found["interrupt_1000_held"] < 2 * found["interrupt_alone"]
    assert found["interrupt_held_long"] < 2 * found["interrupt_alone"]
