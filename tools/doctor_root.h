/* SPDX-License-Identifier: GPL-2.0-only */
/* Files of the system, all below one root directory; programs that tell of them. */
#ifndef GRABBERCTL_DOCTOR_ROOT_H
#define GRABBERCTL_DOCTOR_ROOT_H

#include <dirent.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* The tests put a tree of their own here. */
#ifndef GRABBER_ROOT
#define GRABBER_ROOT	""
#endif

#define ROOT_PATH(n)	__attribute__((format(printf, n, (n) + 1)))

/* The path below the root, for the caller to free */
char *root_path(const char *fmt, ...) ROOT_PATH(1);
char *root_vpath(const char *fmt, va_list args) __attribute__((format(printf, 1, 0)));

/* 0 where it is there, if only as a dangling link, else -errno */
int root_look(const char *fmt, ...) ROOT_PATH(1);

/* The beginning of a file, without a line end at its end. Returns its length, or -errno. */
int root_read(char *text, size_t size, const char *fmt, ...) ROOT_PATH(3);

/* Where a link leads, as it is written there. Returns 0, or -errno. */
int root_link(char *target, size_t size, const char *fmt, ...) ROOT_PATH(3);

/* The last part of root_link(), "" where there is no link. */
void root_link_name(char *name, size_t size, const char *fmt, ...) ROOT_PATH(3);

/* NULL with errno set where it cannot be opened */
FILE *root_open(const char *fmt, ...) ROOT_PATH(1);
DIR *root_dir(const char *fmt, ...) ROOT_PATH(1);

/* The next name that is not hidden, or NULL. */
const char *root_next(DIR *dir);

/* A program on PATH, or where root has its programs. */
bool root_program(const char *name, char *path, size_t size);

/*
 * Run a program with its arguments, after which comes NULL, and keep the beginning of
 * what it prints, without the line end. Returns its exit status, or -1.
 */
int root_run(char *text, size_t size, const char *name, ...);

#endif
