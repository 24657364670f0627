/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The server's side of the vfio-user protocol, version 0.x, for one PCI device
 * and one client at a time. Written down in QEMU's docs/interop/vfio-user.rst.
 */
#ifndef CARD_VFIO_USER_H
#define CARD_VFIO_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest_memory.h"
#include "interrupts.h"

#define VFIO_USER_MAX_FDS	16
#define VFIO_USER_MAX_TRANSFER	0x100000u
/* The longest message: a whole transfer with its headers */
#define VFIO_USER_MAX_MESSAGE	(VFIO_USER_MAX_TRANSFER + 64)

enum vfio_user_command {
	VFIO_USER_VERSION = 1,
	VFIO_USER_DMA_MAP,
	VFIO_USER_DMA_UNMAP,
	VFIO_USER_DEVICE_GET_INFO,
	VFIO_USER_DEVICE_GET_REGION_INFO,
	VFIO_USER_DEVICE_GET_REGION_IO_FDS,
	VFIO_USER_DEVICE_GET_IRQ_INFO,
	VFIO_USER_DEVICE_SET_IRQS,
	VFIO_USER_REGION_READ,
	VFIO_USER_REGION_WRITE,
	VFIO_USER_DMA_READ,
	VFIO_USER_DMA_WRITE,
	VFIO_USER_DEVICE_RESET,
	VFIO_USER_REGION_WRITE_MULTI = 15,
};

#define VFIO_USER_TYPE		0xfu
#define VFIO_USER_TYPE_COMMAND	0u
#define VFIO_USER_TYPE_REPLY	1u
#define VFIO_USER_NO_REPLY	(1u << 4)
#define VFIO_USER_ERROR		(1u << 5)

struct vfio_user_header {
	uint16_t id;
	uint16_t command;
	uint32_t size;
	uint32_t flags;
	uint32_t error;
};

struct vfio_user_message {
	struct vfio_user_header header;
	uint8_t *payload;		/* header.size - 16 bytes */
	int fds[VFIO_USER_MAX_FDS];
	size_t fd_count;
	size_t received;		/* of header and payload */
	struct vfio_user_message *next;
};

/* The device behind the socket */
struct vfio_user_device {
	struct guest_memory *memory;
	struct interrupts *interrupts;
	/* Size of a region, VFIO_PCI_BAR0_REGION_INDEX and so on; 0 for none */
	uint64_t (*region_size)(void *device, uint32_t region);
	/* Within the region, that is checked before */
	void (*region_read)(void *device, uint32_t region, uint64_t offset, void *data,
			    uint32_t count);
	void (*region_write)(void *device, uint32_t region, uint64_t offset, const void *data,
			     uint32_t count);
	void (*reset)(void *device);
	/* A window goes away: the device must hold nothing of it */
	void (*disconnected)(void *device);
	void *device;
};

struct vfio_user {
	struct vfio_user_device dev;
	int listener;
	int connection;			/* -1 while no client is there */
	bool negotiated;
	uint32_t client_max_transfer;
	uint16_t next_id;
	bool deaf;			/* the client does not answer DMA messages */
	struct vfio_user_message *receiving;
	struct vfio_user_message *deferred;	/* commands that came while waiting for a reply */
	uint64_t connections;
	uint64_t messages;
	uint64_t errors;		/* answered with an error */
};

/* Returns 0 or a negative errno */
int vfio_user_listen(struct vfio_user *v, const char *path);
void vfio_user_accept(struct vfio_user *v);
/* Takes what has arrived; true while there may be more */
bool vfio_user_receive(struct vfio_user *v);
void vfio_user_disconnect(struct vfio_user *v);

/* Guest memory that came without a file, for struct guest_memory's @message */
bool vfio_user_dma_message(void *v, uint64_t address, void *data, size_t size, bool write);

/* vfio_user_commands.c: answer one command */
void vfio_user_dispatch(struct vfio_user *v, struct vfio_user_message *m);
void vfio_user_reply(struct vfio_user *v, const struct vfio_user_message *m, int error,
		     const void *data, size_t size);

#endif
