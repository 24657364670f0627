# SPDX-License-Identifier: GPL-2.0-only
"""No page stays behind. kmemleak knows what kmalloc() gave out, but not pages, of which
slots, status pages and exports are made; the kernel's page owner knows those one by one.
"""

import pytest

# Those that a function of a module got; once it is unloaded, its functions have no names.
# Not counted is what the kernel keeps for others: slabs, page tables, KASAN's shadow.
OWNED = r"""cat /sys/kernel/debug/page_owner | awk 'BEGIN { RS = "" }
/\[grabber\]|\n 0xffffffff/ && !/allocate_slab|pte_alloc|kasan_populate/ {
	match($0, /order [0-9]+/)
	block = 1
	for (order = substr($0, RSTART + 6, RLENGTH - 6); order > 0; order--)
		block *= 2
	pages += block
	last = $0
}
END { print pages + 0; print last }'"""

PROGRAMS = ("set_buffer 0", "buffer_busy 0", "short_memory 0", "export 0", "holds 0",
            "stream 0 3")


def owned(guest):
    """How many pages grabber has, and where it got one of them."""
    count, _, last = guest.run(OWNED, timeout=300).out.partition("\n")
    return int(count), last


@pytest.mark.long
@pytest.mark.guest(card=dict(chart="64x48", rate=60), devices=["edu"], cmdline="page_owner=on ")
def test_every_page_comes_back(guest):
    """After changes of the buffer, exports, holds, refused calls, captures, a removal."""
    guest.load(slots=8)
    before, _ = owned(guest)
    assert before >= 8 * 64 * 48 * 3 // 4096, "the page owner does not see the slots"
    for program in PROGRAMS:
        guest.ktap(f"exec {program}", timeout=600)
    now, where = owned(guest)
    assert now <= before, f"{now} pages, at first {before}; such as\n{where}"
    guest.unload()
    left, where = owned(guest)
    assert not left, f"{left} pages were left, such as\n{where}"
