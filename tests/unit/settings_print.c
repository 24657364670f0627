// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the driver makes of files with settings: settings_print SLOT SERIAL FILE...
 *
 * For each file a line for each channel with what was said for it, and one with how many
 * sections and wrong lines there are. The text is in memory of just its size, so that the
 * sanitizers see a look beyond its end.
 */
#include <stdio.h>
#include <stdlib.h>

#include "settings.h"

static char *read_file(const char *path, size_t *bytes)
{
	FILE *file = fopen(path, "rb");
	char *text;

	if (!file || fseek(file, 0, SEEK_END)) {
		perror(path);
		exit(2);
	}
	*bytes = ftell(file);
	rewind(file);
	text = malloc(*bytes ? *bytes : 1);
	if (!text || fread(text, 1, *bytes, file) != *bytes)
		exit(2);
	fclose(file);
	return text;
}

static void print(int channel, const struct grabber_settings *settings)
{
	const struct grabber_format *format = &settings->format;

	printf("%d:", channel);
	if (grabber_is_set(settings, GRABBER_SET_BOARD))
		printf(" board=%u", settings->number[GRABBER_SET_BOARD]);
	if (grabber_is_set(settings, GRABBER_SET_FRAMING))
		printf(" framing=%u", settings->number[GRABBER_SET_FRAMING]);
	if (grabber_is_set(settings, GRABBER_SET_BAR))
		printf(" bar=%u", settings->number[GRABBER_SET_BAR]);
	if (grabber_is_set(settings, GRABBER_SET_SLOTS))
		printf(" slots=%u", settings->number[GRABBER_SET_SLOTS]);
	if (grabber_is_set(settings, GRABBER_SET_SLOT_SIZE))
		printf(" slot_size=%u", settings->number[GRABBER_SET_SLOT_SIZE]);
	if (grabber_is_set(settings, GRABBER_SET_FORMAT))
		printf(" format=%ux%u:%08x:%u:%u", format->width, format->height,
		       format->pixelformat, format->bytesperline, format->sizeimage);
	if (grabber_is_set(settings, GRABBER_SET_NAME))
		printf(" name=%s", settings->name);
	if (grabber_is_set(settings, GRABBER_SET_ID))
		printf(" id=%08x", settings->number[GRABBER_SET_ID]);
	putchar('\n');
}

int main(int argc, char **argv)
{
	for (int i = 3; i < argc; i++) {
		struct grabber_settings_of settings = { 0 };
		size_t bytes;
		char *text = read_file(argv[i], &bytes);

		grabber_settings_parse(&settings, text, bytes, argv[1], argv[2]);
		free(text);
		for (int channel = 0; channel < GRABBER_SETTINGS_CHANNELS; channel++)
			print(channel, &settings.channel[channel]);
		printf("sections=%u wrong=%u line=%u %s\n", settings.sections, settings.wrong,
		       settings.wrong_line, settings.why ? settings.why : "");
	}
	return 0;
}
