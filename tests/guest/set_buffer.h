/* SPDX-License-Identifier: GPL-2.0-only */
/* SET_BUFFER as its tests call it. */
#ifndef GUEST_SET_BUFFER_H
#define GUEST_SET_BUFFER_H

#include "card.h"

/* 0, or the errno; the layout as SET_BUFFER tells it goes to @layout. */
static inline int set_buffer(int fd, uint32_t slots, uint32_t slot_size,
			     struct grabber_buffer *layout)
{
	struct grabber_buffer args = { .slots = slots, .slot_size = slot_size };
	int err = ioctl(fd, GRABBER_IOC_SET_BUFFER, &args) ? errno : 0;

	if (!err && layout)
		*layout = args;
	return err;
}

static inline void must_set(int fd, uint32_t slots, uint32_t slot_size,
			    struct grabber_buffer *layout)
{
	int err = set_buffer(fd, slots, slot_size, layout);

	CHECK_MSG(!err, "%u slots of %u bytes: %s", slots, slot_size, strerror(err));
}

static inline bool same_layout(struct grabber_buffer a, struct grabber_buffer b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

/* Refused with this errno, and nothing is different. */
static inline void refused(int fd, struct grabber_buffer args, int want)
{
	struct grabber_buffer before = get_buffer(fd), asked = args;
	int err = ioctl(fd, GRABBER_IOC_SET_BUFFER, &args) ? errno : 0;

	EXPECT_MSG(err == want, "%u slots of %u bytes: %s, not %s", asked.slots,
		   asked.slot_size, strerror(err), strerror(want));
	EXPECT_MSG(same_layout(before, get_buffer(fd)), "a refused SET_BUFFER changed the layout");
}

static inline void is_busy(int fd)
{
	refused(fd, (struct grabber_buffer){ .slots = get_buffer(fd).slots }, EBUSY);
}

/* Allowed again. */
static inline void is_free(int fd)
{
	must_set(fd, 0, 0, NULL);
}

#endif /* GUEST_SET_BUFFER_H */
