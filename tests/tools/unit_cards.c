// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of what the verbs format, buffer, stats and top are made of. */
#include <errno.h>
#include <inttypes.h>
#include <linux/videodev2.h>
#include <string.h>

#include "counters.h"
#include "formatspec.h"
#include "fourcc.h"
#include "number.h"
#include "rates.h"
#include "unit.h"

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

static void test_sizes(void)
{
	static const struct {
		const char *text;
		int result;
		uint64_t value;
	} cases[] = {
		{ "0", 0, 0 },
		{ "4096", 0, 4096 },
		{ "0x1000", 0, 4096 },
		{ "4K", 0, 4096 },
		{ "4k", 0, 4096 },
		{ "64M", 0, 64 << 20 },
		{ "64m", 0, 64 << 20 },
		{ "65M", -ERANGE, 0 },
		{ "65537K", -ERANGE, 0 },
		{ "67108865", -ERANGE, 0 },
		{ "18014398509481984K", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "M", -EINVAL, 0 },
		{ "4G", -EINVAL, 0 },
		{ "4MM", -EINVAL, 0 },
		{ "4 M", -EINVAL, 0 },
		{ "-4M", -EINVAL, 0 },
		{ "1.5M", -EINVAL, 0 },
		{ "0000000000000000000000000000000000004M", -EINVAL, 0 },
	};

	for (size_t i = 0; i < COUNT(cases); i++) {
		uint64_t value = 0;
		int result = parse_size(cases[i].text, 64 << 20, &value);

		ok(result == cases[i].result && (result || value == cases[i].value),
		   "size '%s'", cases[i].text);
	}
}

static void test_fourcc_texts(void)
{
	static const uint32_t codes[] = {
		0, V4L2_PIX_FMT_GREY, V4L2_PIX_FMT_RGB24, V4L2_PIX_FMT_Y16, V4L2_PIX_FMT_Y16_BE,
		V4L2_PIX_FMT_YUYV, 1, 0x12345678,
	};
	static const char *const wrong[] = { "", "RGB24", "RGB24-BE", "Y\n16", "\xffRGB", "0x1234567g" };
	char text[FOURCC_TEXT];
	uint32_t code;

	for (size_t i = 0; i < COUNT(codes); i++)
		ok(!fourcc_parse(fourcc_text(codes[i], text), &code) && code == codes[i],
		   "FourCC 0x%08" PRIx32 " there and back: %s", codes[i], text);
	for (size_t i = 0; i < COUNT(wrong); i++)
		ok(fourcc_parse(wrong[i], &code) == -1, "no FourCC, number %zu", i);
	ok(!fourcc_parse("0x12", &code) && code == v4l2_fourcc('0', 'x', '1', '2'),
	   "four characters are a code");
}

static void test_format_texts(void)
{
	/* With a line longer than its pixels, which is what the card's choice is for. */
	static const struct grabber_format_choice choice = {
		.format = { 640, 480, V4L2_PIX_FMT_GREY, 704, 704 * 480, { 0 } },
	};
	static const struct {
		const char *text, *result;
	} cases[] = {
		{ "1920x1080:RGB3", "1920x1080:RGB3:5760:6220800" },
		{ "1920x1080:RGB3:6000", "1920x1080:RGB3:6000:6480000" },
		{ "1920x1080:RGB3:1:2", "1920x1080:RGB3:1:2" },
		{ "640x480:GREY", "640x480:GREY:704:337920" },
		{ "640x480:GREY:640", "640x480:GREY:640:307200" },
		{ "640x480:Y16-BE", "640x480:Y16-BE:1280:614400" },
		{ "640x480:0x59455247", "640x480:GREY:704:337920" },
		{ "640x480:MJPG:0:99", "640x480:MJPG:0:99" },
		{ "0x0:unknown:0:4096", "0x0:unknown:0:4096" },
		{ "640x480:MJPG", NULL },
		{ "640x480:MJPG:0", NULL },
		{ "0x0:GREY", NULL },
		{ "0x5:GREY", NULL },
		{ "4294967295x1:RGB3", NULL },
		{ "65536x65536:GREY", NULL },
		{ "4294967295x4294967295:RGB3", NULL },
		{ "640x480:GREY:4294967295", NULL },
		{ "640x480", NULL },
		{ "640:GREY", NULL },
		{ "x480:GREY", NULL },
		{ "640x480x2:GREY", NULL },
		{ "640x-480:GREY", NULL },
		{ "4294967296x1:GREY", NULL },
		{ "640x480:", NULL },
		{ "640x480:GREYS", NULL },
		{ "640x480:GREY:", NULL },
		{ "640x480:GREY:a", NULL },
		{ "640x480:GREY:640:", NULL },
		{ "640x480:GREY:640:307200:", NULL },
		{ "640x480:GREY:640:307200:0", NULL },
		{ "640x480:GREY:00000000000000000000000000000000000000000000000000000640", NULL },
		{ "", NULL },
	};
	char text[FORMAT_TEXT];

	for (size_t i = 0; i < COUNT(cases); i++) {
		struct format_wish wish;
		const char *wrong = format_parse(cases[i].text, &wish);

		if (!wrong)
			wrong = format_complete(&wish, &choice, 1);
		if (wrong)
			ok(!cases[i].result && strlen(wrong) > 20, "no format '%s'", cases[i].text);
		else
			ok(cases[i].result && !strcmp(format_text(&wish.format, text), cases[i].result),
			   "format '%s' is %s", cases[i].text, text);
	}
}

static void test_counters(void)
{
	struct grabber_stats stats = {
		.begun = 1, .delivered = 10, .truncated = 200, .dropped_no_slot = 3000,
		.dropped_error = 40000, .dropped_stop = 500000, .lost_by_card = 6000000,
		.reader_delivered = 1, .reader_missed = 1, .reader_next = 1, .held = 1,
	};

	ok(counters_sum(&stats) == 6543210, "the sum is of the six alone");
	for (size_t i = 0; i < COUNTERS; i++)
		counter_set(&stats, &counters[i], i * 7);
	ok(stats.begun == 0 && stats.delivered == 7 && stats.lost_by_card == 42 &&
	   stats.reader_delivered == 1 && counter_get(&stats, &counters[6]) == 42,
	   "counters are set by their places");
}

static bool near(double a, double b)
{
	const double enough = 1.0 / 1000000000;

	return a > b - enough && a < b + enough;
}

static void test_rates(void)
{
	struct sysfs_card before = { .format.sizeimage = 1000000, .slot_size = 500000 }, after;
	struct rates rates;

	before.stats.delivered = UINT64_MAX / 2;
	after = before;
	after.stats.delivered += 120;
	after.stats.truncated = 4;
	after.stats.dropped_no_slot = 2;
	after.stats.dropped_error = 6;
	after.stats.dropped_stop = 1;
	after.stats.lost_by_card = 8;
	ok(rates_between(&before, &after, 2, &rates) && near(rates.frames, 62) &&
	   near(rates.megabytes, 61) && near(rates.no_slot, 1) && near(rates.error, 3) &&
	   near(rates.stop, 0.5) && near(rates.card, 4) && near(rates.cut, 2),
	   "rates are by the time that went by");
	ok(!rates_between(&before, &after, 0, &rates), "no time, no rates");
	ok(!rates_between(&after, &before, 1, &rates), "counters that go back are another card's");
}

void test_cards(void)
{
	test_sizes();
	test_fourcc_texts();
	test_format_texts();
	test_counters();
	test_rates();
}
