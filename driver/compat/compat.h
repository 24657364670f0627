/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel differences that no choice of interface could avoid. The logic
 * uses today's names; this file gives them to older kernels. What the kernel has is
 * probed, see Kbuild.probe.
 */
#ifndef GRABBER_COMPAT_H
#define GRABBER_COMPAT_H

#include <linux/device.h>
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/pci.h>

#ifndef HAVE_CLASS_CREATE_BY_NAME
static inline struct class *class_create_by_name(const char *name)
{
	return class_create(THIS_MODULE, name);
}

#undef class_create
#define class_create class_create_by_name
#endif

#ifndef HAVE_VM_FLAGS_CLEAR
static inline void vm_flags_set(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags |= flags;
}

static inline void vm_flags_clear(struct vm_area_struct *vma, unsigned long flags)
{
	vma->vm_flags &= ~flags;
}
#endif

/* Whether somebody asked for this device to be bound to the driver that it is bound to.
 * (Not by device_has_driver_override(): with its guard() sparse finds a lock that is never
 * let go of, on real-time kernels.)
 */
static inline bool compat_is_overridden(struct pci_dev *pdev)
{
#ifdef HAVE_DEVICE_DRIVER_OVERRIDE
	return READ_ONCE(pdev->dev.driver_override.name);
#else
	return pdev->driver_override;
#endif
}

#ifndef HAVE_COPY_SPLICE_READ
#define copy_splice_read generic_file_splice_read
#endif

#endif /* GRABBER_COMPAT_H */
