# SPDX-License-Identifier: GPL-2.0-only
"""The header library for C and C++ programs, and the examples in docs/, as they are."""

import random
import re
import struct
import subprocess
import zlib

import pytest

from vm import cache, roots
from vm.paths import BUILD, DRIVER, TOP

INCLUDES = [f"-I{TOP}/tools/include", f"-I{DRIVER}/include/uapi"]
WARNINGS = ["-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-pedantic", "-Werror", "-O2"]
EXAMPLES = TOP / "docs" / "examples"
WIDTH, HEIGHT = 160, 120
FRAMES = 20

# Every function of the library is used.
PROGRAM = """
#include <grabber.h>
int main(void)
{
	struct grabber_reader reader;
	struct grabber_frame frame;

	if (grabber_open(&reader, "/dev/grabber0") && grabber_open_card(&reader, 0))
		return 1;
	grabber_start(&reader);
	if (!grabber_wait(&reader, 1000) && !grabber_next(&reader, &frame))
		grabber_whole(&reader, &frame);
	if (!grabber_newest(&reader, &frame) && !grabber_tell(&reader) &&
	    !grabber_take_frame(&reader, &frame, GRABBER_TAKE_NEWEST, -1))
		grabber_give_frame(&reader, &frame);
	grabber_stop(&reader);
	grabber_close(&reader);
	return 0;
}
"""

LANGUAGES = {
    "C99": ["gcc", "-std=c99", "-D_GNU_SOURCE", "-x", "c"],
    "gnu99": ["gcc", "-std=gnu99", "-x", "c"],
    "C11": ["gcc", "-std=c11", "-D_GNU_SOURCE", "-x", "c"],
    "C++17": ["g++", "-std=c++17", "-x", "c++"],
}


def compile_program(command, program=PROGRAM):
    return subprocess.run([*command, *WARNINGS, *INCLUDES, "-c", "-o", "/dev/null", "-"],
                          input=program, capture_output=True, text=True)


@pytest.mark.parametrize("language", LANGUAGES)
def test_header_compiles(language):
    said = compile_program(LANGUAGES[language])
    assert said.returncode == 0, said.stderr


def test_header_says_what_it_lacks():
    """Strict C99 hides O_CLOEXEC and MAP_POPULATE: one sentence tells what to do."""
    said = compile_program(["gcc", "-std=c99", "-x", "c"])
    assert said.returncode and "define _GNU_SOURCE" in said.stderr


def test_every_function_is_compiled():
    header = (TOP / "tools/include/grabber.h").read_text()
    names = set(re.findall(r"^static inline \w+ (grabber_(?!priv_)\w+)\(", header, re.MULTILINE))
    assert len(names) >= 12
    assert not {name for name in names if f"{name}(" not in PROGRAM}


def test_pkg_config(tmp_path):
    """The template filled in, as an installation does it."""
    text = (TOP / "tools/grabber.pc.in").read_text()
    text = text.replace("@PREFIX@", str(tmp_path)).replace("@VERSION@", "1.2.3")
    assert "@" not in text
    (tmp_path / "grabber.pc").write_text(text)

    def ask(*options):
        return subprocess.run(["pkg-config", *options, "grabber"], check=True, text=True,
                              env={"PKG_CONFIG_PATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
                              capture_output=True).stdout.strip()

    assert ask("--modversion") == "1.2.3"
    assert ask("--cflags") == f"-I{tmp_path}/include" and ask("--libs") == ""


def write_picture(path):
    """A PNG of random pixels; returns the sum of all bytes of a frame of it."""
    chance = random.Random(3)
    rows = [bytes(chance.randrange(256) for _ in range(WIDTH * 3)) for _ in range(HEIGHT)]

    def chunk(kind, data):
        return (struct.pack(">I", len(data)) + kind + data +
                struct.pack(">I", zlib.crc32(kind + data)))

    path.write_bytes(b"\x89PNG\r\n\x1a\n" +
                     chunk(b"IHDR", struct.pack(">IIBBBBB", WIDTH, HEIGHT, 8, 2, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows))) +
                     chunk(b"IEND", b""))
    return sum(map(sum, rows))


def check_output(text, want):
    """So many frames, each in its turn and the very picture."""
    frames = re.findall(r"^frame (\d+) sum (\d+)$", text, re.MULTILINE)
    assert len(frames) == FRAMES, text
    assert {int(total) for _, total in frames} == {want}, text
    numbers = [int(number) for number, _ in frames]
    assert numbers == sorted(set(numbers))
    last = re.search(r"^(\d+) frames, (\d+) missed$", text, re.MULTILINE)
    assert last and int(last[1]) == FRAMES, text


def test_cpp_example(boot, tmp_path):
    want = write_picture(tmp_path / "picture.png")
    program = BUILD / "examples" / "count_frames"
    program.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["g++", "-std=c++17", *WARNINGS, *INCLUDES, "-static", "-s", "-o", program,
                    EXAMPLES / "count_frames.cc"], check=True)
    with boot(kernel="6.1", card=dict(picture=tmp_path / "picture.png", rate=20),
              files={"/bin/count_frames": program}) as guest:
        guest.load(slots=8)
        check_output(guest.run(f"count_frames /dev/grabber0 {FRAMES}").out, want)
        said = guest.run("count_frames /dev/grabber7", check=False)
        assert said.rc == 1 and "/dev/grabber7: No such file" in said.err


def python_root():
    """A Debian 12 root with numpy, which guests see over 9p."""
    packages = ["python3", "python3-numpy"]

    def make(tmp):
        roots.mmdebstrap(tmp, "bookworm", roots.sources(roots.SUITES["bookworm"]), packages)

    return cache.entry("python", repr(packages), make, "a Debian 12 root with numpy (about 60 s)")


@pytest.mark.long
def test_python_example(boot, tmp_path):
    want = write_picture(tmp_path / "picture.png")
    with boot(kernel="6.1", card=dict(picture=tmp_path / "picture.png", rate=5), memory=1024,
              share=python_root()) as guest:
        guest.load(slots=8)
        guest.put(EXAMPLES / "frames.py", "/tmp/frames.py")
        guest.run("mkdir /tmp/root && mount -o bind /host /tmp/root && "
                  "mount -o bind /dev /tmp/root/dev && mount -t tmpfs tmpfs /tmp/root/run && "
                  "cp /tmp/frames.py /tmp/root/run/")
        said = guest.run("PYTHONDONTWRITEBYTECODE=1 chroot /tmp/root /usr/bin/python3 "
                         f"/run/frames.py /dev/grabber0 {FRAMES}", timeout=300)
        check_output(said.out, want)
