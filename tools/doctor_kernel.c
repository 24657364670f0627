// SPDX-License-Identifier: GPL-2.0-only
/* The kernel that runs, what it takes to build a module for it, and the other kernels. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "doctor.h"
#include "doctor_root.h"

/* Where the headers of a kernel are: "build", or where that leads below the root. */
static void headers_dir(char *dir, size_t size, const char *release)
{
	char target[PATH_MAX];

	snprintf(dir, size, "/lib/modules/%s/build", release);
	if (!root_link(target, sizeof(target), "%s", dir) && target[0] == '/')
		snprintf(dir, size, "%s", target);
}

bool doctor_headers_there(const char *release)
{
	char dir[PATH_MAX];

	headers_dir(dir, sizeof(dir), release);
	return !root_look("%s/Makefile", dir);
}

char *doctor_install_headers(const struct doctor *doctor, const char *release)
{
	char debian[160], fedora[160];

	snprintf(debian, sizeof(debian), "linux-headers-%s", release);
	/* What every flavour's package provides: kernel-devel, kernel-rt-devel ... */
	snprintf(fedora, sizeof(fedora), "\"kernel-devel-uname-r = %s\"", release);
	return doctor_install(doctor, debian, fedora);
}

void doctor_check_headers(struct doctor *doctor)
{
	const char *release = doctor->release;
	bool works = doctor->loaded || doctor->file.path[0];
	char dir[PATH_MAX];
	int error;

	headers_dir(dir, sizeof(dir), release);
	error = root_look("%s/Makefile", dir);
	if (!error)
		doctor_tell(doctor, "headers", release, DOCTOR_OK, NULL,
			    "the kernel's headers are in %s", dir);
	else if (error != -ENOENT)
		doctor_tell(doctor, "headers", release, DOCTOR_UNKNOWN, NULL,
			    "cannot tell: %s: %s", dir, doctor_why(doctor, error));
	else if (root_look("/lib/modules/%s", release))
		doctor_tell(doctor, "headers", release, works ? DOCTOR_WARNING : DOCTOR_WRONG,
			    doctor_mend("reboot"),
			    "the running kernel has nothing in /lib/modules (was it removed, or replaced by a newer one?), so no module can be built for it");
	else
		doctor_tell(doctor, "headers", release, works ? DOCTOR_WARNING : DOCTOR_WRONG,
			    doctor_install_headers(doctor, release),
			    "the kernel's headers are not installed, so no module can be built for it (%s/Makefile is missing)",
			    dir);
}

/**
 * struct toolchain - what the kernel was built with, by its configuration
 * @known: there is a configuration, and it tells
 * @lld: linked by LLVM's ld.lld
 * @compiler: its program; "gcc" where that is not known
 * @clang: the number of clang's version, of several that may be there; 0: not clang
 */
struct toolchain {
	bool known;
	bool lld;
	char compiler[128];
	unsigned int clang;
};

static bool set_to(const char *line, const char *key, const char **value)
{
	size_t length = strlen(key);

	if (strncmp(line, key, length) || line[length] != '=')
		return false;
	*value = line + length + 1;
	*value += **value == '"';	/* auto.conf has them bare */
	return true;
}

static void read_toolchain(struct toolchain *tools, const char *release)
{
	char dir[PATH_MAX], line[512];
	const char *value;
	FILE *file;

	memset(tools, 0, sizeof(*tools));
	snprintf(tools->compiler, sizeof(tools->compiler), "gcc");
	headers_dir(dir, sizeof(dir), release);
	file = root_open("%s/.config", dir);
	if (!file)
		file = root_open("%s/include/config/auto.conf", dir);
	while (file && fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = 0;
		if (set_to(line, "CONFIG_CC_VERSION_TEXT", &value)) {
			tools->known = true;
			snprintf(tools->compiler, sizeof(tools->compiler), "%.*s",
				 strstr(value, "clang") ? (int)strlen("clang")
							: (int)strcspn(value, " \""),
				 strstr(value, "clang") ? "clang" : value);
		} else if (set_to(line, "CONFIG_CLANG_VERSION", &value)) {
			tools->clang = strtoul(value, NULL, 10) / 10000;
		} else if (set_to(line, "CONFIG_LD_IS_LLD", &value)) {
			tools->lld = *value == 'y';
		}
	}
	if (file)
		fclose(file);
}

/* A program of LLVM's: plainly called, or with the number of its version. */
static bool llvm_program(const char *name, unsigned int version)
{
	char numbered[64], path[PATH_MAX];

	snprintf(numbered, sizeof(numbered), "%s-%u", name, version);
	return root_program(name, path, sizeof(path)) ||
	       root_program(numbered, path, sizeof(path));
}

/* Whoever builds takes all of LLVM where the kernel was linked by it as well. */
static void check_clang(struct doctor *doctor, const struct toolchain *tools,
			enum doctor_state state)
{
	const char *all = tools->lld ? "clang lld llvm" : "clang";

	if (!llvm_program("clang", tools->clang))
		doctor_tell(doctor, "compiler", "", state, doctor_install(doctor, all, all),
			    "clang, which the kernel was built with, is not installed, so no module can be built for it");
	else if (tools->lld && !llvm_program("ld.lld", tools->clang))
		doctor_tell(doctor, "compiler", "", state, doctor_install(doctor, all, all),
			    "ld.lld, which the kernel was linked by, is not installed, so no module can be built for it");
	else
		doctor_tell(doctor, "compiler", "", DOCTOR_OK, NULL,
			    "clang%s and make are installed", tools->lld ? ", ld.lld" : "");
}

void doctor_check_compiler(struct doctor *doctor)
{
	enum doctor_state state = doctor->file.path[0] || doctor->loaded ? DOCTOR_WARNING
									 : DOCTOR_WRONG;
	struct toolchain tools;
	const char *package, *name = tools.compiler;
	char path[PATH_MAX];

	read_toolchain(&tools, doctor->release);
	/* x86_64-linux-gnu-gcc-14 comes with the package gcc-14. */
	package = strstr(name, "gcc") ? strstr(name, "gcc") : name;
	if (!root_program("make", path, sizeof(path)))
		doctor_tell(doctor, "compiler", "", state, doctor_install(doctor, "make", "make"),
			    "make is not installed, so no module can be built");
	else if (!strcmp(name, "clang"))
		check_clang(doctor, &tools, state);
	else if (root_program(name, path, sizeof(path)))
		doctor_tell(doctor, "compiler", "", DOCTOR_OK, NULL,
			    "%s and make are installed", name);
	else if (tools.known)
		doctor_tell(doctor, "compiler", "", state, doctor_install(doctor, package, package),
			    "%s, which the kernel was built with, is not installed, so no module can be built for it",
			    name);
	else
		doctor_tell(doctor, "compiler", "", DOCTOR_UNKNOWN, NULL,
			    "cannot tell which compiler the kernel takes: its headers tell, and mostly bring it");
}

/* Removed kernels leave directories behind, with a few files that depmod made. */
static bool is_kernel(const char *release)
{
	return !root_look("/lib/modules/%s/kernel", release) ||
	       !root_look("/lib/modules/%s/vmlinuz", release) ||
	       !root_look("/boot/vmlinuz-%s", release);
}

static void check_other_kernel(struct doctor *doctor, const char *release)
{
	char *mend;

	if (doctor_headers_there(release)) {
		mend = doctor_mend_module(doctor, release);
		doctor_tell(doctor, "next-boot", release, DOCTOR_WARNING, mend,
			    "this kernel is installed too, but has no grabber module: booted into it, there would be no card");
	} else {
		doctor_tell(doctor, "next-boot", release, DOCTOR_WARNING,
			    doctor_install_headers(doctor, release),
			    "this kernel is installed too, but has neither a grabber module nor the headers to build one");
	}
}

void doctor_check_other_kernels(struct doctor *doctor)
{
	DIR *dir = root_dir("/lib/modules");
	unsigned int kernels = 0, without = 0;
	struct doctor_file file;
	const char *release;

	if (!dir && errno != ENOENT) {
		doctor_tell(doctor, "next-boot", "", DOCTOR_UNKNOWN, NULL,
			    "cannot tell whether other kernels have the module: /lib/modules: %s",
			    doctor_why(doctor, errno));
		return;
	}
	while (dir && (release = root_next(dir))) {
		if (!strcmp(release, doctor->release) || !is_kernel(release))
			continue;
		kernels++;
		doctor_find_file(&file, release);
		if (file.path[0] && file.listed)
			continue;
		without++;
		if (file.path[0])
			doctor_tell(doctor, "next-boot", release, DOCTOR_WARNING,
				    doctor_mend("depmod -a %s", release),
				    "this kernel's %s is not listed in its modules.dep, so it would not be found",
				    file.path);
		else
			check_other_kernel(doctor, release);
	}
	if (dir)
		closedir(dir);
	if (!kernels)
		doctor_tell(doctor, "next-boot", "", DOCTOR_OK, NULL,
			    "no other kernel is installed");
	else if (!without)
		doctor_tell(doctor, "next-boot", "", DOCTOR_OK, NULL,
			    "%u other kernel%s installed, with the module", kernels,
			    kernels == 1 ? " is" : "s are");
}

void doctor_check_taint(struct doctor *doctor)
{
	static const struct {
		unsigned int bit;
		enum doctor_state state;
		const char *what;
	} bad[] = {
		{ 7, DOCTOR_WRONG, "the kernel crashed (an oops) and goes on with what is left" },
		{ 5, DOCTOR_WRONG, "the kernel found a page of memory in a bad state" },
		{ 4, DOCTOR_WRONG, "the processor reported a machine check: broken hardware" },
		{ 14, DOCTOR_WARNING, "a processor hung for a while (a soft lockup)" },
		{ 9, DOCTOR_WARNING, "the kernel warned of a fault in itself or a driver" },
	};
	unsigned long long taint;
	char text[32], *end;
	int length = root_read(text, sizeof(text), "/proc/sys/kernel/tainted");

	taint = strtoull(text, &end, 10);
	if (length <= 0 || *end) {
		doctor_tell(doctor, "kernel", "", DOCTOR_UNKNOWN, NULL,
			    "cannot tell whether the kernel is sound: /proc/sys/kernel/tainted: %s",
			    length < 0 ? doctor_why(doctor, length) : "no number in it");
		return;
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (!(taint >> bad[i].bit & 1))
			continue;
		doctor_tell(doctor, "kernel", "", bad[i].state,
			    bad[i].state == DOCTOR_WRONG ? doctor_mend("reboot") : NULL,
			    "since boot, %s; 'dmesg' tells more (save it before a reboot)",
			    bad[i].what);
		return;
	}
	doctor_tell(doctor, "kernel", "", DOCTOR_OK, NULL,
		    "no crash, lockup or warning since boot");
}
