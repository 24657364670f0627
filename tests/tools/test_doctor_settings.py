# SPDX-License-Identifier: GPL-2.0-only
"""grabberctl doctor, on a machine made of files: the settings of its cards."""

from machine import CARD, PCI

CONF, LINK = "/etc/grabber/cards.conf", "/lib/firmware/grabber/cards.conf"
RULES = "/usr/lib/udev/rules.d/60-grabber-bind.rules"
MEND = f"mkdir -p /lib/firmware/grabber && ln -s {CONF} /lib/firmware/grabber/"


def settings(machine, text, **options):
    machine.write(CONF, text)
    return [(line["state"], line["text"]) for line in machine.doctor(**options)
            if line["check"] == "settings"]


def with_link(machine):
    machine.write(f"{PCI}/{CARD}/class", "0x058000")
    machine.write(LINK)
    machine.write(RULES)


def test_none(machine):
    assert not [line for line in machine.doctor() if line["check"] == "settings"]


def test_sound(machine):
    with_link(machine)
    assert settings(machine, f"# belt\n[pci-{CARD}]\nslots=64\n[pci-{CARD}-chan1]\nname=x") == \
        [("ok", f"{CONF} is sound, and the driver finds it")]


def test_missing_link(machine):
    machine.write(f"{PCI}/{CARD}/class", "0x058000")
    machine.write(CONF, f"[pci-{CARD}]\nslots=64")
    machine.line("settings").is_("wrong", "does not find it", MEND)


def test_cards_that_are_not_there(machine):
    with_link(machine)
    machine.write(f"{PCI}/{CARD}/serial_number", "01-23-45-67-89-ab-cd-ef")
    told = settings(machine, "[serial:01-23-45-67-89-ab-cd-ef]\n[serial:01-23-45-67-89-ab-cd-ee]\n"
                             "[pci-0000:09:00.0-chan1]\n[grabber0]\n[oops")
    assert [(state, text.split(" of ")[0]) for state, text in told] == [
        ("ok", "line 2"), ("ok", "line 3"), ("warning", "line 4"), ("warning", "line 5")]
    assert "not there now" in told[0][1] and "is no card" in told[2][1]


def test_wrong_lines(machine):
    with_link(machine)
    told = settings(machine, f"slots=4\n[pci-{CARD}]\nslots=1\n\ncolor=red\nslots=4\n"
                             f"[pci-{CARD}-chan1]\nboard=xdma\nname")
    lines = [text.split(":")[0].split(" of ")[0] for _, text in told]
    assert lines[:5] == ["line 1", "line 3", "line 5", "line 8", "line 9"]
    assert {state for state, _ in told} == {"warning"}
    told = settings(machine, f"[pci-{CARD}]\n" + "x\n" * 30)
    assert len(told) == 11 and "and 20 more" in told[10][1]


def test_bound_without_rules(machine):
    with_link(machine)
    text = f"[pci-{CARD}]\nboard=xdma"
    machine.remove(RULES)
    assert ["udev has no rules that do so" in text for _, text in settings(machine, text)] == [True]
    machine.write(RULES)
    assert [state for state, _ in settings(machine, text)] == ["ok"]
    machine.line("udev").is_("ok", "60-grabber.rules")


def test_too_long(machine):
    with_link(machine)
    assert settings(machine, "#" * 65536)[0][0] == "wrong"
