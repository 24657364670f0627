// SPDX-License-Identifier: GPL-2.0-only
/*
 * By /etc/passwd and /etc/group alone, which is where the owners of device nodes are:
 * getpwuid() would tie a static grabberctl to the machine's NSS.
 */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "doctor_root.h"
#include "doctor_user.h"
#include "number.h"

static bool has_member(const struct group *group, const char *name)
{
	for (char **member = group->gr_mem; *member; member++)
		if (!strcmp(*member, name))
			return true;
	return false;
}

static void look_up_name(struct doctor_user *user)
{
	FILE *file = root_open("/etc/passwd");
	struct passwd *entry = NULL;

	while (file && (entry = fgetpwent(file)) && entry->pw_uid != user->uid)
		;
	if (entry)
		snprintf(user->name, sizeof(user->name), "%s", entry->pw_name);
	else
		snprintf(user->name, sizeof(user->name), "%u", user->uid);
	if (file)
		fclose(file);
}

static void look_up_groups(struct doctor_user *user)
{
	FILE *file = root_open("/etc/group");
	struct group *group;

	user->groups[user->count++] = user->gid;
	while (file && user->count < USER_GROUPS && (group = fgetgrent(file)))
		if (has_member(group, user->name))
			user->groups[user->count++] = group->gr_gid;
	if (file)
		fclose(file);
}

static bool sudo_id(const char *variable, uint32_t *id)
{
	const char *text = getenv(variable);
	uint64_t value;

	if (!text || parse_number(text, UINT32_MAX - 1, &value))
		return false;
	*id = value;
	return true;
}

void user_look(struct doctor_user *user)
{
	memset(user, 0, sizeof(*user));
	user->uid = getuid();
	user->gid = getgid();
	/* root may do all, so ask for the one who will use the card. */
	if (!geteuid() && sudo_id("SUDO_UID", &user->uid) && sudo_id("SUDO_GID", &user->gid))
		user->other = user->uid;
	look_up_name(user);
	if (user->other) {
		look_up_groups(user);
		return;
	}
	user->count = getgroups(USER_GROUPS - 1, user->groups);
	if (user->count < 0)
		user->count = 0;
	user->groups[user->count++] = user->gid;
}

static int own_access(const char *path)
{
	return (access(path, R_OK) ? 0 : R_OK) | (access(path, W_OK) ? 0 : W_OK);
}

int user_access(const struct doctor_user *user, const char *path)
{
	int status;
	pid_t child;

	if (!user->other)
		return own_access(path);
	fflush(NULL);
	child = fork();
	if (!child) {
		if (setgroups(user->count, user->groups) || setgid(user->gid) || setuid(user->uid))
			_exit(0);
		_exit(own_access(path));
	}
	if (child < 0)
		return 0;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

/* The group with this number, or NULL; good until the next look. */
static struct group *find_group(gid_t gid)
{
	FILE *file = root_open("/etc/group");
	struct group *group = NULL;

	while (file && (group = fgetgrent(file)) && group->gr_gid != gid)
		;
	if (file)
		fclose(file);
	return group;
}

bool user_is_member(const struct doctor_user *user, gid_t gid)
{
	const struct group *group = find_group(gid);

	return group && has_member(group, user->name);
}

void user_group_name(gid_t gid, char *name, size_t size)
{
	const struct group *group = find_group(gid);

	if (group)
		snprintf(name, size, "%s", group->gr_name);
	else
		snprintf(name, size, "%u", gid);
}
