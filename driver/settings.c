// SPDX-License-Identifier: GPL-2.0-only
/*
 * Where the settings of a card come from: /etc/grabber/cards.conf, and what was written to
 * /sys/bus/pci/drivers/grabber/settings for the next time that a card is bound.
 *
 * The file is had by the kernel's firmware loader, through a link in /lib/firmware: that
 * knows which root and which mount namespace are meant, asks security modules, and is there
 * at boot, when a card is plugged in and when one is bound again, with no program that would
 * have to come first. It is read anew each time. No MODULE_FIRMWARE(): most machines do
 * without such a file, and what makes an initramfs would warn of that.
 */
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/device.h>
#include <linux/firmware.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/sysfs.h>

#include "card.h"
#include "settings.h"

#define FILE_NAME	"/etc/grabber/cards.conf"

/* What the next card is to have that it is about. */
static DEFINE_MUTEX(once_lock);
static char *once_text;
static size_t once_bytes;

static ssize_t settings_store(struct device_driver *driver, const char *text, size_t bytes)
{
	char *kept;

	/* More would come as a second text, in the place of this one. */
	if (bytes >= PAGE_SIZE)
		return -EFBIG;
	kept = kmemdup(text, bytes, GFP_KERNEL);
	if (!kept)
		return -ENOMEM;
	mutex_lock(&once_lock);
	swap(once_text, kept);
	once_bytes = bytes;
	mutex_unlock(&once_lock);
	kfree(kept);
	return bytes;
}
static DRIVER_ATTR_WO(settings);

static struct attribute *driver_attrs[] = {
	&driver_attr_settings.attr,
	NULL,
};

static const struct attribute_group driver_group = {
	.attrs = driver_attrs,
};

const struct attribute_group *grabber_driver_groups[] = {
	&driver_group,
	NULL,
};

/**
 * grabber_settings_exit() - the module leaves
 */
void grabber_settings_exit(void)
{
	kfree(once_text);
}

/* One line, however many there are to be told of. */
static void tell_wrong(struct device *dev, const struct grabber_settings_of *settings,
		       const char *where)
{
	if (settings->wrong == 1)
		dev_warn(dev, "%s line %u is left out: %s\n", where, settings->wrong_line,
			 settings->why);
	else if (settings->wrong)
		dev_warn(dev, "%s line %u is left out: %s; and so are %u more (grabberctl doctor)\n",
			 where, settings->wrong_line, settings->why, settings->wrong - 1);
}

static void read_file(struct device *dev, struct grabber_settings_of *settings,
		      const char *slot, const char *serial)
{
	const struct firmware *file;
	int err = request_firmware_direct(&file, GRABBER_SETTINGS_FILE, dev);

	/* There is none, or nothing is in it, or the kernel has no firmware loader. */
	if (err == -ENOENT || err == -EINVAL)
		return;
	if (err) {
		dev_warn(dev, "%s cannot be read (%d), so the card has the defaults: see FILES in grabber(4)\n",
			 FILE_NAME, err);
		return;
	}
	if (file->size > GRABBER_SETTINGS_BYTES)
		dev_warn(dev, "%s has more than %u bytes, so the card has the defaults: make it shorter\n",
			 FILE_NAME, GRABBER_SETTINGS_BYTES);
	else
		grabber_settings_parse(settings, file->data, file->size, slot, serial);
	release_firmware(file);
	tell_wrong(dev, settings, FILE_NAME);
}

static void take_once(struct grabber_settings *to, const struct grabber_settings *from)
{
	u32 i;

	for (i = 0; i < GRABBER_SETTINGS; i++) {
		if (!grabber_is_set(from, i))
			continue;
		to->line[i] = from->line[i];
		to->near[i] = from->near[i];
		to->number[i] = from->number[i];
		to->once |= BIT(i);
	}
	if (grabber_is_set(from, GRABBER_SET_FORMAT))
		to->format = from->format;
	if (grabber_is_set(from, GRABBER_SET_NAME))
		memcpy(to->name, from->name, sizeof(to->name));
}

/* What somebody said for this time counts before what is in the file. */
static int read_once(struct device *dev, struct grabber_settings_of *settings,
		     const char *slot, const char *serial)
{
	struct grabber_settings_of *once = kzalloc(sizeof(*once), GFP_KERNEL);
	u32 i;

	if (!once)
		return -ENOMEM;
	mutex_lock(&once_lock);
	if (once_text)
		grabber_settings_parse(once, once_text, once_bytes, slot, serial);
	if (once->sections) {
		kfree(once_text);
		once_text = NULL;
	}
	mutex_unlock(&once_lock);
	if (once->sections) {
		tell_wrong(dev, once, "settings:");
		for (i = 0; i < GRABBER_SETTINGS_CHANNELS; i++)
			take_once(&settings->channel[i], &once->channel[i]);
	}
	kfree(once);
	return 0;
}

/**
 * grabber_settings_read() - what is said about a function that is probed
 * @dev: its device
 * @serial: its serial number as sections have it, "serial:01-23-...", "" for none
 *
 * What makes no sense is left out, after one line in the log. May sleep.
 *
 * Return: the settings, which live as long as the device is bound; NULL without memory.
 */
struct grabber_settings_of *grabber_settings_read(struct device *dev, const char *serial)
{
	struct grabber_settings_of *settings = devm_kzalloc(dev, sizeof(*settings), GFP_KERNEL);
	char slot[40];

	BUILD_BUG_ON(GRABBER_SETTINGS_CHANNELS != GRABBER_CHANNELS_MAX);
	if (!settings)
		return NULL;
	snprintf(slot, sizeof(slot), "pci-%s", dev_name(dev));
	read_file(dev, settings, slot, serial);
	if (read_once(dev, settings, slot, serial))
		return NULL;
	return settings;
}

/**
 * grabber_settings_streams() - does somebody want streams as they are?
 * @settings: what is said of the function
 *
 * Who asks for an XDMA core does, and who says of a channel what its frames are: of that
 * channel only, others have what there is without it.
 *
 * Return: whether an XDMA core without a video source is wanted.
 */
bool grabber_settings_streams(const struct grabber_settings_of *settings)
{
	u32 i;

	for (i = 0; i < GRABBER_SETTINGS_CHANNELS; i++) {
		if (grabber_is_set(&settings->channel[i], GRABBER_SET_FRAMING))
			return true;
	}
	return settings->channel[0].number[GRABBER_SET_BOARD] == GRABBER_WANT_XDMA;
}

/**
 * grabber_settings_refused() - a setting is sound, but nothing for this card
 * @card: the card, which is probed, and goes on with what it has without the setting
 * @which: the setting
 * @why: why, and what would be right
 */
void grabber_settings_refused(struct grabber_card *card, enum grabber_setting which,
			      const char *why)
{
	const struct grabber_settings *settings = card->settings;

	dev_warn(card->dev, "%s%s line %u is left out: %s\n", card->label,
		 settings->once & BIT(which) ? "settings:" : FILE_NAME, settings->line[which], why);
}
