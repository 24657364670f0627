/* SPDX-License-Identifier: GPL-2.0-only */
/* The verb "doctor": checks, each of which tells one line or more. */
#ifndef GRABBERCTL_DOCTOR_H
#define GRABBERCTL_DOCTOR_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_WARNING,		/* works now, or may be meant */
	DOCTOR_WRONG,
	DOCTOR_UNKNOWN,		/* what it takes to tell is missing */
	DOCTOR_STATES
};

/* Whose package manager is called. */
enum doctor_system {
	SYSTEM_OTHER,
	SYSTEM_DEBIAN,
	SYSTEM_FEDORA,
};

enum doctor_signed {
	SIGNED_UNKNOWN,
	SIGNED_NO,
	SIGNED_YES,
};

/**
 * struct doctor_file - a grabber.ko, as modprobe would find it
 * @path: without the root; "" where there is none
 * @listed: depmod has seen it
 * @version: "" where it cannot be told, as @srcversion and @signer
 */
struct doctor_file {
	char path[PATH_MAX];
	bool listed;
	char version[64];
	char srcversion[64];
	char signer[256];
	enum doctor_signed is_signed;
};

/**
 * struct doctor - what the checks share
 * @json: print JSON
 * @root: we may do and see all
 * @sysfs: is mounted
 * @release: the running kernel's
 * @told: lines told, by state
 * @file: the module that is installed for the running kernel
 * @loaded: the module is in the kernel
 * @enforced: the kernel takes signed modules only
 * @has_card: a PCI device is there that is grabber's, or should be
 */
struct doctor {
	bool json;
	bool root;
	bool sysfs;
	enum doctor_system system;
	char release[128];
	unsigned int told[DOCTOR_STATES];
	struct doctor_file file;
	bool loaded;
	bool enforced;
	bool has_card;
};

/*
 * Tell what check @check found of @about (a card, a kernel; "" for the machine).
 * @mend is the command that mends it, run by root, or NULL; it is freed.
 */
void doctor_tell(struct doctor *doctor, const char *check, const char *about,
		 enum doctor_state state, char *mend, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));

/* A command for doctor_tell(). It has no ' in it. */
char *doctor_mend(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The command that installs a package; NULL where only the user knows how. */
char *doctor_install(const struct doctor *doctor, const char *debian, const char *fedora);

/* Why a file cannot be read; what to do where that is for want of permission. */
const char *doctor_why(const struct doctor *doctor, int error);

/* doctor_system.c: fills in @doctor's system and release. */
void doctor_look_at_system(struct doctor *doctor);

/* doctor_kernel.c: headers, compiler, the other kernels, what went wrong since boot */
void doctor_check_headers(struct doctor *doctor);
void doctor_check_compiler(struct doctor *doctor);
void doctor_check_other_kernels(struct doctor *doctor);
void doctor_check_taint(struct doctor *doctor);
bool doctor_headers_there(const char *release);
char *doctor_install_headers(const struct doctor *doctor, const char *release);

/* doctor_dkms.c */
void doctor_check_dkms(struct doctor *doctor);
/* What makes the module for kernel @release; NULL where only the user knows. */
char *doctor_mend_module(const struct doctor *doctor, const char *release);
/* Make and sign it anew with DKMS's key; NULL where DKMS does not have it. */
char *doctor_mend_signature(const struct doctor *doctor, bool have_key);

/* doctor_file.c: what a kernel has installed, what a file says of itself */
void doctor_find_file(struct doctor_file *file, const char *release);
void doctor_read_file(struct doctor_file *file);
/* Why doctor_read_file() could not tell, and what mends that */
const char *doctor_why_no_modinfo(const struct doctor *doctor);
char *doctor_mend_modinfo(const struct doctor *doctor);

/* doctor_module.c: installed, loaded, one and the same */
void doctor_look_at_module(struct doctor *doctor);
void doctor_check_module(struct doctor *doctor);
void doctor_check_loaded(struct doctor *doctor);

/* doctor_secure.c: Secure Boot, lockdown, signature */
void doctor_look_at_security(struct doctor *doctor);
void doctor_check_secure_boot(struct doctor *doctor);
void doctor_check_lockdown(struct doctor *doctor);
void doctor_check_signature(struct doctor *doctor);

/* doctor_cards.c: which there are, who drives them, and each one's IOMMU and link */
void doctor_look_at_cards(struct doctor *doctor);
void doctor_check_cards(struct doctor *doctor);

/* doctor_pci.c: what the PCI bus is to one card */
void doctor_check_iommu(struct doctor *doctor, const char *bus);
void doctor_check_link(struct doctor *doctor, const char *bus);

/* doctor_nodes.c: udev's rules, the nodes, who may open them */
void doctor_check_nodes(struct doctor *doctor);

/* doctor_settings.c */
void doctor_check_settings(struct doctor *doctor);

/* doctor_memory.c */
void doctor_check_memory(struct doctor *doctor);

#endif
