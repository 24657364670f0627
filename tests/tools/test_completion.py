# SPDX-License-Identifier: GPL-2.0-only
"""bash completion of grabberctl, by bash: the function itself, and the Tab key."""

import os
import pty
import re
import select
import subprocess
import time

import pytest

from vm.paths import TOP

FILE = TOP / "tools" / "completion" / "grabberctl"
COMMON = {"-?", "--help", "--usage", "-V", "--version"}
CARDS = ("0000:01:00.0", "0000:02:00.0")

# Breaks the line into words as bash does, and calls what "complete" has set.
ASK = """
set -u
source "$1"
line=$2
COMP_WORDS=()
while read -r word; do COMP_WORDS+=("$word"); done < <(
	sed 's/ *\\([^ =]*\\|=\\)/\\1\\n/g' <<<"$line" | grep .)
[[ $line == *' ' ]] && COMP_WORDS+=("")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
called=$(complete -p grabberctl)
called=${called#complete -F } && called=${called% grabberctl}
"$called" "$PROGRAM" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\\n' ${COMPREPLY[@]+"${COMPREPLY[@]}"}
"""


@pytest.fixture
def ask(make_card):
    card = make_card(cards=CARDS)
    for number in range(len(CARDS)):
        card.sysfs(number)
    environment = {**card.environment(), "PROGRAM": str(card.program)}

    def run(line, **more):
        result = subprocess.run(["bash", "--norc", "-c", ASK, "bash", FILE, line], cwd=card.out,
                                capture_output=True, text=True, timeout=60,
                                env={**environment, **more})
        assert result.returncode == 0 and result.stderr == "", result.stderr
        return set(result.stdout.split())

    run.card = card
    return run


def verbs(card):
    return re.findall(r"^  ([a-z]+)  ", card.run("--help").stdout.split("Verbs:")[1], re.M)


def test_verbs(ask):
    known = verbs(ask.card)
    assert {"list", "info", "capture", "format", "buffer", "set", "bind", "unbind", "stats", "top",
            "doctor", "bar"} <= set(known)
    assert ask("grabberctl ") == set(known)
    assert ask("grabberctl b") == {"buffer", "bar", "bind"}
    assert ask("grabberctl zz") == set()
    assert ask("grabberctl -") == COMMON
    assert ask("grabberctl no-such-verb ") == set()


def test_options(ask):
    for verb in verbs(ask.card):
        usage = ask.card.run(verb, "--usage").stdout
        long = set(re.findall(r"\[(--[a-z-]+)[=\]]|(--[a-z-]+)=", usage))
        long = {name for pair in long for name in pair if name}
        assert long >= {"--usage", "--version"}
        offered = ask(f"grabberctl {verb} --")
        assert {name.rstrip("=") for name in offered} == long | {"--help"}, usage
        for name in long:
            assert (name + "=" in offered) == (name + "=" in usage)
        assert ask(f"grabberctl {verb} -") >= offered | COMMON
    assert ask("grabberctl capture --comp") == {"--compression="}
    assert ask("grabberctl capture -n 3 --s") == {"--strict"}
    assert ask("grabberctl doctor --j") == {"--json"}


def test_values(ask):
    (ask.card.out / "frames.raw").touch()
    assert ask("grabberctl bar --width=") == ask("grabberctl bar -w ") == {"8", "16", "32", "64"}
    assert ask("grabberctl bar --bar=") == ask("grabberctl bar -b ") == set("012345")
    assert ask("grabberctl bar --width=3") == ask("grabberctl bar --width 3") == {"32"}
    assert ask("grabberctl capture --compression=") == set("0123456789")
    assert ask("grabberctl capture -o fr") == ask("grabberctl capture --output=fr") == {"frames.raw"}
    assert ask("grabberctl capture -n ") == ask("grabberctl capture --timeout=") == set()


def test_cards(ask):
    cards = {"grabber0", "grabber1"}
    for verb in ("info", "capture", "format", "buffer", "stats"):
        assert ask(f"grabberctl {verb} ") == cards
        assert ask(f"grabberctl {verb} grabber0 ") == set()
    for verb in ("list", "top", "doctor"):
        assert ask(f"grabberctl {verb} ") == set()
    assert ask("grabberctl info --json grabber1") == {"grabber1"}
    assert ask("grabberctl info /dev/gr") == {"/dev/grabber0", "/dev/grabber1"}
    assert ask("grabberctl capture -n 3 --output=x.raw -t 5 ") == cards
    assert ask("grabberctl capture -v -o - ") == cards
    assert ask("grabberctl info ", FAKE_CLASS_DIR="/nonexistent") == set()


def test_registers(ask):
    cards = {"grabber0", "grabber1"}
    assert ask("grabberctl bar ") == {"list", "read", "write", "wait"}
    assert ask("grabberctl bar w") == {"write", "wait"}
    assert ask("grabberctl bar read ") == ask("grabberctl bar write 0x10 ") == set()
    assert ask("grabberctl bar list ") == cards
    assert ask("grabberctl bar -b 2 list grabber0 ") == set()
    assert ask("grabberctl bar read 0x10 ") == ask("grabberctl bar wait 3 ") == ask("grabberctl bar -w 8 write 0x10 1 ") == cards
    assert ask("grabberctl bar read 0x10 grabber0 ") == set()


def test_without_the_program(ask):
    assert ask("grabberctl ", PROGRAM="/nonexistent/grabberctl") == set()


def read_until(terminal, wanted, seconds=30):
    text, end = "", time.monotonic() + seconds
    while wanted not in text and time.monotonic() < end:
        if select.select([terminal], [], [], 0.1)[0]:
            text += os.read(terminal, 4096).decode()
    assert wanted in text, repr(text)
    return text


def test_tab_key(ask):
    """In a shell at a terminal, as a user has it."""
    card = ask.card
    (card.out / "two words.raw").touch()
    (card.dir / "inputrc").write_text("set bell-style none\nset enable-bracketed-paste off\n")
    child, terminal = pty.fork()
    if not child:
        os.chdir(card.out)
        os.execvpe("bash", ["bash", "--norc", "--noprofile", "-i"],
                   {**card.environment(), "PATH": f"{card.dir}:{os.environ['PATH']}", "TERM": "dumb",
                    "PS1": "ready> ", "INPUTRC": str(card.dir / "inputrc")})
    try:
        read_until(terminal, "ready> ")
        os.write(terminal, f"source {FILE}\n".encode())
        read_until(terminal, "ready> ")
        os.write(terminal, b"grabberctl sta\t")
        read_until(terminal, "grabberctl stats ")
        os.write(terminal, b"--js\t")
        read_until(terminal, "--json ")
        os.write(terminal, b"gr\t")
        read_until(terminal, "grabber")
        os.write(terminal, b"1\n")
        assert '"card": 1' in read_until(terminal, "sum_fits")
        os.write(terminal, b"echo grabberctl capture; grabberctl capture --out\ttwo\t")
        # No blank behind =, and a backslash before that of a file's name
        read_until(terminal, "--output=two\\ words.raw")
    finally:
        os.close(terminal)
        os.waitpid(child, 0)
