/* SPDX-License-Identifier: GPL-2.0-only */
/* The verbs: each parses its own arguments and returns an exit status. */
#ifndef GRABBERCTL_VERBS_H
#define GRABBERCTL_VERBS_H

int verb_list(int argc, char **argv);
int verb_info(int argc, char **argv);
int verb_capture(int argc, char **argv);
int verb_format(int argc, char **argv);
int verb_buffer(int argc, char **argv);
int verb_set(int argc, char **argv);
int verb_bind(int argc, char **argv);
int verb_unbind(int argc, char **argv);
int verb_stats(int argc, char **argv);
int verb_top(int argc, char **argv);
int verb_doctor(int argc, char **argv);
int verb_bar(int argc, char **argv);

#endif
