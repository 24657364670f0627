// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "device.h"
#include "say.h"
#include "source.h"

int source_open(struct source *source, const struct source_ops *ops, unsigned int card)
{
	struct grabber_info info;

	*source = (struct source){ .ops = ops, .card = card };
	source->fd = device_open(card, NODE_FRAMES, O_RDONLY, &info);
	if (source->fd < 0)
		return -1;
	if (ioctl(source->fd, GRABBER_IOC_GET_FORMAT, &source->format) < 0 ||
	    ioctl(source->fd, GRABBER_IOC_GET_BUFFER, &source->buffer) < 0) {
		source_explain(source, errno);
		close(source->fd);
		return -1;
	}
	if (!source->buffer.hold_max) {
		say("grabber%u: the driver lets no frame be held; this is a fault of the driver",
		    card);
		close(source->fd);
		return -1;
	}
	pthread_mutex_init(&source->lock, NULL);
	if (ops->open(source)) {
		pthread_mutex_destroy(&source->lock);
		close(source->fd);
		return -1;
	}
	return 0;
}

void source_close(struct source *source)
{
	source->ops->close(source);
	pthread_mutex_destroy(&source->lock);
	close(source->fd);
}

void source_explain(const struct source *source, int error)
{
	switch (error) {
	case ENODEV:
		say("grabber%u: the card is gone; was it unplugged or unbound?", source->card);
		break;
	case EIO:
		say("grabber%u: the card could not be started, or stopped with an error; 'dmesg' says why",
		    source->card);
		break;
	default:
		say("grabber%u: %s", source->card, strerror(error));
	}
}
