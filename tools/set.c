// SPDX-License-Identifier: GPL-2.0-only
/* The verb "set": the settings of a card, shown, changed now, and kept. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "apply.h"
#include "bind.h"
#include "cardsfile.h"
#include "device.h"
#include "doctor_root.h"
#include "fourcc.h"
#include "number.h"
#include "say.h"
#include "sysfs.h"
#include "textfile.h"
#include "verbs.h"

#define WISHES_MAX	16
#define PARAMETERS	"/sys/module/grabber/parameters"

enum {
	KEY_SAVE = 0x100,
	KEY_REBIND,
	KEY_SERIAL,
};

static const char * const names[GRABBER_SETTINGS] = {
	[GRABBER_SET_BOARD] = "board",
	[GRABBER_SET_FRAMING] = "framing",
	[GRABBER_SET_BAR] = "bar",
	[GRABBER_SET_SLOTS] = "slots",
	[GRABBER_SET_SLOT_SIZE] = "slot_size",
	[GRABBER_SET_FORMAT] = "format",
	[GRABBER_SET_NAME] = "name",
	[GRABBER_SET_ID] = "id",
};

struct arguments {
	const char *device;
	const char *wishes[WISHES_MAX];
	char *formats[WISHES_MAX];	/* some of these, written out */
	int count;
	bool save;
	bool rebind;
	bool serial;
};

/**
 * struct target - what the settings are of
 * @function: the device; without a bus where only a section was named
 * @section: name of the section in cards.conf
 * @cards: the cards that are there of it
 * @count: how many
 * @channel: lowest channel that it is about
 */
struct target {
	struct pci_function function;
	char section[64];
	unsigned int cards[GRABBER_SETTINGS_CHANNELS];
	int count;
	unsigned int channel;
	bool near_channel;
};

static const char doc[] =
	"Show the settings of a card, or change them: now, for as long as the card is there, and with "
	"--save in " CARDS_FILE " for each time that it is plugged in."
	"\v"
	"DEVICE is a card as elsewhere (0, grabber0, or its name=), all channels of a card by its PCI address "
	"(0000:01:00.0), or a section of the file, for a card that is not there (pci-0000:01:00.0, "
	"serial:01-23-45-67-89-ab-cd-ef).\n\n"
	"KEY=VALUE is one of\n"
	"  slots=N              frame slots, 2 to 1024\n"
	"  slot_size=BYTES      bytes of each, up to 64M\n"
	"  format=WxH:FOURCC    what frames hold, as for 'grabberctl format'\n"
	"  bar=N                the BAR that the -bar node shows first\n"
	"  framing=HOW          packet or slot\n"
	"  board=BOARD          xdma or generic; see 'grabberctl bind'\n"
	"  name=NAME            a link /dev/grabber/by-name/NAME\n"
	"  id=VENDOR:DEVICE     what board= is said of, as 10ee:7024: no other card is bound at boot\n"
	"The first three are in force at once; the others when the card is bound the next time.";

static const struct argp_option options[] = {
	{ "save", KEY_SAVE, NULL, 0, "Keep it", 0 },
	{ "rebind", KEY_REBIND, NULL, 0, "Bind the card anew, where nobody has it open, so that all is in force now", 0 },
	{ "by-serial", KEY_SERIAL, NULL, 0, "Keep it for this very card, in whatever slot it is", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *arguments = state->input;

	switch (key) {
	case KEY_SAVE:
		arguments->save = true;
		return 0;
	case KEY_REBIND:
		arguments->rebind = true;
		return 0;
	case KEY_SERIAL:
		arguments->serial = true;
		return 0;
	case ARGP_KEY_ARG:
		if (!arguments->device)
			arguments->device = arg;
		else if (!strchr(arg, '='))
			argp_error(state, "'%s' is not KEY=VALUE", arg);
		else if (arguments->count == WISHES_MAX)
			argp_error(state, "more than %d settings", WISHES_MAX);
		else
			arguments->wishes[arguments->count++] = arg;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "say which card: its number, node, name or PCI address");
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void add_cards(struct target *target)
{
	unsigned int *cards;
	int count = device_all(&cards);
	char bus[64];

	for (int i = 0; i < count && target->count < GRABBER_SETTINGS_CHANNELS; i++) {
		device_bus(cards[i], bus, sizeof(bus));
		if (!strcmp(bus, target->function.bus))
			target->cards[target->count++] = cards[i];
	}
	free(cards);
}

/* A section's name, for a card that need not be there */
static bool is_section(const char *name)
{
	return !strncmp(name, "pci-", 4) || !strncmp(name, "serial:", 7);
}

static int find_section(const char *name, struct target *target)
{
	const char *channel = strcasestr(name, "-chan");

	if (strlen(name) >= sizeof(target->section) || strpbrk(name, "]\n\r\t ")) {
		say("'%s' is no name of a section, such as pci-0000:01:00.0", name);
		return -1;
	}
	snprintf(target->section, sizeof(target->section), "%s", name);
	target->near_channel = channel;
	target->channel = channel ? strtoul(channel + 5, NULL, 10) : 0;
	return 0;
}

static int find_target(const struct arguments *arguments, struct target *target)
{
	const char *name = arguments->device;
	struct sysfs_card sysfs = { .channels = 1 };
	unsigned int card;
	char bus[64];

	if (is_section(name))
		return find_section(name, target);
	if (pci_address(name, bus, sizeof(bus))) {
		if (pci_look(name, &target->function))
			return -1;
		add_cards(target);
	} else {
		if (device_find(name, &card))
			return -1;
		device_bus(card, bus, sizeof(bus));
		if (!bus[0]) {
			device_explain_open(card, NODE_FRAMES, ENOENT, NULL);
			return -1;
		}
		if (pci_look(bus, &target->function))
			return -1;
		target->cards[target->count++] = card;
		sysfs_card(card, &sysfs);
	}
	if (arguments->serial && !target->function.serial[0]) {
		say("%s has no serial number, or the kernel does not show it: leave --by-serial out",
		    target->function.bus);
		return -1;
	}
	target->near_channel = sysfs.channels > 1;
	target->channel = sysfs.channel;
	return 0;
}

/* Of the two that may be about the card. */
static void choose_section(const struct arguments *arguments, const struct cards_file *file,
			   struct target *target)
{
	char by_serial[64], suffix[16] = "";

	if (target->section[0])
		return;
	if (target->near_channel)
		snprintf(suffix, sizeof(suffix), "-chan%u", target->channel);
	snprintf(by_serial, sizeof(by_serial), "%s%s", target->function.serial, suffix);
	if (target->function.serial[0] && (arguments->serial || cards_has_section(file, by_serial)))
		snprintf(target->section, sizeof(target->section), "%s", by_serial);
	else
		snprintf(target->section, sizeof(target->section), "%s%s", target->function.slot, suffix);
}

static enum grabber_setting which(const char *wish)
{
	size_t length = strcspn(wish, "=");
	int i;

	for (i = 0; i < GRABBER_SETTINGS; i++)
		if (strlen(names[i]) == length && !strncmp(wish, names[i], length))
			break;
	return i;
}

static const char *value_of(const char *wish)
{
	return strchr(wish, '=') + 1;
}

/* All four parts, for the driver does not know what a pixel takes. */
static char *whole_format(const char *wish)
{
	char text[FORMAT_TEXT], *whole;
	struct format_wish format;
	const char *why = format_parse(value_of(wish), &format);

	if (!why)
		why = format_complete(&format, NULL, 0);
	if (why) {
		say("'%s': %s", wish, why);
		return NULL;
	}
	if (asprintf(&whole, "format=%s", format_text(&format.format, text)) < 0)
		return NULL;
	return whole;
}

/* Returns 0, or -1 after saying what is wrong with a wish. */
static int check(struct arguments *arguments, const struct target *target)
{
	const char *section = target->near_channel ? "x-chan0" : "x", *why;
	bool later = false;

	for (int i = 0; i < arguments->count; i++) {
		const char **wish = &arguments->wishes[i];
		enum grabber_setting setting = which(*wish);

		if (setting == GRABBER_SET_FORMAT) {
			arguments->formats[i] = whole_format(*wish);
			*wish = arguments->formats[i];
			if (!*wish)
				return -1;
		}
		why = strpbrk(*wish, "\n\r") ? "a setting has one line" :
			cards_wrong(section, *wish, strlen(*wish));
		if (why) {
			say("'%s': %s", *wish, why);
			return -1;
		}
		later |= setting != GRABBER_SET_SLOTS && setting != GRABBER_SET_SLOT_SIZE &&
			 setting != GRABBER_SET_FORMAT;
	}
	if (later && !arguments->save && !arguments->rebind) {
		say("board, bar, framing, name and id are in force when the card is bound: say --rebind to have that now, --save for the next time, or both");
		return -1;
	}
	if (!target->count && !arguments->save) {
		say("there is no such card now: say --save, for when it is there");
		return -1;
	}
	if (arguments->rebind && (!target->count || !target->function.bus[0])) {
		say("there is no such card to be bound anew: leave --rebind out");
		return -1;
	}
	return 0;
}

/* Is it said elsewhere in the file, nearer to the card? Says where. */
static bool hidden(const struct cards_file *file, const struct arguments *arguments,
		   const struct target *target)
{
	unsigned int near = !strncmp(target->section, "serial:", 7) ? GRABBER_NEAR_SERIAL :
							       GRABBER_NEAR_SLOT;
	struct grabber_settings_of *settings;
	bool found = false;

	if (!target->function.bus[0])
		return false;
	near += target->near_channel ? GRABBER_NEAR_SLOT_CHANNEL : 0;
	settings = cards_settings(file, target->function.slot, target->function.serial);
	for (int i = 0; i < arguments->count && !found; i++) {
		const struct grabber_settings *of = &settings->channel[target->channel];
		enum grabber_setting setting = which(arguments->wishes[i]);

		if (of->near[setting] <= near)
			continue;
		say("line %u of %s says %s= in a section that is nearer to this card, which counts: change that one, and try again",
		    of->line[setting], CARDS_FILE, names[setting]);
		found = true;
	}
	free(settings);
	return found;
}

static int save(const struct arguments *arguments, struct target *target)
{
	struct cards_file file;
	int lock = cards_lock(), error = -1;

	if (lock < 0)
		return -1;
	if (cards_load(&file)) {
		close(lock);
		return -1;
	}
	choose_section(arguments, &file, target);
	for (int i = 0; i < arguments->count; i++)
		cards_change(&file, target->section, names[which(arguments->wishes[i])],
			     value_of(arguments->wishes[i]));
	if (!hidden(&file, arguments, target))
		error = cards_save(&file);
	cards_free(&file);
	close(lock);
	if (!error)
		cards_warn_of_link();
	return error;
}

static const char *wished(const struct arguments *arguments, enum grabber_setting setting)
{
	const char *value = NULL;

	for (int i = 0; i < arguments->count; i++)
		if (which(arguments->wishes[i]) == setting)
			value = value_of(arguments->wishes[i]);
	return value;
}

/* Larger slots come before larger frames, and smaller frames before smaller slots. */
static int apply_all(int fd, unsigned int card, struct grabber_buffer *buffer, bool change_buffer,
		     struct format_wish *format)
{
	struct grabber_format now = { 0 };

	if (!format)
		return apply_buffer(fd, card, buffer);
	if (ioctl(fd, GRABBER_IOC_GET_FORMAT, &now) < 0) {
		device_explain_call(card, errno);
		return -1;
	}
	if (change_buffer && buffer->slot_size >= now.sizeimage && apply_buffer(fd, card, buffer))
		return -1;
	if (apply_format(fd, card, format))
		return -1;
	return change_buffer && buffer->slot_size < now.sizeimage ?
		apply_buffer(fd, card, buffer) : 0;
}

static int apply(const struct arguments *arguments, unsigned int card)
{
	const char *slots = wished(arguments, GRABBER_SET_SLOTS);
	const char *size = wished(arguments, GRABBER_SET_SLOT_SIZE);
	const char *format = wished(arguments, GRABBER_SET_FORMAT);
	struct grabber_buffer buffer, wish = { 0 };
	struct format_wish format_wish;
	struct grabber_info info;
	uint64_t number;
	int fd, error;

	if (!slots && !size && !format)
		return 0;
	fd = device_open(card, NODE_FRAMES, O_RDWR, &info);
	if (fd < 0)
		return -1;
	if (ioctl(fd, GRABBER_IOC_GET_BUFFER, &buffer) < 0) {
		device_explain_call(card, errno);
		close(fd);
		return -1;
	}
	wish.slots = buffer.slots;
	wish.slot_size = buffer.slot_size;
	if (slots && !parse_number(slots, UINT32_MAX, &number))
		wish.slots = number;
	if (size && !parse_size(size, UINT32_MAX, &number))
		wish.slot_size = number;
	if (format) {
		format_parse(format, &format_wish);
		/* As at plug time: a slot has room for the frame. */
		if (!size && info.framing != GRABBER_FRAMING_SLOT &&
		    format_wish.format.sizeimage > wish.slot_size)
			wish.slot_size = format_wish.format.sizeimage;
	}
	error = apply_all(fd, card, &wish, wish.slots != buffer.slots ||
			  wish.slot_size != buffer.slot_size, format ? &format_wish : NULL);
	close(fd);
	return error;
}

static int rebind(const struct arguments *arguments, const struct target *target)
{
	const struct pci_function *function = &target->function;
	char once[512] = "", section[64];
	size_t used = 0;

	if (target->near_channel)
		snprintf(section, sizeof(section), "%s-chan%u", function->slot, target->channel);
	else
		snprintf(section, sizeof(section), "%s", function->slot);
	/* What is saved is read anyway. */
	for (int i = 0; !arguments->save && i < arguments->count && used < sizeof(once); i++)
		used += snprintf(once + used, sizeof(once) - used, "%s\n", arguments->wishes[i]);
	if (bind_move(function, section, once))
		return -1;
	/* A card that grabber takes by itself was not asked for now, either. */
	pci_write(target->function.override[0] ? target->function.override : "\n",
		  PCI_BUS "/devices/%s/driver_override", function->bus);
	return 0;
}

static int change(struct arguments *arguments, struct target *target)
{
	if (check(arguments, target))
		return EXIT_FAILED;
	if (arguments->rebind && geteuid()) {
		say("only root binds a card anew: run this with sudo");
		return EXIT_FAILED;
	}
	if (arguments->rebind && bind_in_use(&target->function))
		return EXIT_FAILED;
	for (int i = 0; !arguments->rebind && i < target->count; i++)
		if (apply(arguments, target->cards[i]))
			return EXIT_FAILED;
	if (arguments->save && save(arguments, target)) {
		if (target->count && !arguments->rebind)
			say("so what can be set at once is in force now, but not after the card is plugged in again");
		return EXIT_FAILED;
	}
	if (arguments->rebind && rebind(arguments, target))
		return EXIT_FAILED;
	if (arguments->save)
		printf("saved in %s: [%s]\n", CARDS_FILE, target->section);
	return EXIT_SUCCESS;
}

/* What is in force, by sysfs; "" where that does not tell. */
static void in_force(unsigned int card, enum grabber_setting setting, char *text, size_t size)
{
	static const char * const files[GRABBER_SETTINGS] = {
		"board", "framing", NULL, "slots", "slot_size", NULL, "name", NULL,
	};
	char path[PATH_MAX];

	text[0] = 0;
	if (!files[setting])
		return;
	snprintf(path, sizeof(path), "%s/grabber%u/%s", GRABBER_CLASS_DIR, card, files[setting]);
	textfile_read(path, text, size);
}

static void show_format(unsigned int card, char *text, size_t size)
{
	char fourcc[FOURCC_TEXT];
	struct sysfs_card sysfs;

	text[0] = 0;
	if (!sysfs_card(card, &sysfs))
		snprintf(text, size, "%" PRIu32 "x%" PRIu32 ":%s, %" PRIu32 " bytes",
			 sysfs.format.width, sysfs.format.height,
			 fourcc_text(sysfs.format.pixelformat, fourcc), sysfs.format.sizeimage);
}

/* Where a value comes from that the file says nothing of. */
static const char *origin(enum grabber_setting setting)
{
	static const char * const defaults[GRABBER_SETTINGS] = {
		NULL, "", "-1", "0", "1048576", NULL, NULL,
	};
	char text[64];

	if (!defaults[setting] ||
	    root_read(text, sizeof(text), PARAMETERS "/%s", names[setting]) < 0 ||
	    !strcmp(text, defaults[setting]))
		return "";
	return "by the module's parameter, or set since";
}

static void show(unsigned int card, const struct target *target, const struct cards_file *file)
{
	struct grabber_settings_of *settings = cards_settings(file, target->function.slot,
							      target->function.serial);
	struct sysfs_card sysfs = { 0 };
	char text[96], line[64];

	sysfs_card(card, &sysfs);
	printf("Settings of grabber%u (%s)\n", card, target->function.bus);
	for (int i = 0; i < GRABBER_SETTINGS; i++) {
		const struct grabber_settings *of =
			&settings->channel[sysfs.channel % GRABBER_SETTINGS_CHANNELS];

		if (i == GRABBER_SET_FORMAT)
			show_format(card, text, sizeof(text));
		else
			in_force(card, i, text, sizeof(text));
		if (i == GRABBER_SET_BAR && grabber_is_set(of, i))
			snprintf(text, sizeof(text), "%" PRIu32, of->number[i]);
		else if (i == GRABBER_SET_ID)
			snprintf(text, sizeof(text), "%s", target->function.id);
		snprintf(line, sizeof(line), "line %u of %s", of->line[i], CARDS_FILE);
		printf("  %-10s %-32s %s\n", names[i], text[0] ? text : "-",
		       grabber_is_set(of, i) ? line : origin(i));
	}
	free(settings);
}

static int show_all(const struct target *target)
{
	struct cards_file file;

	if (!target->count) {
		say("%s is no card of grabber's now; 'grabberctl list' shows those there are",
		    target->function.bus[0] ? target->function.bus : target->section);
		return EXIT_FAILED;
	}
	if (cards_load(&file))
		return EXIT_FAILED;
	for (int i = 0; i < target->count; i++)
		show(target->cards[i], target, &file);
	cards_free(&file);
	return EXIT_SUCCESS;
}

int verb_set(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "DEVICE [KEY=VALUE...]", doc, NULL, NULL, NULL };
	struct arguments arguments = { 0 };
	struct target target = { 0 };
	int status;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (!arguments.count && (arguments.save || arguments.rebind)) {
		say("say what is to be set: KEY=VALUE, such as slots=32");
		return EXIT_USAGE;
	}
	if (find_target(&arguments, &target))
		return EXIT_FAILED;
	status = arguments.count ? change(&arguments, &target) : show_all(&target);
	for (int i = 0; i < arguments.count; i++)
		free(arguments.formats[i]);
	return status;
}
