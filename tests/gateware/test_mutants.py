# SPDX-License-Identifier: GPL-2.0-only
"""Planted faults: does a scenario see it when the gateware is broken?"""

import shutil

import pytest

from gateware import build
from gateware.test_gateware import BUILDS, CLOCKS, play

# file, what is there, what takes its place, and the scenario that must fail
FAULTS = {
    "overrun-not-counted": ("frames", "if (begins && known && !room)", "if (0)", "pressure"),
    "reserve-none": ("video_source", "word_free == 1 &&", "word_free == 0 &&", "pressure"),
    "cut-goes-on": ("video_source", "closed <= (closed || cut)", "closed <= (closed)", "pressure"),
    "gray-is-binary": ("fifo", "w_gray <= w_next ^ (w_next >> 1)", "w_gray <= w_next", "flow"),
    "run-forgotten": ("packets", "stopped || number < first", "stopped", "run"),
    "offer-changes": ("packets", "assign m_last = offered ? offered_last :",
                      "assign m_last = ", "run"),
    "rest-is-kept": ("packets", "wire dead = engine_idle &&", "wire dead = 0 &&", "engine"),
    "short-line": ("frames", "wire wrong = line_full != eol;", "wire wrong = line_full && !eol;",
                   "broken"),
    "no-tuser": ("frames", "(open && beat && !sof && run)", "(beat && !sof && run)", "broken"),
    "lock-at-once": ("measure", "wire settled = alike_now >= ALIKE[7:0];",
                     "wire settled = alike_now != 0;", "size"),
    "silence": ("packets", "wire silent = !signal && !word_more;", "wire silent = 0;", "signal"),
    "reset-one-side": ("video_source", "wire both_resetn = axi_aresetn && video_aresetn;",
                       "wire both_resetn = video_aresetn;", "resets"),
    "in-flight-lost": ("registers", "(was_up ? 64'd0 : {32'd0, in_flight_now})", "64'd0",
                       "resets"),
    "strobes": ("registers", "&& s_axi_wstrb[0];", ";", "registers"),
    "log-not-restarted": ("registers", "if (write_run && s_axi_wdata[0])\n\t\t\tlog_at <= 0;",
                          "if (0)\n\t\t\tlog_at <= 0;", "run"),
}


@pytest.mark.long
@pytest.mark.parametrize("name", FAULTS)
def test_fault_is_seen(name, tmp_path):
    file, old, new, scenario = FAULTS[name]
    for path in build.verilog():
        shutil.copy(path, tmp_path)
    path = tmp_path / f"grabber_{file}.v"
    path.write_text(path.read_text().replace(old, new))
    program = build.simulation(BUILDS["64"], gateware=tmp_path)
    try:
        assert not all(play(program, scenario, clocks, seed)
                       for seed in (1, 2, 3) for clocks in CLOCKS)
    finally:
        shutil.rmtree(program.parent)


@pytest.mark.parametrize("name", FAULTS)
def test_fault_can_be_planted(name):
    file, old, _, _ = FAULTS[name]
    assert old in (build.TOP / f"gateware/grabber_{file}.v").read_text()
