// SPDX-License-Identifier: GPL-2.0-only
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"
#include "number.h"
#include "say.h"
#include "textfile.h"

/* "grabber12" or "grabber12-bar" */
static bool parse_node_name(const char *name, bool bar_too, unsigned int *card)
{
	static const char prefix[] = "grabber";
	char digits[16];
	uint64_t number;
	size_t length;

	if (strncmp(name, prefix, strlen(prefix)))
		return false;
	name += strlen(prefix);
	length = strspn(name, "0123456789");
	if (!length || length >= sizeof(digits))
		return false;
	if (name[length] && !(bar_too && !strcmp(name + length, "-bar")))
		return false;
	memcpy(digits, name, length);
	digits[length] = 0;
	if (parse_number(digits, INT_MAX, &number))
		return false;
	*card = number;
	return true;
}

static int compare_cards(const void *a, const void *b)
{
	unsigned int x = *(const unsigned int *)a, y = *(const unsigned int *)b;

	return (x > y) - (x < y);
}

int device_all(unsigned int **cards)
{
	unsigned int *list = NULL, *more, card;
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	*cards = NULL;
	dir = opendir(GRABBER_CLASS_DIR);
	if (!dir)
		return -errno;
	while ((entry = readdir(dir))) {
		if (!parse_node_name(entry->d_name, false, &card))
			continue;
		more = reallocarray(list, count + 1, sizeof(*list));
		if (!more) {
			free(list);
			closedir(dir);
			return -ENOMEM;
		}
		list = more;
		list[count++] = card;
	}
	closedir(dir);
	if (count)
		qsort(list, count, sizeof(*list), compare_cards);
	*cards = list;
	return count;
}

void device_bus(unsigned int card, char *bus, size_t size)
{
	char link[PATH_MAX], target[PATH_MAX], *slash;
	ssize_t length;

	bus[0] = 0;
	snprintf(link, sizeof(link), "%s/grabber%u/device", GRABBER_CLASS_DIR, card);
	length = readlink(link, target, sizeof(target) - 1);
	if (length < 0)
		return;
	target[length] = 0;
	slash = strrchr(target, '/');
	snprintf(bus, size, "%s", slash ? slash + 1 : target);
}

char *device_path(unsigned int card, enum node node)
{
	char *path;

	if (asprintf(&path, "%s/grabber%u%s", GRABBER_DEV_DIR, card,
		     node == NODE_BAR ? "-bar" : "") < 0) {
		say("out of memory");
		exit(EXIT_FAILED);
	}
	return path;
}

/* "0000:01:00.0", or "01:00.0" where the domain is 0 */
static bool bus_matches(const char *bus, const char *name)
{
	return !strcasecmp(bus, name) ||
	       (!strncmp(bus, "0000:", 5) && !strcasecmp(bus + 5, name));
}

static int find_by_bus(const char *name, unsigned int *card)
{
	unsigned int *cards;
	char bus[64];
	int count = device_all(&cards), found = -1;

	if (count <= 0) {
		free(cards);
		device_explain_none();
		return -1;
	}
	for (int i = 0; i < count && found; i++) {
		device_bus(cards[i], bus, sizeof(bus));
		if (bus_matches(bus, name)) {
			*card = cards[i];
			found = 0;
		}
	}
	free(cards);
	if (found)
		say("no grabber card has the bus address %s; 'grabberctl list' shows those there are", name);
	return found;
}

static int find_first(unsigned int *card)
{
	unsigned int *cards;
	int count = device_all(&cards);

	if (count > 0)
		*card = cards[0];
	free(cards);
	if (count > 0)
		return 0;
	device_explain_none();
	return -1;
}

/* By the name= of its settings. */
static int find_by_label(const char *name, unsigned int *card)
{
	static const char links[] = "grabber/by-name/";
	char path[PATH_MAX], label[64];
	unsigned int *cards;
	int count = device_all(&cards), found = -1;

	if (!strncmp(name, links, strlen(links)))
		name += strlen(links);
	for (int i = 0; i < count && found && *name; i++) {
		snprintf(path, sizeof(path), "%s/grabber%u/name", GRABBER_CLASS_DIR, cards[i]);
		if (textfile_read(path, label, sizeof(label)) > 0 && !strcmp(label, name)) {
			*card = cards[i];
			found = 0;
		}
	}
	free(cards);
	return found;
}

void device_argument(const char **device, const char *arg, const struct argp_state *state)
{
	if (*device)
		argp_error(state, "one card at a time: '%s' is one too many", arg);
	*device = arg;
}

int device_find(const char *name, unsigned int *card)
{
	const char *base;
	uint64_t number;

	if (!name)
		return find_first(card);
	if (!parse_number(name, INT_MAX, &number) && name[1] != 'x' && name[1] != 'X') {
		*card = number;
		return 0;
	}
	base = strncmp(name, "/dev/", 5) ? name : name + 5;
	if (parse_node_name(base, true, card))
		return 0;
	if (strchr(name, ':') && !strchr(name, '/'))
		return find_by_bus(name, card);
	if (!find_by_label(base, card))
		return 0;
	say("'%s' names no card; write its number (0), its node (grabber0 or /dev/grabber0) or its PCI address (0000:01:00.0)",
	    name);
	return -1;
}

int device_try_open(unsigned int card, enum node node, int flags, struct grabber_info *info)
{
	char *path = device_path(card, node);
	int fd = open(path, flags | O_CLOEXEC), error;

	error = errno;
	free(path);
	if (fd < 0)
		return -error;
	if (ioctl(fd, GRABBER_IOC_INFO, info) < 0)
		error = errno;
	else if (info->abi_version != GRABBER_ABI_VERSION)
		error = EPROTO;
	else
		return fd;
	close(fd);
	return -error;
}

int device_open(unsigned int card, enum node node, int flags, struct grabber_info *info)
{
	int fd = device_try_open(card, node, flags, info);

	if (fd >= 0)
		return fd;
	device_explain_open(card, node, -fd, info);
	return -1;
}

void device_explain_none(void)
{
	unsigned int *cards;
	int count = device_all(&cards);

	free(cards);
	if (count == -ENOENT && access("/sys/class", F_OK))
		say("cannot look for cards: sysfs is not mounted; mount it with 'mount -t sysfs sysfs /sys'");
	else if (count == -ENOENT)
		say("no card: the grabber module is not loaded; load it with 'modprobe grabber' (as root), and see 'dmesg' if that fails");
	else if (count < 0)
		say("cannot look for cards in %s: %s", GRABBER_CLASS_DIR, strerror(-count));
	else
		say("no card: the grabber module is loaded, but drives none; 'lspci -nnk' shows the cards and their drivers, and 'dmesg' why grabber left one alone; 'grabberctl bind' gives it one by its PCI address");
}

static void explain_absent(unsigned int card, const char *path)
{
	unsigned int *cards;
	int count = device_all(&cards);
	bool bound = false;

	if (count <= 0) {
		free(cards);
		device_explain_none();
		return;
	}
	for (int i = 0; i < count; i++)
		bound |= cards[i] == card;
	free(cards);
	if (bound)
		say("card %u is there, but %s is not; is udev running, or devtmpfs mounted on /dev?",
		    card, path);
	else
		say("there is no card %u; 'grabberctl list' shows those there are", card);
}

/*
 * By /etc/passwd and /etc/group alone, which is where the owners of device
 * nodes are: getpwuid() would tie a static grabberctl to the machine's NSS.
 */
static void user_name(uid_t uid, char *name, size_t size)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *entry = NULL;

	while (file && (entry = fgetpwent(file)) && entry->pw_uid != uid)
		;
	if (entry)
		snprintf(name, size, "%s", entry->pw_name);
	else
		snprintf(name, size, "user %u", uid);
	if (file)
		fclose(file);
}

static void group_name(gid_t gid, char *name, size_t size)
{
	FILE *file = fopen("/etc/group", "re");
	const struct group *entry = NULL;

	while (file && (entry = fgetgrent(file)) && entry->gr_gid != gid)
		;
	snprintf(name, size, "%s", entry ? entry->gr_name : "");
	if (!entry)
		snprintf(name, size, "%u", gid);
	if (file)
		fclose(file);
}

static void explain_permission(const char *path)
{
	char owner[64], group[64];
	struct stat st;

	if (stat(path, &st)) {
		say("%s: %s", path, strerror(errno));
		return;
	}
	user_name(st.st_uid, owner, sizeof(owner));
	group_name(st.st_gid, group, sizeof(group));
	if ((st.st_mode & 060) && st.st_gid)
		say("%s: permission denied; it may be opened by %s and the group %s: run as root, or join the group with 'usermod -aG %s USER' and log in anew",
		    path, owner, group, group);
	else
		say("%s: permission denied; it may be opened by %s only", path, owner);
}

void device_explain_open(unsigned int card, enum node node, int error,
			 const struct grabber_info *info)
{
	char *path = device_path(card, node);

	switch (error) {
	case ENOENT:
		explain_absent(card, path);
		break;
	case EACCES:
		explain_permission(path);
		break;
	case EPERM:
		say("%s: the kernel refuses it; when it is locked down (Secure Boot), register windows are closed to everyone, root included",
		    path);
		break;
	case ENODEV:
	case ENXIO:
		say("%s: the card is gone; was it unplugged or unbound?", path);
		break;
	case ENOTTY:
		say("%s is no node of the grabber driver", path);
		break;
	case EPROTO:
		say("%s: the driver speaks version %u of the interface, this grabberctl version %u; install the grabberctl that came with driver %.16s",
		    path, info->abi_version, GRABBER_ABI_VERSION, info->driver);
		break;
	default:
		say("%s: %s", path, strerror(error));
	}
	free(path);
}

void device_explain_call(unsigned int card, int error)
{
	/* device_open() saw that the node is grabber's. */
	if (error == ENOTTY)
		say("grabber%u: the running driver is older than this grabberctl and cannot do that; install the driver that came with it",
		    card);
	else
		device_explain_open(card, NODE_FRAMES, error, NULL);
}
