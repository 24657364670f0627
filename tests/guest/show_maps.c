// SPDX-License-Identifier: GPL-2.0-only
/*
 * What /proc/self/smaps says of a program that maps both nodes. docs/mmap.md
 * shows what this prints; the tests hold it to what is said there.
 */
#include <ctype.h>

#include "card.h"

/* The head line of the mapping, and those of its further lines that tell something. */
static void print_mapping(const char *node, char *flags, size_t size, unsigned long *rss)
{
	FILE *smaps = fopen("/proc/self/smaps", "r");
	char line[512], start[32] = "";
	bool ours = false;

	CHECK(smaps);
	while (fgets(line, sizeof(line), smaps)) {
		unsigned int head = strspn(line, "0123456789abcdef");

		/* "start-end perms offset dev inode path" begins each mapping. */
		if (head >= 8 && line[head] == '-') {
			char *path = strchr(line, '/');

			ours = path && !strncmp(path, node, strlen(node)) &&
			       isspace((unsigned char)path[strlen(node)]);
			if (ours) {
				printf("# %s", line);
				snprintf(start, sizeof(start), "%.*s", head, line);
			}
		} else if (ours && !strncmp(line, "Rss:", 4)) {
			printf("#     %s", line);
			CHECK(sscanf(line, "Rss: %lu", rss) == 1);
		} else if (ours && !strncmp(line, "VmFlags:", 8)) {
			printf("#     %s", line);
			snprintf(flags, size, "%s", strchr(line, ':') + 1);
		}
	}
	fclose(smaps);
	CHECK_MSG(start[0], "no mapping of %s", node);
}

static bool has_flag(const char *flags, const char *flag)
{
	char with_spaces[8];

	snprintf(with_spaces, sizeof(with_spaces), " %s ", flag);
	return strstr(flags, with_spaces);
}

TEST(maps_of_a_reader)
{
	int frames = open_frames(O_RDONLY), bar = open_bar(O_RDONLY);
	const volatile uint8_t *frame = map_frames(frames, PROT_READ);
	const volatile uint32_t *registers = map_bar(bar, PROT_READ);
	char flags[256] = "";
	unsigned long rss;

	(void)frame[0];
	(void)registers[0];

	print_mapping(node_path(card_number(), false), flags, sizeof(flags), &rss);
	EXPECT_MSG(rss == get_buffer(frames).mmap_size / 1024, "%lu KiB are mapped, not all", rss);
	EXPECT(has_flag(flags, "de") && has_flag(flags, "dd") && has_flag(flags, "mm"));
	EXPECT(!has_flag(flags, "io") && !has_flag(flags, "pf"));

	print_mapping(node_path(card_number(), true), flags, sizeof(flags), &rss);
	EXPECT(has_flag(flags, "de") && has_flag(flags, "dd"));
	EXPECT(has_flag(flags, "io") && has_flag(flags, "pf"));
}
