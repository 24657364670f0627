// SPDX-License-Identifier: GPL-2.0-only
#include <png.h>
#include <stdio.h>
#include <stdlib.h>

#include "picture.h"

bool picture_from_png(struct picture *p, const char *path)
{
	png_image image = { .version = PNG_IMAGE_VERSION };

	*p = (struct picture) { .kind = PICTURE_STILL };
	if (!png_image_begin_read_from_file(&image, path)) {
		fprintf(stderr, "cannot read the picture %s: %s\n", path, image.message);
		return false;
	}
	if (image.width > CHART_MAX || image.height > CHART_MAX) {
		fprintf(stderr, "%s has %ux%u pixels; up to %dx%d will do\n", path,
			(unsigned int)image.width, (unsigned int)image.height, CHART_MAX, CHART_MAX);
		png_image_free(&image);
		return false;
	}
	p->width = image.width;
	p->height = image.height;
	p->bytes = (size_t)p->width * p->height * CHART_BYTES_PER_PIXEL;
	/* read with alpha, then drop it: libpng would blend with a background otherwise */
	image.format = PNG_FORMAT_RGBA;
	uint8_t *rgba = malloc(PNG_IMAGE_SIZE(image));

	p->pixels = malloc(p->bytes);
	if (!rgba || !p->pixels || !png_image_finish_read(&image, NULL, rgba, 0, NULL)) {
		fprintf(stderr, "cannot read the picture %s: %s\n", path,
			rgba && p->pixels ? image.message : "no memory");
		png_image_free(&image);
		free(rgba);
		picture_free(p);
		return false;
	}
	for (size_t i = 0; i < (size_t)p->width * p->height; i++) {
		p->pixels[i * 3] = rgba[i * 4];
		p->pixels[i * 3 + 1] = rgba[i * 4 + 1];
		p->pixels[i * 3 + 2] = rgba[i * 4 + 2];
	}
	free(rgba);
	return true;
}
