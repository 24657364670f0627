// SPDX-License-Identifier: GPL-2.0-only
/*
 * What /sys/class/grabber/grabberN shows: docs/ABI/sysfs-class-grabber tells of
 * each file. Everybody may read them, without opening the node.
 */
#include <linux/sysfs.h>

#include "card.h"

static struct grabber_card *card_of(struct device *dev)
{
	return dev_get_drvdata(dev);
}

static ssize_t board_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", card_of(dev)->board->name);
}
static DEVICE_ATTR_RO(board);

static ssize_t state_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	struct grabber_card *card = card_of(dev);

	return sysfs_emit(buf, "%s\n", READ_ONCE(card->gone) ? "gone" :
			  READ_ONCE(card->running) ? "streaming" : "idle");
}
static DEVICE_ATTR_RO(state);

static ssize_t pixelformat_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	u32 code = card_of(dev)->format.pixelformat;

	if (!code)
		return sysfs_emit(buf, "unknown\n");
	return sysfs_emit(buf, "%c%c%c%c\n", code & 0xff, code >> 8 & 0xff,
			  code >> 16 & 0xff, code >> 24);
}
static DEVICE_ATTR_RO(pixelformat);

/* It may be taken back, see minor.c, but is never another one. */
static ssize_t name_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	return sysfs_emit(buf, "%s\n", card_of(dev)->name);
}
static DEVICE_ATTR_RO(name);

static ssize_t framing_show(struct device *dev, struct device_attribute *attr, char *buf)
{
	static const char * const names[] = {
		[GRABBER_FRAMING_CARD] = "card",
		[GRABBER_FRAMING_PACKET] = "packet",
		[GRABBER_FRAMING_SLOT] = "slot",
	};

	return sysfs_emit(buf, "%s\n", names[card_of(dev)->framing]);
}
static DEVICE_ATTR_RO(framing);

#define NUMBER(name, expression)						\
static ssize_t name##_show(struct device *dev, struct device_attribute *attr,	\
			   char *buf)						\
{										\
	struct grabber_card *card = card_of(dev);				\
	u64 value;								\
										\
	spin_lock_irq(&card->wait.lock);						\
	value = (expression);							\
	spin_unlock_irq(&card->wait.lock);						\
	return sysfs_emit(buf, "%llu\n", value);				\
}										\
static DEVICE_ATTR_RO(name)

NUMBER(channel, card->channel);
NUMBER(channels, card->function->channels);
NUMBER(width, card->format.width);
NUMBER(height, card->format.height);
NUMBER(sizeimage, card->format.sizeimage);
NUMBER(slots, card->ring.nslots);
NUMBER(slot_size, card->buffer.slot_size);
NUMBER(held, card->ring.held);
NUMBER(readers, card->readers);
NUMBER(begun, card->ring.sequence);
NUMBER(delivered, card->ring.delivered);
NUMBER(truncated, card->ring.truncated);
NUMBER(dropped_no_slot, card->ring.lost[GRABBER_LOSS_NO_SLOT]);
NUMBER(dropped_error, card->ring.lost[GRABBER_LOSS_ERROR]);
NUMBER(dropped_stop, card->ring.lost[GRABBER_LOSS_STOP]);
NUMBER(lost_by_card, card->ring.lost[GRABBER_LOSS_CARD]);
NUMBER(stalls, card->ring.stalls);

static struct attribute *card_attrs[] = {
	&dev_attr_board.attr,
	&dev_attr_channel.attr,
	&dev_attr_channels.attr,
	&dev_attr_framing.attr,
	&dev_attr_name.attr,
	&dev_attr_state.attr,
	&dev_attr_width.attr,
	&dev_attr_height.attr,
	&dev_attr_pixelformat.attr,
	&dev_attr_sizeimage.attr,
	&dev_attr_slots.attr,
	&dev_attr_slot_size.attr,
	&dev_attr_held.attr,
	&dev_attr_readers.attr,
	NULL,
};

static struct attribute *stats_attrs[] = {
	&dev_attr_begun.attr,
	&dev_attr_delivered.attr,
	&dev_attr_truncated.attr,
	&dev_attr_dropped_no_slot.attr,
	&dev_attr_dropped_error.attr,
	&dev_attr_dropped_stop.attr,
	&dev_attr_lost_by_card.attr,
	&dev_attr_stalls.attr,
	NULL,
};

static struct attribute *bar_attrs[] = {
	&dev_attr_channel.attr,
	&dev_attr_channels.attr,
	&dev_attr_name.attr,
	NULL,
};

static const struct attribute_group bar_group = {
	.attrs = bar_attrs,
};

static const struct attribute_group card_group = {
	.attrs = card_attrs,
};

static const struct attribute_group stats_group = {
	.name = "stats",
	.attrs = stats_attrs,
};

const struct attribute_group *grabber_bar_groups[] = {
	&bar_group,
	NULL,
};

const struct attribute_group *grabber_frame_groups[] = {
	&card_group,
	&stats_group,
	NULL,
};
