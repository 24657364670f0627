// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connection and messages. Everything is read without blocking and exactly to
 * the end of a message, so that file descriptors belong to the message they
 * came with.
 */
#define _GNU_SOURCE
#include "vfio_user.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define HEADER		sizeof(struct vfio_user_header)
/* A client that takes no reply for so long is gone */
#define SEND_TIMEOUT_MS	10000
#define REPLY_TIMEOUT_MS	2000

int vfio_user_listen(struct vfio_user *v, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd;

	v->connection = -1;
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
	v->listener = fd;
	return 0;
}

static void message_free(struct vfio_user_message *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->fd_count; i++)
		if (m->fds[i] >= 0)
			close(m->fds[i]);
	free(m->payload);
	free(m);
}

void vfio_user_accept(struct vfio_user *v)
{
	int fd;

	/* The next client waits in the queue until this one has gone */
	if (v->connection >= 0)
		return;
	fd = accept4(v->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0)
		return;
	v->connection = fd;
	v->negotiated = false;
	v->client_max_transfer = VFIO_USER_MAX_TRANSFER;
	v->deaf = false;
	v->connections++;
}

void vfio_user_disconnect(struct vfio_user *v)
{
	if (v->connection < 0)
		return;
	close(v->connection);
	v->connection = -1;
	message_free(v->receiving);
	v->receiving = NULL;
	while (v->deferred) {
		struct vfio_user_message *m = v->deferred;

		v->deferred = m->next;
		message_free(m);
	}
	guest_memory_unmap_all(v->dev.memory);
	interrupts_release(v->dev.interrupts);
	v->dev.disconnected(v->dev.device);
}

static bool wait_for(int fd, short events, int timeout_ms)
{
	struct pollfd p = { .fd = fd, .events = events };
	int n;

	do {
		n = poll(&p, 1, timeout_ms);
	} while (n < 0 && errno == EINTR);
	return n > 0;
}

static bool send_all(struct vfio_user *v, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	while (size) {
		ssize_t n = send(v->connection, bytes, size, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {
			if (!wait_for(v->connection, POLLOUT, SEND_TIMEOUT_MS))
				return false;
			continue;
		}
		if (n <= 0)
			return false;
		bytes += n;
		size -= n;
	}
	return true;
}

void vfio_user_reply(struct vfio_user *v, const struct vfio_user_message *m, int error,
		     const void *data, size_t size)
{
	uint8_t small[HEADER + 128], *out = small;
	struct vfio_user_header h = {
		.id = m->header.id,
		.command = m->header.command,
		.size = HEADER + size,
		.flags = VFIO_USER_TYPE_REPLY,
	};

	if (error) {
		h.size = HEADER;
		h.flags |= VFIO_USER_ERROR;
		h.error = -error;
		size = 0;
		v->errors++;
	}
	if (m->header.flags & VFIO_USER_NO_REPLY)
		return;
	/* one send a message: the client wakes up once */
	if (HEADER + size > sizeof(small))
		out = malloc(HEADER + size);
	if (!out) {
		note("no memory for a reply of %zu bytes", size);
		shutdown(v->connection, SHUT_RDWR);
		return;
	}
	memcpy(out, &h, HEADER);
	if (size)
		memcpy(out + HEADER, data, size);
	if (!send_all(v, out, HEADER + size))
		shutdown(v->connection, SHUT_RDWR);
	if (out != small)
		free(out);
}

/* Takes the descriptors that came along; too many for a message are closed */
static void take_fds(struct vfio_user_message *m, struct msghdr *msg)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t n;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (m->fd_count < VFIO_USER_MAX_FDS)
				m->fds[m->fd_count++] = fd;
			else
				close(fd);
		}
	}
}

enum receive { RECEIVE_NOTHING, RECEIVE_SOME, RECEIVE_END };

static enum receive receive_into(struct vfio_user *v, void *data, size_t size)
{
	union {
		char room[CMSG_SPACE(sizeof(int) * 64)];
		struct cmsghdr align;
	} control;
	struct iovec iov = { .iov_base = data, .iov_len = size };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n;

	do {
		n = recvmsg(v->connection, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return RECEIVE_NOTHING;
	if (n <= 0)
		return RECEIVE_END;
	take_fds(v->receiving, &msg);
	v->receiving->received += n;
	return RECEIVE_SOME;
}

/* Moves v->receiving on; a whole message is handed over in *whole */
static enum receive receive(struct vfio_user *v, struct vfio_user_message **whole)
{
	struct vfio_user_message *m = v->receiving;
	enum receive r;

	*whole = NULL;
	if (!m) {
		m = calloc(1, sizeof(*m));
		v->receiving = m;
		if (!m)
			return RECEIVE_END;
	}
	if (m->received < HEADER) {
		r = receive_into(v, (uint8_t *)&m->header + m->received, HEADER - m->received);
		if (r != RECEIVE_SOME || m->received < HEADER)
			return r;
		/* where the next message starts can no longer be known */
		if (m->header.size < HEADER || m->header.size > VFIO_USER_MAX_MESSAGE) {
			vfio_user_reply(v, m, m->header.size < HEADER ? -EINVAL : -EMSGSIZE,
					NULL, 0);
			note("a message of %u bytes: the client is cut off", m->header.size);
			return RECEIVE_END;
		}
		/* one byte more ends text with a NUL */
		m->payload = calloc(1, m->header.size - HEADER + 1);
		if (!m->payload)
			return RECEIVE_END;
	}
	if (m->received < m->header.size) {
		r = receive_into(v, m->payload + (m->received - HEADER),
				 m->header.size - m->received);
		if (r != RECEIVE_SOME || m->received < m->header.size)
			return r;
	}
	*whole = m;
	v->receiving = NULL;
	v->messages++;
	return RECEIVE_SOME;
}

static void run(struct vfio_user *v, struct vfio_user_message *m)
{
	/* A reply that nobody waits for any more is of no use */
	if ((m->header.flags & VFIO_USER_TYPE) == VFIO_USER_TYPE_COMMAND)
		vfio_user_dispatch(v, m);
	message_free(m);
}

bool vfio_user_receive(struct vfio_user *v)
{
	struct vfio_user_message *m;

	if (v->deferred) {
		m = v->deferred;
		v->deferred = m->next;
		run(v, m);
		return true;
	}
	switch (receive(v, &m)) {
	case RECEIVE_SOME:
		if (m)
			run(v, m);
		return true;
	case RECEIVE_END:
		vfio_user_disconnect(v);
		return false;
	default:
		return false;
	}
}

static void defer(struct vfio_user *v, struct vfio_user_message *m)
{
	struct vfio_user_message **end = &v->deferred;

	while (*end)
		end = &(*end)->next;
	*end = m;
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The reply to message @id, or NULL; commands that come meanwhile are kept for later */
static struct vfio_user_message *await_reply(struct vfio_user *v, uint16_t id)
{
	int64_t end = now_ms() + REPLY_TIMEOUT_MS;

	for (;;) {
		struct vfio_user_message *m;
		int64_t left = end - now_ms();

		if (left <= 0 || !wait_for(v->connection, POLLIN, left)) {
			note("the client does not answer DMA messages: memory without a file is out of reach");
			v->deaf = true;
			return NULL;
		}
		if (receive(v, &m) == RECEIVE_END) {
			/* the main loop finds the end of the connection again and clears up */
			shutdown(v->connection, SHUT_RDWR);
			v->deaf = true;
			return NULL;
		}
		if (!m)
			continue;
		if ((m->header.flags & VFIO_USER_TYPE) == VFIO_USER_TYPE_COMMAND) {
			defer(v, m);
			continue;
		}
		if (m->header.id == id)
			return m;
		message_free(m);
	}
}

struct dma_message {
	struct vfio_user_header header;
	uint64_t address;
	uint64_t count;
};

static bool dma_part(struct vfio_user *v, uint64_t address, uint8_t *data, size_t size, bool write)
{
	struct dma_message out = {
		.header = {
			.id = v->next_id++,
			.command = write ? VFIO_USER_DMA_WRITE : VFIO_USER_DMA_READ,
			.size = sizeof(out) + (write ? size : 0),
		},
		.address = address,
		.count = size,
	};
	struct vfio_user_message *reply;
	bool good;

	if (!send_all(v, &out, sizeof(out)) || (write && !send_all(v, data, size)))
		return false;
	reply = await_reply(v, out.header.id);
	if (!reply)
		return false;
	good = !(reply->header.flags & VFIO_USER_ERROR);
	if (good && !write) {
		good = reply->header.size == HEADER + 16 + size;
		if (good)
			memcpy(data, reply->payload + 16, size);
	}
	message_free(reply);
	return good;
}

bool vfio_user_dma_message(void *server, uint64_t address, void *data, size_t size, bool write)
{
	struct vfio_user *v = server;
	uint8_t *bytes = data;

	while (size) {
		size_t part = size < v->client_max_transfer ? size : v->client_max_transfer;

		if (v->connection < 0 || v->deaf || !dma_part(v, address, bytes, part, write))
			return false;
		address += part;
		bytes += part;
		size -= part;
	}
	return true;
}
