// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two minors of each card, their numbers, and the files opened on them.
 *
 * The driver core may let go of a device, of a cdev and of the class long after we
 * did, and the module may be unloaded by then. So all three are made by the core,
 * freed by its own code, and know nothing of ours: an open() finds its card by its
 * number.
 */
#include <linux/err.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/xarray.h>

#include "card.h"
#include "compat/compat.h"

#define CARDS_MAX	1024

static dev_t first_devt;
static struct class *grabber_class;
/* By their numbers; its lock makes sure that a card which is found there lives. */
static DEFINE_XARRAY_ALLOC(cards);

/**
 * grabber_minors_init() - reserve the device numbers and make the class
 *
 * Return: 0 or an error.
 */
int grabber_minors_init(void)
{
	int err = alloc_chrdev_region(&first_devt, 0, CARDS_MAX * GRABBER_MINORS, "grabber");

	if (err)
		return err;
	grabber_class = class_create("grabber");
	if (!IS_ERR(grabber_class))
		return 0;
	unregister_chrdev_region(first_devt, CARDS_MAX * GRABBER_MINORS);
	return PTR_ERR(grabber_class);
}

/**
 * grabber_minors_exit() - undo grabber_minors_init()
 */
void grabber_minors_exit(void)
{
	class_destroy(grabber_class);
	unregister_chrdev_region(first_devt, CARDS_MAX * GRABBER_MINORS);
	xa_destroy(&cards);
}

static int minor_add(struct grabber_card *card, enum grabber_minor_kind kind,
		     const struct file_operations *fops,
		     const struct attribute_group **groups, const char *suffix)
{
	struct grabber_minor *minor = &card->minors[kind];
	dev_t devt = first_devt + card->number * GRABBER_MINORS + kind;
	int err;

	minor->cdev = cdev_alloc();
	if (!minor->cdev)
		return -ENOMEM;
	minor->cdev->ops = fops;
	minor->cdev->owner = THIS_MODULE;
	err = cdev_add(minor->cdev, devt, 1);
	if (err) {
		kobject_put(&minor->cdev->kobj);
		return err;
	}
	minor->dev = device_create_with_groups(grabber_class, card->dev, devt, card, groups,
					       "grabber%d%s", card->number, suffix);
	if (!IS_ERR(minor->dev))
		return 0;
	cdev_del(minor->cdev);
	return PTR_ERR(minor->dev);
}

/* Nobody is in the middle of a sysfs attribute when this returns. */
static void minor_del(struct grabber_minor *minor)
{
	device_unregister(minor->dev);
	cdev_del(minor->cdev);
}

/* Two cards of one name would share a link in /dev. Each of them is in @cards before it
 * looks for the other.
 */
static void claim_name(struct grabber_card *card)
{
	struct grabber_card *other;
	unsigned long number;
	int taken = -1;

	if (!card->name[0])
		return;
	xa_lock(&cards);
	xa_for_each(&cards, number, other) {
		if (other != card && !strcmp(other->name, card->name))
			taken = number;
	}
	if (taken >= 0)
		card->name[0] = 0;
	xa_unlock(&cards);
	if (taken >= 0)
		grabber_settings_refused(card, GRABBER_SET_NAME,
					 "another card has this name= already");
}

/**
 * grabber_minors_add() - give a card the lowest free number and its two nodes
 * @card: the card, ready to be opened
 *
 * The register node comes first, so that a program which is told of the frame
 * node finds both.
 *
 * Return: 0 or an error.
 */
int grabber_minors_add(struct grabber_card *card)
{
	u32 number;
	int err = xa_alloc(&cards, &number, card, XA_LIMIT(0, CARDS_MAX - 1), GFP_KERNEL);

	if (err)
		return err;
	card->number = number;
	claim_name(card);
	err = minor_add(card, GRABBER_MINOR_BAR, &grabber_bar_fops,
			grabber_bar_groups, "-bar");
	if (err)
		goto free_number;
	err = minor_add(card, GRABBER_MINOR_FRAMES, &grabber_frame_fops,
			grabber_frame_groups, "");
	if (err)
		goto del_bar;
	return 0;

del_bar:
	minor_del(&card->minors[GRABBER_MINOR_BAR]);
free_number:
	card->number = -1;
	xa_erase(&cards, number);
	return err;
}

/**
 * grabber_minors_del() - retire both nodes and their number
 * @card: the card
 *
 * Files that are open stay open.
 */
void grabber_minors_del(struct grabber_card *card)
{
	minor_del(&card->minors[GRABBER_MINOR_FRAMES]);
	minor_del(&card->minors[GRABBER_MINOR_BAR]);
	xa_erase(&cards, card->number);
}

/* The card of a node, with a reference; NULL when it was removed a moment ago. */
static struct grabber_card *find_card(struct inode *inode)
{
	struct grabber_card *card;

	xa_lock(&cards);
	card = xa_load(&cards, iminor(inode) / GRABBER_MINORS);
	if (card)
		grabber_card_get(card);
	xa_unlock(&cards);
	return card;
}

/**
 * grabber_file_open() - make the state of an open file
 * @inode: node that is opened
 * @filp: the file
 *
 * Return: the state, which is filp->private_data too; ERR_PTR(-ENODEV) when the
 * card is gone, ERR_PTR(-ENOMEM).
 */
struct grabber_file *grabber_file_open(struct inode *inode, struct file *filp)
{
	struct grabber_card *card = find_card(inode);
	struct grabber_file *file;

	if (!card)
		return ERR_PTR(-ENODEV);
	file = kzalloc(sizeof(*file), GFP_KERNEL_ACCOUNT);
	if (!file) {
		grabber_card_put(card);
		return ERR_PTR(-ENOMEM);
	}
	kref_init(&file->ref);
	file->filp = filp;
	file->card = card;
	file->choice = card->bar;
	file->read_slot = -1;
	mutex_init(&file->read_mutex);

	mutex_lock(&card->files_lock);
	list_add(&file->entry, &card->files);
	mutex_unlock(&card->files_lock);

	/* On the list before this look, so removal either sees it or is seen by it. */
	spin_lock_irq(&card->wait.lock);
	file->cursor = card->ring.ordinal;
	if (card->gone) {
		spin_unlock_irq(&card->wait.lock);
		grabber_file_close(file);
		return ERR_PTR(-ENODEV);
	}
	spin_unlock_irq(&card->wait.lock);
	filp->private_data = file;
	return file;
}

/**
 * grabber_file_close() - undo grabber_file_open()
 * @file: the state; it holds no slot and wants no capture
 */
void grabber_file_close(struct grabber_file *file)
{
	struct grabber_card *card = file->card;

	mutex_lock(&card->files_lock);
	list_del(&file->entry);
	mutex_unlock(&card->files_lock);
	grabber_file_put(file);
}

static void file_free(struct kref *ref)
{
	struct grabber_file *file = container_of(ref, struct grabber_file, ref);
	struct grabber_card *card = file->card;

	kfree(file);
	grabber_card_put(card);
}

/**
 * grabber_file_put() - drop a reference to the state of a file, which may be closed
 * @file: the state
 */
void grabber_file_put(struct grabber_file *file)
{
	kref_put(&file->ref, file_free);
}
