// SPDX-License-Identifier: GPL-2.0-only
/*
 * A thread that waits for a frame, and another one on the same file that always has it
 * first: the wait ends when its time is over, all the same. The driver's
 * grabber_frame_take() is slowed down meanwhile, so that there is time to be first.
 */
#include <pthread.h>

#include <grabber.h>

#include "card.h"

static volatile bool enough;

/* Passes over each frame as soon as it comes: SEEK is not slowed down. */
static void *pass_over_all(void *arg)
{
	struct grabber_reader *reader = arg;

	while (!enough) {
		struct grabber_seek seek = {
			.frame = __atomic_load_n(&reader->status->frames, __ATOMIC_ACQUIRE),
		};

		ioctl(reader->fd, GRABBER_IOC_SEEK, &seek);
	}
	return NULL;
}

TEST_LIMIT(wait_is_no_longer, 50)
{
	struct grabber_reader reader;
	struct grabber_take take;
	pthread_t thread;

	CHECK(!grabber_open_card(&reader, card_number()) && !grabber_start(&reader));
	CHECK(!pthread_create(&thread, NULL, pass_over_all, &reader));
	for (int i = 0; i < 3; i++) {
		int64_t start = now_ns(), took;
		int err = take_frame(reader.fd, &take, NS_PER_S);

		took = now_ns() - start;
		EXPECT_MSG(!err || err == ETIMEDOUT, "%s", strerror(err));
		if (!err)
			must_give(reader.fd, take.slot);
		EXPECT_MSG(took < 4 * NS_PER_S, "a wait of 1 s took %lld ms",
			   (long long)(took / NS_PER_MS));
	}
	enough = true;
	pthread_join(thread, NULL);
}
