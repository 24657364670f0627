# SPDX-License-Identifier: GPL-2.0-only
"""A kernel without dma-bufs (Debian 11's for cloud machines): all but EXPORT works."""

import pytest

from vm import kernels

pytestmark = pytest.mark.guest(kernel="5.10-cloud", devices=["edu"])


def test_without_dma_bufs(guest):
    config = next(kernels.kernel("5.10-cloud").tree.glob("boot/config-*")).read_text()
    assert "CONFIG_DMA_SHARED_BUFFER=y" not in config
    guest.load(slots=8)
    guest.ktap("export_none 0")
    guest.run("head -c 10000 /dev/grabber0 | wc -c")
