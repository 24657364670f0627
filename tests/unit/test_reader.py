# SPDX-License-Identifier: GPL-2.0-only
"""The header library on the driver's ring and status page, on the host, with sanitizers."""
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parents[1]
DRIVER = TOP / "driver"


def test_library_on_the_drivers_ring(tmp_path):
    program = tmp_path / "reader_walk"
    subprocess.run(
        ["gcc", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-pthread", "-D_GNU_SOURCE",
         "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
         f"-I{HERE / 'include'}", f"-I{DRIVER}", f"-I{DRIVER / 'include/uapi'}",
         f"-I{TOP / 'tools/include'}", "-o", program, HERE / "reader_walk.c",
         DRIVER / "ring.c", DRIVER / "status.c"], check=True)
    done = subprocess.run([program], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ok walks") and "\nok threads" in done.stdout, done.stdout
