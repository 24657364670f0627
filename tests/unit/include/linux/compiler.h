/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's stores that may not be torn or left out. */
#ifndef UNIT_LINUX_COMPILER_H
#define UNIT_LINUX_COMPILER_H

#define WRITE_ONCE(to, value) __atomic_store_n(&(to), value, __ATOMIC_RELAXED)

#endif /* UNIT_LINUX_COMPILER_H */
