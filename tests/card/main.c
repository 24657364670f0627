// SPDX-License-Identifier: GPL-2.0-only
/* grabber-card: a frame grabber on Xilinx's XDMA core, for QEMU's vfio-user-pci. */
#define _GNU_SOURCE
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "card.h"
#include "control.h"
#include "log.h"

#define SLICE_BYTES	(128u << 10)	/* copied between two looks at the socket */
#define MESSAGES	64		/* answered between two slices */
/*
 * How far ticks may fall behind while the engine gets on. The host may have
 * taken the CPU away: frames that a real card would have sent on time must not
 * be counted as lost for that. Beyond it they are late in earnest.
 */
#define LAG_NS		1000000000LL

enum option_key {
	OPTION_VENDOR = 0x100, OPTION_DEVICE, OPTION_SUBVENDOR, OPTION_SUBDEVICE, OPTION_SERIAL,
	OPTION_PICTURE, OPTION_RAW, OPTION_SIZE, OPTION_CHART, OPTION_RATE, OPTION_FIFO,
	OPTION_NO_MSIX, OPTION_NO_MSI, OPTION_NO_IRQ, OPTION_KEEP, OPTION_H2C, OPTION_GATEWARE,
	OPTION_MEMORY_BAR, OPTION_CHANNEL,
	OPTION_CONTROL, OPTION_STATS, OPTION_SOCKET,
};

struct options {
	const char *socket, *control, *stats;
	const char *picture, *raw, *size, *chart;
	const char *memory_bar;
	struct pci_ids ids;
	double rate;
	unsigned int fifo;
	bool keep_packets, h2c, gateware;
	const char *channels[XDMA_CHANNELS_MAX];
	unsigned int nchannels;
};

static const struct argp_option option_list[] = {
	{ "socket", OPTION_SOCKET, "PATH", 0, "Socket for QEMU's vfio-user-pci (needed)", 1 },
	{ "control", OPTION_CONTROL, "PATH", 0, "Socket for commands: stats, faults", 1 },
	{ "stats", OPTION_STATS, "FILE", 0, "Write the counters here, as JSON, when the client leaves and at the end", 1 },
	{ "chart", OPTION_CHART, "WxH", 0, "Show the test chart (the default, 1920x1080)", 2 },
	{ "picture", OPTION_PICTURE, "FILE.png", 0, "Show this picture, up to 4096x4096, alpha dropped", 2 },
	{ "raw", OPTION_RAW, "FILE", 0, "Show this frame of R, G, B bytes; needs --size", 2 },
	{ "size", OPTION_SIZE, "WxH", 0, "Size of the --raw frame", 2 },
	{ "rate", OPTION_RATE, "FPS", 0, "Frames a second until the driver sets another rate (30); 0: as fast as they are taken", 3 },
	{ "fifo", OPTION_FIFO, "FRAMES", 0, "Frames that the card can keep (2)", 3 },
	{ "keep-packets", OPTION_KEEP, NULL, 0, "A packet that the engine stops in goes on when it runs again, as Xilinx's driver wants it", 3 },
	{ "channel", OPTION_CHANNEL, "WHAT", 0, "Have a C2H channel more, up to four: video; samples[,packet=BYTES|,packet=FROM-TO][,rate=BYTES A SECOND] (one of video)", 3 },
	{ "gateware", OPTION_GATEWARE, NULL, 0, "Have the compiled gateware for a video source, not its model in C; make -C tests/card gateware builds it", 3 },
	{ "h2c", OPTION_H2C, NULL, 0, "Have an H2C channel, too; what it is given goes nowhere", 3 },
	{ "memory-bar", OPTION_MEMORY_BAR, "SIZE", 0, "Have a BAR 2 of memory: 64-bit, prefetchable, such as 64K, 1M or 4G", 3 },
	{ "vendor", OPTION_VENDOR, "ID", 0, "PCI vendor (0x10ee)", 4 },
	{ "device", OPTION_DEVICE, "ID", 0, "PCI device (0x7024)", 4 },
	{ "subsystem-vendor", OPTION_SUBVENDOR, "ID", 0, "PCI subsystem vendor (0x10ee)", 4 },
	{ "subsystem", OPTION_SUBDEVICE, "ID", 0, "PCI subsystem (0x0007)", 4 },
	{ "serial", OPTION_SERIAL, "NUMBER", 0, "Serial number (1)", 4 },
	{ "no-msix", OPTION_NO_MSIX, NULL, 0, "Have no MSI-X", 5 },
	{ "no-msi", OPTION_NO_MSI, NULL, 0, "Have no MSI", 5 },
	{ "no-irq", OPTION_NO_IRQ, NULL, 0, "Have no interrupt at all", 5 },
	{ 0 }
};

static unsigned long long id(const char *arg, unsigned long long limit, struct argp_state *state)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(arg, &end, 0);
	if (errno || !*arg || *end || *arg == '-' || n > limit)
		argp_error(state, "\"%s\" is not a number up to %#llx", arg, limit);
	return n;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	char *end;

	switch (key) {
	case OPTION_SOCKET:
		o->socket = arg;
		break;
	case OPTION_CONTROL:
		o->control = arg;
		break;
	case OPTION_STATS:
		o->stats = arg;
		break;
	case OPTION_CHART:
		o->chart = arg;
		break;
	case OPTION_PICTURE:
		o->picture = arg;
		break;
	case OPTION_RAW:
		o->raw = arg;
		break;
	case OPTION_SIZE:
		o->size = arg;
		break;
	case OPTION_RATE:
		o->rate = strtod(arg, &end);
		if (!*arg || *end || !(o->rate >= 0 && o->rate <= 100000))
			argp_error(state, "\"%s\" is no rate from 0 to 100000 frames a second", arg);
		break;
	case OPTION_FIFO:
		o->fifo = id(arg, VIDEO_SOURCE_FIFO_MAX, state);
		if (!o->fifo)
			argp_error(state, "a card keeps one frame at least");
		break;
	case OPTION_VENDOR:
		o->ids.vendor = id(arg, 0xffff, state);
		break;
	case OPTION_DEVICE:
		o->ids.device = id(arg, 0xffff, state);
		break;
	case OPTION_SUBVENDOR:
		o->ids.subsystem_vendor = id(arg, 0xffff, state);
		break;
	case OPTION_SUBDEVICE:
		o->ids.subsystem = id(arg, 0xffff, state);
		break;
	case OPTION_SERIAL:
		o->ids.serial = id(arg, ~0ull, state);
		break;
	case OPTION_NO_IRQ:
		o->ids.intx = false;
		o->ids.msi = false;
		o->ids.msix = false;
		break;
	case OPTION_CHANNEL:
		if (o->nchannels == XDMA_CHANNELS_MAX)
			argp_error(state, "a card has four channels at most");
		o->channels[o->nchannels++] = arg;
		break;
	case OPTION_GATEWARE:
		o->gateware = true;
		break;
	case OPTION_H2C:
		o->h2c = true;
		break;
	case OPTION_MEMORY_BAR:
		o->memory_bar = arg;
		break;
	case OPTION_KEEP:
		o->keep_packets = true;
		break;
	case OPTION_NO_MSI:
		o->ids.msi = false;
		break;
	case OPTION_NO_MSIX:
		o->ids.msix = false;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "\"%s\" is no option", arg);
		break;
	case ARGP_KEY_END:
		if (!o->socket)
			argp_error(state, "say where to listen: --socket PATH");
		if (!!o->chart + !!o->picture + !!o->raw > 1)
			argp_error(state, "only one of --chart, --picture and --raw");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static bool load_picture(struct picture *p, const struct options *o)
{
	if (o->picture)
		return picture_from_png(p, o->picture);
	if (o->raw)
		return picture_from_raw(p, o->raw, o->size);
	return picture_from_chart(p, o->chart ? o->chart : "1920x1080");
}

static bool bad_channel(const char *what)
{
	fprintf(stderr, "\"%s\" is no channel: video; samples, samples,packet=4096, samples,packet=1-4096,rate=1000000\n",
		what);
	return false;
}

static bool parse_samples(struct sample_source *s, const char *what)
{
	const char *at = what + strlen("samples");

	while (*at) {
		int used = 0;

		if (sscanf(at, ",packet=%u-%u%n", &s->shortest, &s->longest, &used) == 2) {
			at += used;
		} else if (sscanf(at, ",packet=%u%n", &s->shortest, &used) == 1) {
			s->longest = s->shortest;
			at += used;
		} else if (sscanf(at, ",rate=%" SCNu64 "%n", &s->rate, &used) == 1) {
			at += used;
		} else {
			return bad_channel(what);
		}
		if (strstr(what, "packet") && !s->shortest)
			return bad_channel(what);
	}
	return s->shortest <= s->longest || bad_channel(what);
}

static bool add_channel(struct card *c, const struct options *o, const char *what)
{
	struct stream *s = &c->streams[c->channels++];

	if (!strncmp(what, "samples", strlen("samples")))
		return parse_samples(&s->samples, what);
	if (strcmp(what, "video"))
		return bad_channel(what);
	s->is_video = true;
	s->video.fifo_size = o->fifo;
	s->video.keep_packets = o->keep_packets;
	s->video.power_on_rate = o->rate * 1000 + 0.5;
	return load_picture(&s->picture, o);
}

static void write_stats(struct card *c, const char *path)
{
	char text[CARD_STATS];
	FILE *f;

	if (!path)
		return;
	card_stats(c, text, sizeof(text));
	f = fopen(path, "w");
	if (!f || fprintf(f, "%s\n", text) < 0)
		note("cannot write %s: %s", path, strerror(errno));
	if (f)
		fclose(f);
}

/* Frames that are due; all the late ones at once only where the stream did not get on */
static void run_ticks(struct video_source *v, bool got_on)
{
	int64_t now = card_now();

	while (video_source_next_tick(v) <= now) {
		if (got_on && video_source_fifo_full(v) &&
		    now - video_source_next_tick(v) < LAG_NS)
			return;
		video_source_tick(v);
		if (now - video_source_next_tick(v) < LAG_NS)
			return;
	}
}

/* When any of the channels has something to do by itself */
static int64_t next_tick(const struct card *c)
{
	int64_t next = VIDEO_SOURCE_NEVER;

	for (unsigned int n = 0; n < c->channels; n++) {
		const struct stream *s = &c->streams[n];
		int64_t tick = VIDEO_SOURCE_NEVER;

		if (s->is_video)
			tick = video_source_next_tick(&s->video);
		else if (c->core.c2h[n].queued)
			tick = sample_source_next(&s->samples);
		if (tick < next)
			next = tick;
	}
	return next;
}

static struct timespec timeout_until(int64_t tick)
{
	int64_t left = tick - card_now();

	if (left < 0)
		left = 0;
	return (struct timespec) { left / 1000000000, left % 1000000000 };
}

static void serve(struct card *c, struct control *control, int signals, const char *stats)
{
	struct vfio_user *v = &c->client;
	bool got_on = false;

	for (;;) {
		struct pollfd fds[3 + CONTROL_CLIENTS];
		int64_t tick = next_tick(c);
		struct timespec timeout = timeout_until(got_on || v->deferred ? 0 : tick);
		bool connected = v->connection >= 0;
		size_t n = 2;

		fds[0] = (struct pollfd) { .fd = signals, .events = POLLIN };
		fds[1] = (struct pollfd) { .events = POLLIN };
		fds[1].fd = connected ? v->connection : v->listener;
		n += control_poll(control, &fds[n]);
		if (ppoll(fds, n, tick == VIDEO_SOURCE_NEVER && !got_on && !v->deferred ?
			  NULL : &timeout, NULL) < 0 && errno != EINTR) {
			note("cannot wait for messages: %s", strerror(errno));
			return;
		}
		if (fds[0].revents)
			return;
		if (fds[1].revents || v->deferred) {
			if (!connected)
				vfio_user_accept(v);
			else
				for (int i = 0; i < MESSAGES && vfio_user_receive(v); i++)
					;
			if (connected && v->connection < 0)
				write_stats(c, stats);
		}
		control_serve(control);
		for (unsigned int n = 0; n < c->channels; n++)
			run_ticks(&c->streams[n].video, got_on);
		got_on = xdma_engine_run(&c->core, SLICE_BYTES);
	}
}

static int stop_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* That card is a program of its own, beside this one */
static int run_gateware(char **argv)
{
	char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - sizeof("-gateware"));

	if (n > 0) {
		strcpy(path + n, "-gateware");
		execv(path, argv);
	}
	note("cannot run %s: %s; build it by: make -C tests/card gateware", path, strerror(errno));
	return 1;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		option_list, parse, NULL,
		"A virtual frame grabber on Xilinx's XDMA core, for QEMU's vfio-user-pci.",
		NULL, NULL, NULL
	};
	struct options o = {
		.ids = {
			.vendor = 0x10ee, .device = 0x7024,
			.subsystem_vendor = 0x10ee, .subsystem = 0x0007,
			.serial = 1, .intx = true, .msi = true, .msix = true,
		},
		.rate = 30,
		.fifo = 2,
	};
	static struct card card;
	static struct control control;
	int signals, error;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (o.gateware && !video_source_is_gateware)
		return run_gateware(argv);
	if (o.memory_bar && !memory_bar_init(&card.memory_bar, o.memory_bar))
		return 1;
	if (!o.nchannels)
		o.channels[o.nchannels++] = "video";
	for (unsigned int n = 0; n < o.nchannels; n++)
		if (!add_channel(&card, &o, o.channels[n]))
			return 1;
	if (o.gateware && (card.channels > 1 || !card.streams[0].is_video)) {
		note("the gateware runs on a card with one channel, of video");
		return 1;
	}
	card.core.has_h2c = o.h2c;
	/* first: the gateware's simulation has threads of its own */
	signals = stop_signals();
	card_init(&card, &o.ids);
	error = vfio_user_listen(&card.client, o.socket);
	if (error) {
		note("cannot listen on %s: %s", o.socket, strerror(-error));
		return 1;
	}
	error = control_listen(&control, &card, o.control);
	if (error) {
		note("cannot listen on %s: %s", o.control, strerror(-error));
		return 1;
	}
	if (card.channels == 1 && card.streams[0].is_video)
		printf("listening on %s: %dx%d RGB3 at %g frames a second\n", o.socket,
		       card.streams[0].picture.width, card.streams[0].picture.height, o.rate);
	else
		printf("listening on %s: %u channels\n", o.socket, card.channels);
	fflush(stdout);
	serve(&card, &control, signals, o.stats);
	vfio_user_disconnect(&card.client);
	write_stats(&card, o.stats);
	unlink(o.socket);
	if (o.control)
		unlink(o.control);
	for (unsigned int n = 0; n < card.channels; n++)
		picture_free(&card.streams[n].picture);
	return 0;
}
