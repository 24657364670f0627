// SPDX-License-Identifier: GPL-2.0-only
/*
 * So many readers asleep that a kernel before 6.7 would let go of their queue's lock after
 * every 64 that it wakes; and one who has them all woken, by STOP, while the card goes.
 *
 * crowd_leaves CARD: the card is unbound after READY
 */
#include <pthread.h>

#include "card.h"

#define CROWD 250
#define STOPS 20

static void *sleep_in_read(void *fd)
{
	uint8_t byte;

	return (void *)(long)(read((long)fd, &byte, 1) < 0 ? errno : 0);
}

TEST_LIMIT(crowd_leaves, 300)
{
	int last = open_frames(O_RDONLY), told = 0;
	struct grabber_buffer buffer = get_buffer(last);
	const volatile struct grabber_status *status =
		mmap(NULL, buffer.status_size, PROT_READ, MAP_SHARED, last, buffer.status_offset);
	pthread_t threads[CROWD];
	void *result;

	CHECK(status != MAP_FAILED);
	for (int i = 0; i < CROWD; i++)
		CHECK(!pthread_create(&threads[i], NULL, sleep_in_read,
				      (void *)(long)open_frames(O_RDONLY)));
	sleep_ms(1500);
	printf("# READY\n");
	fflush(stdout);
	/* The driver sets it right before it wakes them. */
	while (!(status->flags & GRABBER_STATUS_GONE))
		;
	for (int i = 0; i < STOPS; i++)
		CHECK(ioctl(last, GRABBER_IOC_STOP) == 0);
	for (int i = 0; i < CROWD; i++) {
		CHECK(!pthread_join(threads[i], &result));
		told += (long)result == ENODEV;
	}
	EXPECT_MSG(told == CROWD, "%d of %d were told", told, CROWD);
}
