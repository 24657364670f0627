# SPDX-License-Identifier: GPL-2.0-only
"""What runs in user space compiles without a warning by the compilers of other Debians,
too: each sees other things."""

import shutil
import tempfile
from pathlib import Path

import pytest

from vm import Unavailable, kernels, roots
from vm.paths import TOP

# gcc 10, 14 and sid's.
COMPILERS = ["5.10", "6.12", "7.3-rc"]
SOURCES = ["tools", "driver", "tests/card", "tests/guest"]
# The roots have no libpng; for its use any will do.
PNG = ["zlib.h", "zconf.h", "png.h", "pngconf.h", "pnglibconf.h"]


@pytest.fixture(params=COMPILERS)
def tree(request):
    """The sources, inside the root that has the compiler."""
    try:
        root = kernels.kernel(request.param).root
    except Unavailable as missing:
        pytest.skip(str(missing))
    with tempfile.TemporaryDirectory(dir=root / "tmp", prefix="programs-") as tmp:
        shutil.copy2(TOP / "VERSION", tmp)
        for name in SOURCES:
            kernels.copy_sources(TOP / name, Path(tmp) / name)
        (Path(tmp) / "png").mkdir()
        for name in PNG:
            shutil.copy2(Path("/usr/include") / name, Path(tmp) / "png")
        shutil.copytree("/usr/include/infiniband", Path(tmp) / "png/infiniband")
        yield root, Path(tmp)


def compile_in(tree, directory, *targets):
    root, top = tree
    inside = f"/{top.relative_to(root)}"
    roots.run_in(root, ["env", f"C_INCLUDE_PATH={inside}/png", "make", "-s", "-C",
                        f"{inside}/{directory}", "CFLAGS=-O2 -g -Werror",
                        *("../" * len(Path(directory).parts) + f"build/{target}"
                          for target in targets)],
                 f"programs-{directory.replace('/', '-')}-{root.name}")
    return [top / "build" / target for target in targets]


@pytest.mark.parametrize("directory, out", [
    ("tools", "tools"), ("tests/card", "card"), ("tests/guest", "guest-obj")])
def test_compiles_without_warning(tree, directory, out):
    objects = [f"{out}/{path.stem}.o" for path in sorted((TOP / directory).glob("*.c"))]
    built = compile_in(tree, directory, *objects)
    assert len(built) > 10 and all(path.stat().st_size for path in built)


def test_warnings_are_errors(tree):
    (tree[1] / "tools/bad.c").write_text("int bad(int n);\nint bad(int n)\n{\n\tint m;\n\n"
                                         "\treturn m + n;\n}\n")
    with pytest.raises(RuntimeError, match="uninitialized"):
        compile_in(tree, "tools", "tools/bad.o")
