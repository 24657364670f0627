# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures for tests that boot guests; tests/README.md tells how to use them."""

import contextlib
import fcntl
import re

import pytest

from vm import Guest, GuestError, Unavailable, kernels
from vm.paths import BUILD

MARKERS = (
    "guest(**machine): the machine for the guest fixture",
    "every_kernel: run on each kernel that guests boot, not only the debug kernel",
    "alone: nothing else runs meanwhile, for measurements",
    "long: only in make check-long",
    "packages: only in make check-packages",
    "quick: a package test that make check has too, on one suite",
    "suites(*names): the Debian suites that a package test runs on, not all",
)


def pytest_configure(config):
    for marker in MARKERS:
        config.addinivalue_line("markers", marker)


def pytest_generate_tests(metafunc):
    if "guest" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("guest")
    wanted = marker.kwargs.get("kernel") if marker else None
    if wanted:
        names = [wanted] if isinstance(wanted, str) else list(wanted)
    elif metafunc.definition.get_closest_marker("every_kernel"):
        names = list(kernels.BOOT)
    else:
        names = ["debug"]
    metafunc.parametrize("guest", names, indirect=True, scope="function")


def _kernel_of(item):
    call = getattr(item, "callspec", None)
    return call.params.get("guest", "") if call else ""


def pytest_collection_modifyitems(items):
    """Tests of one file that share a machine run one after the other, so that
    each machine is booted once; those that want to be alone come last."""
    def machine(item):
        marker = item.get_closest_marker("guest")
        return repr(sorted(marker.kwargs.items())) if marker else ""

    def group(item):
        return (item.fspath, _kernel_of(item), machine(item))

    first = {}
    for number, item in enumerate(items):
        if "guest" in item.fixturenames:
            first.setdefault(group(item), number)

    def place(pair):
        number, item = pair
        start = first[group(item)] if "guest" in item.fixturenames else number
        return (_is_alone(item), start, number)

    items[:] = [item for _, item in sorted(enumerate(items), key=place)]


def _is_alone(item):
    return item.get_closest_marker("alone") is not None


@contextlib.contextmanager
def _turn(alone):
    """Tests of one run share the host; one that measures has it for itself."""
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / "turn.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


@pytest.fixture(autouse=True)
def _one_turn(request):
    with _turn(_is_alone(request.node)):
        yield


@contextlib.contextmanager
def _start(name, machine):
    with contextlib.ExitStack() as stack:
        try:
            guest = stack.enter_context(Guest(name=name, **machine))
        except Unavailable as missing:
            pytest.skip(str(missing))
        yield guest


class _Pool:
    """The running guest of one test file, and what it was booted as."""

    def __init__(self):
        self._stack = None
        self._key = None
        self.guest = None

    def get(self, name, machine):
        key = repr(sorted(machine.items()))
        if self.guest and (self._key != key or not self.guest.alive):
            self.close()
        if not self.guest:
            self._stack = contextlib.ExitStack()
            self._key = key
            self.guest = self._stack.enter_context(_start(name, machine))
        return self.guest

    def close(self, failed=False):
        """failed: the test has failed already; end without a last look, and say what the
        kernel reported, for that may be why."""
        if not self.guest:
            return
        stack, self._stack, guest, self.guest = self._stack, None, self.guest, None
        if failed:
            try:
                guest.close(failed=True)
            except GuestError as error:
                print(f"and at the end of guest {guest.name}: {error}")
        stack.close()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Let fixtures see whether their test failed."""
    outcome = yield
    setattr(item, f"report_{call.when}", outcome.get_result())


@pytest.fixture(scope="module")
def _pool():
    pool = _Pool()
    yield pool
    pool.close()


def _file_name(text):
    return re.sub(r"[^\w.]+", "-", text).strip("-")


@pytest.fixture
def guest(request, _pool):
    marker = request.node.get_closest_marker("guest")
    machine = dict(marker.kwargs) if marker else {}
    fresh = machine.pop("fresh", False)
    machine["kernel"] = request.param
    if fresh:
        _pool.close()
    module = request.node.module.__name__
    g = _pool.get(_file_name(f"{module}-{request.param}-{request.node.name}"),
                  machine)
    g.mark(request.node.nodeid)
    yield g
    failed = getattr(request.node, "report_call", None)
    failed = failed is not None and failed.failed
    try:
        g.tidy()
    except GuestError as error:
        _pool.close(failed=True)
        if not failed:
            raise
        print(f"and after the test: {error}")
        return
    if failed or fresh:
        _pool.close(failed=failed)


@pytest.fixture
def boot(request, _pool):
    """boot(**machine): a guest of one's own, to be used in a with statement."""
    count = 0
    if _is_alone(request.node):
        _pool.close()

    def start(**machine):
        nonlocal count
        count += 1
        name = _file_name(f"{request.node.module.__name__}-{request.node.name}-{count}")
        return _start(name, machine)

    return start
