# SPDX-License-Identifier: GPL-2.0-only
"""The ring's bookkeeping against a model of it, on the host, with sanitizers."""
import pathlib
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
DRIVER = HERE.parents[1] / "driver"


def test_ring_against_its_model(tmp_path):
    program = tmp_path / "ring_model"
    subprocess.run(
        ["gcc", "-O2", "-g", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined",
         "-fno-sanitize-recover=all", f"-I{HERE / 'include'}", f"-I{DRIVER}",
         "-o", program, HERE / "ring_model.c",
         DRIVER / "ring.c", DRIVER / "status.c"], check=True)
    done = subprocess.run([program], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\nok ") == 2, done.stdout
