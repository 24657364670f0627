// SPDX-License-Identifier: GPL-2.0-only
/* What each command asks for and how it is answered. */
#include "vfio_user.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

#define HEADER	sizeof(struct vfio_user_header)

/* Fixed parts of the payloads; those of VFIO itself come from linux/vfio.h */
struct version {
	uint16_t major;
	uint16_t minor;
};

struct dma_map {
	uint32_t argsz;
	uint32_t flags;
	uint64_t offset;
	uint64_t address;
	uint64_t size;
};

#define DMA_MAP_READ	(1u << 0)
#define DMA_MAP_WRITE	(1u << 1)

struct dma_unmap {
	uint32_t argsz;
	uint32_t flags;
	uint64_t address;
	uint64_t size;
};

#define DMA_UNMAP_ALL	(1u << 1)

struct region_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
};

/* A multi-write carries at most 8 bytes a write, padded to 8 */
struct region_write {
	struct region_access access;
	uint8_t data[8];
};

static size_t payload_size(const struct vfio_user_message *m)
{
	return m->header.size - HEADER;
}

/* The number after "name": in the client's capabilities, which are JSON */
static bool capability(const char *json, const char *name, unsigned long *value)
{
	const char *at = strstr(json, name);

	if (!at)
		return false;
	at += strlen(name);
	at += strspn(at, "\" \t:");
	*value = strtoul(at, NULL, 10);
	return true;
}

static void version(struct vfio_user *v, const struct vfio_user_message *m)
{
	const char *json = (const char *)m->payload + sizeof(struct version);
	struct version asked;
	unsigned long value;
	char out[sizeof(struct version) + 256];
	int n = sizeof(struct version);

	if (v->negotiated || payload_size(m) < sizeof(asked)) {
		vfio_user_reply(v, m, -EINVAL, NULL, 0);
		return;
	}
	memcpy(&asked, m->payload, sizeof(asked));
	if (asked.major != 0) {
		note("the client speaks vfio-user %u.%u, this card 0.0", asked.major, asked.minor);
		vfio_user_reply(v, m, -ENOTSUP, NULL, 0);
		return;
	}
	if (capability(json, "\"max_data_xfer_size\"", &value)) {
		if (value < 4096) {
			vfio_user_reply(v, m, -EINVAL, NULL, 0);
			return;
		}
		if (value < v->client_max_transfer)
			v->client_max_transfer = value;
	}
	asked.minor = 0;
	memcpy(out, &asked, sizeof(asked));
	/* only what the client knows may be answered */
	n += snprintf(out + n, sizeof(out) - n, "{\"capabilities\":{\"max_msg_fds\":%d,"
		      "\"max_data_xfer_size\":%u", VFIO_USER_MAX_FDS, VFIO_USER_MAX_TRANSFER);
	if (strstr(json, "\"max_dma_maps\""))
		n += snprintf(out + n, sizeof(out) - n, ",\"max_dma_maps\":%d",
			      GUEST_MEMORY_WINDOWS);
	if (strstr(json, "\"pgsizes\""))
		n += snprintf(out + n, sizeof(out) - n, ",\"pgsizes\":4096");
	if (strstr(json, "\"write_multiple\""))
		n += snprintf(out + n, sizeof(out) - n, ",\"write_multiple\":true");
	n += snprintf(out + n, sizeof(out) - n, "}}") + 1;
	v->negotiated = true;
	vfio_user_reply(v, m, 0, out, n);
}

static void dma_map(struct vfio_user *v, const struct vfio_user_message *m)
{
	struct dma_map map;
	int error = -EINVAL;

	if (payload_size(m) == sizeof(map)) {
		memcpy(&map, m->payload, sizeof(map));
		if (map.argsz >= sizeof(map) && m->fd_count <= 1 && map.flags &&
		    !(map.flags & ~(DMA_MAP_READ | DMA_MAP_WRITE)))
			error = guest_memory_map(v->dev.memory, map.address, map.size, map.offset,
						 map.flags & DMA_MAP_READ,
						 map.flags & DMA_MAP_WRITE,
						 m->fd_count ? m->fds[0] : -1);
	}
	if (error && payload_size(m) == sizeof(map))
		note("DMA_MAP of %#" PRIx64 "+%#" PRIx64 " is refused: %s", map.address, map.size,
		     strerror(-error));
	vfio_user_reply(v, m, error, NULL, 0);
}

static void dma_unmap(struct vfio_user *v, const struct vfio_user_message *m)
{
	struct dma_unmap unmap;
	int error = -EINVAL;

	if (payload_size(m) >= sizeof(unmap)) {
		memcpy(&unmap, m->payload, sizeof(unmap));
		if (unmap.flags == DMA_UNMAP_ALL && !unmap.address && !unmap.size) {
			guest_memory_unmap_all(v->dev.memory);
			error = 0;
		} else if (!unmap.flags) {
			error = guest_memory_unmap(v->dev.memory, unmap.address, unmap.size);
		}
		unmap.argsz = sizeof(unmap);
	}
	vfio_user_reply(v, m, error, &unmap, sizeof(unmap));
}

static void device_info(struct vfio_user *v, const struct vfio_user_message *m)
{
	const uint32_t info[4] = {
		sizeof(info),
		VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI,
		VFIO_PCI_NUM_REGIONS,
		VFIO_PCI_NUM_IRQS,
	};

	vfio_user_reply(v, m, payload_size(m) < sizeof(info) ? -EINVAL : 0, info, sizeof(info));
}

static void region_info(struct vfio_user *v, const struct vfio_user_message *m)
{
	struct vfio_region_info info;

	if (payload_size(m) < sizeof(info)) {
		vfio_user_reply(v, m, -EINVAL, NULL, 0);
		return;
	}
	memcpy(&info, m->payload, sizeof(info));
	if (info.argsz < sizeof(info) || info.index >= VFIO_PCI_NUM_REGIONS) {
		vfio_user_reply(v, m, -EINVAL, NULL, 0);
		return;
	}
	info = (struct vfio_region_info) {
		.argsz = sizeof(info),
		.index = info.index,
		.size = v->dev.region_size(v->dev.device, info.index),
	};
	if (info.size)
		info.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	vfio_user_reply(v, m, 0, &info, sizeof(info));
}

static void irq_info(struct vfio_user *v, const struct vfio_user_message *m)
{
	struct vfio_irq_info info;

	if (payload_size(m) < sizeof(info)) {
		vfio_user_reply(v, m, -EINVAL, NULL, 0);
		return;
	}
	memcpy(&info, m->payload, sizeof(info));
	if (info.argsz < sizeof(info) || info.index >= VFIO_PCI_NUM_IRQS) {
		vfio_user_reply(v, m, -EINVAL, NULL, 0);
		return;
	}
	info.argsz = sizeof(info);
	info.flags = VFIO_IRQ_INFO_EVENTFD;
	info.count = info.index < INTERRUPT_KINDS ? v->dev.interrupts->vectors[info.index] : 0;
	if (info.index == VFIO_PCI_INTX_IRQ_INDEX)
		info.flags |= VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	vfio_user_reply(v, m, 0, &info, sizeof(info));
}

static void set_irqs(struct vfio_user *v, struct vfio_user_message *m)
{
	struct vfio_irq_set set;
	size_t bools;
	int error;

	if (payload_size(m) < sizeof(set)) {
		vfio_user_reply(v, m, -EINVAL, NULL, 0);
		return;
	}
	memcpy(&set, m->payload, sizeof(set));
	bools = payload_size(m) - sizeof(set);
	error = interrupts_set(v->dev.interrupts, set.flags, set.index, set.start, set.count,
			       m->payload + sizeof(set), bools, m->fds, m->fd_count);
	vfio_user_reply(v, m, error, NULL, 0);
}

static int check_access(struct vfio_user *v, const struct region_access *a)
{
	uint64_t size;

	if (a->region >= VFIO_PCI_NUM_REGIONS || !a->count || a->count > VFIO_USER_MAX_TRANSFER)
		return -EINVAL;
	size = v->dev.region_size(v->dev.device, a->region);
	return a->offset > size || a->count > size - a->offset ? -EINVAL : 0;
}

static void region_read(struct vfio_user *v, const struct vfio_user_message *m)
{
	struct region_access a;
	uint8_t small[sizeof(a) + 64], *out = small;
	int error = -EINVAL;

	if (payload_size(m) == sizeof(a)) {
		memcpy(&a, m->payload, sizeof(a));
		error = check_access(v, &a);
	}
	if (error) {
		vfio_user_reply(v, m, error, NULL, 0);
		return;
	}
	if (sizeof(a) + a.count > sizeof(small))
		out = malloc(sizeof(a) + a.count);
	if (!out) {
		vfio_user_reply(v, m, -ENOMEM, NULL, 0);
		return;
	}
	memcpy(out, &a, sizeof(a));
	v->dev.region_read(v->dev.device, a.region, a.offset, out + sizeof(a), a.count);
	vfio_user_reply(v, m, 0, out, sizeof(a) + a.count);
	if (out != small)
		free(out);
}

static void region_write(struct vfio_user *v, const struct vfio_user_message *m)
{
	struct region_access a;
	int error = -EINVAL;

	if (payload_size(m) >= sizeof(a)) {
		memcpy(&a, m->payload, sizeof(a));
		if (payload_size(m) == sizeof(a) + a.count)
			error = check_access(v, &a);
	}
	if (!error)
		v->dev.region_write(v->dev.device, a.region, a.offset, m->payload + sizeof(a),
				    a.count);
	vfio_user_reply(v, m, error, &a, sizeof(a));
}

static void region_write_multi(struct vfio_user *v, const struct vfio_user_message *m)
{
	const uint8_t *writes = m->payload + sizeof(uint64_t);
	struct region_write w;
	uint64_t count;

	if (payload_size(m) < sizeof(count)) {
		vfio_user_reply(v, m, -EINVAL, NULL, 0);
		return;
	}
	memcpy(&count, m->payload, sizeof(count));
	if (count > VFIO_USER_MAX_MESSAGE / sizeof(w) ||
	    payload_size(m) != sizeof(count) + count * sizeof(w)) {
		vfio_user_reply(v, m, -EINVAL, NULL, 0);
		return;
	}
	for (uint64_t i = 0; i < count; i++) {
		memcpy(&w, writes + i * sizeof(w), sizeof(w));
		if (w.access.count > sizeof(w.data) || check_access(v, &w.access)) {
			vfio_user_reply(v, m, -EINVAL, NULL, 0);
			return;
		}
		v->dev.region_write(v->dev.device, w.access.region, w.access.offset, w.data,
				    w.access.count);
	}
	vfio_user_reply(v, m, 0, &count, sizeof(count));
}

void vfio_user_dispatch(struct vfio_user *v, struct vfio_user_message *m)
{
	if (!v->negotiated && m->header.command != VFIO_USER_VERSION) {
		vfio_user_reply(v, m, -EINVAL, NULL, 0);
		return;
	}
	switch (m->header.command) {
	case VFIO_USER_VERSION:
		version(v, m);
		break;
	case VFIO_USER_DMA_MAP:
		dma_map(v, m);
		break;
	case VFIO_USER_DMA_UNMAP:
		dma_unmap(v, m);
		break;
	case VFIO_USER_DEVICE_GET_INFO:
		device_info(v, m);
		break;
	case VFIO_USER_DEVICE_GET_REGION_INFO:
		region_info(v, m);
		break;
	case VFIO_USER_DEVICE_GET_IRQ_INFO:
		irq_info(v, m);
		break;
	case VFIO_USER_DEVICE_SET_IRQS:
		set_irqs(v, m);
		break;
	case VFIO_USER_REGION_READ:
		region_read(v, m);
		break;
	case VFIO_USER_REGION_WRITE:
		region_write(v, m);
		break;
	case VFIO_USER_REGION_WRITE_MULTI:
		region_write_multi(v, m);
		break;
	case VFIO_USER_DEVICE_RESET:
		if (!payload_size(m))
			v->dev.reset(v->dev.device);
		vfio_user_reply(v, m, payload_size(m) ? -EINVAL : 0, NULL, 0);
		break;
	default:
		vfio_user_reply(v, m, -EOPNOTSUPP, NULL, 0);
	}
}
