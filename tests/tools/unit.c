// SPDX-License-Identifier: GPL-2.0-only
/* Unit tests of grabberctl's parts; prints TAP. Run under ASan and UBSan. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/videodev2.h>
#include <png.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fourcc.h"
#include "loss.h"
#include "number.h"
#include "pattern.h"
#include "unit.h"
#include "writer.h"

static int tests, failures;
static char dir[] = "/tmp/grabberctl-unit-XXXXXX";

void ok(bool good, const char *fmt, ...)
{
	va_list args;

	failures += !good;
	printf("%sok %d - ", good ? "" : "not ", ++tests);
	va_start(args, fmt);
	vprintf(fmt, args);
	va_end(args);
	putchar('\n');
}

static const char *in_dir(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static bool there(const char *name)
{
	return !access(in_dir(name), F_OK);
}

/* Contents of a file in the tests' directory, and their length. */
static size_t slurp(const char *name, uint8_t *to, size_t size)
{
	FILE *file = fopen(in_dir(name), "r");
	size_t bytes = file ? fread(to, 1, size, file) : 0;

	if (file)
		fclose(file);
	return bytes;
}

static void test_numbers(void)
{
	static const struct {
		const char *text;
		uint64_t max;
		int result;
		uint64_t value;
	} cases[] = {
		{ "0", 10, 0, 0 },
		{ "10", 10, 0, 10 },
		{ "010", 10, 0, 10 },
		{ "11", 10, -ERANGE, 0 },
		{ "0x10", 16, 0, 16 },
		{ "0XfF", 255, 0, 255 },
		{ "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
		{ "18446744073709551616", UINT64_MAX, -ERANGE, 0 },
		{ "0xffffffffffffffff", UINT64_MAX, 0, UINT64_MAX },
		{ "0x10000000000000000", UINT64_MAX, -ERANGE, 0 },
		{ "99999999999999999999z", UINT64_MAX, -EINVAL, 0 },
		{ "", 10, -EINVAL, 0 },
		{ "0x", 10, -EINVAL, 0 },
		{ "-1", 10, -EINVAL, 0 },
		{ "+1", 10, -EINVAL, 0 },
		{ " 1", 10, -EINVAL, 0 },
		{ "1 ", 10, -EINVAL, 0 },
		{ "1a", 10, -EINVAL, 0 },
		{ "0xg", 10, -EINVAL, 0 },
		{ "1.5", 10, -EINVAL, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t value = 0;
		int result = parse_number(cases[i].text, cases[i].max, &value);

		ok(result == cases[i].result && value == cases[i].value,
		   "parse_number '%s'", cases[i].text);
	}
}

static void test_seconds(void)
{
	static const struct {
		const char *text;
		int result;
		int64_t ns;
	} cases[] = {
		{ "0", 0, 0 },
		{ "10", 0, 10000000000 },
		{ "0.5", 0, 500000000 },
		{ ".25", 0, 250000000 },
		{ "1.000000001", 0, 1000000001 },
		{ "1.0000000001", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ ".", -EINVAL, 0 },
		{ "9223372035", 0, 9223372035000000000 },
		{ "9223372037", -ERANGE, 0 },
		{ "99999999999999999999999", -ERANGE, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t ns = 0;
		int result = parse_seconds(cases[i].text, &ns);

		ok(result == cases[i].result && ns == cases[i].ns, "parse_seconds '%s'",
		   cases[i].text);
	}
}

static void test_patterns(void)
{
	static const struct {
		const char *text;
		const char *name;	/* of frame 7; NULL: refused */
	} cases[] = {
		{ "frame-%06d.png", "frame-000007.png" },
		{ "frame-%d.PNG", "frame-7.PNG" },
		{ "%3u.raw", "  7.raw" },
		{ "%i.ppm", "7.ppm" },
		{ "dir.d/%02d.pgm", "dir.d/07.pgm" },
		{ "100%%-%d.raw", "100%-7.raw" },
		{ "%d%%.raw", "7%.raw" },
		{ "all.raw", "all.raw" },
		{ "%%.raw", "%.raw" },
		{ "%020d.raw", "00000000000000000007.raw" },
		{ "%021d.raw", NULL },
		{ "%99999999999999999999d.raw", NULL },
		{ "%s.png", NULL },
		{ "%n.png", NULL },
		{ "%ld.png", NULL },
		{ "%-6d.png", NULL },
		{ "%*d.png", NULL },
		{ "%1$d.png", NULL },
		{ "%d-%d.png", NULL },
		{ "%.png", NULL },
		{ "frame%", NULL },
		{ "frame", NULL },
		{ "frame.jpg", NULL },
		{ "png", NULL },
		{ "frame.png.part", NULL },
		{ "", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct pattern pattern;
		const char *wrong = pattern_parse(&pattern, cases[i].text);
		char *name = wrong ? NULL : pattern_name(&pattern, 7);

		if (cases[i].name)
			ok(name && !strcmp(name, cases[i].name), "pattern '%s' gives '%s'",
			   cases[i].text, cases[i].name);
		else
			ok(wrong != NULL, "pattern '%s' is refused", cases[i].text);
		free(name);
		pattern_free(&pattern);
	}
}

static void test_fourcc(void)
{
	char text[FOURCC_TEXT];

	ok(!strcmp(fourcc_text(V4L2_PIX_FMT_RGB24, text), "RGB3"), "FourCC RGB3");
	ok(!strcmp(fourcc_text(V4L2_PIX_FMT_Y16, text), "Y16"), "FourCC Y16, without its blank");
	ok(!strcmp(fourcc_text(V4L2_PIX_FMT_Y16_BE, text), "Y16-BE"), "FourCC Y16-BE");
	ok(!strcmp(fourcc_text(0, text), "unknown"), "FourCC 0");
	ok(!strcmp(fourcc_text(0x01020304, text), "0x01020304"), "FourCC that is no text");
}

static void test_loss(void)
{
	struct loss loss = { 0 };
	struct frame frame = { .stamped = true };

	/* 5, 6, then 7 and 8 never came and 9 was overwritten, then 10. */
	frame.sequence = 5;
	frame.timestamp_ns = 1000000000;
	loss_count(&loss, &frame, 0);
	frame.sequence = 6;
	frame.timestamp_ns = 1500000000;
	loss_count(&loss, &frame, 0);
	ok(!loss.lost && !loss.missed, "no loss without a jump");
	frame.sequence = 10;
	frame.timestamp_ns = 2000000000;
	frame.missed = 1;
	loss_count(&loss, &frame, 0);
	ok(loss.lost == 2 && loss.missed == 1, "a jump of 3 with 1 missed is 2 lost");
	ok(loss_rate(&loss) == 2.0, "3 frames in a second between first and last are 2 a second");
	loss = (struct loss){ .frames = 1 };
	ok(loss_rate(&loss) == 0, "one frame has no rate");
}

/*
 * A picture of 5x3 pixels for every format, lines padded by @pad bytes, and
 * the channels it must become: 16-bit ones big-endian, colours as RGB.
 */
#define WIDTH	5
#define HEIGHT	3
#define BYTES_MAX	(HEIGHT * (WIDTH * 3 + 8))

static const struct {
	const char *name;
	uint32_t pixelformat;
	unsigned int pixel;
	bool colour;
	bool swapped;
} formats[] = {
	{ "GREY", V4L2_PIX_FMT_GREY, 1, false, false },
	{ "Y16", V4L2_PIX_FMT_Y16, 2, false, true },
	{ "Y16-BE", V4L2_PIX_FMT_Y16_BE, 2, false, false },
	{ "RGB3", V4L2_PIX_FMT_RGB24, 3, true, false },
	{ "BGR3", V4L2_PIX_FMT_BGR24, 3, true, true },
};

#define FORMATS	(sizeof(formats) / sizeof(formats[0]))

static size_t make_picture(size_t f, unsigned int pad, uint8_t *data, uint8_t *expected,
			   struct grabber_format *format)
{
	unsigned int row = WIDTH * formats[f].pixel;

	*format = (struct grabber_format){
		.width = WIDTH,
		.height = HEIGHT,
		.pixelformat = formats[f].pixelformat,
		.bytesperline = row + pad,
		.sizeimage = HEIGHT * (row + pad),
	};
	memset(data, 0xee, BYTES_MAX);
	for (unsigned int y = 0; y < HEIGHT; y++) {
		for (unsigned int x = 0; x < row; x++) {
			unsigned int in_pixel = x % formats[f].pixel;
			unsigned int from = x;

			data[y * (row + pad) + x] = 17 * y + 5 * x + 1;
			if (formats[f].swapped)
				from = x - in_pixel + formats[f].pixel - 1 - in_pixel;
			expected[y * row + x] = 17 * y + 5 * from + 1;
		}
	}
	return HEIGHT * row;
}

static bool write_picture(const char *name, const struct grabber_format *format,
			  const uint8_t *data, size_t bytes)
{
	struct frame frame = {
		.data = data, .bytes = bytes, .stamped = true,
		.sequence = 18446744073709551615ULL, .timestamp_ns = 1234567890123,
	};
	struct pattern pattern;
	struct writer writer;
	bool good;

	if (pattern_parse(&pattern, in_dir(name)))
		return false;
	good = !writer_open(&writer, &pattern, format);
	if (good) {
		good = !writer_put(&writer, &frame);
		good &= !writer_close(&writer, good);
	}
	pattern_free(&pattern);
	return good;
}

static void test_pnm(size_t f, unsigned int pad)
{
	const char *name = formats[f].colour ? "a.ppm" : "a.pgm";
	const char *other = formats[f].colour ? "b.pgm" : "b.ppm";
	uint8_t data[BYTES_MAX], expected[32 + BYTES_MAX], got[64 + BYTES_MAX];
	struct grabber_format format;
	char header[32];
	size_t length, bytes;

	length = snprintf(header, sizeof(header), "P%c\n5 3\n%d\n", formats[f].colour ? '6' : '5',
			  formats[f].pixel == 2 ? 65535 : 255);
	memcpy(expected, header, length);
	length += make_picture(f, pad, data, expected + length, &format);

	ok(write_picture(name, &format, data, format.sizeimage) && there(name),
	   "%s, %u bytes of padding: %s is written", formats[f].name, pad, name);
	bytes = slurp(name, got, sizeof(got));
	ok(bytes == length && !memcmp(got, expected, length), "... and right to the byte");
	ok(!there("a.ppm.part") && !there("a.pgm.part"), "... and no .part is left");
	unlink(in_dir(name));

	ok(!write_picture(other, &format, data, format.sizeimage) && !there(other),
	   "%s does not go to %s", formats[f].name, other);
}

static bool check_text(png_structp png, png_infop info)
{
	png_textp text;
	int count = png_get_text(png, info, &text, NULL);

	return count == 2 && !strcmp(text[0].key, "grabber:sequence") &&
	       !strcmp(text[0].text, "18446744073709551615") &&
	       !strcmp(text[1].key, "grabber:timestamp_ns") &&
	       !strcmp(text[1].text, "1234567890123");
}

/* By libpng's reader, so this is the pixels as everyone else will see them. */
static bool read_png(const char *name, size_t f, const uint8_t *expected, size_t length)
{
	png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, NULL, NULL);
	png_infop info = png_create_info_struct(png);
	FILE *file = fopen(in_dir(name), "r");
	png_bytepp rows;
	bool good;

	if (!file || setjmp(png_jmpbuf(png))) {
		if (file)
			fclose(file);
		png_destroy_read_struct(&png, &info, NULL);
		return false;
	}
	png_init_io(png, file);
	png_read_png(png, info, PNG_TRANSFORM_IDENTITY, NULL);
	good = png_get_image_width(png, info) == WIDTH &&
	       png_get_image_height(png, info) == HEIGHT &&
	       png_get_bit_depth(png, info) == (formats[f].pixel == 2 ? 16 : 8) &&
	       png_get_color_type(png, info) ==
	       (formats[f].colour ? PNG_COLOR_TYPE_RGB : PNG_COLOR_TYPE_GRAY) &&
	       png_get_rowbytes(png, info) == length / HEIGHT && check_text(png, info);
	rows = png_get_rows(png, info);
	for (unsigned int y = 0; good && y < HEIGHT; y++)
		good = !memcmp(rows[y], expected + y * length / HEIGHT, length / HEIGHT);
	png_destroy_read_struct(&png, &info, NULL);
	fclose(file);
	return good;
}

static void test_png(size_t f, unsigned int pad)
{
	uint8_t data[BYTES_MAX], expected[BYTES_MAX];
	struct grabber_format format;
	size_t length = make_picture(f, pad, data, expected, &format);
	size_t half = format.bytesperline + WIDTH * formats[f].pixel - formats[f].pixel;
	size_t row = length / HEIGHT;

	ok(write_picture("a.png", &format, data, format.sizeimage) &&
	   read_png("a.png", f, expected, length),
	   "%s, %u bytes of padding: PNG has the same pixels, and both texts",
	   formats[f].name, pad);
	ok(!there("a.png.part"), "... and no .part is left");

	/* All but the last pixel of line 1 came; the rest must be black. */
	memset(expected + 2 * row - formats[f].pixel, 0, row + formats[f].pixel);
	memset(data + half, 0xaa, sizeof(data) - half);
	ok(write_picture("a.png", &format, data, half) && read_png("a.png", f, expected, length),
	   "... a short frame is black from there on");
	unlink(in_dir("a.png"));
}

static void test_nonsense_formats(void)
{
	static const struct grabber_format cases[] = {
		{ .width = 0, .height = 3, .pixelformat = V4L2_PIX_FMT_GREY, .bytesperline = 5,
		  .sizeimage = 15 },
		{ .width = 5, .height = 0, .pixelformat = V4L2_PIX_FMT_GREY, .bytesperline = 5,
		  .sizeimage = 15 },
		{ .width = 5, .height = 3, .pixelformat = V4L2_PIX_FMT_GREY, .bytesperline = 4,
		  .sizeimage = 15 },
		{ .width = 5, .height = 3, .pixelformat = V4L2_PIX_FMT_GREY, .bytesperline = 5,
		  .sizeimage = 14 },
		{ .width = 5, .height = 3, .pixelformat = V4L2_PIX_FMT_YUYV, .bytesperline = 10,
		  .sizeimage = 30 },
		{ .sizeimage = 30 },
	};
	uint8_t data[30] = { 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ok(!write_picture("a.png", &cases[i], data, cases[i].sizeimage) && !there("a.png"),
		   "format %zu cannot be a picture", i);
	ok(write_picture("a.raw", &cases[5], data, 30), "but an unknown format can be raw");
	unlink(in_dir("a.raw"));
}

static void test_full_disk(void)
{
	static const char *const names[] = { "full.png", "full.pgm", "full.raw" };
	uint8_t data[BYTES_MAX], expected[BYTES_MAX];
	struct grabber_format format;
	char text[4096];
	int saved, said;
	size_t bytes;

	make_picture(0, 0, data, expected, &format);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (symlink("/dev/full", in_dir(names[i])))
			perror("symlink");
		saved = dup(STDERR_FILENO);
		said = open(in_dir("stderr"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
		dup2(said, STDERR_FILENO);
		ok(!write_picture(names[i], &format, data, format.sizeimage),
		   "%s on a full disk fails", names[i]);
		dup2(saved, STDERR_FILENO);
		close(saved);
		close(said);
		bytes = slurp("stderr", (uint8_t *)text, sizeof(text) - 1);
		text[bytes] = 0;
		ok(strstr(text, "the disk is full") != NULL && strchr(text, '\n') == text + bytes - 1,
		   "... and says so in one line");
		unlink(in_dir(names[i]));
	}
	unlink(in_dir("stderr"));
}

static void test_cut(void)
{
	uint8_t got[64];
	struct output output;

	ok(!output_open(&output, in_dir("c.raw")) && !output_write(&output, "wholehal", 8) &&
	   !there("c.raw") && there("c.raw.part"), "a file is .part while it is written");
	output_cut(&output, 5);
	ok(!there("c.raw") && slurp("c.raw.part", got, sizeof(got)) == 5 &&
	   !memcmp(got, "whole", 5), "a failed stream keeps its whole frames, as .part");
	ok(!output_open(&output, in_dir("c.raw")) && !output_write(&output, "x", 1),
	   "a .part that was left is replaced");
	output_abandon(&output);
	ok(!there("c.raw.part") && !there("c.raw"), "an abandoned file leaves nothing");
	ok(output_open(&output, in_dir("none/c.raw")) == -1, "no directory, no file");
}

static void test_raw_stream(void)
{
	struct grabber_format format = { .sizeimage = 4 };
	struct frame frame = { .data = (const uint8_t *)"abcdefgh" };
	static const size_t lengths[] = { 4, 2, 6, 0 };
	struct pattern pattern;
	struct writer writer;
	uint8_t got[64];
	bool good;

	good = !pattern_parse(&pattern, in_dir("s.raw")) &&
	       !writer_open(&writer, &pattern, &format);
	for (size_t i = 0; good && i < 4; i++) {
		frame.bytes = lengths[i];
		good = !writer_put(&writer, &frame);
	}
	good = good && !writer_close(&writer, true);
	pattern_free(&pattern);
	ok(good && slurp("s.raw", got, sizeof(got)) == 16 &&
	   !memcmp(got, "abcdab\0\0abcd\0\0\0\0", 16),
	   "every frame of a stream takes exactly sizeimage bytes");
	unlink(in_dir("s.raw"));
}

int main(void)
{
	if (!mkdtemp(dir)) {
		perror(dir);
		return 1;
	}
	test_numbers();
	test_seconds();
	test_patterns();
	test_fourcc();
	test_loss();
	test_cards();
	for (size_t f = 0; f < FORMATS; f++) {
		for (unsigned int pad = 0; pad <= 8; pad += 4) {
			test_pnm(f, pad);
			test_png(f, pad);
		}
	}
	test_nonsense_formats();
	test_full_disk();
	test_cut();
	test_raw_stream();
	ok(!rmdir(dir), "nothing is left behind");
	printf("1..%d\n", tests);
	return failures != 0;
}
