# SPDX-License-Identifier: GPL-2.0-only
"""Slots whose pages stay pinned: buffers that io_uring registered, and memory regions of
an RDMA adapter (rdma_rxe, an adapter in software)."""

import shutil
from pathlib import Path

import pytest

from vm import initramfs, kernels

CARD = dict(card=dict(chart="320x240", rate=60))
LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")


@pytest.fixture
def adapter(tmp_path):
    """A function of a kernel's name: the files of an RDMA adapter's software."""
    def files_for(name):
        rdma = shutil.which("rdma") or "/usr/sbin/rdma"
        providers = sorted((LIBRARIES / "libibverbs").glob("librxe-rdmav*.so"))
        if not providers or not Path(rdma).exists():
            pytest.skip("no ibverbs-providers or no iproute2 here: run tests/setup.sh check")
        files = {"/opt/bin/rdma-tool": rdma, "/etc/libibverbs.d/rxe.driver":
                 "/etc/libibverbs.d/rxe.driver"}
        files |= {str(path): str(path) for path in providers}
        # crc32_generic: what rdma_rxe asks for by the algorithm's name
        wanted = ["dummy", "crc32_generic", "ib_uverbs", "rdma_rxe"]
        for number, (module, data) in enumerate(
                initramfs.modules_with_needs(kernels.kernel(name), wanted)):
            path = tmp_path / module
            path.write_bytes(data)
            files[f"/lib/rdma/{number:02}-{module}"] = str(path)
        return files
    return files_for


@pytest.mark.parametrize("kernel", ["6.1", "6.12", "7.2"])
def test_pinned_frames(boot, adapter, kernel):
    with boot(kernel=kernel, files=adapter(kernel), **CARD) as guest:
        guest.load(slots=8)
        tests = guest.ktap("pins 0", timeout=300)
        skipped = [name for _, name, directive in tests if directive]
        # its io_uring registers memory of no file at all
        assert bool(skipped) == (kernel == "6.1"), tests
        guest.run("for module in /lib/rdma/*; do insmod $module || exit 1; done;"
                  "ip address add 10.9.8.7/24 dev dummy0 && ip link set dummy0 up &&"
                  "rdma-tool link add rxe0 type rxe netdev dummy0")
        guest.ktap("rdma 0", timeout=400)
