/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * /etc/grabber/cards.conf: the settings of cards, read, changed and saved. What a line
 * means is for the driver to say: its own settings_parse.c is built into grabberctl.
 */
#ifndef GRABBERCTL_CARDSFILE_H
#define GRABBERCTL_CARDSFILE_H

#include <stdbool.h>
#include <stddef.h>

#include "../driver/settings.h"

#define CARDS_DIR	"/etc/grabber"
#define CARDS_FILE	CARDS_DIR "/cards.conf"
#define CARDS_LOCK	"/run/grabber.lock"	/* root's: others could hold it for ever */
#define CARDS_LINK	"/lib/firmware/" GRABBER_SETTINGS_FILE

/**
 * struct cards_file - its text
 * @text: for cards_free() to free
 * @bytes: how long that is; there may be zeros in it
 * @there: the file exists
 */
struct cards_file {
	char *text;
	size_t bytes;
	bool there;
};

enum cards_kind {
	CARDS_EMPTY,
	CARDS_COMMENT,
	CARDS_SECTION,
	CARDS_OTHER,
};

/**
 * struct cards_line - one of its lines
 * @start: where it begins in the text
 * @end: where the next one does
 * @kind: what it is
 * @name: of a section or a key; not ended by a zero
 * @length: of @name
 */
struct cards_line {
	size_t start;
	size_t end;
	enum cards_kind kind;
	const char *name;
	size_t length;
};

/* The line that begins at @start. False at the end. */
bool cards_line(const struct cards_file *file, size_t start, struct cards_line *line);
bool cards_named(const struct cards_line *line, const char *name);

/*
 * Wait until nobody else changes it, or who has a card. Returns what cards_unlock() takes, or
 * -1 after saying why.
 */
int cards_lock(void);
void cards_unlock(int lock);

/* No file is an empty one. Returns 0, or -1 after saying why. */
int cards_load(struct cards_file *file);

/* The same, for cards_save(): not where there is more of it than was read. */
int cards_load_to_change(struct cards_file *file);
void cards_free(struct cards_file *file);

/* What the driver would find for a card; @serial is "" for none. For the caller to free. */
struct grabber_settings_of *cards_settings(const struct cards_file *file, const char *slot,
					   const char *serial);

/* NULL where "key=value" is right for a section of that name, else what would be right. */
const char *cards_wrong(const char *section, const char *line, size_t length);

/* Can there be a card whose section this is? */
bool cards_is_section(const char *name);

bool cards_has_section(const struct cards_file *file, const char *section);

/* Say @key=@value in @section, or nothing of @key any more where @value is NULL. */
void cards_change(struct cards_file *file, const char *section, const char *key,
		  const char *value);

/* Put it in the place of the old one, whole or not at all. Returns 0, or -1 after saying why. */
int cards_save(const struct cards_file *file);

/* Say so where the driver would not find the file, and what to do. */
void cards_warn_of_link(void);

#endif
