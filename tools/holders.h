/* SPDX-License-Identifier: GPL-2.0-only */
/* Who keeps a card busy. */
#ifndef GRABBERCTL_HOLDERS_H
#define GRABBERCTL_HOLDERS_H

/*
 * Say why the card, open as @fd, refused a change with EBUSY, and which programs
 * have its frame node open or mapped, as far as we may see. @what stays as it is;
 * @otherwise is the reason where capture is off and no slot is held.
 */
void holders_explain(unsigned int card, int fd, const char *what, const char *otherwise);

#endif
