# SPDX-License-Identifier: GPL-2.0-only
"""What tests do with apt and look at afterwards."""

import re

APT = "apt-get -y -q --no-install-recommends --allow-downgrades"


def kernels(machine):
    """Versions of the kernels whose modules are installed, oldest first."""
    return machine.run("ls -v /lib/modules").split()


def install(machine, *what, check=True):
    """apt-get install; packages of ours by their file in /packages."""
    return machine.run(f"{APT} install " + " ".join(what), check=check)


def kernel_packages(machine, version=""):
    """Installed packages of one kernel, or of all, the meta packages among them. From
    7.2 on a kernel is in several."""
    said = machine.run("dpkg-query -W -f '${db:Status-Abbrev}${Package}\\n' 'linux-*'")
    return " ".join(re.findall(rf"^ii (linux-(?:image|headers|binary|modules|base)-\S*"
                               rf"{re.escape(version)}(?:-?amd64)?)$", said, re.M))


def newer(suite):
    """The packages that bring the newer kernel."""
    return (f"linux-image-amd64/{suite.newer}", f"linux-headers-amd64/{suite.newer}")


def status(machine):
    """{kernel: (version, state)} of the module, as dkms says."""
    found = {}
    for line in machine.run("dkms status").splitlines():
        match = re.match(r"grabber[/,] ?([^,]+), ([^,]+), x86_64: (\w+)", line)
        if match:
            found[match[2]] = (match[1], match[3])
    return found


def module(machine, kernel):
    """The module's fields for a kernel, or None: what modprobe would load."""
    rc, said = machine.run(f"modinfo -k {kernel} grabber", check=False)
    if rc:
        return None
    return dict(line.split(":", 1) for line in
                (re.sub(r":\s+", ":", line, count=1) for line in said.splitlines())
                if ":" in line)


def sound(machine):
    """Fail unless every package is configured."""
    machine.run("dpkg --audit && apt-get check")
    odd = [line for line in machine.run("dpkg -l | tail -n +6").splitlines()
           if line[:2] not in ("ii", "rc", "hi", "un")]
    assert not odd, "\n".join(odd)
