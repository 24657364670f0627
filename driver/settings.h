/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Settings a card: what a person wrote for it into /etc/grabber/cards.conf, or had
 * grabberctl write. Module parameters are what a card has where that says nothing.
 *
 *	# the camera over the belt
 *	[pci-0000:01:00.0]
 *	board=xdma
 *	framing=packet
 *	slots=64
 *
 * The driver reads it when it is bound, before there are nodes that anybody could open
 * (settings.c). The text is trusted with nothing: settings_parse.c takes out of it what is
 * sound, and says of one line that is not. That file is plain C and knows no device:
 * tests/unit builds it for user space, and holds it to what grabberctl makes of the same
 * text.
 */
#ifndef GRABBER_SETTINGS_H
#define GRABBER_SETTINGS_H

#include <linux/types.h>
#include <uapi/linux/grabber.h>

#define GRABBER_SETTINGS_FILE	"grabber/cards.conf"	/* below /lib/firmware */
#define GRABBER_SETTINGS_BYTES	65536			/* that it may have */
#define GRABBER_SETTINGS_CHANNELS	4

/* Longest label, and what is added to it where a card has several channels: "-chan0" */
#define GRABBER_NAME_MAX	31
#define GRABBER_NAME_SIZE	(GRABBER_NAME_MAX + 6 + 1)

enum grabber_setting {
	GRABBER_SET_BOARD,
	GRABBER_SET_FRAMING,
	GRABBER_SET_BAR,
	GRABBER_SET_SLOTS,
	GRABBER_SET_SLOT_SIZE,
	GRABBER_SET_FORMAT,
	GRABBER_SET_NAME,
	GRABBER_SET_ID,		/* of the card that is bound; grabberctl looks at it, at boot */
	GRABBER_SETTINGS,
};

/* Values of GRABBER_SET_BOARD */
enum grabber_wanted_board {
	GRABBER_WANT_XDMA = 1,
	GRABBER_WANT_GENERIC,
};

/*
 * How near a section is to the card: of two that have the same setting, the one that
 * says more of which card it is of is the one that counts.
 */
enum grabber_nearness {
	GRABBER_NEAR_SLOT,		/* [pci-0000:01:00.0] */
	GRABBER_NEAR_SERIAL,		/* [serial:01-23-45-67-89-ab-cd-ef] */
	GRABBER_NEAR_SLOT_CHANNEL,	/* [pci-0000:01:00.0-chan2] */
	GRABBER_NEAR_SERIAL_CHANNEL,
};

/**
 * struct grabber_settings - those of one channel
 * @line: where in the text each of them was said, 0: it was not
 * @once: a bit for each that was said for this time only, in another text
 * @near: how near the section was
 * @number: the values of those that are numbers: GRABBER_WANT_* and GRABBER_FRAMING_*, too;
 *	of GRABBER_SET_ID vendor << 16 | device
 * @format: that of GRABBER_SET_FORMAT
 * @name: that of GRABBER_SET_NAME
 */
struct grabber_settings {
	u32 line[GRABBER_SETTINGS];
	u32 once;
	enum grabber_nearness near[GRABBER_SETTINGS];
	u32 number[GRABBER_SETTINGS];
	struct grabber_format format;
	char name[GRABBER_NAME_SIZE];
};

/**
 * struct grabber_settings_of - the text about one function, taken apart
 * @channel: of each channel that it may have
 * @sections: sections about it
 * @wrong: lines of these that make no sense, and lines outside of any section
 * @wrong_line: the first of them
 * @why: what is wrong there, and what would be right; a sentence without its end
 */
struct grabber_settings_of {
	struct grabber_settings channel[GRABBER_SETTINGS_CHANNELS];
	u32 sections;
	u32 wrong;
	u32 wrong_line;
	const char *why;
};

/* settings_parse.c */
extern const char * const grabber_setting_names[GRABBER_SETTINGS];
void grabber_settings_parse(struct grabber_settings_of *settings, const char *text, size_t bytes,
			    const char *slot, const char *serial);

static inline bool grabber_is_set(const struct grabber_settings *settings,
				  enum grabber_setting which)
{
	return settings->line[which];
}

/* The value, or what there is where nothing was said. */
static inline u32 grabber_set_or(const struct grabber_settings *settings,
				 enum grabber_setting which, u32 otherwise)
{
	return grabber_is_set(settings, which) ? settings->number[which] : otherwise;
}

struct attribute_group;
struct device;
struct grabber_card;

/* settings.c */
struct grabber_settings_of *grabber_settings_read(struct device *dev, const char *serial);
bool grabber_settings_streams(const struct grabber_settings_of *settings);
void grabber_settings_refused(struct grabber_card *card, enum grabber_setting which,
			      const char *why);
void grabber_settings_exit(void);
extern const struct attribute_group *grabber_driver_groups[];

#endif /* GRABBER_SETTINGS_H */
