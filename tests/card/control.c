// SPDX-License-Identifier: GPL-2.0-only
#define _GNU_SOURCE
#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ANSWER	CARD_STATS

int control_listen(struct control *c, struct card *card, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	c->card = card;
	c->listener = -1;
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		c->clients[i].fd = -1;
	if (!path)
		return 0;
	if (strlen(path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	unlink(path);
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 4) < 0) {
		int error = -errno;

		close(fd);
		return error;
	}
	c->listener = fd;
	return 0;
}

/* A whole number within the limits, or -1 with the answer set */
static long number(const char *word, long low, long high, char *answer)
{
	char *end;
	long n;

	errno = 0;
	n = word ? strtol(word, &end, 0) : 0;
	if (word && !errno && *word && !*end && n >= low && n <= high)
		return n;
	snprintf(answer, ANSWER, "error: \"%s\" is not a number from %ld to %ld",
		 word ? word : "", low, high);
	return -1;
}

/* "short 3" or "long 3 4096": the next so many frames, by so many bytes */
static void wrong_length(struct card *card, unsigned int channel, const char *frames, const char *bytes, int sign,
			 char *answer)
{
	long n = number(frames, 0, 1000000, answer), by;

	if (n < 0)
		return;
	by = bytes ? number(bytes, 1, 1 << 28, answer) : 64;
	if (by < 0)
		return;
	card_fault_write(card, channel, FAULT_LENGTH_DELTA, sign * by);
	card_fault_write(card, channel, FAULT_LENGTH_FRAMES, n);
}

static void stuck(struct card *card, unsigned int channel, const char *how, char *answer)
{
	if (!how)
		card_fault_write(card, channel, FAULT_STUCK, FAULT_STUCK_STOP);
	else if (!strcmp(how, "busy"))
		card_fault_write(card, channel, FAULT_STUCK, FAULT_STUCK_BUSY);
	else if (!strcmp(how, "ever"))
		card_fault_write(card, channel, FAULT_STUCK, FAULT_STUCK_EVER);
	else
		snprintf(answer, ANSWER, "error: say how: stuck, stuck busy, stuck ever");
}

static void engine_error(struct card *card, unsigned int channel, const char *which, const char *times, char *answer)
{
	static const struct { const char *name; uint32_t error; } errors[] = {
		{ "magic", FAULT_ERROR_MAGIC },
		{ "descriptor", FAULT_ERROR_DESCRIPTOR },
		{ "read", FAULT_ERROR_READ },
	};

	long n = times ? number(times, 1, 100000, answer) : 1;

	if (n < 0)
		return;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		if (which && !strcmp(which, errors[i].name)) {
			card_fault_write(card, channel, FAULT_ENGINE_ERROR,
					 errors[i].error | FAULT_ERROR_AGAIN(n - 1));
			return;
		}
	}
	snprintf(answer, ANSWER, "error: say which: error magic, error descriptor, error read");
}

static void set_rate(struct card *card, unsigned int channel, const char *word, char *answer)
{
	char *end = NULL;
	double rate = word ? strtod(word, &end) : -1;

	if (!word || *end || !(rate >= 0 && rate <= 100000))
		snprintf(answer, ANSWER, "error: \"%s\" is no rate in frames a second; 0 is as fast as taken",
			 word ? word : "");
	else
		video_source_set_rate(&card->streams[channel].video, rate * 1000 + 0.5, card_now());
}

static void execute(struct card *card, char *line, char *answer)
{
	char *save = NULL, *words[5], **word = words;
	long channel = 0, n;

	for (int i = 0; i < 5; i++)
		words[i] = strtok_r(i ? NULL : line, " \t\r", &save);
	strcpy(answer, "ok");
	if (word[0] && !strcmp(word[0], "channel")) {
		channel = number(word[1], 0, card->channels - 1, answer);
		if (channel < 0)
			return;
		word += 2;
	}
	if (!word[0]) {
		strcpy(answer, "error: an empty line; commands are in tests/card/README.md");
	} else if (!strcmp(word[0], "stats")) {
		card_stats(card, answer, ANSWER);
	} else if (!strcmp(word[0], "lose-interrupts")) {
		n = number(word[1], 0, 1000000, answer);
		if (n >= 0)
			card_fault_write(card, channel, FAULT_LOSE_INTERRUPTS, n);
	} else if (!strcmp(word[0], "stuck")) {
		stuck(card, channel, word[1], answer);
	} else if (!strcmp(word[0], "unstuck")) {
		card_fault_write(card, channel, FAULT_STUCK, 0);
	} else if (!strcmp(word[0], "short")) {
		wrong_length(card, channel, word[1], word[2], -1, answer);
	} else if (!strcmp(word[0], "long")) {
		wrong_length(card, channel, word[1], word[2], 1, answer);
	} else if (!strcmp(word[0], "error")) {
		engine_error(card, channel, word[1], word[2], answer);
	} else if (!strcmp(word[0], "skip")) {
		n = number(word[1], 1, 1000000000, answer);
		if (n >= 0)
			card_fault_write(card, channel, FAULT_SKIP, n);
	} else if (!strcmp(word[0], "count-anew")) {
		card_fault_write(card, channel, FAULT_COUNT_ANEW, 1);
	} else if (!strcmp(word[0], "ones-at") || !strcmp(word[0], "gone-at")) {
		n = number(word[1], 4, FAULT_BASE - 4, answer);
		if (n >= 0)
			card_fault_write(card, channel, word[0][0] == 'o' ? FAULT_ONES_AT : FAULT_GONE_AT,
					 n & ~3);
	} else if (!strcmp(word[0], "gone")) {
		card_fault_write(card, channel, FAULT_GONE, FAULT_GONE_KEY);
	} else if (!strcmp(word[0], "back")) {
		card_fault_write(card, channel, FAULT_GONE, 0);
	} else if (!strcmp(word[0], "no-core")) {
		card->faults.no_core = true;
	} else if (!strcmp(word[0], "no-source")) {
		card->faults.no_source = true;
	} else if (!strcmp(word[0], "as-built")) {
		card->faults.no_core = false;
		card->faults.no_source = false;
	} else if (!strcmp(word[0], "user-interrupt")) {
		n = number(word[1], 1, 0xffff, answer);
		if (n >= 0)
			card_user_logic_write(card, USER_LOGIC_RAISE, n);
	} else if (!strcmp(word[0], "rate")) {
		set_rate(card, channel, word[1], answer);
	} else {
		snprintf(answer, ANSWER, "error: no command \"%s\"; tests/card/README.md has them all",
			 word[0]);
	}
}

size_t control_poll(const struct control *c, struct pollfd *fds)
{
	size_t n = 0;

	if (c->listener >= 0)
		fds[n++] = (struct pollfd) { .fd = c->listener, .events = POLLIN };
	for (int i = 0; i < CONTROL_CLIENTS; i++)
		if (c->clients[i].fd >= 0)
			fds[n++] = (struct pollfd) { .fd = c->clients[i].fd, .events = POLLIN };
	return n;
}

static void drop(struct control_client *k)
{
	close(k->fd);
	k->fd = -1;
	k->used = 0;
}

static void serve_client(struct control *c, struct control_client *k)
{
	char answer[ANSWER + 1], *end;
	ssize_t n = recv(k->fd, k->line + k->used, sizeof(k->line) - k->used, MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(k);
		return;
	}
	k->used += n;
	while ((end = memchr(k->line, '\n', k->used))) {
		size_t length = end - k->line + 1;

		*end = '\0';
		execute(c->card, k->line, answer);
		strcat(answer, "\n");
		if (send(k->fd, answer, strlen(answer), MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
			drop(k);
			return;
		}
		k->used -= length;
		memmove(k->line, k->line + length, k->used);
	}
	/* no command is that long */
	if (k->used == sizeof(k->line))
		drop(k);
}

void control_serve(struct control *c)
{
	if (c->listener < 0)
		return;
	for (int i = 0; i < CONTROL_CLIENTS; i++) {
		if (c->clients[i].fd >= 0)
			serve_client(c, &c->clients[i]);
		else
			c->clients[i].fd = accept4(c->listener, NULL, NULL,
						   SOCK_NONBLOCK | SOCK_CLOEXEC);
	}
}
