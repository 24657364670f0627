// SPDX-License-Identifier: GPL-2.0-only
/*
 * The two minors of each card, their numbers, and the files opened on them.
 */
#include <linux/completion.h>
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "card.h"
#include "compat/compat.h"

#define CARDS_MAX	1024

static dev_t first_devt;
static DEFINE_IDA(numbers);

static void minor_release(struct device *dev)
{
	struct grabber_minor *minor = container_of(dev, struct grabber_minor, dev);

	grabber_card_put(minor->card);
}

static DECLARE_COMPLETION(class_released);

/* The driver core may be done with the class a little after it was unregistered. */
static void class_release(CLASS_CONST struct class *class)
{
	complete(&class_released);
}

static struct class grabber_class = {
	.name = "grabber",
	.class_release = class_release,
};

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
	err = class_register(&grabber_class);
	if (err)
		unregister_chrdev_region(first_devt, CARDS_MAX * GRABBER_MINORS);
	return err;
}

/**
 * grabber_minors_exit() - undo grabber_minors_init()
 */
void grabber_minors_exit(void)
{
	class_unregister(&grabber_class);
	wait_for_completion(&class_released);
	unregister_chrdev_region(first_devt, CARDS_MAX * GRABBER_MINORS);
	ida_destroy(&numbers);
}

static int minor_add(struct grabber_card *card, enum grabber_minor_kind kind,
		     const struct file_operations *fops,
		     const struct attribute_group **groups, const char *suffix)
{
	struct grabber_minor *minor = &card->minors[kind];
	int err;

	minor->card = card;
	/* minor_release() drops this one, when the driver core is done with it. */
	grabber_card_get(card);
	device_initialize(&minor->dev);
	minor->dev.class = &grabber_class;
	minor->dev.parent = card->dev;
	minor->dev.release = minor_release;
	minor->dev.groups = groups;
	minor->dev.devt = first_devt + card->number * GRABBER_MINORS + kind;
	cdev_init(&minor->cdev, fops);
	minor->cdev.owner = THIS_MODULE;
	err = dev_set_name(&minor->dev, "grabber%d%s", card->number, suffix);
	if (!err)
		err = cdev_device_add(&minor->cdev, &minor->dev);
	if (err)
		put_device(&minor->dev);
	return err;
}

static void minor_del(struct grabber_minor *minor)
{
	cdev_device_del(&minor->cdev, &minor->dev);
	put_device(&minor->dev);
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
	int number = ida_alloc_max(&numbers, CARDS_MAX - 1, GFP_KERNEL);
	int err;

	if (number < 0)
		return number;
	card->number = number;
	err = minor_add(card, GRABBER_MINOR_BAR, &grabber_bar_fops, NULL, "-bar");
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
	ida_free(&numbers, number);
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
	ida_free(&numbers, card->number);
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
	struct grabber_minor *minor = container_of(inode->i_cdev, struct grabber_minor, cdev);
	struct grabber_card *card = minor->card;
	struct grabber_file *file = kzalloc(sizeof(*file), GFP_KERNEL);

	if (!file)
		return ERR_PTR(-ENOMEM);
	file->filp = filp;
	file->card = card;
	file->read_slot = -1;
	mutex_init(&file->read_mutex);
	grabber_card_get(card);

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
	kfree(file);
	grabber_card_put(card);
}
