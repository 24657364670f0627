// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define TAP_MAX 128
#define TAP_EXIT_FAILED 1
#define TAP_EXIT_SKIPPED 77

static struct tap_test tests[TAP_MAX];
static int tests_count;
static bool failed;

int tap_argc;
char **tap_argv;

void tap_register(const char *name, void (*run)(void), unsigned int limit)
{
	if (tests_count == TAP_MAX)
		abort();
	tests[tests_count++] = (struct tap_test){ name, run, limit };
}

static void tap_line(const char *prefix, const char *format, va_list args)
{
	char line[512];
	int used = snprintf(line, sizeof(line), "# %s", prefix);

	vsnprintf(line + used, sizeof(line) - used - 1, format, args);
	strcat(line, "\n");
	/* One write a line: several processes share the console. */
	if (write(STDOUT_FILENO, line, strlen(line)) < 0)
		_exit(TAP_EXIT_FAILED);
}

void tap_note(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tap_line("", format, args);
	va_end(args);
}

void tap_failed(const char *file, int line, const char *format, ...)
{
	char place[128];
	va_list args;

	failed = true;
	snprintf(place, sizeof(place), "%s:%d: ", file, line);
	va_start(args, format);
	tap_line(place, format, args);
	va_end(args);
}

void tap_stop(void)
{
	_exit(failed ? TAP_EXIT_FAILED : 0);
}

void tap_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	tap_line("SKIP ", format, args);
	va_end(args);
	_exit(failed ? TAP_EXIT_FAILED : TAP_EXIT_SKIPPED);
}

/* Where does a test hang? The kernel says it for every task of its group. */
static void tap_stack(pid_t pid)
{
	char path[64], text[2048];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	fd = open(path, O_RDONLY);
	if (fd < 0)
		return;
	got = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (got <= 0)
		return;
	text[got] = 0;
	for (char *save, *line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		tap_note("  %s", line);
}

/* Waits for the child; -1 when it took too long. */
static int tap_wait(pid_t pid, unsigned int limit)
{
	struct timespec nap = { 0, 10000000 };
	time_t end = time(NULL) + limit;
	int status;

	while (time(NULL) <= end) {
		if (waitpid(pid, &status, WNOHANG) == pid)
			return status;
		nanosleep(&nap, NULL);
	}
	return -1;
}

static bool tap_run(int number, const struct tap_test *test)
{
	const char *skip = "";
	int status;
	pid_t pid;
	bool ok;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		perror("fork");
		exit(TAP_EXIT_FAILED);
	}
	if (!pid) {
		setpgid(0, 0);
		/* Who kills the program means the test as well. */
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		failed = false;
		test->run();
		tap_stop();
	}
	setpgid(pid, pid);
	status = tap_wait(pid, test->limit);
	if (status == -1) {
		tap_note("%s: still running after %u s, in:", test->name, test->limit);
		tap_stack(pid);
	}
	/* The test's own children too, if it left any. */
	kill(-pid, SIGKILL);
	if (status == -1) {
		if (tap_wait(pid, 10) == -1)
			tap_note("%s: does not even die", test->name);
		ok = false;
	} else if (WIFSIGNALED(status)) {
		tap_note("%s: killed by signal %d", test->name, WTERMSIG(status));
		ok = false;
	} else {
		ok = WEXITSTATUS(status) == 0;
		if (WEXITSTATUS(status) == TAP_EXIT_SKIPPED) {
			ok = true;
			skip = " # SKIP";
		}
	}
	printf("%s %d %s%s\n", ok ? "ok" : "not ok", number, test->name, skip);
	fflush(stdout);
	return ok;
}

int main(int argc, char **argv)
{
	bool all_ok = true;

	tap_argc = argc;
	tap_argv = argv;
	printf("KTAP version 1\n1..%d\n", tests_count);
	for (int i = 0; i < tests_count; i++)
		all_ok &= tap_run(i + 1, &tests[i]);
	return all_ok ? 0 : 1;
}
