# SPDX-License-Identifier: GPL-2.0-only
"""What can go wrong with a guest."""


class GuestError(AssertionError):
    """A test that meets one has failed."""


class GuestDied(GuestError):
    """The virtual machine ended when it should not have."""


class GuestTimeout(GuestError):
    """Something in the guest took longer than allowed."""


class CommandFailed(GuestError):
    """A command in the guest ended with a bad exit status."""


class LogGate(GuestError):
    """The guest's kernel reported a fault."""


class Unavailable(Exception):
    """This machine cannot run the test; the text says what is missing."""
