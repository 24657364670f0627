# SPDX-License-Identifier: GPL-2.0-only
"""A root to install packages in, thrown away afterwards: an overlay on a root of
the cache. Each command mounts it for itself, in a mount namespace of its own, so
nothing stays mounted whatever happens."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from vm import roots
from vm.paths import BUILD

_ENTER = """
mount -t overlay overlay -o "lowerdir=$1,upperdir=$2/upper,workdir=$2/work" "$2/root"
root=$2/root
mount -t proc proc "$root/proc"
mount -t tmpfs tmpfs "$root/run"
mount -t devpts devpts "$root/dev/pts" 2>/dev/null
shift 2
"""
_CHROOT = _ENTER + 'exec chroot "$root" "$@"'
_OUTSIDE = _ENTER + 'umount "$root/run" "$root/proc"; cd "$root" && exec "$@"'

# INITRD=No: guests boot by an initramfs of the harness's; making the suite's own for
# each kernel would only take time.
_ENVIRONMENT = ["env", "-i", "INITRD=No", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
                "TERM=dumb", "LC_ALL=C.UTF-8", "DEBIAN_FRONTEND=noninteractive"]


class Failed(AssertionError):
    """A command in a machine ended with a bad exit status."""


class Machine:
    def __init__(self, base):
        self.base = Path(base)

    def __enter__(self):
        where = BUILD / "machines"
        where.mkdir(parents=True, exist_ok=True)
        self._directory = Path(tempfile.mkdtemp(dir=where))
        for name in ("upper", "work", "root"):
            (self._directory / name).mkdir()
        (self._directory / "upper").chmod(0o755)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self._directory)
        return False

    @property
    def as_base(self):
        """For other machines, which begin as this one is now, and leave it so."""
        return f"{self._directory / 'upper'}:{self.base}"

    def _call(self, script, command, check, timeout, binary=False):
        said = subprocess.run(
            [*roots._CONTAINED, "sh", "-e", "-c", script, "sh", str(self.base),
             str(self._directory), *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE if binary else subprocess.STDOUT, timeout=timeout)
        if not binary:
            said.stdout = said.stdout.decode(errors="replace")
        if check and said.returncode:
            raise Failed(f"{' '.join(command)} ended with {said.returncode}:\n{said.stdout}")
        return said

    def run(self, command, check=True, timeout=1200, environment=()):
        """Run a shell command; what it printed, and its exit status."""
        said = self._call(_CHROOT, [*_ENVIRONMENT, *environment, "sh", "-c", command],
                          check, timeout)
        self.said = said.stdout
        return said.stdout if check else (said.returncode, said.stdout)

    def ok(self, command):
        return self.run(command, check=False)[0] == 0

    def outside(self, *command, check=True):
        """Run a command of the host's in the root's directory."""
        return self._call(_OUTSIDE, list(command), check, 1200)

    def put(self, path, *sources):
        """Copy files of the host's into a directory of the machine."""
        self.run(f"mkdir -p {path}")
        self.outside("cp", "-a", *map(str, sources), f"./{path}/")

    def write(self, path, text, mode=0o644):
        with tempfile.TemporaryDirectory() as scratch:
            file = Path(scratch) / Path(path).name
            file.write_text(text)
            file.chmod(mode)
            self.put(str(Path(path).parent), file)

    def get(self, path, to):
        Path(to).parent.mkdir(parents=True, exist_ok=True)
        self.outside("cp", "-aL", f"./{path}", str(to))

    def read(self, path):
        return self.run(f"cat {path}")

    def exists(self, path):
        return self.ok(f"[ -e {path} ]")

    def image(self, path, size="4G"):
        """The root as a disk."""
        self.outside("mke2fs", "-q", "-t", "ext4", "-d", ".", str(path), size)
