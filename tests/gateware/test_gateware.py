# SPDX-License-Identifier: GPL-2.0-only
"""The gateware, by Verilator: registers, counters, packets, whatever stream and input do."""

import os
import random
import re
import subprocess

import pytest

from gateware import build

# Parameters: each stream width, beats that fit and beats that do not, both sorts of source
BUILDS = {
    "64": {},
    "64-full": {"PIXEL_BITS": 32, "PIXELS_PER_BEAT": 2},
    "128": {"M_DATA_WIDTH": 128, "PIXELS_PER_BEAT": 2, "SOURCE_WAITS": 1},
    "256": {"M_DATA_WIDTH": 256, "PIXEL_BITS": 10, "PIXELS_PER_BEAT": 4, "LOG_BITS": 7,
            "SYNC_STAGES": 3},
    "512": {"M_DATA_WIDTH": 512, "PIXELS_PER_BEAT": 16, "FIFO_BITS": 5},
}
# Of video and of the rest, in ns: unrelated, far apart, the same
CLOCKS = ((6.734, 4.0), (3.367, 8.0), (40.0, 4.0), (4.0, 4.0))
SCENARIOS = ("registers", "flow", "pressure", "run", "engine", "broken", "size", "signal", "resets")


def play(program, scenario, clocks, seed):
    """What it said; the seed is in what a failing test prints."""
    command = [str(program), scenario, str(seed), *map(str, clocks)]
    print(" ".join(command))
    said = subprocess.run(command, capture_output=True, text=True, timeout=900)
    print(said.stdout, said.stderr)
    return said.returncode == 0 and f"ok {scenario}" in said.stdout.splitlines()


@pytest.fixture(scope="module")
def seed():
    """GRABBER_SEED plays a failing run again."""
    return int(os.environ.get("GRABBER_SEED") or random.randrange(1 << 32))


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("name", BUILDS)
def test_scenario(name, scenario, seed):
    program = build.simulation(BUILDS[name])
    for clocks in CLOCKS:
        assert play(program, scenario, clocks, seed)


def test_source_that_waits(seed):
    program = build.simulation(BUILDS["128"])
    for clocks in CLOCKS:
        assert play(program, "waits", clocks, seed)


def test_counter_halves(seed):
    assert play(build.simulation({}, poke=True), "halves", CLOCKS[0], seed)


def test_byte_order(seed):
    """Bytes of a pixel in another order, as for Xilinx's G, B, R."""
    program = build.simulation({"PIXELS_PER_BEAT": 2, "PIXEL_ORDER": 0x102})
    assert play(program, "flow", CLOCKS[0], seed)


@pytest.mark.parametrize("name", BUILDS)
def test_lint(name):
    said = subprocess.run(
        ["verilator", "--lint-only", "-Wall", "--default-language", "1364-2001",
         "--top-module", "grabber_video_source",
         *(f"-G{key}={value}" for key, value in BUILDS[name].items()), *build.verilog()],
        capture_output=True, text=True)
    assert said.returncode == 0 and not said.stderr, said.stderr


@pytest.mark.parametrize("parameter,word", [
    ("M_DATA_WIDTH=96", "M_DATA_WIDTH"), ("PIXELS_PER_BEAT=4", "beat_of_video"),
    ("PIXEL_BITS=80", "PIXEL_BYTES"), ("LOG_BITS=5", "LOG_BITS"), ("FIFO_BITS=4", "FIFO_BITS")])
def test_refused(parameter, word):
    """What cannot work does not build, and says which parameter it is."""
    said = subprocess.run(["verilator", "--lint-only", "--top-module", "grabber_video_source",
                           f"-G{parameter}", *build.verilog()], capture_output=True, text=True)
    assert said.returncode and re.search(rf"Cannot find.*{word}", said.stderr), said.stderr
