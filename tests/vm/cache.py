# SPDX-License-Identifier: GPL-2.0-only
"""Things that take long to make, kept between runs.

An entry is a directory NAME-KEY, KEY being a hash of its recipe: a changed
recipe makes a new entry. It is made under another name and renamed when it is
whole, so a directory that is there is good. Every process that uses an entry
holds a shared lock on NAME-KEY.lock until it ends; making one and removing an
outdated one take the exclusive lock.
"""

import fcntl
import hashlib
import os
import shutil
from pathlib import Path

from .progress import say

_held = {}


def directory():
    base = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    path = Path(base) / "grabber"
    path.mkdir(parents=True, exist_ok=True)
    return path


def key(recipe):
    return hashlib.sha256(recipe.encode()).hexdigest()[:12]


def entry(name, recipe, make, about):
    """Return the directory of entry NAME; call make(tmp) when it is missing.

    about is what to tell the user while it is made: "the bookworm root (50 s)".
    """
    path = directory() / f"{name}-{key(recipe)}"
    if path in _held:
        return path
    lock = open(directory() / f"{path.name}.lock", "w")
    fcntl.flock(lock, fcntl.LOCK_SH)
    while not path.is_dir():
        fcntl.flock(lock, fcntl.LOCK_UN)
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.is_dir():
            _make(path, make, about)
        fcntl.flock(lock, fcntl.LOCK_SH)
    _held[path] = lock
    _remove_outdated(name, path)
    return path


def _make(path, make, about):
    tmp = path.with_name(path.name + ".tmp")
    remove(tmp)
    say(f"making {about}")
    try:
        make(tmp)
        tmp.rename(path)
    except BaseException:
        remove(tmp)
        raise


def _remove_outdated(name, keep):
    length = len(key(""))
    for lockfile in directory().glob(f"{name}-{'?' * length}.lock"):
        path = lockfile.with_suffix("")
        if path == keep:
            continue
        with open(lockfile, "w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue	# another checkout's run is using it
            remove(path)
            remove(path.with_name(path.name + ".tmp"))


def remove(path):
    """Remove a file or a root."""
    if path.is_symlink() or path.is_file():
        path.unlink()
    elif path.exists():
        _refuse_mounts(path)
        shutil.rmtree(path)


def _refuse_mounts(path):
    """A root with something mounted in it must not be removed: it is not ours."""
    with open("/proc/self/mounts") as mounts:
        for line in mounts:
            where = line.split()[1].replace("\\040", " ")
            if where.startswith(f"{path}/"):
                raise RuntimeError(f"{where} is mounted; unmount it and try again")
