/* SPDX-License-Identifier: GPL-2.0-only */
/* Cards: how they are named, found and opened. */
#ifndef GRABBERCTL_DEVICE_H
#define GRABBERCTL_DEVICE_H

#include <stddef.h>

#include <linux/grabber.h>

/* The tests put trees of their own here. */
#ifndef GRABBER_CLASS_DIR
#define GRABBER_CLASS_DIR	"/sys/class/grabber"
#endif
#ifndef GRABBER_DEV_DIR
#define GRABBER_DEV_DIR		"/dev"
#endif

#define DEVICE_HELP \
	"DEVICE is a card's number (0), a node's name (grabber0 or /dev/grabber0) or " \
	"a PCI address (0000:01:00.0); without it, the card with the lowest number is used."

enum node {
	NODE_FRAMES,	/* /dev/grabberN */
	NODE_BAR,	/* /dev/grabberN-bar */
};

struct argp_state;

/* A verb's argument says its device: an error where there is one already. */
void device_argument(const char **device, const char *arg, const struct argp_state *state);

/*
 * The card that @name means, the first one for NULL. Returns 0, or -1 after
 * saying why there is none.
 */
int device_find(const char *name, unsigned int *card);

/* Numbers of all cards in rising order, for the caller to free; their count, or -errno. */
int device_all(unsigned int **cards);

/* The card's place on its bus by sysfs, "" where unknown. */
void device_bus(unsigned int card, char *bus, size_t size);

/* "/dev/grabber0" or "/dev/grabber0-bar", for the caller to free */
char *device_path(unsigned int card, enum node node);

/* Open a node with open()'s @flags and check that it is grabber's and speaks our
 * ABI. Returns the descriptor, or -1 after saying why not.
 */
int device_open(unsigned int card, enum node node, int flags, struct grabber_info *info);

/* As device_open(), but says nothing and returns -errno; -EPROTO for another ABI. */
int device_try_open(unsigned int card, enum node node, int flags, struct grabber_info *info);

/* Say why there is no card at all. */
void device_explain_none(void);

/* Say why device_try_open() failed with -@error. */
void device_explain_open(unsigned int card, enum node node, int error,
			 const struct grabber_info *info);

/* Say why a call on an open frame node failed with @error. */
void device_explain_call(unsigned int card, int error);

#endif
