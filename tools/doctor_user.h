/* SPDX-License-Identifier: GPL-2.0-only */
/* The user whom doctor looks for: the caller, or who called it by sudo. */
#ifndef GRABBERCTL_DOCTOR_USER_H
#define GRABBERCTL_DOCTOR_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define USER_GROUPS	128

/**
 * struct doctor_user - a user
 * @name: the number where it has none
 * @other: is not the caller
 * @groups: that the user's programs are in, as far as there is room
 */
struct doctor_user {
	char name[64];
	uid_t uid;
	gid_t gid;
	bool other;
	int count;
	gid_t groups[USER_GROUPS];
};

void user_look(struct doctor_user *user);

/* Which of R_OK and W_OK the kernel grants that user; ACLs count. */
int user_access(const struct doctor_user *user, const char *path);

/* By /etc/group, which counts for those who log in from now on. */
bool user_is_member(const struct doctor_user *user, gid_t gid);

/* The number where it has none */
void user_group_name(gid_t gid, char *name, size_t size);

#endif
