// SPDX-License-Identifier: GPL-2.0-only
/* The verb "set": the settings of a card, shown, changed now, and kept. */
#include <argp.h>
#include <errno.h>
#include <fcntl.h>
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
#include "number.h"
#include "say.h"
#include "set.h"
#include "sysfs.h"
#include "verbs.h"

#define WISHES_MAX	16

enum {
	KEY_SAVE = 0x100,
	KEY_REBIND,
	KEY_SERIAL,
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

static void add_cards(struct set_target *target)
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
	return !strncasecmp(name, "pci-", 4) || !strncasecmp(name, "serial:", 7);
}

static int find_section(const char *name, struct set_target *target)
{
	const char *channel = strcasestr(name, "-chan");

	if (!cards_is_section(name)) {
		say("'%s' is no name of a section: write pci-0000:01:00.0, with all its digits, or serial:01-23-45-67-89-ab-cd-ef, and -chan0 to -chan3 behind it for one channel", name);
		return -1;
	}
	snprintf(target->section, sizeof(target->section), "%s", name);
	target->near_channel = channel;
	target->channel = channel ? strtoul(channel + 5, NULL, 10) : 0;
	return 0;
}

static int find_target(const struct arguments *arguments, struct set_target *target)
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
			   struct set_target *target)
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
		if (strlen(grabber_setting_names[i]) == length && !strncmp(wish, grabber_setting_names[i], length))
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

/* NULL, or what is wrong. The file's lines may have blanks and be comments; wishes may not. */
static const char *wrong(const char *wish, const char *section)
{
	const char *value = value_of(wish), *blanks = " \t";
	size_t length = strlen(value);

	if (strpbrk(wish, "\n\r"))
		return "a setting has one line";
	if (length && (strchr(blanks, value[0]) || strchr(blanks, value[length - 1])))
		return "a setting is KEY=VALUE, with no blanks around it";
	/* What is none, in the words for the file */
	return cards_wrong(section, which(wish) == GRABBER_SETTINGS ? "=" : wish,
			   which(wish) == GRABBER_SETTINGS ? 1 : strlen(wish));
}

/* Returns 0, or -1 after saying what is wrong with a wish. */
static int check(struct arguments *arguments, const struct set_target *target)
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
		why = wrong(*wish, section);
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
		   const struct set_target *target)
{
	unsigned int near = !strncasecmp(target->section, "serial:", 7) ? GRABBER_NEAR_SERIAL :
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
		    of->line[setting], CARDS_FILE, grabber_setting_names[setting]);
		found = true;
	}
	free(settings);
	return found;
}

/* What the file will be. Returns 0, or -1 after saying why it cannot be. */
static int prepare(const struct arguments *arguments, struct set_target *target,
		   struct cards_file *file)
{
	bool board = false, id = false;

	if (cards_load_to_change(file))
		return -1;
	choose_section(arguments, file, target);
	for (int i = 0; i < arguments->count; i++) {
		enum grabber_setting setting = which(arguments->wishes[i]);

		cards_change(file, target->section, grabber_setting_names[setting],
			     value_of(arguments->wishes[i]));
		board |= setting == GRABBER_SET_BOARD;
		id |= setting == GRABBER_SET_ID;
	}
	/* As bind has it: of this card, not of another in its place. */
	if (board && !id && target->function.id[0])
		cards_change(file, target->section, "id", target->function.id);
	if (!hidden(file, arguments, target))
		return 0;
	cards_free(file);
	return -1;
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

static int rebind(const struct arguments *arguments, const struct set_target *target)
{
	const struct pci_function *function = &target->function;
	char once[512] = "", section[64];
	size_t used = 0;

	if (bind_in_use(function))
		return -1;
	if (target->near_channel)
		snprintf(section, sizeof(section), "%s-chan%u", function->slot, target->channel);
	else
		snprintf(section, sizeof(section), "%s", function->slot);
	for (int i = 0; i < arguments->count && used < sizeof(once); i++)
		used += snprintf(once + used, sizeof(once) - used, "%s\n", arguments->wishes[i]);
	if (bind_move(function, section, once))
		return -1;
	/* A card that grabber takes by itself was not asked for now, either. */
	return bind_override(function->bus, function->override);
}

/* Rebind and save; what the driver does not take with the card is not saved. */
static int keep(const struct arguments *arguments, struct set_target *target)
{
	bool there = target->function.bus[0];
	char bus[sizeof(target->function.bus)];
	struct cards_file file = { 0 };
	int error;

	snprintf(bus, sizeof(bus), "%s", target->function.bus);
	/* It may have gone another way while we waited. */
	if (there && pci_look(bus, &target->function))
		return -1;
	if (arguments->save && prepare(arguments, target, &file))
		return -1;
	error = arguments->rebind ? rebind(arguments, target) : 0;
	if (!error && arguments->save) {
		error = cards_save(&file);
		if (error && arguments->rebind)
			say("so it is in force now, but not after the card is plugged in again");
		if (!error)
			cards_warn_of_link();
	}
	cards_free(&file);
	return error;
}

static int change(struct arguments *arguments, struct set_target *target)
{
	struct bind_guard guard;
	int error;

	if (check(arguments, target))
		return EXIT_FAILED;
	if (arguments->rebind && geteuid()) {
		say("only root binds a card anew: run this with sudo");
		return EXIT_FAILED;
	}
	for (int i = 0; !arguments->rebind && i < target->count; i++)
		if (apply(arguments, target->cards[i]))
			return EXIT_FAILED;
	if (!arguments->save && !arguments->rebind)
		return EXIT_SUCCESS;
	error = bind_begin(&guard);
	if (!error) {
		error = keep(arguments, target);
		bind_end(&guard);
	}
	if (error && target->count && !arguments->rebind)
		say("so what can be set at once is in force now, but not after the card is plugged in again");
	if (error)
		return EXIT_FAILED;
	if (arguments->save)
		printf("saved in %s: [%s]\n", CARDS_FILE, target->section);
	return EXIT_SUCCESS;
}

int verb_set(int argc, char **argv)
{
	static const struct argp argp = { options, parse, "DEVICE [KEY=VALUE...]", doc, NULL, NULL, NULL };
	struct arguments arguments = { 0 };
	struct set_target target = { 0 };
	int status;

	argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (!arguments.count && (arguments.save || arguments.rebind)) {
		say("say what is to be set: KEY=VALUE, such as slots=32");
		return EXIT_USAGE;
	}
	if (find_target(&arguments, &target))
		return EXIT_FAILED;
	status = arguments.count ? change(&arguments, &target) : set_show(&target);
	for (int i = 0; i < arguments.count; i++)
		free(arguments.formats[i]);
	return status;
}
