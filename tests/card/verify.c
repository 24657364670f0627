// SPDX-License-Identifier: GPL-2.0-only
/*
 * grabber-verify: checks a stream of frames in the guest, as fast as they come.
 * From a node it takes them where they lie, without a copy; from standard input
 * it reads them. Static, so that it runs in any guest.
 */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "../../driver/include/uapi/linux/grabber.h"
#include "check.h"

#define REPORTED_MAX	8	/* frames that are told of one by one */
#define WAIT_NS		10000000000LL

enum option_key {
	OPTION_CHART = 0x100, OPTION_RAW, OPTION_SIZE, OPTION_DEVICE, OPTION_FRAMES, OPTION_SECONDS,
	OPTION_NEWEST, OPTION_NO_LOSS, OPTION_SHORT,
};

static const struct argp_option option_list[] = {
	{ "device", OPTION_DEVICE, "NODE", 0, "Take frames from this node, mapped; else they are read from standard input", 0 },
	{ "chart", OPTION_CHART, "WxH", 0, "They must be the card's chart (the default; its size is the node's)", 0 },
	{ "raw", OPTION_RAW, "FILE", 0, "They must be this frame of R, G, B bytes; needs --size", 0 },
	{ "size", OPTION_SIZE, "WxH", 0, "Size of the --raw frame", 0 },
	{ "frames", OPTION_FRAMES, "N", 0, "End after so many frames", 0 },
	{ "seconds", OPTION_SECONDS, "N", 0, "End after so many seconds", 0 },
	{ "newest", OPTION_NEWEST, NULL, 0, "Take the newest frame each time (others are missed)", 0 },
	{ "short", OPTION_SHORT, NULL, 0, "Let frames pass that say they are short", 0 },
	{ "no-loss", OPTION_NO_LOSS, NULL, 0, "Fail also where a frame is lost or missed", 0 },
	{ 0 }
};

struct verify {
	const char *device, *chart, *raw, *size;
	unsigned long long frames_wanted;
	double seconds;
	bool newest, no_loss, short_passes;

	struct picture picture;
	unsigned long long frames, lost, missed, torn, differing, repeated;
	bool have_number, have_offset;
	uint32_t number;		/* of the frame before */
	uint32_t offset;		/* of the card's numbers from the driver's */
	uint64_t sequence;
	struct timespec start, last;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signal)
{
	(void)signal;
	interrupted = 1;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct verify *v = state->input;
	char *end;

	switch (key) {
	case OPTION_DEVICE:
		v->device = arg;
		break;
	case OPTION_CHART:
		v->chart = arg;
		break;
	case OPTION_RAW:
		v->raw = arg;
		break;
	case OPTION_SIZE:
		v->size = arg;
		break;
	case OPTION_FRAMES:
		v->frames_wanted = strtoull(arg, &end, 10);
		if (*end || !v->frames_wanted)
			argp_error(state, "\"%s\" is no number of frames", arg);
		break;
	case OPTION_SECONDS:
		v->seconds = strtod(arg, &end);
		if (*end || !(v->seconds > 0))
			argp_error(state, "\"%s\" is no number of seconds", arg);
		break;
	case OPTION_NEWEST:
		v->newest = true;
		break;
	case OPTION_SHORT:
		v->short_passes = true;
		break;
	case OPTION_NO_LOSS:
		v->no_loss = true;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\" is no option", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static double seconds_between(const struct timespec *a, const struct timespec *b)
{
	return (b->tv_sec - a->tv_sec) + (b->tv_nsec - a->tv_nsec) / 1e9;
}

static bool finished(const struct verify *v)
{
	struct timespec now;

	if (interrupted || (v->frames_wanted && v->frames >= v->frames_wanted))
		return true;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return v->seconds > 0 && v->frames && seconds_between(&v->start, &now) >= v->seconds;
}

static void report(const struct verify *v, const char *what)
{
	if (v->torn + v->differing + v->repeated <= REPORTED_MAX)
		printf("frame %llu: %s\n", v->frames, what);
}

/* @lost: frames that the sequence says are missing before this one */
static void look(struct verify *v, const uint8_t *frame, uint64_t lost)
{
	struct check c;
	char text[160];

	clock_gettime(CLOCK_MONOTONIC, &v->last);
	if (!v->frames)
		v->start = v->last;
	check_frame(&c, &v->picture, frame);
	if (c.verdict != CHECK_IDENTICAL) {
		if (c.verdict == CHECK_TORN)
			v->torn++;
		else
			v->differing++;
		check_describe(&c, text, sizeof(text));
		report(v, text);
	} else if (c.numbered) {
		uint32_t step = c.number - v->number;

		if (v->have_number && (!step || step > UINT32_MAX / 2)) {
			v->repeated++;
			snprintf(text, sizeof(text), "number %u comes after %u", c.number, v->number);
			report(v, text);
		} else if (v->have_number && !v->device) {
			lost = step - 1;
		}
		v->number = c.number;
		v->have_number = true;
	}
	v->lost += lost;
	v->frames++;
}

static int from_input(struct verify *v)
{
	uint8_t *frame = malloc(v->picture.bytes);

	if (!frame) {
		fprintf(stderr, "no memory for a frame\n");
		return 2;
	}
	while (!finished(v)) {
		size_t have = 0;

		while (have < v->picture.bytes) {
			ssize_t n = read(STDIN_FILENO, frame + have, v->picture.bytes - have);

			if (n < 0 && errno == EINTR && !interrupted)
				continue;
			if (n <= 0)
				break;
			have += n;
		}
		if (have < v->picture.bytes) {
			if (have && !interrupted)
				printf("the input ends after %zu bytes of a frame of %zu\n", have,
				       v->picture.bytes);
			free(frame);
			return have && !interrupted ? 1 : 0;
		}
		look(v, frame, 0);
	}
	free(frame);
	return 0;
}

/* The card's own number, where the frame shows it, keeps its distance from the driver's */
static void check_offset(struct verify *v, uint64_t sequence)
{
	uint32_t offset = v->number - (uint32_t)sequence;
	char text[160];

	if (v->have_offset && offset != v->offset) {
		v->differing++;
		snprintf(text, sizeof(text), "shows number %u, but its sequence is %llu", v->number,
			 (unsigned long long)sequence);
		report(v, text);
	}
	v->offset = offset;
	v->have_offset = true;
}

static int from_node(struct verify *v, int fd, const uint8_t *map)
{
	while (!finished(v)) {
		struct grabber_take take = {
			.timeout_ns = WAIT_NS,
			.flags = v->newest ? GRABBER_TAKE_NEWEST : 0,
		};
		struct grabber_give give = { 0 };
		unsigned long long bad = v->torn + v->differing;
		uint64_t lost = 0;

		if (ioctl(fd, GRABBER_IOC_TAKE, &take) < 0) {
			if (errno == EINTR)
				continue;
			printf("no frame from %s: %s\n", v->device, strerror(errno));
			return 2;
		}
		v->missed += take.missed;
		if (v->frames && take.sequence > v->sequence + 1 + take.missed)
			lost = take.sequence - v->sequence - 1 - take.missed;
		v->sequence = take.sequence;
		if (v->short_passes && take.frame_flags & GRABBER_FRAME_SHORT &&
		    take.bytes < v->picture.bytes) {
			printf("frame %llu is short: %u bytes\n", v->frames++, take.bytes);
		} else if (take.bytes != v->picture.bytes || take.frame_flags & ~GRABBER_FRAME_DISCONTINUITY) {
			printf("frame %llu has %u bytes of %zu, flags %#x\n", v->frames, take.bytes,
			       v->picture.bytes, take.frame_flags);
			v->differing++;
			v->frames++;
		} else {
			look(v, map + take.offset, lost);
			if (v->picture.kind == PICTURE_CHART && bad == v->torn + v->differing)
				check_offset(v, take.sequence);
		}
		give.slot = take.slot;
		if (ioctl(fd, GRABBER_IOC_GIVE, &give) < 0) {
			printf("slot %u cannot be given back: %s\n", give.slot, strerror(errno));
			return 2;
		}
	}
	return 0;
}

static bool prepare(struct verify *v, const struct grabber_format *format)
{
	char size[32];

	if (format)
		snprintf(size, sizeof(size), "%ux%u", format->width, format->height);
	if (v->raw) {
		if (!picture_from_raw(&v->picture, v->raw, v->size ? v->size : format ? size : NULL))
			return false;
	} else if (!picture_from_chart(&v->picture, v->chart ? v->chart :
				       format ? size : "1920x1080")) {
		return false;
	}
	if (format && format->sizeimage != v->picture.bytes) {
		fprintf(stderr, "%s has frames of %u bytes, not of %zu\n", v->device,
			format->sizeimage, v->picture.bytes);
		return false;
	}
	return true;
}

static int open_node(struct verify *v, const uint8_t **map)
{
	struct grabber_format format = { 0 };
	struct grabber_buffer buffer = { 0 };
	int fd = open(v->device, O_RDONLY | O_CLOEXEC);
	void *mapped;

	if (fd < 0) {
		fprintf(stderr, "cannot open %s: %s\n", v->device, strerror(errno));
		return -1;
	}
	if (ioctl(fd, GRABBER_IOC_GET_FORMAT, &format) < 0 ||
	    ioctl(fd, GRABBER_IOC_GET_BUFFER, &buffer) < 0) {
		fprintf(stderr, "%s is no frame node: %s\n", v->device, strerror(errno));
		close(fd);
		return -1;
	}
	mapped = mmap(NULL, buffer.mmap_size, PROT_READ, MAP_SHARED, fd, 0);
	if (mapped == MAP_FAILED) {
		fprintf(stderr, "cannot map %s: %s\n", v->device, strerror(errno));
		close(fd);
		return -1;
	}
	*map = mapped;
	if (!prepare(v, &format)) {
		close(fd);
		return -1;
	}
	return fd;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		option_list, parse, NULL, "Checks frames of the virtual card bit by bit.",
		NULL, NULL, NULL
	};
	struct sigaction action = { .sa_handler = on_signal };
	static struct verify v;
	double taken;
	int rc;

	argp_parse(&argp, argc, argv, 0, NULL, &v);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	if (v.device) {
		const uint8_t *map;
		int fd = open_node(&v, &map);

		if (fd < 0)
			return 2;
		rc = from_node(&v, fd, map);
		close(fd);
	} else {
		if (!prepare(&v, NULL))
			return 2;
		rc = from_input(&v);
	}
	taken = seconds_between(&v.start, &v.last);
	printf("frames %llu, lost %llu, missed %llu, torn %llu, differing %llu, repeated %llu, %.2f frames a second\n",
	       v.frames, v.lost, v.missed, v.torn, v.differing, v.repeated,
	       v.frames > 1 && taken > 0 ? (v.frames - 1) / taken : 0.0);
	if (v.torn || v.differing || v.repeated || !v.frames || (v.no_loss && (v.lost || v.missed)))
		return rc ? rc : 1;
	return rc;
}
