# SPDX-License-Identifier: GPL-2.0-only
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

import fake  # noqa: E402
import machine as machines  # noqa: E402


@pytest.fixture(scope="session")
def programs():
    fake.build()
    return fake.BUILD


@pytest.fixture
def card(programs):
    card = fake.FakeCard()
    yield card
    card.remove()


@pytest.fixture
def make_card(programs):
    made = []

    def make(*args, **options):
        made.append(fake.FakeCard(*args, **options))
        return made[-1]

    yield make
    for card in made:
        card.remove()


@pytest.fixture(scope="session")
def module(programs, tmp_path_factory):
    return machines.module_file(tmp_path_factory.mktemp("module"))


@pytest.fixture
def machine(module):
    machine = machines.Machine(module)
    yield machine
    machine.close()
