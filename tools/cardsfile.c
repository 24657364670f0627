// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cardsfile.h"
#include "doctor_root.h"
#include "pcifunction.h"
#include "say.h"

#define BLANKS	" \t\r"
#define NOT_REGULAR	(-1)	/* in the place of an errno */
#define HEAD								\
	"# Settings of frame grabbers, a section a card: grabber(4) and grabberctl(1), \"set\".\n"

static bool blank(char c)
{
	return c && strchr(BLANKS, c);
}

static void trim(const char **at, size_t *length)
{
	while (*length && blank(**at)) {
		(*at)++;
		(*length)--;
	}
	while (*length && blank((*at)[*length - 1]))
		(*length)--;
}

bool cards_line(const struct cards_file *file, size_t start, struct cards_line *line)
{
	const char *at = file->text + start, *end, *equals;
	size_t length = file->bytes - start;

	if (start >= file->bytes)
		return false;
	end = memchr(at, '\n', length);
	line->start = start;
	line->end = end ? (size_t)(end - file->text) + 1 : file->bytes;
	length = end ? (size_t)(end - at) : length;
	trim(&at, &length);
	line->kind = !length ? CARDS_EMPTY : *at == '#' ? CARDS_COMMENT :
		     *at == '[' ? CARDS_SECTION : CARDS_OTHER;
	if (line->kind == CARDS_SECTION) {
		at++;
		length--;
		if (length && at[length - 1] == ']')
			length--;
		else
			length = 0;	/* it is nobody's */
	} else if (line->kind == CARDS_OTHER) {
		equals = memchr(at, '=', length);
		length = equals ? (size_t)(equals - at) : length;
	}
	trim(&at, &length);
	line->name = at;
	line->length = length;
	return true;
}

bool cards_named(const struct cards_line *line, const char *name)
{
	return line->length == strlen(name) && !strncasecmp(line->name, name, line->length);
}

static int explain(const char *what, int error)
{
	if (error == NOT_REGULAR)
		say("%s cannot be %s: it is no regular file", CARDS_FILE, what);
	else if (error == EACCES || error == EPERM)
		say("%s cannot be %s: permission denied; run this as root, with sudo", CARDS_FILE, what);
	else if (error == ENOSPC || error == EDQUOT)
		say("%s cannot be %s: the disk is full; the file is as it was", CARDS_FILE, what);
	else
		say("%s cannot be %s: %s", CARDS_FILE, what, strerror(error));
	return -1;
}

static void *must(void *memory)
{
	if (!memory) {
		say("out of memory");
		exit(EXIT_FAILED);
	}
	return memory;
}

int cards_lock(void)
{
	char *path = root_path("%s", CARDS_LOCK);
	int fd = open(path, O_RDONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	int error = errno;

	free(path);
	if (fd < 0)
		return explain("written", error);
	while (flock(fd, LOCK_EX)) {
		if (errno == EINTR)
			continue;
		explain("locked", errno);
		close(fd);
		return -1;
	}
	return fd;
}

void cards_unlock(int lock)
{
	/* A child that hangs in a driver has the descriptor, too. */
	flock(lock, LOCK_UN);
	close(lock);
}

/* One that waits for nobody, as a pipe would. */
static FILE *open_file(void)
{
	char *path = root_path("%s", CARDS_FILE);
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	FILE *file = NULL;
	struct stat st;
	int error = errno;

	free(path);
	if (fd >= 0) {
		error = fstat(fd, &st) ? errno : S_ISREG(st.st_mode) ? 0 : NOT_REGULAR;
		file = error ? NULL : fdopen(fd, "r");
		if (!file)
			close(fd);
	}
	errno = error;
	return file;
}

int cards_load(struct cards_file *file)
{
	FILE *from = open_file();
	int error = errno;

	memset(file, 0, sizeof(*file));
	if (!from && error == ENOENT)
		return 0;
	if (!from)
		return explain("read", error);
	file->there = true;
	/* One more than it may have, to see that it has. */
	file->text = must(malloc(GRABBER_SETTINGS_BYTES + 1));
	file->bytes = fread(file->text, 1, GRABBER_SETTINGS_BYTES + 1, from);
	error = ferror(from) ? errno : 0;
	fclose(from);
	if (error) {
		cards_free(file);
		return explain("read", error);
	}
	return 0;
}

int cards_load_to_change(struct cards_file *file)
{
	if (cards_load(file))
		return -1;
	if (file->bytes <= GRABBER_SETTINGS_BYTES)
		return 0;
	/* What is behind that was not read, and would be gone. */
	say("%s has more than %d bytes, and the driver takes none of it: make it shorter with an editor first",
	    CARDS_FILE, GRABBER_SETTINGS_BYTES);
	cards_free(file);
	return -1;
}

void cards_free(struct cards_file *file)
{
	free(file->text);
	memset(file, 0, sizeof(*file));
}

struct grabber_settings_of *cards_settings(const struct cards_file *file, const char *slot,
					   const char *serial)
{
	struct grabber_settings_of *settings = must(calloc(1, sizeof(*settings)));

	/* The driver takes none of a file that is too long. */
	if (file->bytes <= GRABBER_SETTINGS_BYTES)
		grabber_settings_parse(settings, file->text, file->bytes, slot, serial);
	return settings;
}

const char *cards_wrong(const char *section, const char *line, size_t length)
{
	bool channel = strcasestr(section, "-chan");
	struct cards_file file = { 0 };
	struct grabber_settings_of *settings;
	const char *why;
	int head;

	/* As a text of its own, about a card whose slot is called "x" */
	file.text = must(malloc(length + 32));
	head = sprintf(file.text, "[x%s]\n", channel ? "-chan0" : "");
	memcpy(file.text + head, line, length);
	file.bytes = head + length;
	settings = cards_settings(&file, "x", "");
	why = settings->why;
	free(settings);
	free(file.text);
	return why;
}

bool cards_is_section(const char *name)
{
	const char *channel = strcasestr(name, "-chan");
	size_t length = channel ? (size_t)(channel - name) : strlen(name);
	char card[40], bus[32];

	if (length >= sizeof(card) || (channel && (strlen(channel) != 6 || channel[5] < '0' ||
	    channel[5] >= '0' + GRABBER_SETTINGS_CHANNELS)))
		return false;
	snprintf(card, sizeof(card), "%.*s", (int)length, name);
	if (!strncasecmp(card, "pci-", 4))
		return pci_address(card + 4, bus, sizeof(bus)) && !strcasecmp(bus, card + 4);
	if (strncasecmp(card, "serial:", 7) || length != 7 + 23)
		return false;
	for (int i = 0; i < 23; i++)
		if (i % 3 == 2 ? card[7 + i] != '-' : !isxdigit((unsigned char)card[7 + i]))
			return false;
	return true;
}

bool cards_has_section(const struct cards_file *file, const char *section)
{
	struct cards_line line;

	for (size_t at = 0; cards_line(file, at, &line); at = line.end)
		if (line.kind == CARDS_SECTION && cards_named(&line, section))
			return true;
	return false;
}

/* Put @text in the place of the bytes from @start to @end. */
static void replace(struct cards_file *file, size_t start, size_t end, const char *text)
{
	size_t length = strlen(text), rest = file->bytes - end;
	char *changed = must(malloc(start + length + rest + 1));

	if (start)
		memcpy(changed, file->text, start);
	memcpy(changed + start, text, length);
	if (rest)
		memcpy(changed + start + length, file->text + end, rest);
	free(file->text);
	file->text = changed;
	file->bytes = start + length + rest;
}

/**
 * struct place - where something of a section is said
 * @found: a line with the key is there, the last of them from @start to @end
 * @section: a section is there
 * @last: behind the last line of it that is neither empty nor a comment
 */
struct place {
	bool found;
	bool section;
	size_t start;
	size_t end;
	size_t last;
};

static struct place find(const struct cards_file *file, const char *section, const char *key)
{
	struct place place = { 0 };
	struct cards_line line;
	bool in = false;

	for (size_t at = 0; cards_line(file, at, &line); at = line.end) {
		if (line.kind == CARDS_SECTION)
			in = cards_named(&line, section);
		if (!in || line.kind == CARDS_EMPTY || line.kind == CARDS_COMMENT)
			continue;
		place.section = true;
		place.last = line.end;
		if (line.kind == CARDS_OTHER && cards_named(&line, key)) {
			place.found = true;
			place.start = line.start;
			place.end = line.end;
		}
	}
	return place;
}

/* A section in which nothing stands any more goes, unless there are comments in it. */
static void drop_section(struct cards_file *file, const char *section)
{
	struct cards_line line, next;
	size_t end;

	for (size_t at = 0; cards_line(file, at, &line); at = line.end) {
		if (line.kind != CARDS_SECTION || !cards_named(&line, section))
			continue;
		for (end = line.end; cards_line(file, end, &next) && next.kind == CARDS_EMPTY;)
			end = next.end;
		if (end < file->bytes && next.kind != CARDS_SECTION)
			continue;
		replace(file, line.start, end, "");
		return;
	}
}

static void add(struct cards_file *file, const char *section, const char *text)
{
	bool whole = !file->bytes || file->text[file->bytes - 1] == '\n';
	char *more;

	if (asprintf(&more, "%s%s[%s]\n%s", whole ? "" : "\n", file->bytes ? "\n" : HEAD "\n",
		     section, text) < 0)
		must(NULL);
	replace(file, file->bytes, file->bytes, more);
	free(more);
}

void cards_change(struct cards_file *file, const char *section, const char *key, const char *value)
{
	struct place place = find(file, section, key);
	char *text;

	if (!value) {
		while (place.found) {
			replace(file, place.start, place.end, "");
			place = find(file, section, key);
		}
		drop_section(file, section);
		return;
	}
	if (asprintf(&text, "%s=%s\n", key, value) < 0)
		must(NULL);
	if (place.found) {
		replace(file, place.start, place.end, text);
	} else if (place.section) {
		if (file->text[place.last - 1] != '\n') {
			replace(file, place.last, place.last, "\n");
			place.last++;
		}
		replace(file, place.last, place.last, text);
	} else {
		add(file, section, text);
	}
	free(text);
}

static int write_all(int fd, const char *text, size_t bytes)
{
	while (bytes) {
		ssize_t written = write(fd, text, bytes);

		if (written < 0 && errno == EINTR)
			continue;
		if (written < 0)
			return errno;
		text += written;
		bytes -= written;
	}
	return fsync(fd) ? errno : 0;
}

/* As the old file was, or for everybody to read: there are no secrets in it. */
static int set_owner(int fd, const char *old)
{
	struct stat st;

	if (stat(old, &st))
		return errno != ENOENT || fchmod(fd, 0644) ? errno : 0;
	return fchown(fd, st.st_uid, st.st_gid) || fchmod(fd, st.st_mode & 07777) ? errno : 0;
}

static int sync_directory(const char *path)
{
	char dir[PATH_MAX], *slash;
	int fd, error;

	snprintf(dir, sizeof(dir), "%s", path);
	slash = strrchr(dir, '/');
	*slash = 0;
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return errno;
	error = fsync(fd) ? errno : 0;
	close(fd);
	return error;
}

static int save_as(const char *path, const struct cards_file *file)
{
	char new[PATH_MAX + 8];
	int fd, error;

	snprintf(new, sizeof(new), "%s.XXXXXX", path);
	fd = mkostemp(new, O_CLOEXEC);
	if (fd < 0)
		return errno;
	error = set_owner(fd, path);
	if (!error)
		error = write_all(fd, file->text, file->bytes);
	if (close(fd) && !error)
		error = errno;
	if (!error && rename(new, path))
		error = errno;
	if (error)
		unlink(new);
	return error ? error : sync_directory(path);
}

int cards_save(const struct cards_file *file)
{
	char *path = root_path("%s", CARDS_FILE), *dir = root_path("%s", CARDS_DIR), *real;
	int error = mkdir(dir, 0755) && errno != EEXIST ? errno : 0;

	free(dir);
	if (file->bytes > GRABBER_SETTINGS_BYTES) {
		say("%s would have more than %d bytes, and the driver takes none of it then; take something out first",
		    CARDS_FILE, GRABBER_SETTINGS_BYTES);
		free(path);
		return -1;
	}
	/* Where it is a link, what that leads to is replaced. */
	real = realpath(path, NULL);
	if (!error)
		error = save_as(real ? real : path, file);
	free(real);
	free(path);
	return error ? explain("written", error) : 0;
}

void cards_warn_of_link(void)
{
	char *path = root_path("%s", CARDS_LINK);

	if (access(path, F_OK))
		say("the driver will not find %s: make the link that its package has: mkdir -p /lib/firmware/grabber && ln -s %s /lib/firmware/grabber/",
		    CARDS_FILE, CARDS_FILE);
	free(path);
}
