# SPDX-License-Identifier: GPL-2.0-only
"""The card leaves while it is used: by unbind, sysfs remove, QMP unplug, a link
that is cut and a card that reads as all ones; and comes back afterwards.

guest/removal.c is the program that uses it, in fifteen ways at once."""

import pytest

import nodes

CARD = dict(card=dict(chart="320x240", rate=20))
# QEMU 11.1 ends when a vfio-user device with MSI-X is unplugged (tests/card/README.md).
UNPLUGGABLE = dict(card=dict(chart="320x240", rate=20, args=["--no-msix"]))
EDU = dict(devices=["edu"])
VS_RATE = 0x24	# of the video source, frames in 1000 seconds


class Unbind:
    def __init__(self, guest, device):
        self.guest, self.device, self.bdf = guest, device, guest.bdf(device)

    def away(self):
        nodes.unbind(self.guest, self.bdf)

    def back(self):
        nodes.bind(self.guest, self.bdf)


class SysfsRemove(Unbind):
    def away(self):
        self.guest.write(f"/sys/bus/pci/devices/{self.bdf}/remove", "1")

    def back(self):
        self.guest.write("/sys/bus/pci/rescan", "1")


class Unplug(Unbind):
    def away(self):
        self.guest.unplug(self.device)

    def back(self):
        self.guest.plug(self.device)


class LinkCut(Unbind):
    """All reads are ones, below the root port; the driver finds out by itself."""

    def away(self):
        self.guest.surprise(self.device)
        self.noticed()

    def noticed(self):
        """Nobody tells the driver, and it is to know within a second or two."""
        self.guest.wait_log(f"grabber {self.bdf}: .*does not answer", timeout=4)
        self.guest.run("sleep 1")

    def back(self):
        self.guest.surprise_over(self.device)
        nodes.unbind(self.guest, self.bdf)
        nodes.bind(self.guest, self.bdf)


class CardGone(LinkCut):
    """The card itself answers with ones, and makes no interrupt."""

    def away(self):
        self.guest.cards[0].fault("gone")
        self.noticed()

    def back(self):
        self.guest.cards[0].fault("back")
        nodes.unbind(self.guest, self.bdf)
        nodes.bind(self.guest, self.bdf)


def remove_while_used(guest, way, mode):
    """Return the process, with a file of each node still open."""
    users = guest.spawn(f"removal 0 {mode}")
    users.wait_for("READY", timeout=120)
    way.away()
    users.write(b"gone\n")
    users.wait_for("CHECKED|not ok", timeout=120)
    return users


def close_and_check(users):
    users.write(b"close\n")
    nodes.finish(users, 120)


def check_streams(guest):
    """It came back under its old number, and works."""
    nodes.wait_for_cards(guest, [0])
    if guest.cards:
        guest.run(f"grabberctl bar write {VS_RATE} 20000")	# idle no more
    guest.ktap("stream 0 2", timeout=120)


def whole_story(guest, way, mode):
    users = remove_while_used(guest, way, mode)
    # files are open: the module stays
    busy = guest.run("rmmod grabber", check=False)
    assert busy.rc != 0 and guest.loaded(), "the module went away under open files"
    # back while the files of its former life are open
    way.back()
    check_streams(guest)
    close_and_check(users)
    check_streams(guest)
    guest.unload()
    assert not nodes.leftovers(guest)


@pytest.mark.guest(**CARD)
@pytest.mark.parametrize("mode", ["idle", "streaming"])
@pytest.mark.parametrize("way", [Unbind, SysfsRemove, LinkCut, CardGone],
                         ids=lambda way: way.__name__)
def test_virtual_card(guest, way, mode):
    guest.load(slots=16)
    check_streams(guest)
    whole_story(guest, way(guest, "card0"), mode)


@pytest.mark.guest(**UNPLUGGABLE)
@pytest.mark.parametrize("mode", ["idle", "streaming"])
def test_unplugged(guest, mode):
    guest.load(slots=16)
    check_streams(guest)
    whole_story(guest, Unplug(guest, "card0"), mode)


@pytest.mark.long
@pytest.mark.guest(**EDU)
@pytest.mark.parametrize("way", [Unbind, SysfsRemove, Unplug, LinkCut],
                         ids=lambda way: way.__name__)
def test_edu(guest, way):
    guest.load(slots=16)
    whole_story(guest, way(guest, "edu0"), "streaming")


@pytest.mark.guest(**CARD)
def test_unloaded_while_the_card_is_gone(guest):
    """The module can be unloaded once the files are closed, without the card."""
    guest.load(slots=16)
    way = CardGone(guest, "card0")
    users = remove_while_used(guest, way, "streaming")
    close_and_check(users)
    guest.unload()
    assert not nodes.leftovers(guest)
    guest.cards[0].fault("back")
    guest.load(slots=16)
    check_streams(guest)


def wait_for_state(guest, states):
    """Of the device that keep.ko let go of."""
    guest.run("until grep -Eqx '%s' /sys/module/keep/parameters/state; do sleep 0.05; done" % states,
              timeout=60)


@pytest.mark.guest(**CARD)
@pytest.mark.parametrize("order", ["before", "after"])
def test_unloaded_while_the_kernel_keeps_a_device(guest, order):
    """Whoever has a reference to a node's device lets go of it when he likes: the module
    may be gone before that, or in the middle of it."""
    guest.load(slots=16)
    card = guest.bdf("card0")
    guest.load_test_module("keep", parent=card, device="grabber0")
    nodes.unbind(guest, card)
    lets_go = "echo 1 >/sys/module/keep/parameters/let_go"
    if order == "before":
        guest.unload()
        guest.run(lets_go)
    else:
        # Who frees it may be in the middle of that, and must not need the module any more.
        slowly = guest.spawn(lets_go)
        wait_for_state(guest, "freed|waking")
        guest.unload()
        slowly.wait(timeout=20).check()
    wait_for_state(guest, "freed")
    guest.unload("keep")
    guest.load(slots=16)
    check_streams(guest)


def free_kib(guest):
    guest.run("echo 3 >/proc/sys/vm/drop_caches")
    for line in guest.read("/proc/meminfo").splitlines():
        if line.startswith("MemFree:"):
            return int(line.split()[1])
    raise AssertionError("no MemFree in /proc/meminfo")


@pytest.mark.guest(**CARD)
def test_nothing_leaks(guest):
    """Again and again, with frames held and mapped to the end. kmemleak sees no
    pages, so memory is counted: a cycle that kept its buffer would cost 7 MB."""
    slots = 32
    buffer_kib = slots * 320 * 240 * 3 // 1024

    def cycle():
        guest.load(slots=slots)
        users = remove_while_used(guest, Unbind(guest, "card0"), "streaming")
        close_and_check(users)
        guest.unload()

    cycle()
    before = free_kib(guest)
    for _ in range(3):
        cycle()
    lost = before - free_kib(guest)
    print(f"memory: {lost} KiB less after 3 cycles, a buffer is {buffer_kib} KiB")
    assert lost < 2 * buffer_kib


@pytest.mark.long
@pytest.mark.guest(**CARD)
def test_hammered(guest):
    """Bound and unbound while six programs open, map and read as fast as they can."""
    guest.load(slots=16)
    card = guest.bdf("card0")
    hands = guest.spawn("hammer 0 /tmp/enough")
    guest.run(f"for i in 1 2 3 4 5 6; do"
              f" echo {card} >{nodes.DRIVER}/unbind; sleep 0.1;"
              f" echo {card} >{nodes.DRIVER}/bind; sleep 0.3; done; touch /tmp/enough",
              timeout=250)
    nodes.finish(hands)
    check_streams(guest)


@pytest.mark.long
@pytest.mark.guest(**UNPLUGGABLE, kernel="6.12", native_hotplug=True)
def test_native_hotplug(guest):
    """pciehp rather than ACPI. Not on the debug kernel: 6.1's own pciehp trips its lockdep."""
    guest.load(slots=16)
    whole_story(guest, Unplug(guest, "card0"), "streaming")


@pytest.mark.guest(card=dict(chart="64x48", rate=20))
def test_nothing_after_gone(guest):
    guest.load(slots=8)
    users = guest.spawn("after_gone 0")
    users.wait_for("READY", timeout=60)
    nodes.unbind(guest, guest.bdf("card0"))
    nodes.finish(users)


@pytest.mark.guest(**CARD)
def test_crowd_leaves(guest):
    """Many readers sleep, and somebody else wakes them while the removal does."""
    guest.load(slots=8)
    guest.cards[0].fault("stuck")
    with nodes.slow(guest, "autoremove_wake_function", 1):
        users = guest.spawn("crowd_leaves 0")
        users.wait_for("READY", timeout=120)
        nodes.unbind(guest, guest.bdf("card0"))
        nodes.finish(users)


@pytest.mark.guest(**CARD)
def test_unbind_right_after_capture(guest):
    """Nothing that capture set going is still under way when the card is gone: the debug
    kernel sees a timer in memory that was freed."""
    guest.load(slots=8)
    card = guest.bdf("card0")
    for _ in range(5):
        guest.run(f"head -c 100000 /dev/grabber0 >/dev/null; echo {card} >{nodes.DRIVER}/unbind")
        nodes.bind(guest, card)
    guest.run("sleep 0.5")
