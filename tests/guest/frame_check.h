/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Is a frame just what its card drew? The virtual card draws the test chart, and
 * board edu a pattern; each frame of both carries its number.
 */
#ifndef GUEST_FRAME_CHECK_H
#define GUEST_FRAME_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct frame_check;

/* For the card whose frame node is open as @fd; the test ends where it draws neither. */
struct frame_check *frame_check_open(int fd);
/*
 * Compares every byte; a failure is noted as the test's. The number of the frame
 * goes to @number, in so many bits as the picture has room for.
 */
bool frame_check(struct frame_check *check, const void *frame, size_t bytes, uint32_t *number);
/* START, and so many frames by TAKE, each as its card drew it, and where it should be. */
void good_frames(int fd, int count);
/* The difference of two frame numbers as far as the picture's bits tell. */
uint32_t frame_check_mask(const struct frame_check *check);

#endif /* GUEST_FRAME_CHECK_H */
