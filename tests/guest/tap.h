/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A few lines of KTAP for the guest programs.
 *
 * TEST(name) { ... } defines a test. Each runs in a child of its own, so one
 * that crashes or hangs fails alone and its descriptors and mappings are
 * closed by the kernel. A CHECK that does not hold ends its test; an EXPECT
 * is noted and the test goes on, to fail at its end.
 */
#ifndef GUEST_TAP_H
#define GUEST_TAP_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct tap_test {
	const char *name;
	void (*run)(void);
	unsigned int limit;	/* seconds */
};

void tap_register(const char *name, void (*run)(void), unsigned int limit);
/* For tests that are found out at run time: run in place, not in a child. */
void tap_note(const char *format, ...) __attribute__((format(printf, 1, 2)));
void tap_failed(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
void tap_skip(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void tap_stop(void) __attribute__((noreturn));

/* The word after the program's name is the card; further ones are the test's own. */
extern int tap_argc;
extern char **tap_argv;

#define TEST_LIMIT(name, seconds)					\
	static void name(void);						\
	static void __attribute__((constructor)) register_##name(void)	\
	{								\
		tap_register(#name, name, seconds);			\
	}								\
	static void name(void)

#define TEST(name) TEST_LIMIT(name, 60)

#define EXPECT_MSG(cond, ...)						\
	do {								\
		if (!(cond))						\
			tap_failed(__FILE__, __LINE__, __VA_ARGS__);	\
	} while (0)

#define CHECK_MSG(cond, ...)						\
	do {								\
		if (!(cond)) {						\
			tap_failed(__FILE__, __LINE__, __VA_ARGS__);	\
			tap_stop();					\
		}							\
	} while (0)

#define EXPECT(cond) EXPECT_MSG(cond, "not so: %s (errno %d, %s)", #cond, errno, strerror(errno))
#define CHECK(cond) CHECK_MSG(cond, "not so: %s (errno %d, %s)", #cond, errno, strerror(errno))

/* The call must fail, with this very errno. */
#define EXPECT_ERRNO(call, want)						\
	do {									\
		long got_;							\
		errno = 0;							\
		got_ = (long)(call);						\
		EXPECT_MSG(got_ == -1 && errno == (want),			\
			   "%s gave %ld, errno %d (%s), not -1, errno %d (%s)",	\
			   #call, got_, errno, strerror(errno), (want),		\
			   strerror(want));					\
	} while (0)

#endif /* GUEST_TAP_H */
