// SPDX-License-Identifier: GPL-2.0-only
/* grabber-compare: are these files, in this order, the frames that the card sent? */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "frame_file.h"

enum option_key {
	OPTION_CHART = 0x100, OPTION_RAW, OPTION_SIZE, OPTION_PICTURE, OPTION_ALLOW_LOST,
};

static const struct argp_option option_list[] = {
	{ "chart", OPTION_CHART, "WxH", 0, "The card showed the chart (the default, 1920x1080)", 0 },
	{ "picture", OPTION_PICTURE, "FILE.png", 0, "The card showed this picture", 0 },
	{ "raw", OPTION_RAW, "FILE", 0, "The card showed this frame of R, G, B bytes; needs --size", 0 },
	{ "size", OPTION_SIZE, "WxH", 0, "Size of the --raw frame", 0 },
	{ "allow-lost", OPTION_ALLOW_LOST, NULL, 0, "Frames between the files may be missing", 0 },
	{ 0 }
};

struct options {
	const char *chart, *picture, *raw, *size;
	bool allow_lost;
	char **files;
	int count;
};

/* What the frame before was called */
struct order {
	bool have_number, have_sequence, have_offset;
	uint32_t number, offset;
	uint64_t sequence;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
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
	case OPTION_ALLOW_LOST:
		o->allow_lost = true;
		break;
	case ARGP_KEY_ARGS:
		o->files = state->argv + state->next;
		o->count = state->argc - state->next;
		break;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "name the files to compare");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static bool load(struct picture *p, const struct options *o)
{
	if (o->picture)
		return picture_from_png(p, o->picture);
	if (o->raw)
		return picture_from_raw(p, o->raw, o->size);
	return picture_from_chart(p, o->chart ? o->chart : "1920x1080");
}

static bool in_order(struct order *order, const struct options *o, const char *path,
		     const struct frame_file *f, const struct check *c)
{
	if (c->numbered) {
		uint32_t step = c->number - order->number;

		if (order->have_number && (o->allow_lost ? !step || step > UINT32_MAX / 2 : step != 1)) {
			printf("%s: frame %u comes after frame %u\n", path, c->number, order->number);
			return false;
		}
		order->have_number = true;
		order->number = c->number;
	}
	if (f->has_sequence) {
		if (order->have_sequence && (o->allow_lost ? f->sequence <= order->sequence :
					     f->sequence != order->sequence + 1)) {
			printf("%s: sequence %llu comes after %llu\n", path,
			       (unsigned long long)f->sequence, (unsigned long long)order->sequence);
			return false;
		}
		order->have_sequence = true;
		order->sequence = f->sequence;
	}
	if (c->numbered && f->has_sequence) {
		uint32_t offset = c->number - (uint32_t)f->sequence;

		if (order->have_offset && offset != order->offset) {
			printf("%s: shows frame %u, but its sequence is %llu\n", path, c->number,
			       (unsigned long long)f->sequence);
			return false;
		}
		order->have_offset = true;
		order->offset = offset;
	}
	return true;
}

static bool compare(struct picture *p, struct order *order, const struct options *o,
		    const char *path)
{
	struct frame_file f;
	struct check c;
	char text[512];
	bool good = false;

	if (!frame_file_read(&f, path, text, sizeof(text))) {
		puts(text);
		return false;
	}
	if (f.bytes != p->bytes || (f.width && (f.width != p->width || f.height != p->height))) {
		printf("%s has %zu bytes (%dx%d), the card's frames have %zu (%dx%d)\n", path, f.bytes,
		       f.width, f.height, p->bytes, p->width, p->height);
	} else {
		check_frame(&c, p, f.pixels);
		if (c.verdict == CHECK_IDENTICAL) {
			good = in_order(order, o, path, &f, &c);
		} else {
			check_describe(&c, text, sizeof(text));
			printf("%s: %s\n", path, text);
		}
	}
	frame_file_free(&f);
	return good;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		option_list, parse, "FILE...",
		"Compares captured frames, bit by bit and in order, with what the card showed.",
		NULL, NULL, NULL
	};
	struct order order = { 0 };
	static struct picture picture;
	struct options o = { 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (!load(&picture, &o))
		return 2;
	for (int i = 0; i < o.count; i++)
		if (!compare(&picture, &order, &o, o.files[i]))
			return 1;
	printf("identical: %d frame%s\n", o.count, o.count == 1 ? "" : "s");
	picture_free(&picture);
	return 0;
}
