// SPDX-License-Identifier: GPL-2.0-only
/* The nodes of the cards: there, the right ones, and open to the right people. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "device.h"
#include "doctor.h"
#include "doctor_root.h"
#include "doctor_user.h"

#define TRIGGER	"udevadm control --reload && udevadm trigger --action=change --subsystem-match=grabber"

/**
 * struct doctor_node - one node of one card
 * @name: "grabber0-bar"
 * @group: name of the group that owns it
 * @rules: udev has rules for it
 */
struct doctor_node {
	char name[32];
	char *path;
	struct stat st;
	char group[64];
	bool rules;
	const struct doctor_user *user;
};

/* The path of udev's rules for grabber, "" where there are none. */
static void find_rules(char *path, size_t size)
{
	static const char * const dirs[] = { "/etc/udev/rules.d", "/run/udev/rules.d",
					     "/usr/lib/udev/rules.d", "/lib/udev/rules.d" };
	const char *name;
	DIR *dir;

	path[0] = 0;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]) && !path[0]; i++) {
		dir = root_dir("%s", dirs[i]);
		while (dir && !path[0] && (name = root_next(dir)))
			if (strstr(name, "grabber.rules"))
				snprintf(path, size, "%s/%s", dirs[i], name);
		if (dir)
			closedir(dir);
	}
}

static bool check_rules(struct doctor *doctor)
{
	char path[PATH_MAX];

	find_rules(path, sizeof(path));
	if (path[0])
		doctor_tell(doctor, "udev", "", DOCTOR_OK, NULL, "the rules are %s", path);
	else
		doctor_tell(doctor, "udev", "", DOCTOR_WARNING,
			    doctor_install(doctor, "./grabber-dkms_*.deb", "./grabber-dkms-*.rpm"),
			    "udev has no rules for grabber, so the nodes are root's alone: the package grabber-dkms is missing");
	return path[0];
}

/* What sets group and mode right. */
static char *mend_mode(const struct doctor *doctor, const struct doctor_node *node)
{
	if (node->rules)
		return doctor_mend(TRIGGER);
	return doctor_install(doctor, "./grabber-dkms_*.deb", "./grabber-dkms-*.rpm");
}

/* Is the node what sysfs says? Where that tells nothing, yes. */
static bool is_device(const struct doctor_node *node)
{
	unsigned int major_wanted, minor_wanted;
	char path[PATH_MAX], text[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/dev", GRABBER_CLASS_DIR, node->name);
	file = fopen(path, "re");
	if (!file)
		return true;
	if (!fgets(text, sizeof(text), file))
		text[0] = 0;
	fclose(file);
	if (sscanf(text, "%u:%u", &major_wanted, &minor_wanted) != 2)
		return true;
	return S_ISCHR(node->st.st_mode) &&
	       node->st.st_rdev == makedev(major_wanted, minor_wanted);
}

/* Returns whether it is there; tells where not. */
static bool look_at_node(struct doctor *doctor, struct doctor_node *node)
{
	int error;

	if (stat(node->path, &node->st)) {
		error = errno;
		if (error == ENOENT)
			doctor_tell(doctor, "node", node->name, DOCTOR_WRONG,
				    doctor_mend("modprobe -r grabber && modprobe grabber"),
				    "%s is missing, though the card is there: somebody has removed it, or /dev is no devtmpfs",
				    node->path);
		else
			doctor_tell(doctor, "node", node->name, DOCTOR_UNKNOWN, NULL,
				    "cannot tell: %s: %s", node->path, doctor_why(doctor, error));
		return false;
	}
	if (!is_device(node)) {
		doctor_tell(doctor, "node", node->name, DOCTOR_WRONG,
			    doctor_mend("rm %s && modprobe -r grabber && modprobe grabber",
					node->path),
			    "%s is not the card's node, but a file or a node left from before",
			    node->path);
		return false;
	}
	user_group_name(node->st.st_gid, node->group, sizeof(node->group));
	return true;
}

static void tell_refused(struct doctor *doctor, const struct doctor_node *node)
{
	const char *user = node->user->name;

	if (!(node->st.st_mode & 060) || !node->st.st_gid)
		doctor_tell(doctor, "node", node->name, DOCTOR_WRONG, mend_mode(doctor, node),
			    "only root may open %s, for udev's rules %s", node->path,
			    node->rules ? "did not reach it" : "are missing");
	else if (user_is_member(node->user, node->st.st_gid))
		doctor_tell(doctor, "node", node->name, DOCTOR_WRONG, NULL,
			    "%s is in the group %s, but this session began before that: log out and in again, or work in 'newgrp %s'",
			    user, node->group, node->group);
	else
		doctor_tell(doctor, "node", node->name, DOCTOR_WRONG,
			    doctor_mend("usermod -aG %s %s", node->group, user),
			    "%s may not open %s, which is for the group %s; afterwards log out and in again",
			    user, node->path, node->group);
}

static void check_frames(struct doctor *doctor, const struct doctor_node *node)
{
	int access = user_access(node->user, node->path);
	unsigned int mode = node->st.st_mode & 07777;

	if (mode & 06)
		doctor_tell(doctor, "node", node->name, DOCTOR_WARNING, mend_mode(doctor, node),
			    "everybody on this machine may open %s (mode %04o), and see what the card sees",
			    node->path, mode);
	else if (!access)
		tell_refused(doctor, node);
	else if (access != (R_OK | W_OK))
		doctor_tell(doctor, "node", node->name, DOCTOR_WARNING, mend_mode(doctor, node),
			    "%s may capture from %s, but not set format and buffer (group %s, mode %04o)",
			    node->user->name, node->path, node->group, mode);
	else if (!node->user->uid && (!node->st.st_gid || !(mode & 060)))
		doctor_tell(doctor, "node", node->name, DOCTOR_WARNING, mend_mode(doctor, node),
			    "only root may open %s (group %s, mode %04o)", node->path, node->group,
			    mode);
	else
		doctor_tell(doctor, "node", node->name, DOCTOR_OK, NULL,
			    "%s may use %s (group %s, mode %04o)", node->user->name, node->path,
			    node->group, mode);
}

static void check_bar(struct doctor *doctor, const struct doctor_node *node)
{
	int access = user_access(node->user, node->path);
	unsigned int mode = node->st.st_mode & 07777;

	if (mode & 06)
		doctor_tell(doctor, "node", node->name, DOCTOR_WRONG,
			    doctor_mend("chmod o= %s", node->path),
			    "everybody may open the card's registers, and thereby rule the machine (mode %04o)",
			    mode);
	else if (node->user->uid && access)
		doctor_tell(doctor, "node", node->name, DOCTOR_OK, NULL,
			    "%s may use the registers, which is as much as being root (group %s, mode %04o)",
			    node->user->name, node->group, mode);
	else
		doctor_tell(doctor, "node", node->name, DOCTOR_OK, NULL,
			    "the registers are closed to ordinary users, as they should be (group %s, mode %04o)",
			    node->group, mode);
}

static void check_node(struct doctor *doctor, unsigned int card, enum node which, bool rules,
		       const struct doctor_user *user)
{
	struct doctor_node node = { .path = device_path(card, which), .rules = rules, .user = user };

	snprintf(node.name, sizeof(node.name), "grabber%u%s", card,
		 which == NODE_BAR ? "-bar" : "");
	if (look_at_node(doctor, &node)) {
		if (which == NODE_BAR)
			check_bar(doctor, &node);
		else
			check_frames(doctor, &node);
	}
	free(node.path);
}

void doctor_check_nodes(struct doctor *doctor)
{
	bool rules = check_rules(doctor);
	struct doctor_user user;
	unsigned int *cards;
	int count = device_all(&cards);

	user_look(&user);
	for (int i = 0; i < count; i++) {
		check_node(doctor, cards[i], NODE_FRAMES, rules, &user);
		check_node(doctor, cards[i], NODE_BAR, rules, &user);
	}
	free(cards);
	if (!count || count == -ENOENT)
		return;		/* the lines of the cards tell */
	if (count < 0)
		doctor_tell(doctor, "node", "", DOCTOR_UNKNOWN, NULL, "cannot tell: %s: %s",
			    GRABBER_CLASS_DIR, doctor_why(doctor, count));
}
