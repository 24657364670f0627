/* SPDX-License-Identifier: GPL-2.0-only */
/* Included ahead of every source file of the tests' programs: trees of the tests' own. */
#ifndef FAKE_PATHS_H
#define FAKE_PATHS_H

const char *fake_class_dir(void);
const char *fake_dev_dir(void);
const char *fake_root(void);

#define GRABBER_CLASS_DIR	fake_class_dir()
#define GRABBER_DEV_DIR		fake_dev_dir()
#define GRABBER_ROOT		fake_root()
#define PCI_PATIENCE		2	/* seconds */

#endif
