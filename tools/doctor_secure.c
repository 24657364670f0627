// SPDX-License-Identifier: GPL-2.0-only
/* Secure Boot, lockdown, and whether the kernel takes the module. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "doctor_root.h"

#define EFI		"/sys/firmware/efi"
#define EFIVARS		EFI "/efivars"
#define SECURE_BOOT	EFIVARS "/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define SECURITY	"/sys/kernel/security"
#define LOCKDOWN	SECURITY "/lockdown"

/* The word in [brackets], "" where there is none. */
static int read_lockdown(char *word, size_t size)
{
	char text[128], *from;
	int length = root_read(text, sizeof(text), LOCKDOWN);

	word[0] = 0;
	from = length > 0 ? strchr(text, '[') : NULL;
	if (from)
		snprintf(word, size, "%.*s", (int)strcspn(from + 1, "]"), from + 1);
	return length;
}

void doctor_look_at_security(struct doctor *doctor)
{
	char enforce[8], lockdown[32];

	root_read(enforce, sizeof(enforce), "/sys/module/module/parameters/sig_enforce");
	read_lockdown(lockdown, sizeof(lockdown));
	doctor->enforced = enforce[0] == 'Y' || (lockdown[0] && strcmp(lockdown, "none"));
}

void doctor_check_secure_boot(struct doctor *doctor)
{
	char bytes[16];		/* four of attributes, then the value */
	int length;

	if (!doctor->sysfs) {
		doctor_tell(doctor, "secure-boot", "", DOCTOR_UNKNOWN, NULL,
			    "cannot tell: sysfs is not mounted");
		return;
	}
	if (root_look(EFI) == -ENOENT) {
		doctor_tell(doctor, "secure-boot", "", DOCTOR_OK, NULL,
			    "none: the machine was not started by UEFI");
		return;
	}
	length = root_read(bytes, sizeof(bytes), SECURE_BOOT);
	if (length == -ENOENT && root_look(EFIVARS "/.") && root_look(EFI "/vars"))
		doctor_tell(doctor, "secure-boot", "", DOCTOR_UNKNOWN, NULL,
			    "cannot tell: the kernel shows no UEFI variables");
	else if (length == -ENOENT) {
		DIR *dir = root_dir(EFIVARS);
		bool mounted = dir && root_next(dir);

		if (dir)
			closedir(dir);
		if (mounted)
			doctor_tell(doctor, "secure-boot", "", DOCTOR_OK, NULL,
				    "none: this firmware does not have it");
		else
			doctor_tell(doctor, "secure-boot", "", DOCTOR_UNKNOWN,
				    doctor_mend("mount -t efivarfs efivarfs " EFIVARS),
				    "cannot tell: efivarfs is not mounted");
	} else if (length < 5) {
		doctor_tell(doctor, "secure-boot", "", DOCTOR_UNKNOWN, NULL, "cannot tell: %s: %s",
			    SECURE_BOOT, length < 0 ? doctor_why(doctor, length) : "too short");
	} else {
		doctor_tell(doctor, "secure-boot", "", DOCTOR_OK, NULL,
			    bytes[4] == 1 ? "on: modules must be signed with a key that the machine trusts"
					  : "off");
	}
}

void doctor_check_lockdown(struct doctor *doctor)
{
	char word[32];
	int length = read_lockdown(word, sizeof(word));
	DIR *dir;

	if (length < 0 && length != -ENOENT) {
		doctor_tell(doctor, "lockdown", "", DOCTOR_UNKNOWN, NULL, "cannot tell: %s: %s",
			    LOCKDOWN, doctor_why(doctor, length));
	} else if (length < 0) {
		dir = root_dir(SECURITY);
		if ((!dir && errno == ENOENT && doctor->sysfs) || (dir && root_next(dir)))
			doctor_tell(doctor, "lockdown", "", DOCTOR_OK, NULL,
				    "none: this kernel does not have it");
		else if (!dir && errno == EACCES)
			doctor_tell(doctor, "lockdown", "", DOCTOR_UNKNOWN, NULL,
				    "cannot tell: " SECURITY ": %s", doctor_why(doctor, EACCES));
		else
			doctor_tell(doctor, "lockdown", "", DOCTOR_UNKNOWN,
				    doctor_mend("mount -t securityfs securityfs " SECURITY),
				    "cannot tell: securityfs is not mounted");
		if (dir)
			closedir(dir);
	} else if (!strcmp(word, "none")) {
		doctor_tell(doctor, "lockdown", "", DOCTOR_OK, NULL, "off");
	} else if (!word[0]) {
		doctor_tell(doctor, "lockdown", "", DOCTOR_UNKNOWN, NULL,
			    "cannot tell: " LOCKDOWN " has an unknown form");
	} else {
		doctor_tell(doctor, "lockdown", "", DOCTOR_WARNING, NULL,
			    "on (%s): frames can be had, but register windows (/dev/grabberN-bar) are closed to everyone, root included, until Secure Boot is off or lockdown= is taken from the kernel's command line",
			    word);
	}
}

/* DKMS's public key: its own, or on Ubuntu that of shim; NULL where it has none. */
static const char *dkms_key(void)
{
	static const char * const keys[] = { "/var/lib/dkms/mok.pub",
					     "/var/lib/shim-signed/mok/MOK.der" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!root_look("%s", keys[i]))
			return keys[i];
	return NULL;
}

static void tell_not_signed(struct doctor *doctor)
{
	char *mend = doctor_mend_signature(doctor, dkms_key());

	/* What a boot loader's list of keys cannot help. */
	if (root_look(EFI))
		doctor_tell(doctor, "signature", "", DOCTOR_WRONG, mend,
			    "the module has no signature, and this kernel takes signed ones only (module.sig_enforce=1 or lockdown=): take that from its command line, or sign the module with a key that is built into the kernel");
	else
		doctor_tell(doctor, "signature", "", DOCTOR_WRONG, mend,
			    "the module has no signature, and this kernel takes signed ones only%s: %s",
			    root_look(SECURE_BOOT) ? "" : " (Secure Boot)",
			    mend ? "let DKMS sign it, then run doctor again for the next step"
				 : "install it by DKMS, which signs it");
}

/* Nobody can be asked, so it must be tried. */
static void tell_to_try(struct doctor *doctor, const char *signer)
{
	const char *key = dkms_key();

	doctor_tell(doctor, "signature", "", DOCTOR_UNKNOWN, doctor_mend("modprobe grabber"),
		    "the module is signed by '%s'; whether the kernel trusts that key shows when it is loaded%s%s%s",
		    signer,
		    key ? ": if it refuses, DKMS's key must be enrolled with 'mokutil --import " : "",
		    key ? key : "",
		    key ? "', which takes UEFI, or be built into the kernel; to try" : "; to try");
}

/* Has the machine's owner enrolled the key? */
static void tell_enrolled(struct doctor *doctor, const char *signer)
{
	char said[512], *path;
	const char *key = dkms_key();
	int status;

	if (!key) {
		tell_to_try(doctor, signer);
		return;
	}
	path = root_path("%s", key);
	status = root_run(said, sizeof(said), "mokutil", "--test-key", path, NULL);
	free(path);
	if (strstr(said, "already in the enrollment request"))
		doctor_tell(doctor, "signature", "", DOCTOR_WRONG, doctor_mend("reboot"),
			    "DKMS's key waits to be enrolled: at the next boot choose 'Enroll MOK' in the blue screen, and type the password that you gave to mokutil");
	else if (strstr(said, "already enrolled") || strstr(said, "already in db") ||
		 strstr(said, "trusted keyring"))
		doctor_tell(doctor, "signature", "", DOCTOR_OK, NULL,
			    "the module is signed by '%s', and DKMS's key is enrolled", signer);
	else if (strstr(said, "not enrolled"))
		doctor_tell(doctor, "signature", "", DOCTOR_WRONG,
			    doctor_mend("mokutil --import %s", key),
			    "the module is signed by '%s', but the machine does not trust that key yet: think of a password for mokutil, reboot, and choose 'Enroll MOK' in the blue screen",
			    signer);
	else if (status < 0 || status == 127)
		doctor_tell(doctor, "signature", "", DOCTOR_UNKNOWN,
			    doctor_install(doctor, "mokutil", "mokutil"),
			    "the module is signed by '%s'; cannot tell whether the machine trusts that key: mokutil is not installed",
			    signer);
	else
		doctor_tell(doctor, "signature", "", DOCTOR_UNKNOWN,
			    doctor->root ? doctor_mend("mokutil --test-key %s", key) : NULL,
			    "the module is signed by '%s'; cannot tell whether the machine trusts that key: %s",
			    signer, doctor->root ? "mokutil does not say" : "run as root");
}

void doctor_check_signature(struct doctor *doctor)
{
	const struct doctor_file *file = &doctor->file;
	const char *signer = file->signer[0] ? file->signer : "somebody";

	if (!file->path[0]) {
		if (!doctor->loaded)
			return;		/* the check of the module tells */
		doctor_tell(doctor, "signature", "", DOCTOR_UNKNOWN, NULL,
			    "cannot tell: the loaded module is not installed");
	} else if (file->is_signed == SIGNED_UNKNOWN) {
		doctor_tell(doctor, "signature", "", DOCTOR_UNKNOWN, doctor_mend_modinfo(doctor),
			    "cannot tell: %s", doctor_why_no_modinfo(doctor));
	} else if (!doctor->enforced) {
		doctor_tell(doctor, "signature", "", DOCTOR_OK, NULL,
			    file->is_signed == SIGNED_YES ? "the module is signed by '%s'; this kernel would take it without"
			    : "the module has none, and this kernel does not ask for one",
			    signer);
	} else if (file->is_signed == SIGNED_NO) {
		tell_not_signed(doctor);
	} else if (doctor->loaded) {
		doctor_tell(doctor, "signature", "", DOCTOR_OK, NULL,
			    "the module is signed by '%s', and the kernel has taken it", signer);
	} else if (root_look(EFI)) {
		tell_to_try(doctor, signer);
	} else {
		tell_enrolled(doctor, signer);
	}
}
