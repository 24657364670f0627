// SPDX-License-Identifier: GPL-2.0-only
/*
 * The text of the settings, taken apart: settings.h says what it looks like. Nothing is
 * copied but values that were found sound, and nothing is searched twice: the time is that
 * of going through the text once, whatever is in it.
 */
#include <linux/string.h>
#include <linux/types.h>

#include "settings.h"

/* What SET_BUFFER takes; the driver's own names for these are in headers of the kernel's. */
#define SLOTS_MIN	2
#define SLOTS_MAX	1024
#define SLOT_SIZE_MAX	(64U << 20)
#define BAR_MAX		5

#define NO_SECTION	"no section begins before it: [pci-0000:01:00.0] or [serial:...]"
#define BAD_SECTION	"a section begins with its name in brackets, alone in its line"
#define NO_SETTING	"a line is key=value, and a comment begins with # in a line of its own"
#define UNKNOWN		"there is no such setting: board, framing, bar, slots, slot_size, format, name, id"
#define WHOLE_CARD	"board= and id= are of the whole card: they belong into the section without -chan"
#define BAD_FORMAT	"format= is WIDTHxHEIGHT:FOURCC:BYTESPERLINE, as in 1920x1080:RGB3:5760, and :SIZEIMAGE may follow; up to 64M a frame"
#define BAD_NAME	"name= has up to 31 letters, digits, '.', '_' and '-', begins with a letter or a digit, is no number, does not begin with pci- and does not end in -bar"
#define BAD_ID		"id= is VENDOR:DEVICE in hexadecimal digits, as in 10ee:7024"

/* A piece of the text. No zero ends it. */
struct span {
	const char *at;
	size_t bytes;
};

/**
 * struct reader - where we are in the text
 * @to: what has been found
 * @slot: name of sections about the card in this slot
 * @serial: and about the card with this serial number, "" for none
 * @line: number of the line
 * @outside: no section has begun yet
 * @ours: the section is about this card
 * @near: and how near it is
 * @first: first of the channels that it is about
 * @last: last of them
 */
struct reader {
	struct grabber_settings_of *to;
	const char *slot;
	const char *serial;
	u32 line;
	bool outside;
	bool ours;
	enum grabber_nearness near;
	u32 first;
	u32 last;
};

static void wrong(struct reader *reader, const char *why)
{
	if (!reader->to->wrong++) {
		reader->to->wrong_line = reader->line;
		reader->to->why = why;
	}
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span text)
{
	while (text.bytes && is_blank(text.at[0])) {
		text.at++;
		text.bytes--;
	}
	while (text.bytes && is_blank(text.at[text.bytes - 1]))
		text.bytes--;
	return text;
}

/* Up to the next @end, which is taken away too. */
static struct span cut(struct span *rest, char end)
{
	const char *found = rest->bytes ? memchr(rest->at, end, rest->bytes) : NULL;
	struct span piece = *rest;

	if (!found) {
		rest->at += rest->bytes;
		rest->bytes = 0;
		return piece;
	}
	piece.bytes = found - rest->at;
	rest->at = found + 1;
	rest->bytes -= piece.bytes + 1;
	return piece;
}

static bool is(struct span text, const char *word)
{
	return text.bytes == strlen(word) && !memcmp(text.at, word, text.bytes);
}

/* Hexadecimal digits may be of either case. */
static bool take_prefix(struct span *text, const char *prefix)
{
	size_t bytes = strlen(prefix);

	if (!bytes || text->bytes < bytes || strncasecmp(text->at, prefix, bytes))
		return false;
	text->at += bytes;
	text->bytes -= bytes;
	return true;
}

static bool read_number(struct span text, u32 max, u32 *value)
{
	u64 sum = 0;
	size_t i;

	for (i = 0; i < text.bytes; i++) {
		if (text.at[i] < '0' || text.at[i] > '9')
			return false;
		sum = sum * 10 + (text.at[i] - '0');
		if (sum > max)
			return false;
	}
	*value = sum;
	return text.bytes;
}

/* K and M stand for 1024 and 1024 * 1024 bytes. */
static bool read_size(struct span text, u32 max, u32 *value)
{
	char unit = text.bytes ? text.at[text.bytes - 1] : 0;
	u32 shift = unit == 'K' || unit == 'k' ? 10 : unit == 'M' || unit == 'm' ? 20 : 0;

	if (shift)
		text.bytes--;
	if (!read_number(text, max >> shift, value))
		return false;
	*value <<= shift;
	return true;
}

static bool read_hex(const char *text, u32 digits, u32 *value)
{
	u32 i;

	for (i = 0; i < digits; i++) {
		char c = text[i];

		if (c >= '0' && c <= '9')
			*value = *value << 4 | (c - '0');
		else if ((c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))
			*value = *value << 4 | ((c | 0x20) - 'a' + 10);
		else
			return false;
	}
	return true;
}

/* As GREY, Y16 (filled up with blanks), Y16-BE, 0x20363159, unknown. */
static bool read_fourcc(struct span text, u32 *value)
{
	u32 i;

	*value = 0;
	if (is(text, "unknown"))
		return true;
	if (text.bytes == 10 && !memcmp(text.at, "0x", 2))
		return read_hex(text.at + 2, 8, value);
	if (text.bytes > 3 && !memcmp(text.at + text.bytes - 3, "-BE", 3)) {
		*value = 1U << 31;
		text.bytes -= 3;
	}
	if (!text.bytes || text.bytes > 4)
		return false;
	for (i = 0; i < 4; i++) {
		char c = i < text.bytes ? text.at[i] : ' ';

		if (c < ' ' || c > '~')
			return false;
		*value |= (u32)c << i * 8;
	}
	return true;
}

/* WIDTHxHEIGHT:FOURCC:BYTESPERLINE[:SIZEIMAGE]. What a line takes is said here, for the
 * driver does not know pixel formats.
 */
static bool read_format(struct span text, struct grabber_format *format)
{
	struct span size = cut(&text, ':');
	struct span fourcc = cut(&text, ':');
	struct span line = cut(&text, ':');
	struct span width = cut(&size, 'x');
	u64 lines;

	memset(format, 0, sizeof(*format));
	if (!read_number(width, ~0U, &format->width) ||
	    !read_number(size, ~0U, &format->height) ||
	    !read_fourcc(fourcc, &format->pixelformat) ||
	    !read_number(line, ~0U, &format->bytesperline))
		return false;
	/* No more parts, and no colon with nothing behind it. */
	if (line.at + line.bytes == text.at) {
		lines = (u64)format->bytesperline * format->height;
		format->sizeimage = lines > SLOT_SIZE_MAX ? 0 : lines;
	} else if (!read_number(text, SLOT_SIZE_MAX, &format->sizeimage)) {
		return false;
	}
	return format->sizeimage &&
	       (u64)format->bytesperline * format->height <= format->sizeimage;
}

/* As lspci -n shows them. */
static bool read_id(struct span text, u32 *value)
{
	*value = 0;
	return text.bytes == 9 && text.at[4] == ':' && read_hex(text.at, 4, value) &&
	       read_hex(text.at + 5, 4, value);
}

/*
 * Of links below /dev, so of plain characters; "-bar" at its end is the register node's.
 * And nothing that programs take for a card's number, or for a section.
 */
static bool read_name(struct span text, char *name)
{
	struct span rest = text;
	bool number = true;
	size_t i;

	if (!text.bytes || text.bytes > GRABBER_NAME_MAX)
		return false;
	for (i = 0; i < text.bytes; i++) {
		char c = text.at[i];
		bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
			     (c >= '0' && c <= '9');

		if (!plain && (!i || (c != '.' && c != '_' && c != '-')))
			return false;
		number &= c >= '0' && c <= '9';
	}
	if (number || take_prefix(&rest, "pci-"))
		return false;
	if (text.bytes >= 4 && !memcmp(text.at + text.bytes - 4, "-bar", 4))
		return false;
	memcpy(name, text.at, text.bytes);
	name[text.bytes] = 0;
	return true;
}

static bool read_word(struct span text, const char *first, u32 of_first, const char *second,
		      u32 of_second, u32 *value)
{
	*value = is(text, first) ? of_first : of_second;
	return is(text, first) || is(text, second);
}

/* Return: NULL, or what would be right. */
static const char *read_value(enum grabber_setting which, struct span text,
			      struct grabber_settings *to)
{
	u32 *number = &to->number[which];

	switch (which) {
	case GRABBER_SET_BOARD:
		return read_word(text, "xdma", GRABBER_WANT_XDMA,
				 "generic", GRABBER_WANT_GENERIC, number) ?
			NULL : "board= is xdma or generic";
	case GRABBER_SET_FRAMING:
		return read_word(text, "packet", GRABBER_FRAMING_PACKET,
				 "slot", GRABBER_FRAMING_SLOT, number) ?
			NULL : "framing= is packet or slot";
	case GRABBER_SET_BAR:
		return read_number(text, BAR_MAX, number) ? NULL : "bar= is a number from 0 to 5";
	case GRABBER_SET_SLOTS:
		return read_number(text, SLOTS_MAX, number) && *number >= SLOTS_MIN ?
			NULL : "slots= is a number from 2 to 1024";
	case GRABBER_SET_SLOT_SIZE:
		return read_size(text, SLOT_SIZE_MAX, number) && *number ?
			NULL : "slot_size= is a number of bytes from 1 to 64M";
	case GRABBER_SET_FORMAT:
		return read_format(text, &to->format) ?
			NULL : BAD_FORMAT;
	case GRABBER_SET_NAME:
		return read_name(text, to->name) ?
			NULL : BAD_NAME;
	default:
		return read_id(text, number) ? NULL : BAD_ID;
	}
}

/* Keys, as the text has them. */
const char * const grabber_setting_names[GRABBER_SETTINGS] = {
	[GRABBER_SET_BOARD] = "board",
	[GRABBER_SET_FRAMING] = "framing",
	[GRABBER_SET_BAR] = "bar",
	[GRABBER_SET_SLOTS] = "slots",
	[GRABBER_SET_SLOT_SIZE] = "slot_size",
	[GRABBER_SET_FORMAT] = "format",
	[GRABBER_SET_NAME] = "name",
	[GRABBER_SET_ID] = "id",
};

static enum grabber_setting find_setting(struct span key)
{
	u32 i;

	for (i = 0; i < GRABBER_SETTINGS; i++) {
		if (is(key, grabber_setting_names[i]))
			break;
	}
	return i;
}

/* In the place of what a section said that is less near, or an earlier line. */
static void take(struct reader *reader, enum grabber_setting which,
		 const struct grabber_settings *found)
{
	u32 i;

	for (i = reader->first; i <= reader->last; i++) {
		struct grabber_settings *to = &reader->to->channel[i];

		if (to->line[which] && to->near[which] > reader->near)
			continue;
		to->line[which] = reader->line;
		to->near[which] = reader->near;
		to->number[which] = found->number[which];
		if (which == GRABBER_SET_FORMAT)
			to->format = found->format;
		if (which == GRABBER_SET_NAME)
			memcpy(to->name, found->name, sizeof(to->name));
	}
}

static void read_setting(struct reader *reader, struct span line)
{
	struct span key = trim(cut(&line, '='));
	struct grabber_settings found = { };
	enum grabber_setting which;
	const char *why;

	/* Nothing was cut off where there is no '='. */
	if (line.at == key.at + key.bytes) {
		wrong(reader, NO_SETTING);
		return;
	}
	which = find_setting(key);
	if (which == GRABBER_SETTINGS) {
		wrong(reader, UNKNOWN);
		return;
	}
	if ((which == GRABBER_SET_BOARD || which == GRABBER_SET_ID) &&
	    reader->near >= GRABBER_NEAR_SLOT_CHANNEL) {
		wrong(reader, WHOLE_CARD);
		return;
	}
	why = read_value(which, trim(line), &found);
	if (why)
		wrong(reader, why);
	else
		take(reader, which, &found);
}

static void begin_section(struct reader *reader, struct span name)
{
	struct span rest = name;
	u32 channel;

	reader->ours = false;
	reader->outside = false;
	if (take_prefix(&rest, reader->slot))
		reader->near = GRABBER_NEAR_SLOT;
	else if (take_prefix(&rest, reader->serial))
		reader->near = GRABBER_NEAR_SERIAL;
	else
		return;
	reader->first = 0;
	reader->last = GRABBER_SETTINGS_CHANNELS - 1;
	if (rest.bytes) {
		if (!take_prefix(&rest, "-chan") || rest.bytes != 1 ||
		    !read_number(rest, GRABBER_SETTINGS_CHANNELS - 1, &channel))
			return;
		reader->near += GRABBER_NEAR_SLOT_CHANNEL;
		reader->first = channel;
		reader->last = channel;
	}
	reader->ours = true;
	reader->to->sections++;
}

static void read_line(struct reader *reader, struct span line)
{
	if (!line.bytes || line.at[0] == '#')
		return;
	if (line.at[0] == '[') {
		if (line.at[line.bytes - 1] == ']') {
			struct span name = { line.at + 1, line.bytes - 2 };

			begin_section(reader, trim(name));
			return;
		}
		/* Whose settings follow, nobody knows. */
		reader->ours = false;
		reader->outside = false;
		wrong(reader, BAD_SECTION);
	} else if (reader->outside) {
		wrong(reader, NO_SECTION);
	} else if (reader->ours) {
		read_setting(reader, line);
	}
}

/**
 * grabber_settings_parse() - find what a text says about a card
 * @settings: to be added to: zeroed, or what another text said, which counts less
 * @text: the text; no zero need end it
 * @bytes: how long it is
 * @slot: name of the sections about the card in this slot, "pci-0000:01:00.0"
 * @serial: and about the card with this serial number, "serial:01-23-...", "" for none
 */
void grabber_settings_parse(struct grabber_settings_of *settings, const char *text, size_t bytes,
			    const char *slot, const char *serial)
{
	struct reader reader = {
		.to = settings, .slot = slot, .serial = serial, .outside = true,
	};
	struct span rest = { text, bytes };

	while (rest.bytes) {
		reader.line++;
		read_line(&reader, trim(cut(&rest, '\n')));
	}
}
