// SPDX-License-Identifier: GPL-2.0-only
/*
 * Whoever was told that the card is gone has seen the last frame, however fast they come.
 *
 * after_gone CARD: the card is unbound after READY
 */
#include "card.h"
#include "video_source.h"

TEST_LIMIT(after_gone, 100)
{
	int fd = open_frames(O_RDONLY), bar = open_bar(O_RDWR);
	struct grabber_buffer buffer = get_buffer(fd);
	const volatile struct grabber_status *status =
		mmap(NULL, buffer.status_size, PROT_READ, MAP_SHARED, fd, buffer.status_offset);
	uint64_t frames, later;

	CHECK(status != MAP_FAILED && is_video_source(bar));
	bar_write32(bar, VS_RATE, 0);
	CHECK(ioctl(fd, GRABBER_IOC_START) == 0);
	must_give(fd, must_take(fd).slot);
	printf("# READY\n");
	fflush(stdout);
	while (!(status->flags & GRABBER_STATUS_GONE))
		;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	frames = status->frames;
	sleep_ms(2000);
	later = status->frames;
	EXPECT_MSG(frames == later, "%llu frames when it was gone, %llu later",
		   (unsigned long long)frames, (unsigned long long)later);
	check_sums(get_stats(fd));
}
