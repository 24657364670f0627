# SPDX-License-Identifier: GPL-2.0-only
"""A buffer's cost in instructions, which are the same whatever the host is doing."""

import sys

from bench import frames


def test_no_dearer_than_v4l2():
    """mmap, page faults and SET_BUFFER against V4L2's, for eight frames of 1920x1080."""
    found = {what: median for what, (median, _, _) in frames.measure_memory("6.1").items()}
    print(found, file=sys.stderr)
    assert found["mmap_page"] <= 617
    assert found["mmap_faults"] == 0
    assert found["set_buffer"] <= found["vivid_reqbufs"]
    assert found["set_buffer_again"] <= found["vivid_reqbufs_again"]
