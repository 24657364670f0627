# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures of the package tests, and the table at their end."""

import re

import pytest

from vm import roots

from . import debs, suites
from .machine import Machine

_results = {}


# make check has one suite's part of the tests marked quick.
QUICK = ("bookworm", None)


def _suite(item):
    call = getattr(item, "callspec", None)
    return call.params.get("suite") if call else None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark what only make check-packages runs; one suite after the other."""
    order = [None, *suites.SUITES]
    ours = [i for i, item in enumerate(items) if item.fspath.dirname.endswith("/packages")]
    for item in (items[i] for i in ours):
        if not (item.get_closest_marker("quick") and _suite(item) in QUICK):
            item.add_marker("packages")
            # One worker has what one file does on one suite.
            item.add_marker(pytest.mark.xdist_group(f"{item.fspath.purebasename}-{_suite(item)}"))
    in_order = sorted((items[i] for i in ours), key=lambda item: order.index(_suite(item)))
    for at, item in zip(ours, in_order):
        items[at] = item


def pytest_generate_tests(metafunc):
    if "suite" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("suites")
        metafunc.parametrize("suite", marker.args if marker else list(suites.SUITES))


@pytest.fixture(scope="session")
def packages():
    """The packages as make deb made them; made anew when the sources changed."""
    return debs.current()


@pytest.fixture
def base(suite):
    try:
        return suites.test_root(suite)
    except roots.SuiteGone as gone:
        pytest.skip(str(gone))


@pytest.fixture
def machine(base, packages):
    """A machine of the suite with the packages in /packages, none installed."""
    with Machine(base) as m:
        m.put("/packages", *packages.values())
        yield m


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        match = re.match(r"(?:.*/)?packages/test_\w+\.py::(\w+)(?:\[(\w+)[^]]*\])?", report.nodeid)
        if match:
            case, suite = match[1].removeprefix("test_"), match[2] or "-"
            _results[case, suite if suite in suites.SUITES else "-"] = report.outcome


def pytest_terminal_summary(terminalreporter):
    if not _results or hasattr(terminalreporter.config, "workerinput"):
        return
    columns = [*suites.SUITES, "-"]
    cases = list(dict.fromkeys(case for case, _ in _results))
    width = max(map(len, cases))
    heads = [suites.SUITES[c].number if c in suites.SUITES else "any" for c in columns]
    write = terminalreporter.write_line
    terminalreporter.section("packages: case x Debian suite")
    write(" " * width + "".join(f"{h:>9}" for h in heads))
    for case in cases:
        cells = (_results.get((case, c), "") for c in columns)
        write(f"{case:{width}}" + "".join(f"{cell:>9}" for cell in cells))
