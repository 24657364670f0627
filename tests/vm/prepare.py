# SPDX-License-Identifier: GPL-2.0-only
"""Makes what the tests need and takes long, two things at a time, while it can
still say so: python3 -m vm.prepare"""

import concurrent.futures

from . import debian, kernels, qemu, roots
from .errors import Unavailable
from .progress import fail, say
from .kernels import HEADERS


def _attempt(what, work):
    try:
        work()
    except (Unavailable, roots.SuiteGone) as missing:
        say(f"SKIPPED: {what}: {missing}")


def _roots():
    """Longest first: the debug kernel takes as long as all the others."""
    yield "the debug kernel", lambda: kernels.kernel("debug")
    yield "a newer QEMU", qemu.need_vfio_user
    for suite in roots.SUITES:
        yield suite, lambda suite=suite: roots.build_root(suite)
    yield "the Debian guest", debian.image


def _modules():
    for name in HEADERS:
        yield f"module for {name}", lambda name=name: kernels.build_module(name)


def main():
    for stage in (_roots, _modules):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            jobs = [pool.submit(_attempt, *job) for job in stage()]
            try:
                for job in concurrent.futures.as_completed(jobs):
                    job.result()
            except RuntimeError as error:
                for job in jobs:
                    job.cancel()
                fail(str(error))


if __name__ == "__main__":
    main()
