# SPDX-License-Identifier: GPL-2.0-only
"""Fixtures of the virtual card's own tests: they need neither QEMU nor a guest."""
import pathlib
import sys

import pytest

from vm import paths
from vm.make import make

HERE = pathlib.Path(__file__).resolve().parent

sys.path.insert(0, str(HERE))


@pytest.fixture(scope="session")
def programs():
    """The directory with grabber-card, grabber-compare and grabber-verify."""
    make(HERE, "-s")
    return paths.BUILD / "card"


@pytest.fixture
def new_card(programs, tmp_path):
    """Starts cards with the arguments given; ends them after the test, and none may have crashed."""
    from vfio_user_client import CardProcess
    cards = []

    def start(*args):
        directory = tmp_path / f"card{len(cards)}"
        directory.mkdir()
        cards.append(CardProcess(programs / "grabber-card", directory, *args))
        assert cards[-1].ready.startswith("listening on "), \
            (directory / "card.err").read_text()
        return cards[-1]

    yield start
    for c in cards:
        if c.process.poll() is None:
            assert c.end() == 0


@pytest.fixture
def connect():
    """Connects clients and closes them after the test."""
    from vfio_user_client import Client
    clients = []

    def open_client(card, **kw):
        clients.append(Client(card.socket, **kw))
        return clients[-1]

    yield open_client
    for c in clients:
        c.close()
