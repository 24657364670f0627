# SPDX-License-Identifier: GPL-2.0-only
"""grabberctl doctor: the module, its signature, Secure Boot and lockdown."""

import gzip
import lzma
import shutil
import subprocess

import pytest

from machine import CARD, DKMS, FILE, KEY, MODULES, PCI, RELEASE, USER, module_file, signed

INSTALL = "apt install ./grabber-dkms_*.deb"
DKMS_INSTALL = f"dkms install --force grabber/0.1.0 -k {RELEASE}"
SIGN = f"dkms build --force grabber/0.1.0 -k {RELEASE} && {DKMS_INSTALL}"
RELOAD = "modprobe -r grabber && modprobe grabber"


def zstd(data):
    # kmod 34 wants the size in the header, where zstd writes it if it knows it
    return subprocess.run(["zstd", "-c", f"--stream-size={len(data)}"], input=data,
                          capture_output=True, check=True).stdout


def replace(machine, data, ending=""):
    """Another module is installed."""
    machine.remove(FILE)
    machine.write(FILE + ending, data)
    machine.write(f"{MODULES}/modules.dep", f"updates/dkms/grabber.ko{ending}:")


def test_module(machine):
    machine.line("module").is_("ok", f"grabber 0.1.0 is installed as {FILE}")
    machine.write(f"{MODULES}/modules.dep", "kernel/fs/ext4.ko:\nextra/not-grabber.ko:")
    machine.line("module").is_("wrong", "not listed in modules.dep", f"depmod -a {RELEASE}")
    machine.write(f"{MODULES}/modules.dep", f"{FILE}: kernel/fs/ext4.ko")
    machine.line("module").is_("ok", FILE)
    machine.uninstall()
    machine.line("module").is_("warning", "loaded, but not installed", DKMS_INSTALL)
    machine.unload()
    machine.line("module").is_("wrong", "no module grabber is installed", DKMS_INSTALL)
    machine.remove(DKMS)
    machine.line("module").is_("wrong", "no module grabber is installed", INSTALL)
    machine.write("/etc/os-release", "ID=fedora")
    machine.line("module").is_("wrong", "", "dnf install ./grabber-dkms-*.rpm")
    machine.write("/etc/os-release", "ID=arch")
    machine.line("module").is_("wrong", "no module grabber is installed")


@pytest.mark.parametrize("place", ["extra/grabber.ko.xz", "updates/grabber.ko.zst", "kernel/extra/grabber.ko",
                                   "updates/dkms/grabber.ko.gz"])
def test_places(machine, place):
    machine.uninstall()
    machine.write(f"{MODULES}/{place}")
    machine.line("module").is_("wrong", f"{MODULES}/{place} is there, but not listed",
                               f"depmod -a {RELEASE}")
    machine.write(f"{MODULES}/modules.dep", f"{place}:")
    machine.line("module").is_("ok", f"installed as {MODULES}/{place}")


def test_listed_but_gone(machine):
    machine.remove(FILE)
    machine.line("module").is_("warning", "not installed", DKMS_INSTALL)
    machine.write(f"{MODULES}/extra/grabber.ko", machine.module)
    machine.line("module").is_("wrong", "extra/grabber.ko is there, but not listed",
                               f"depmod -a {RELEASE}")


def test_unreadable_modules(machine):
    machine.at("/lib/modules").chmod(0o700)
    machine.line("module", user=USER).is_("unknown", f"cannot tell: {MODULES}: run as root")


def test_loaded(machine):
    machine.line("loaded").is_("ok", "version 0.1.0 is loaded, as installed")
    machine.write("/sys/module/grabber/version", "0.0.9")
    machine.line("loaded").is_("warning", "version 0.0.9 is loaded, but 0.1.0 is installed", RELOAD)
    machine.write("/sys/module/grabber/refcnt", "2")
    machine.line("loaded").is_("warning", "have ended (2 now)", RELOAD)
    machine.write("/sys/module/grabber/version", "0.1.0")
    machine.write("/sys/module/grabber/srcversion", "0")
    machine.line("loaded").is_("warning", "built from other sources", RELOAD)
    machine.uninstall()
    assert machine.line("loaded").text == "version 0.1.0 is loaded"


def test_not_loaded(machine):
    machine.unload()
    machine.line("loaded").is_("wrong", "though a card is there", "modprobe grabber")
    machine.remove(f"{PCI}/{CARD}")
    machine.line("loaded").is_("warning", "udev does that when", "modprobe grabber")
    machine.uninstall()
    machine.line("loaded").is_("wrong", "see the line 'module'")


@pytest.mark.parametrize("line, forbids", [
    ("blacklist grabber", True), ("\tinstall grabber /bin/false", True),
    ("install grabber /usr/bin/true", True), ("# blacklist grabber", False),
    ("blacklist grabber2", False), ("install grabber /sbin/modprobe -i grabber", False),
    ("options grabber slots=4", False)])
def test_forbidden(machine, line, forbids):
    machine.unload()
    machine.write("/etc/modprobe.d/notes", "blacklist grabber")     # no .conf
    machine.write("/etc/modprobe.d/x.conf", f"options snd index=0\n{line}\n")
    told = machine.line("loaded")
    if not forbids:
        told.is_("wrong", "though a card is there", "modprobe grabber")
        return
    assert told.state == "wrong" and "/etc/modprobe.d/x.conf forbids it" in told.text
    # The command does what it should: that line goes, the others stay.
    command = told.mend.replace("/etc/modprobe.d", str(machine.at("/etc/modprobe.d")))
    assert command.endswith(" && modprobe grabber")
    subprocess.run(["sh", "-c", command.removesuffix(" && modprobe grabber")], check=True)
    assert machine.at("/etc/modprobe.d/x.conf").read_text().split() == ["options", "snd", "index=0"]


@pytest.mark.parametrize("state, part", [("going", "unloaded"), ("coming", "while being loaded")])
def test_stuck(machine, state, part):
    machine.write("/sys/module/grabber/initstate", state)
    machine.line("loaded").is_("wrong", part, "reboot")


@pytest.mark.parametrize("ending, pack", [("", bytes), (".xz", lzma.compress), (".zst", zstd)])
def test_signer(machine, ending, pack):
    """By the real modinfo, from compressed files too."""
    replace(machine, pack(signed(machine.module)), ending)
    machine.line("signature").is_("ok", "signed by 'Ann's key'; this kernel would take it without")
    machine.line("module").is_("ok", f"grabber 0.1.0 is installed as {FILE}{ending}")
    replace_again = module_file(machine.dir, version="0.2.0")
    machine.write(FILE + ending, pack(replace_again))
    machine.line("signature").is_("ok", "the module has none, and this kernel does not ask")
    machine.line("loaded").is_("warning", "but 0.2.0 is installed", RELOAD)


def test_without_modinfo(machine):
    machine.remove("/usr/bin/modinfo")
    machine.line("module").is_("ok", "grabber 0.1.0 is installed")
    machine.line("loaded").is_("ok", "0.1.0 is loaded, as installed")
    machine.line("signature").is_("ok", "the module has none")
    machine.write(FILE, signed(machine.module))
    machine.line("signature").is_("ok", "signed by 'somebody'")
    replace(machine, lzma.compress(signed(machine.module)), ".xz")
    machine.line("module").is_("ok", "grabber of unknown version")
    machine.line("signature").is_("unknown", "modinfo is not installed", "apt install kmod")
    machine.line("loaded").is_("unknown", "cannot tell whether that is the one installed",
                               "apt install kmod")


def test_modinfo_of_busybox(machine):
    """It knows modules by their names only, and says nothing of a path."""
    machine.remove("/usr/bin/modinfo")
    machine.command("modinfo")
    machine.write(FILE, signed(machine.module))
    machine.line("signature").is_("ok", "signed by 'somebody'")
    replace(machine, lzma.compress(signed(machine.module)), ".xz")
    machine.line("signature").is_("unknown", "modinfo cannot read the file")


def test_modinfo_where_root_has_it(machine):
    machine.at("/usr/sbin").mkdir()
    machine.at("/usr/bin/modinfo").rename(machine.at("/usr/sbin/modinfo"))
    replace(machine, lzma.compress(signed(machine.module)), ".xz")
    machine.line("signature").is_("ok", "Ann's key")


def test_unreadable_file(machine):
    machine.at(FILE).chmod(0o600)
    machine.line("loaded", user=USER).is_("unknown", "version 0.1.0 is loaded; cannot tell whether that "
                                          "is the one installed: run as root")
    machine.line("signature", user=USER).is_("unknown", "cannot tell: run as root")


def test_file_that_modinfo_cannot_read(machine):
    replace(machine, gzip.compress(signed(machine.module))[:-20], ".gz")
    machine.line("signature").is_("unknown", "cannot tell: modinfo cannot read the file")


def test_broken_file(machine):
    for data in (b"", b"\x7fELF", b"~Module signature appended~\n", bytes(1000), machine.module[:200]):
        machine.write(FILE, data)
        assert machine.line("module").state == "ok"     # modprobe would find it
        machine.doctor()


def test_secure_boot(machine):
    machine.line("secure-boot").is_("ok", "off")
    machine.secure_boot(True)
    machine.line("secure-boot").is_("ok", "on: modules must be signed")
    variable = next(machine.at("/sys/firmware/efi/efivars").iterdir())
    variable.chmod(0o600)
    machine.line("secure-boot", user=USER).is_("unknown", "run as root")
    variable.write_bytes(b"\6\0")
    machine.line("secure-boot").is_("unknown", "too short")
    variable.rename(variable.with_name("BootOrder-1"))
    machine.line("secure-boot").is_("ok", "this firmware does not have it")
    variable.with_name("BootOrder-1").unlink()
    machine.line("secure-boot").is_("unknown", "efivarfs is not mounted",
                                    "mount -t efivarfs efivarfs /sys/firmware/efi/efivars")
    machine.remove("/sys/firmware/efi/efivars")
    machine.line("secure-boot").is_("unknown", "shows no UEFI variables")
    machine.remove("/sys/firmware/efi")
    machine.line("secure-boot").is_("ok", "not started by UEFI")


def test_lockdown(machine):
    machine.line("lockdown").is_("ok", "off")
    for word in ("integrity", "confidentiality"):
        machine.write("/sys/kernel/security/lockdown",
                      "none integrity confidentiality".replace(word, f"[{word}]"))
        machine.line("lockdown").is_("warning", f"on ({word}): frames can be had")
    machine.write("/sys/kernel/security/lockdown", "what")
    machine.line("lockdown").is_("unknown", "unknown form")
    machine.at("/sys/kernel/security/lockdown").chmod(0o600)
    machine.line("lockdown", user=USER).is_("unknown", "run as root")
    machine.remove("/sys/kernel/security/lockdown")
    machine.line("lockdown").is_("unknown", "securityfs is not mounted",
                                 "mount -t securityfs securityfs /sys/kernel/security")
    machine.write("/sys/kernel/security/lsm", "yama")
    machine.line("lockdown").is_("ok", "this kernel does not have it")
    machine.at("/sys/kernel/security").chmod(0o700)
    machine.line("lockdown", user=USER).is_("unknown", "run as root")
    machine.remove("/sys/kernel/security")
    machine.line("lockdown").is_("ok", "this kernel does not have it")


def enforce(machine):
    machine.write("/sys/module/module/parameters/sig_enforce", "Y")
    machine.unload()


def test_unsigned_is_refused(machine):
    """The user's way from an unsigned module to a loaded one, a step a run."""
    enforce(machine)
    machine.secure_boot(True)
    machine.line("loaded").is_("wrong", "the kernel would refuse it: see the line 'signature'")
    machine.line("signature").is_("wrong", "takes signed ones only (Secure Boot): let DKMS sign it",
                                  f"dkms generate_mok && {SIGN}")
    machine.write(KEY)
    machine.line("signature").is_("wrong", "let DKMS sign it", SIGN)

    replace(machine, signed(machine.module))
    machine.line("loaded").is_("wrong", "though a card is there", "modprobe grabber")
    machine.line("signature").is_("unknown", "mokutil is not installed", "apt install mokutil")
    test_key = f'[ "$1 $2" = "--test-key {machine.at(KEY)}" ] || exit 9\n[ "$LC_ALL" = C ] || exit 9\n'
    machine.command("mokutil", test_key + 'echo "$2 is not enrolled"')
    machine.line("signature").is_("wrong", "the machine does not trust that key yet",
                                  f"mokutil --import {KEY}")
    machine.command("mokutil", test_key + 'echo "$2 is already in the enrollment request"; exit 1')
    machine.line("signature").is_("wrong", "choose 'Enroll MOK'", "reboot")
    machine.command("mokutil", test_key + 'echo "$2 is already enrolled"; exit 1')
    machine.line("signature").is_("ok", "signed by 'Ann's key', and DKMS's key is enrolled")
    machine.command("mokutil", test_key + 'echo "EFI variables are not supported" >&2; exit 1')
    machine.line("signature").is_("unknown", "mokutil does not say", f"mokutil --test-key {KEY}")
    machine.line("signature", user=USER).is_("unknown", "run as root")
    machine.loaded()
    machine.write("/sys/module/module/parameters/sig_enforce", "Y")
    machine.line("signature").is_("ok", "signed by 'Ann's key', and the kernel has taken it")


def test_enforced_without_uefi(machine):
    enforce(machine)
    machine.remove("/sys/firmware/efi")
    machine.line("signature").is_("wrong", "module.sig_enforce=1 or lockdown=",
                                  f"dkms generate_mok && {SIGN}")
    replace(machine, signed(machine.module))
    machine.line("signature").is_("unknown", "shows when it is loaded; to try", "modprobe grabber")
    machine.write(KEY)
    machine.line("signature").is_("unknown", f"must be enrolled with 'mokutil --import {KEY}', which takes "
                                  "UEFI", "modprobe grabber")


def test_enforced_by_lockdown(machine):
    machine.unload()
    machine.write("/sys/kernel/security/lockdown", "none [integrity] confidentiality")
    machine.line("signature").is_("wrong", "takes signed ones only", f"dkms generate_mok && {SIGN}")
    machine.remove(DKMS)
    machine.line("signature").is_("wrong", "install it by DKMS, which signs it")


def test_key_of_ubuntu(machine):
    enforce(machine)
    replace(machine, signed(machine.module))
    machine.line("signature").is_("unknown", "shows when it is loaded", "modprobe grabber")
    machine.write("/var/lib/shim-signed/mok/MOK.der")
    machine.command("mokutil", 'echo "$2 is not enrolled"')
    machine.line("signature").is_("wrong", "does not trust that key",
                                  "mokutil --import /var/lib/shim-signed/mok/MOK.der")


def test_signature_of_nothing(machine):
    machine.uninstall()
    machine.line("signature").is_("unknown", "the loaded module is not installed")
    machine.unload()
    assert "signature" not in {line["check"] for line in machine.doctor()}


def test_real_modinfo(machine):
    """What stands here is not made up: the program is kmod's."""
    assert shutil.which("modinfo", path="/usr/sbin:/sbin:/usr/bin")
    assert machine.at("/usr/bin/modinfo").resolve().name == "kmod"
