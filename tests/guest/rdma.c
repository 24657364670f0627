// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames by RDMA: the slots are a registered memory region, and each frame that is held
 * is written by the adapter into the memory of another process, which compares it.
 *
 * rdma CARD, on a machine with one RDMA device whose first port has a RoCE v2 address
 */
#include <infiniband/verbs.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "card.h"
#include "frame_check.h"

#define FRAMES		12
#define PORT		1

/* What the two processes tell each other. */
struct place {
	uint32_t qp;
	uint32_t rkey;
	uint64_t address;
	union ibv_gid gid;
};

struct side {
	struct ibv_context *device;
	struct ibv_pd *pd;
	struct ibv_cq *cq;
	struct ibv_qp *qp;
	int gid_index;
	struct place place;
};

/* The last of the port's addresses; the link-local one comes first. */
static void find_address(struct side *side)
{
	union ibv_gid gid;

	side->gid_index = -1;
	for (int i = 0; i < 16; i++) {
		if (ibv_query_gid(side->device, PORT, i, &gid))
			break;
		/* ::ffff:a.b.c.d */
		if (gid.raw[10] == 0xff && gid.raw[11] == 0xff) {
			side->gid_index = i;
			side->place.gid = gid;
		}
	}
	CHECK_MSG(side->gid_index >= 0, "the RDMA device has no IPv4 address");
}

static struct side open_side(void)
{
	struct ibv_device **devices = ibv_get_device_list(NULL);
	struct ibv_qp_init_attr attr = {
		.qp_type = IBV_QPT_RC,
		.cap = { .max_send_wr = 4, .max_recv_wr = 4, .max_send_sge = 1, .max_recv_sge = 1 },
	};
	struct side side = { 0 };

	CHECK_MSG(devices && devices[0], "no RDMA device");
	side.device = ibv_open_device(devices[0]);
	CHECK(side.device);
	side.pd = ibv_alloc_pd(side.device);
	side.cq = ibv_create_cq(side.device, 16, NULL, NULL, 0);
	CHECK(side.pd && side.cq);
	attr.send_cq = side.cq;
	attr.recv_cq = side.cq;
	side.qp = ibv_create_qp(side.pd, &attr);
	CHECK(side.qp);
	side.place.qp = side.qp->qp_num;
	find_address(&side);
	return side;
}

static void connect_side(struct side *side, const struct place *peer)
{
	struct ibv_qp_attr init = {
		.qp_state = IBV_QPS_INIT,
		.port_num = PORT,
		.qp_access_flags = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
				   IBV_ACCESS_REMOTE_READ,
	};
	struct ibv_qp_attr receive = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = IBV_MTU_1024,
		.dest_qp_num = peer->qp,
		.max_dest_rd_atomic = 1,
		.min_rnr_timer = 12,
		.ah_attr = {
			.is_global = 1,
			.port_num = PORT,
			.grh = { .dgid = peer->gid, .sgid_index = side->gid_index, .hop_limit = 1 },
		},
	};
	struct ibv_qp_attr send = {
		.qp_state = IBV_QPS_RTS,
		.timeout = 18,
		.retry_cnt = 7,
		.rnr_retry = 7,
		.max_rd_atomic = 1,
	};

	CHECK(!ibv_modify_qp(side->qp, &init, IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT |
			     IBV_QP_ACCESS_FLAGS));
	CHECK(!ibv_modify_qp(side->qp, &receive, IBV_QP_STATE | IBV_QP_AV | IBV_QP_PATH_MTU |
			     IBV_QP_DEST_QPN | IBV_QP_RQ_PSN | IBV_QP_MAX_DEST_RD_ATOMIC |
			     IBV_QP_MIN_RNR_TIMER));
	CHECK(!ibv_modify_qp(side->qp, &send, IBV_QP_STATE | IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT |
			     IBV_QP_RNR_RETRY | IBV_QP_SQ_PSN | IBV_QP_MAX_QP_RD_ATOMIC));
}

/* Of the two, each waits for the other here. */
static void swap_places(int socket, const struct place *mine, struct place *theirs)
{
	CHECK(send(socket, mine, sizeof(*mine), 0) == sizeof(*mine));
	CHECK(recv(socket, theirs, sizeof(*theirs), 0) == sizeof(*theirs));
}

/* The other process: whatever comes into its memory is a frame, bit for bit. */
static void receive_frames(int socket)
{
	int fd = open_frames(O_RDONLY);
	struct frame_check *check = frame_check_open(fd);
	size_t bytes = get_buffer(fd).stride;
	uint8_t *memory = aligned_alloc(PAGE, bytes);
	struct side side = open_side();
	struct ibv_mr *region = ibv_reg_mr(side.pd, memory, bytes, IBV_ACCESS_LOCAL_WRITE |
					   IBV_ACCESS_REMOTE_WRITE);
	struct place peer;
	uint32_t number, came;

	CHECK_MSG(region, "ibv_reg_mr of malloc()ed memory: %s", strerror(errno));
	side.place.address = (uintptr_t)memory;
	side.place.rkey = region->rkey;
	swap_places(socket, &side.place, &peer);
	connect_side(&side, &peer);
	CHECK(send(socket, "", 1, 0) == 1);
	for (int i = 0; i < FRAMES; i++) {
		CHECK(recv(socket, &came, sizeof(came), 0) == sizeof(came));
		CHECK(frame_check(check, memory, came, &number));
		memset(memory, 0, bytes);
		CHECK(send(socket, "", 1, 0) == 1);
	}
	tap_stop();
}

static void write_frame(struct side *side, const struct place *peer, const void *frame,
			uint32_t bytes, uint32_t lkey)
{
	struct ibv_sge part = { .addr = (uintptr_t)frame, .length = bytes, .lkey = lkey };
	struct ibv_send_wr request = {
		.sg_list = &part,
		.num_sge = 1,
		.opcode = IBV_WR_RDMA_WRITE,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = peer->address, .rkey = peer->rkey },
	}, *bad;
	int64_t end = now_ns() + 60 * NS_PER_S;
	struct ibv_wc done;
	int got;

	CHECK(!ibv_post_send(side->qp, &request, &bad));
	while (!(got = ibv_poll_cq(side->cq, 1, &done)))
		CHECK_MSG(now_ns() < end, "the adapter does not come to an end");
	CHECK_MSG(got == 1 && done.status == IBV_WC_SUCCESS, "RDMA write: %s",
		  ibv_wc_status_str(done.status));
}

TEST_LIMIT(frames_by_rdma, 300)
{
	int fd, sockets[2], status;
	struct grabber_buffer layout;
	struct ibv_mr *region;
	struct place peer;
	struct side side;
	uint8_t *map;
	char byte;
	pid_t pid;

	CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets) == 0);
	pid = fork();
	CHECK(pid >= 0);
	if (!pid)
		receive_frames(sockets[1]);
	close(sockets[1]);
	fd = open_frames(O_RDWR);
	layout = get_buffer(fd);
	map = map_frames(fd, PROT_READ | PROT_WRITE);
	side = open_side();
	/* All slots, once, to be read and written by the adapter. */
	region = ibv_reg_mr(side.pd, map, layout.status_offset, IBV_ACCESS_LOCAL_WRITE |
			    IBV_ACCESS_REMOTE_WRITE | IBV_ACCESS_REMOTE_READ);
	CHECK_MSG(region, "ibv_reg_mr of the slots: %s", strerror(errno));
	swap_places(sockets[0], &side.place, &peer);
	connect_side(&side, &peer);
	CHECK(recv(sockets[0], &byte, 1, 0) == 1);
	for (int i = 0; i < FRAMES; i++) {
		struct grabber_take take = must_take(fd);

		write_frame(&side, &peer, map + take.offset, take.bytes, region->lkey);
		must_give(fd, take.slot);
		CHECK(send(sockets[0], &take.bytes, sizeof(take.bytes), 0) == sizeof(take.bytes));
		CHECK(recv(sockets[0], &byte, 1, 0) == 1);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	EXPECT_MSG(status == 0, "the other process: status %#x", status);
	CHECK(!ibv_dereg_mr(region));
}

/* The status page is nobody's to write, an adapter's neither. */
TEST(status_page_is_refused)
{
	int fd = open_frames(O_RDWR);
	struct grabber_buffer layout = get_buffer(fd);
	uint8_t *map = map_frames(fd, PROT_READ);
	struct side side = open_side();

	EXPECT(!ibv_reg_mr(side.pd, map + layout.status_offset, layout.status_size,
			   IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE));
	EXPECT(!ibv_reg_mr(side.pd, map, layout.mmap_size,
			   IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE));
}
