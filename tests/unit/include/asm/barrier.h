/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's barriers between processors. */
#ifndef UNIT_ASM_BARRIER_H
#define UNIT_ASM_BARRIER_H

#include <linux/compiler.h>

#define smp_wmb()			__atomic_thread_fence(__ATOMIC_RELEASE)
#define smp_store_release(to, value) do {		\
	unit_stores(to);				\
	__atomic_store_n(to, value, __ATOMIC_RELEASE);	\
} while (0)

#endif /* UNIT_ASM_BARRIER_H */
