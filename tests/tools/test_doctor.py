# SPDX-License-Identifier: GPL-2.0-only
"""grabberctl doctor: the frame, the kernel, DKMS, memory."""

import re

import pytest

from vm.paths import TOP
from machine import CARD, DKMS, FILE, MODULES, OTHER, RELEASE, USER, VIDEO

INSTALL = "apt install ./grabber-dkms_*.deb"
DKMS_INSTALL = f"dkms install --force grabber/0.1.0 -k {RELEASE}"


def test_all_well(machine):
    lines = machine.doctor()
    assert [line["check"] for line in lines] == [
        "headers", "compiler", "dkms", "module", "next-boot", "secure-boot", "lockdown", "signature",
        "loaded", "kernel", "card", "link", "iommu", "udev", "node", "node", "memory"]
    assert {line["state"] for line in lines} == {"ok"}, lines
    assert {line["mend"] for line in lines} == {None}
    assert machine.doctor(user=USER, groups=[VIDEO])
    assert {line["state"] for line in machine.doctor(user=USER, groups=[VIDEO])} == {"ok"}


def test_text(machine):
    machine.remove(f"/usr/src/linux-headers-{RELEASE}/Makefile")
    result = machine.run()
    assert result.status == 0 and not result.stderr
    lines = result.stdout.splitlines()
    assert lines[-1] == "0 wrong, 1 warning, 0 unknown, 16 ok" and len(lines) == 18
    assert lines[0].startswith(f"warning  headers      {RELEASE}: the kernel's headers are not")
    assert lines[0].endswith(f"; mend it: apt install linux-headers-{RELEASE}")
    assert all(re.match(r"ok       [a-z-]+ +[^ ]", line) for line in lines[1:-1])
    assert f"ok       card         {CARD}: grabber0 (10ee:7024), board xdma, idle" in lines

    machine.uninstall()
    machine.unload()
    result = machine.run()
    assert result.status == 1 and re.search("^WRONG    headers", result.stdout, re.M)


def test_who_types_the_command(machine):
    machine.unload()
    machine.write("/etc/modprobe.d/x.conf", "blacklist grabber")
    shell = machine.line("loaded").mend
    assert " && modprobe grabber" in shell and "'" not in shell
    assert machine.line("loaded", user=USER).mend == f"sudo sh -c '{shell}'"
    machine.remove("/etc/modprobe.d")
    machine.line("loaded").is_("wrong", "though a card is there", "modprobe grabber")
    machine.line("loaded", user=USER).is_("wrong", "", "sudo modprobe grabber")
    machine.remove("/usr/bin/sudo")
    machine.line("loaded", user=USER).is_("wrong", "", "su -c 'modprobe grabber'")


def test_usage(machine):
    result = machine.run("grabber0")
    assert result.status == 2 and "takes no argument such as 'grabber0'" in result.stderr
    result = machine.run("--help")
    assert result.status == 0 and "Status 1 where something is wrong" in " ".join(result.stdout.split())


def test_manual(machine):
    """Every check stands there in its order, and every option."""
    text = (TOP / "docs/grabberctl.1").read_text()
    part = text.split(".Ss doctor\n")[1].split(".Ss ")[0]
    listed = re.findall(r"^\.It Ic ([a-z-]+)$", part.split("The checks, in their order:")[1], re.M)
    machine.write("/etc/grabber/cards.conf", "")
    told = [line["check"] for line in machine.doctor()]
    assert listed == list(dict.fromkeys(told))
    for option in re.findall(r"--([a-z-]+)", machine.run("--help").stdout):
        assert f"Fl -{option}" in text


def test_bare_machine(machine):
    """Nothing there at all, not even /proc and /sys: no crash, no false alarm of a fault."""
    for directory in list(machine.root.iterdir()):
        machine.remove(directory.name)
    told = {line["check"]: line for line in machine.doctor(user=USER)}
    assert told["sysfs"]["mend"] == "su -c 'mount -t sysfs sysfs /sys'"
    assert told["kernel"]["state"] == told["loaded"]["state"] == "unknown"
    assert told["secure-boot"]["state"] == told["lockdown"]["state"] == "unknown"
    assert "card" not in told and "node" not in told


@pytest.mark.parametrize("words, headers, package", [
    ("ID=debian", f"apt install linux-headers-{RELEASE}", "apt install gcc-12"),
    ("ID=linuxmint\nID_LIKE=\"ubuntu debian\"", f"apt install linux-headers-{RELEASE}",
     "apt install gcc-12"),
    ("ID=fedora", f'dnf install "kernel-devel-uname-r = {RELEASE}"', "dnf install gcc-12"),
    ("ID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"",
     f'dnf install "kernel-devel-uname-r = {RELEASE}"', "dnf install gcc-12"),
    ("ID=arch\nNAME=\"not debian\"", None, None),
    ("ID=debianish", None, None),
])
def test_package_managers(machine, words, headers, package):
    machine.write("/etc/os-release", words)
    machine.remove(f"/usr/src/linux-headers-{RELEASE}/Makefile")
    machine.remove("/usr/bin/gcc-12")
    machine.line("headers").is_("warning", "headers are not installed", headers)
    machine.line("compiler").is_("warning", "gcc-12, which the kernel was built with", package)


def test_os_release_of_the_vendor(machine):
    machine.at("/etc/os-release").rename(machine.at("/usr/lib/os-release"))
    machine.remove("/usr/bin/gcc-12")
    machine.line("compiler").is_("warning", "", "apt install gcc-12")


def test_headers(machine):
    machine.line("headers").is_("ok", f"in /usr/src/linux-headers-{RELEASE}")
    machine.remove(f"/usr/src/linux-headers-{RELEASE}")     # a dangling link
    machine.line("headers").is_("warning", "Makefile is missing",
                                f"apt install linux-headers-{RELEASE}")
    machine.unload()
    machine.uninstall()
    machine.line("headers").is_("wrong", "not installed", f"apt install linux-headers-{RELEASE}")
    machine.remove(MODULES)
    machine.line("headers").is_("wrong", "nothing in /lib/modules", "reboot")


def test_unreadable_headers(machine):
    machine.at("/usr/src").chmod(0o700)
    machine.line("headers", user=USER).is_("unknown", "cannot tell: /usr/src/linux-headers-"
                                           f"{RELEASE}: run as root")
    machine.line("headers").is_("ok")


def test_compiler(machine):
    machine.line("compiler").is_("ok", "gcc-12 and make are installed")
    machine.remove("/usr/bin/make")
    machine.line("compiler").is_("warning", "make is not installed", "apt install make")
    machine.uninstall()
    machine.unload()
    machine.line("compiler").is_("wrong", "make is not installed", "apt install make")

    machine.command("make")
    config = f"/usr/src/linux-headers-{RELEASE}/.config"
    machine.write(config, 'CONFIG_CC_VERSION_TEXT="x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0"')
    machine.line("compiler").is_("wrong", "x86_64-linux-gnu-gcc-14", "apt install gcc-14")
    machine.write(config, 'CONFIG_CC_VERSION_TEXT="Debian clang version 16.0.6"')
    machine.line("compiler").is_("wrong", "clang, which", "apt install clang")
    machine.remove(config)
    machine.line("compiler").is_("unknown", "which compiler the kernel takes")
    machine.command("gcc")
    machine.line("compiler").is_("ok", "gcc and make")


def test_compiler_of_a_clang_kernel(machine):
    """Linked by lld too, as mostly; and clang may be there by the name of its version only."""
    machine.write(f"/usr/src/linux-headers-{RELEASE}/.config",
                  'CONFIG_CC_VERSION_TEXT="clang version 19.1.7"\nCONFIG_CC_IS_CLANG=y\n'
                  "CONFIG_CLANG_VERSION=190107\nCONFIG_LD_IS_LLD=y")
    machine.line("compiler").is_("warning", "clang, which", "apt install clang lld llvm")
    machine.command("clang-19")
    machine.line("compiler").is_("warning", "ld.lld, which", "apt install clang lld llvm")
    machine.command("ld.lld-19")
    machine.line("compiler").is_("ok", "clang, ld.lld and make are installed")
    machine.remove("/usr/bin/clang-19")
    machine.command("clang-18")
    machine.line("compiler").is_("warning", "clang, which", "apt install clang lld llvm")
    machine.command("clang")
    machine.line("compiler").is_("ok", "clang, ld.lld and make")


def test_dkms(machine):
    machine.line("dkms").is_("ok", "installed grabber 0.1.0")
    machine.remove(f"{DKMS}/kernel-{RELEASE}-x86_64")
    machine.line("dkms").is_("wrong", "has built grabber 0.1.0 for this kernel, but not installed",
                             DKMS_INSTALL)
    machine.remove(f"{DKMS}/0.1.0/{RELEASE}")
    machine.line("dkms").is_("wrong", "did not build it", DKMS_INSTALL)
    machine.remove("/usr/src/grabber-0.1.0")
    machine.line("dkms").is_("wrong", "sources of grabber 0.1.0 are gone",
                             "dkms remove grabber/0.1.0 --all")


def test_dkms_of_another_kernel(machine):
    """6.1.0-50 is not 6.1.0-50-amd64."""
    machine.at(f"{DKMS}/kernel-{RELEASE}-x86_64").rename(
        machine.at(f"{DKMS}/kernel-{RELEASE}-rt-x86_64"))
    machine.line("dkms").is_("wrong", "has built", DKMS_INSTALL)


def test_dkms_build_failed(machine):
    machine.uninstall()
    machine.write(f"{DKMS}/0.1.0/build/make.log", f"DKMS make.log for grabber-0.1.0 for kernel {RELEASE} (x86_64)\n"
                  f"{DKMS}/0.1.0/build/driver/pci.c:7:1: error: no such \x1b[31mthing\n"
                  "make: *** [Makefile:1: all] Error 2")
    machine.line("dkms").is_("wrong", "could not build grabber 0.1.0: driver/pci.c:7:1: error: no such "
                             f"?[31mthing (all of it in {DKMS}/0.1.0/build/make.log); when the cause is "
                             "gone", DKMS_INSTALL)
    machine.at(f"{DKMS}/0.1.0/build/make.log").chmod(0o600)
    machine.line("dkms", user=USER).is_("wrong", "run as root to see why", "sudo " + DKMS_INSTALL)
    for error in ("grabber: the compiler gcc-9 is not there; kernel 9 wants it.",
                  "ERROR: modpost: \"foo\" [grabber.ko] undefined!", "make: cc: Command not found"):
        machine.write(f"{DKMS}/0.1.0/build/make.log", f"make -C x\n{error}\nmake: *** Error 2")
        machine.line("dkms").is_("wrong", f"grabber 0.1.0: {error} (all", DKMS_INSTALL)
    machine.write(f"{DKMS}/0.1.0/build/make.log", "Killed")
    machine.line("dkms").is_("wrong", "no error is told", DKMS_INSTALL)


def test_dkms_build_for_another_kernel_failed(machine):
    machine.uninstall()
    machine.write(f"{DKMS}/0.1.0/build/make.log",
                  f"DKMS (dkms-3.2.2) make.log for grabber/0.1.0 for kernel {OTHER} (x86_64)\nerror: x")
    machine.line("dkms").is_("wrong", "did not build it for this kernel", DKMS_INSTALL)


def test_dkms_newer_version(machine):
    """An upgrade that did not get through leaves the old module."""
    install = DKMS_INSTALL.replace("0.1.0", "0.10.0")
    for version in ("0.9.0", "0.10.0"):
        machine.write(f"/usr/src/grabber-{version}/dkms.conf")
        machine.link(f"{DKMS}/{version}/source", f"/usr/src/grabber-{version}")
    machine.line("dkms").is_("warning", "DKMS has grabber 0.10.0, but did not build it for this kernel; "
                             "still installed is 0.1.0", install)
    machine.write(f"{DKMS}/0.10.0/build/make.log", "error: no")
    machine.line("dkms").is_("warning", "could not build grabber 0.10.0: error: no", install)
    machine.uninstall()
    machine.line("dkms").is_("wrong", "could not build grabber 0.10.0", install)


def test_no_dkms(machine):
    machine.remove(DKMS)
    machine.line("dkms").is_("warning", "package grabber-dkms is missing", INSTALL)
    machine.remove("/usr/bin/dkms")
    machine.line("dkms").is_("warning", "DKMS is not installed", "apt install dkms")
    machine.remove(FILE)
    machine.line("dkms").is_("warning", "DKMS is not installed", "apt install dkms")
    machine.unload()
    machine.line("dkms").is_("wrong", "DKMS is not installed", "apt install dkms")


def test_unreadable_dkms(machine):
    machine.at(DKMS).chmod(0o700)
    machine.line("dkms", user=USER).is_("unknown", f"cannot tell: {DKMS}: run as root")


def test_next_boot(machine):
    machine.line("next-boot").is_("ok", "1 other kernel is installed, with the module")
    machine.write("/lib/modules/5.10.0-1-amd64/modules.dep")        # what a removed one leaves
    machine.line("next-boot").is_("ok", "1 other kernel is")
    machine.write(f"/lib/modules/{OTHER}/modules.dep", "kernel/fs/ext4.ko:")
    machine.line("next-boot").is_("warning", "not listed in its modules.dep", f"depmod -a {OTHER}")
    machine.uninstall(OTHER)
    line = machine.line("next-boot")
    line.is_("warning", "has no grabber module", f"dkms install --force grabber/0.1.0 -k {OTHER}")
    assert line.about == OTHER
    machine.remove(f"/lib/modules/{OTHER}/build")
    machine.line("next-boot").is_("warning", "neither a grabber module nor the headers",
                                  f"apt install linux-headers-{OTHER}")
    machine.write("/boot/vmlinuz-5.10.0-1-amd64")
    assert len([line for line in machine.doctor() if line["check"] == "next-boot"]) == 2
    machine.remove("/boot/vmlinuz-5.10.0-1-amd64")
    machine.remove(f"/lib/modules/{OTHER}")
    machine.line("next-boot").is_("ok", "no other kernel")
    machine.at("/lib/modules").chmod(0o711)
    machine.line("next-boot", user=USER).is_("unknown", "run as root")


@pytest.mark.parametrize("bit, state, part", [
    (0, "ok", "no crash"), (12, "ok", "no crash"), (13, "ok", "no crash"),
    (4, "wrong", "machine check"), (5, "wrong", "bad state"), (7, "wrong", "oops"),
    (9, "warning", "warned of a fault"), (14, "warning", "soft lockup")])
def test_taint(machine, bit, state, part):
    machine.write("/proc/sys/kernel/tainted", str(1 << bit))
    machine.line("kernel").is_(state, part, "reboot" if state == "wrong" else None)


@pytest.mark.parametrize("text", [None, "", "much"])
def test_unknown_taint(machine, text):
    machine.remove("/proc/sys/kernel/tainted")
    if text is not None:
        machine.write("/proc/sys/kernel/tainted", text)
    machine.line("kernel").is_("unknown", "cannot tell whether the kernel is sound")


def test_memory(machine):
    line = machine.line("memory")
    # 16 slots of 1519 pages are 94.9 MiB; 15 of 16 parts of 4000 MiB could be had.
    line.is_("ok", "16 slots of 6220800 bytes and takes 94 MiB; a buffer of up to 3750 MiB")
    assert line.about == "grabber0"
    machine.write("/sys/class/grabber/grabber0/slots", "1024")      # each takes whole pages
    machine.write("/sys/class/grabber/grabber0/slot_size", "4097")
    machine.line("memory").is_("ok", "1024 slots of 4097 bytes and takes 8 MiB")
    machine.write("/sys/class/grabber/grabber0/slots", "16")
    machine.write("/sys/class/grabber/grabber0/slot_size", "6220800")
    machine.write("/proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable: 400000 kB")
    machine.line("memory").is_("warning", "only 390 MiB are left",
                               "grabberctl buffer --slots 8 grabber0")
    machine.write("/sys/class/grabber/grabber0/slots", "2")
    machine.line("memory").is_("warning", "beside the buffer of 11 MiB")
    machine.remove("/sys/class/grabber/grabber0/slots")
    machine.line("memory").is_("unknown", "older than this grabberctl")
    machine.remove("/sys/class/grabber")
    machine.line("memory").is_("warning", "390 of 7812 MiB are available: end programs")
    machine.write("/proc/meminfo", "MemTotal: 8000000 kB\nMemAvailable: 4000000 kB")
    machine.line("memory").is_("ok", "3906 of 7812 MiB are available")
    machine.write("/proc/meminfo", "MemTotal: 8000000 kB")
    machine.line("memory").is_("unknown", "has an unknown form")
    machine.remove("/proc/meminfo")
    machine.line("memory").is_("unknown", "/proc/meminfo: No such file")
