// SPDX-License-Identifier: GPL-2.0-only
/*
 * The guest's end of the command channel: runs shell commands for the host,
 * any number at a time, and carries their input, output and exit status over
 * one virtio port. In the initramfs it is process 1 and inherits orphans.
 *
 * The channel carries messages: struct message, then @length bytes. @id is the
 * host's number for a command. tests/vm/channel.py is the other end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum message_type {
	MSG_RUN = 1,		/* host: start this shell command */
	MSG_INPUT,		/* host: bytes for its input; none: end of input */
	MSG_SIGNAL,		/* host: send its process group this signal */
	MSG_HELLO = 16,		/* guest: the agent is there */
	MSG_STARTED,		/* guest: process number */
	MSG_OUTPUT,		/* guest: bytes from standard output */
	MSG_ERROR,		/* guest: bytes from standard error */
	MSG_EXIT,		/* guest: wait status */
};

struct message {
	uint32_t id;
	uint32_t type;
	uint32_t length;
};

#define MAX_COMMANDS	128
#define MAX_LENGTH	(1U << 20)
#define CHUNK		65536

struct command {
	uint32_t id;
	pid_t pid;		/* 0: this place is free */
	int in, out, err;	/* our ends of its pipes, -1 when closed */
	char *pending;		/* input that its pipe had no room for */
	size_t pending_size;
	int end_of_input;	/* close in when pending is written */
};

static struct command commands[MAX_COMMANDS];
static int channel;

static void die(const char *what)
{
	fprintf(stderr, "agent: %s: %s\n", what, strerror(errno));
	exit(1);
}

/*
 * A virtio port reads as ended and writes EPIPE while the host has not opened
 * it, as at boot and for a moment after resume: wait for it.
 */
static void transfer(int writing, void *data, size_t size)
{
	char *at = data;

	while (size) {
		ssize_t n = writing ? write(channel, at, size) : read(channel, at, size);

		if (n > 0) {
			at += n;
			size -= n;
		} else if (n == 0 || errno == EPIPE || errno == EAGAIN) {
			usleep(5000);
		} else if (errno != EINTR) {
			die("channel");
		}
	}
}

static void send_message(uint32_t id, enum message_type type, const void *data, uint32_t length)
{
	struct message message = { .id = id, .type = type, .length = length };

	transfer(1, &message, sizeof(message));
	transfer(1, (void *)data, length);
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static struct command *find(uint32_t id)
{
	for (int i = 0; i < MAX_COMMANDS; i++)
		if (commands[i].pid && commands[i].id == id)
			return &commands[i];
	return NULL;
}

static struct command *free_place(void)
{
	for (int i = 0; i < MAX_COMMANDS; i++)
		if (!commands[i].pid)
			return &commands[i];
	errno = EUSERS;
	die("too many commands at a time");
	return NULL;
}

static void child(const char *line, int in, int out, int err)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	setsid();
	dup2(in, 0);
	dup2(out, 1);
	dup2(err, 2);
	execl("/bin/sh", "sh", "-c", line, NULL);
	_exit(127);
}

static void run(uint32_t id, const char *line)
{
	struct command *c = free_place();
	int in[2], out[2], err[2];
	uint32_t number;
	pid_t pid;

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		die("pipe");
	pid = fork();
	if (pid < 0)
		die("fork");
	if (!pid)
		child(line, in[0], out[1], err[1]);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	*c = (struct command){ .id = id, .pid = pid, .in = in[1], .out = out[0], .err = err[0] };
	number = pid;
	send_message(id, MSG_STARTED, &number, sizeof(number));
}

static void feed(struct command *c)
{
	while (c->in >= 0 && c->pending_size) {
		ssize_t n = write(c->in, c->pending, c->pending_size);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {			/* it does not read any more */
			c->pending_size = 0;
			close_end(&c->in);
			return;
		}
		c->pending_size -= n;
		memmove(c->pending, c->pending + n, c->pending_size);
	}
	if (c->end_of_input)
		close_end(&c->in);
}

static void add_input(struct command *c, const char *data, size_t size)
{
	if (!size) {
		c->end_of_input = 1;
	} else {
		c->pending = realloc(c->pending, c->pending_size + size);
		if (!c->pending)
			die("input");
		memcpy(c->pending + c->pending_size, data, size);
		c->pending_size += size;
	}
	feed(c);
}

static void pass_output(struct command *c, int *fd, enum message_type type)
{
	static char chunk[CHUNK];
	ssize_t n;

	while (*fd >= 0) {
		n = read(*fd, chunk, sizeof(chunk));
		if (n > 0)
			send_message(c->id, type, chunk, n);
		else if (n < 0 && errno == EAGAIN)
			return;
		else if (n == 0 || errno != EINTR)
			close_end(fd);
	}
}

static void reap(void)
{
	uint32_t number;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct command *c = NULL;

		for (int i = 0; i < MAX_COMMANDS; i++)
			if (commands[i].pid == pid)
				c = &commands[i];
		if (!c)
			continue;		/* an orphan of somebody's */
		pass_output(c, &c->out, MSG_OUTPUT);
		pass_output(c, &c->err, MSG_ERROR);
		close_end(&c->in);
		close_end(&c->out);
		close_end(&c->err);
		free(c->pending);
		number = status;
		send_message(c->id, MSG_EXIT, &number, sizeof(number));
		c->pid = 0;
	}
}

static void handle_message(void)
{
	struct message message;
	struct command *c;
	uint32_t number;
	char *data;

	transfer(0, &message, sizeof(message));
	if (message.length > MAX_LENGTH) {
		errno = EPROTO;
		die("message length");
	}
	data = calloc(1, message.length + sizeof(number));
	if (!data)
		die("message");
	transfer(0, data, message.length);
	c = find(message.id);
	if (message.type == MSG_RUN) {
		run(message.id, data);
	} else if (c && message.type == MSG_INPUT) {
		add_input(c, data, message.length);
	} else if (c && message.type == MSG_SIGNAL) {
		memcpy(&number, data, sizeof(number));
		kill(-c->pid, number);
	}
	free(data);
}

static void on_child(int sig)
{
	(void)sig;			/* only there to end ppoll() */
}

static int add_poll(struct pollfd *fds, int count, int fd, short events)
{
	fds[count] = (struct pollfd){ .fd = fd, .events = events };
	return count + (fd >= 0);
}

static void serve(const sigset_t *waiting_mask)
{
	struct pollfd fds[1 + 3 * MAX_COMMANDS];
	int count = add_poll(fds, 0, channel, POLLIN);

	for (int i = 0; i < MAX_COMMANDS; i++) {
		if (!commands[i].pid)
			continue;
		count = add_poll(fds, count, commands[i].out, POLLIN);
		count = add_poll(fds, count, commands[i].err, POLLIN);
		if (commands[i].pending_size)
			count = add_poll(fds, count, commands[i].in, POLLOUT);
	}
	if (ppoll(fds, count, NULL, waiting_mask) < 0 && errno != EINTR)
		die("poll");
	reap();
	for (int i = 0; i < MAX_COMMANDS; i++) {
		if (!commands[i].pid)
			continue;
		pass_output(&commands[i], &commands[i].out, MSG_OUTPUT);
		pass_output(&commands[i], &commands[i].err, MSG_ERROR);
		feed(&commands[i]);
	}
	if (poll(fds, 1, 0) > 0) {
		if (fds[0].revents & POLLIN)
			handle_message();
		else
			usleep(5000);	/* hung up: the host is about to open it */
	}
}

int main(int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_child };
	sigset_t blocked, waiting;

	if (argc != 2) {
		fprintf(stderr, "usage: agent PORT\n");
		return 2;
	}
	channel = open(argv[1], O_RDWR | O_CLOEXEC);
	if (channel < 0)
		die(argv[1]);
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGCHLD, &action, NULL);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &waiting);
	send_message(0, MSG_HELLO, NULL, 0);
	for (;;)
		serve(&waiting);
}
