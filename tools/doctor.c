// SPDX-License-Identifier: GPL-2.0-only
/* The verb "doctor": runs the checks and prints what they tell. */
#include <argp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "doctor.h"
#include "doctor_root.h"
#include "json.h"
#include "say.h"
#include "verbs.h"

#define KEY_JSON	0x100

static const char doc[] =
	"Look for what keeps frames from coming: kernel headers, DKMS, the module and its signature, "
	"Secure Boot, the cards and their links, IOMMU, settings, nodes and permissions, memory. Each line tells "
	"what is well, or what is wrong and the command that mends it. Status 1 where something is "
	"wrong. Nothing is changed, and no card is touched."
	"\v"
	"Start with the first line that says WRONG: later ones often follow from it.";

static const struct argp_option options[] = {
	{ "json", KEY_JSON, NULL, 0, "Print a JSON object", 0 },
	{ 0 },
};

static const struct {
	const char *json;
	const char *text;	/* what is wrong stands out */
} states[DOCTOR_STATES] = {
	[DOCTOR_OK] = { "ok", "ok" },
	[DOCTOR_WARNING] = { "warning", "warning" },
	[DOCTOR_WRONG] = { "wrong", "WRONG" },
	[DOCTOR_UNKNOWN] = { "unknown", "unknown" },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct doctor *doctor = state->input;

	switch (key) {
	case KEY_JSON:
		doctor->json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "doctor looks at the whole machine, and takes no argument such as '%s'",
			   arg);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static char *vformat(const char *fmt, va_list args)
{
	char *text;

	if (vasprintf(&text, fmt, args) < 0) {
		say("out of memory");
		exit(EXIT_FAILED);
	}
	return text;
}

char *doctor_mend(const char *fmt, ...)
{
	va_list args;
	char *text;

	va_start(args, fmt);
	text = vformat(fmt, args);
	va_end(args);
	return text;
}

/* The command as this user must type it. */
static char *as_root(const struct doctor *doctor, char *mend)
{
	bool whole_line = strpbrk(mend, ";&|<>");	/* a shell's, not one program's */
	char path[PATH_MAX], *typed;

	if (doctor->root)
		return mend;
	if (!root_program("sudo", path, sizeof(path)))
		typed = doctor_mend("su -c '%s'", mend);
	else if (whole_line)
		typed = doctor_mend("sudo sh -c '%s'", mend);
	else
		typed = doctor_mend("sudo %s", mend);
	free(mend);
	return typed;
}

static void print_json(unsigned int before, const char *check, const char *about,
		       enum doctor_state state, const char *mend, const char *text)
{
	printf("%s  {\n", before ? ",\n" : "");
	json_string("check", check, ",");
	json_string("about", about, ",");
	json_string("state", states[state].json, ",");
	json_string("text", text, ",");
	if (mend)
		json_string("mend", mend, "");
	else
		printf("    \"mend\": null\n");
	printf("  }");
}

void doctor_tell(struct doctor *doctor, const char *check, const char *about,
		 enum doctor_state state, char *mend, const char *fmt, ...)
{
	unsigned int before = 0;
	va_list args;
	char *text;

	va_start(args, fmt);
	text = vformat(fmt, args);
	va_end(args);
	if (mend)
		mend = as_root(doctor, mend);

	for (int i = 0; i < DOCTOR_STATES; i++)
		before += doctor->told[i];
	doctor->told[state]++;
	if (doctor->json)
		print_json(before, check, about, state, mend, text);
	else
		printf("%-7s  %-11s  %s%s%s%s%s\n", states[state].text, check, about,
		       about[0] ? ": " : "", text, mend ? "; mend it: " : "", mend ? mend : "");
	free(text);
	free(mend);
}

static void run_checks(struct doctor *doctor)
{
	doctor_look_at_system(doctor);
	doctor_look_at_module(doctor);
	doctor_look_at_security(doctor);
	doctor_look_at_cards(doctor);
	if (!doctor->sysfs)
		doctor_tell(doctor, "sysfs", "", DOCTOR_WRONG,
			    doctor_mend("mount -t sysfs sysfs /sys"),
			    "sysfs is not mounted, so cards and modules cannot be seen");

	/* From the ground up: what is wrong early explains what is wrong later. */
	doctor_check_headers(doctor);
	doctor_check_compiler(doctor);
	doctor_check_dkms(doctor);
	doctor_check_module(doctor);
	doctor_check_other_kernels(doctor);
	doctor_check_secure_boot(doctor);
	doctor_check_lockdown(doctor);
	doctor_check_signature(doctor);
	doctor_check_loaded(doctor);
	doctor_check_taint(doctor);
	if (!doctor->sysfs)
		return;
	doctor_check_cards(doctor);
	doctor_check_settings(doctor);
	doctor_check_nodes(doctor);
	doctor_check_memory(doctor);
}

static void print_sum(const struct doctor *doctor)
{
	const unsigned int *told = doctor->told;

	if (doctor->json) {
		printf("\n  ],\n");
		json_number("ok", told[DOCTOR_OK], ",");
		json_number("warning", told[DOCTOR_WARNING], ",");
		json_number("wrong", told[DOCTOR_WRONG], ",");
		json_number("unknown", told[DOCTOR_UNKNOWN], "");
		printf("}\n");
		return;
	}
	printf("%u wrong, %u warning%s, %u unknown, %u ok\n", told[DOCTOR_WRONG],
	       told[DOCTOR_WARNING], plural(told[DOCTOR_WARNING]), told[DOCTOR_UNKNOWN],
	       told[DOCTOR_OK]);
}

int verb_doctor(int argc, char **argv)
{
	static const struct argp argp = { options, parse, NULL, doc, NULL, NULL, NULL };
	struct doctor doctor = { 0 };

	argp_parse(&argp, argc, argv, 0, NULL, &doctor);

	doctor.root = !geteuid();
	if (doctor.json)
		printf("{\n  \"checks\": [\n");
	run_checks(&doctor);
	print_sum(&doctor);
	return doctor.told[DOCTOR_WRONG] ? EXIT_FAILED : EXIT_SUCCESS;
}
