/* SPDX-License-Identifier: GPL-2.0-only */
/* The card under test, as every guest program needs it. */
#ifndef GUEST_CARD_H
#define GUEST_CARD_H

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/grabber.h>

#include "tap.h"

#define PAGE ((size_t)4096)
#define NS_PER_S 1000000000LL
#define NS_PER_MS 1000000LL

/* argv[1], or card 0 */
int card_number(void);
/* These end the test when the node cannot be opened or the call fails. */
int open_frames(int flags);
int open_bar(int flags);
struct grabber_info get_info(int fd);
struct grabber_buffer get_buffer(int fd);
struct grabber_format get_format(int fd);
struct grabber_stats get_stats(int fd);
/* A path of the card's nodes: card N, bar or frames. */
const char *node_path(int card, bool bar);

/* Takes a frame; returns 0 or the errno. */
int take_frame(int fd, struct grabber_take *take, int64_t timeout_ns);
/* These end the test when there is none, or the slot is not held. */
struct grabber_take must_take(int fd);
void must_give(int fd, uint32_t slot);

/* What poll() says of @events, or a negative errno. */
int poll_for(int fd, short events, int ms);

/* A frame that began and is in none of the other counts fails the test. */
void check_sums(struct grabber_stats stats);
void print_stats(const char *when, const struct grabber_stats *stats);

/* The whole region of the node, or the test ends; of a mapping of frames that shall be
 * writable the slots, for the status page never is.
 */
void *map_frames(int fd, int prot);
void *map_bar(int fd, int prot);

/* Where in memory the page is that is mapped here. */
uint64_t physical_address(const volatile void *at);

uint32_t bar_read32(int bar, off_t offset);
void bar_write32(int bar, off_t offset, uint32_t value);
/* A 64-bit counter of the video source, low half first. */
uint64_t bar_counter(int bar, off_t offset);
/* True when the node is the register window of the virtual card's video source. */
bool is_video_source(int bar);
/* How many frames that source makes in 1000 seconds. */
#define RATE_HARDLY_ANY 1
#define RATE_FAST 20000
void set_rate(uint32_t frames_in_1000s);
/* A card that runs and makes RATE_HARDLY_ANY frames, and a file that has seen all so far. */
int open_quiet(void);

/* Lets lines through: 0 or the errno. */
int unmask_irqs(int bar, uint32_t lines);

/* One byte or word read where a signal may come: 0, or the signal. */
int probe_byte(const volatile void *at, uint8_t *value);
int probe_word(const volatile void *at, uint32_t *value);

uint64_t checksum(const void *data, size_t bytes);
int64_t now_ns(void);
void sleep_ms(unsigned int ms);
/* The caller, and what it forks, run on this processor only. */
void run_on(int processor);

#endif /* GUEST_CARD_H */
