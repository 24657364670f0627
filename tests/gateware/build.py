# SPDX-License-Identifier: GPL-2.0-only
"""The gateware built for simulation, for one set of parameters."""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess

from vm.paths import BUILD, TOP

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = ("scenarios.cpp", "input.cpp", "bench.cpp")
# The bench knows these (bench.hpp); the rest it does not need to know.
SHARED = ("M_DATA_WIDTH", "PIXEL_BITS", "PIXELS_PER_BEAT", "PIXEL_ORDER", "FIFO_BITS", "LOG_BITS")
FIXED = {"WIDTH": 64, "HEIGHT": 48, "SIGNAL_CLOCKS": 3000, "FIFO_BITS": 6,
         "SERIAL": "64'h0123456789abcdef"}


def verilog():
    return sorted((TOP / "gateware").glob("*.v"))


def simulation(parameters, gateware=None, poke=False):
    """Builds what is not built yet; returns the program. poke: it can set counters."""
    parameters = {**FIXED, **parameters}
    directory = gateware or TOP / "gateware"
    files = sorted(directory.glob("*.v"))
    state = hashlib.sha256(repr((sorted(parameters.items()), poke)).encode())
    for path in [*files, *(HERE / name for name in SOURCES), HERE / "bench.hpp",
                 TOP / "driver/boards/video_source.h"]:
        state.update(path.read_bytes())
    out = BUILD / "gateware" / state.hexdigest()[:16]
    program = out / "scenarios"
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / "gateware.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
            verilate(program, files, parameters, poke, gateware is not None)
    return program


def verilate(program, files, parameters, poke, mutant):
    defines = " ".join(f"-D{name}={parameters[name]}" for name in SHARED if name in parameters)
    defines += " -DPOKE" if poke else ""
    said = subprocess.run(
        ["verilator", "--cc", "--exe", "--build", "-Wall", "--default-language", "1364-2001",
         *(["--public-flat-rw"] if poke else []), *(["-Wno-fatal"] if mutant else []), "-j", "2",
         "--x-initial", "unique", "--x-assign", "unique", "-O3",
         "+define+GRABBER_ASSERT", "-CFLAGS", f"-std=c++17 -O1 -I{TOP} {defines}",
         "--top-module", "grabber_video_source", "--Mdir", program.parent / "obj", "-o", program,
         *(f"-G{name}={value}" for name, value in parameters.items()),
         *files, *(HERE / name for name in SOURCES)],
        capture_output=True, text=True, timeout=900, env={**os.environ, "MAKEFLAGS": ""})
    assert not said.returncode, said.stdout + said.stderr
