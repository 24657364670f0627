/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's stores that may not be torn or left out. The program is told before each. */
#ifndef UNIT_LINUX_COMPILER_H
#define UNIT_LINUX_COMPILER_H

void unit_stores(const volatile void *at);

#define WRITE_ONCE(to, value) do {				\
	unit_stores(&(to));					\
	__atomic_store_n(&(to), value, __ATOMIC_RELAXED);	\
} while (0)

#endif /* UNIT_LINUX_COMPILER_H */
