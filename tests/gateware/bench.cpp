// SPDX-License-Identifier: GPL-2.0-only
#include "bench.hpp"

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>

std::map<uint64_t, struct size> sizes;

void fail(const char *file, int line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	printf("not ok: %s:%d: ", file, line);
	vprintf(format, arguments);
	printf("\n");
	va_end(arguments);
	fflush(stdout);
	exit(1);
}

static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 31)) * 0x7fb5d329728ea185ull;
	x = (x ^ (x >> 27)) * 0x81dadef4bc2dd44dull;
	return x ^ (x >> 33);
}

/* One beat: its pixels as they come, and as they shall be in memory */
void bench::pixels(uint64_t frame, uint32_t first, uint8_t *memory, uint8_t *wires)
{
	uint8_t bits[64] = { };

	for (unsigned int p = 0; p < PIXELS_PER_BEAT; p++) {
		uint64_t value = mix(frame * 1000003 + first * PIXELS_PER_BEAT + p);

		if (PIXEL_BITS < 64)
			value &= (1ull << (PIXEL_BITS & 63)) - 1;
		for (unsigned int i = 0; i < PIXEL_BYTES; i++)
			memory[p * PIXEL_BYTES + i] = value >> 8 * (PIXEL_ORDER >> 4 * i & 0xf);
		for (unsigned int i = 0; i < PIXEL_BITS; i++)
			if (value >> i & 1)
				bits[(p * PIXEL_BITS + i) / 8] |= 1 << (p * PIXEL_BITS + i) % 8;
	}
	if (wires)
		memcpy(wires, bits, (PIXEL_BITS * PIXELS_PER_BEAT + 7) / 8);
}

bench::bench(uint64_t seed, double video_period, double axi_period) : generator(seed)
{
	video_half = video_period * 500;
	axi_half = axi_period * 500;
	video_at = random(1, video_half);
	axi_at = random(1, axi_half);
	Verilated::randSeed(seed);
	Verilated::randReset(2);
	top = new Vgrabber_video_source;
	top->axi_aresetn = 0;
	top->video_aresetn = 0;
	top->axi_aclk = 0;
	top->video_aclk = 0;
	top->s_axi_awvalid = 0;
	top->s_axi_wvalid = 0;
	top->s_axi_arvalid = 0;
	top->s_axi_bready = 1;
	top->s_axi_rready = 1;
	top->s_axis_video_tvalid = 0;
	top->m_axis_tready = 0;
	top->c2h_sts = VS_CONTROL_RUN << 6 | 1;
	top->video_locked = 1;
	top->eval();
	clocks(20);
	top->axi_aresetn = 1;
	top->video_aresetn = 1;
	clocks(40);
}

bench::~bench()
{
	top->final();
	delete top;
}

/* The next beat on the wires, where one is due */
void bench::show_beat()
{
	if (showing || video.empty())
		return;
	if (gap_left < 0)
		gap_left = video.front().gap;
	if (gap_left) {
		gap_left--;
		return;
	}
	uint8_t memory[64], wires[64];
	beat &next = video.front();

	pixels(next.frame, next.index, memory, wires);
	memcpy(&top->s_axis_video_tdata, wires, (PIXEL_BITS * PIXELS_PER_BEAT + 7) / 8);
	top->s_axis_video_tuser = next.sof;
	top->s_axis_video_tlast = next.eol;
	showing = true;
}

void bench::video_edge()
{
	bool taken = top->s_axis_video_tvalid && top->s_axis_video_tready;

	top->video_aclk = 1;
	top->eval();
	if (taken) {
		if (video.front().sof) {
			order[video.front().frame] = starts++;
			last_start = video.front().frame;
		}
		video.pop_front();
		showing = false;
		gap_left = -1;
	}
	show_beat();
	top->s_axis_video_tvalid = showing;
	if (!showing) {
		/* nobody may look at these */
		top->s_axis_video_tuser = random(0, 1);
		top->s_axis_video_tlast = random(0, 1);
	}
	top->eval();
}

void bench::axi_edge()
{
	bool taken = top->m_axis_tvalid && top->m_axis_tready && top->axi_aresetn;

	if (taken) {
		uint8_t word[WORD];
		uint64_t keep = 0;
		unsigned int n = 0;

		memcpy(word, &top->m_axis_tdata, WORD);
		memcpy(&keep, &top->m_axis_tkeep, WORD / 8);
		while (n < WORD && keep >> n & 1)
			n++;
		CHECK(n == WORD || keep >> n == 0, "tkeep has holes: %#llx",
		      (unsigned long long)keep);
		CHECK(n, "a word without data");
		CHECK(n == WORD || top->m_axis_tlast, "tkeep is not full before tlast");
		open.bytes.insert(open.bytes.end(), word, word + n);
		if (top->m_axis_tlast) {
			packets.push_back(open);
			open = {};
		}
	}
	axi_clock++;
	top->axi_aclk = 1;
	top->eval();
	if (stall)
		stall--;
	top->m_axis_tready = !stall && chance(readiness);
	top->eval();
}

void bench::step()
{
	uint64_t now = video_at < axi_at ? video_at : axi_at;

	/* rising edges one after the other, each with its own inputs */
	if (video_at == now) {
		if (top->video_aclk) {
			top->video_aclk = 0;
			top->eval();
		} else {
			video_edge();
		}
		video_at += video_half;
	}
	if (axi_at == now) {
		if (top->axi_aclk) {
			top->axi_aclk = 0;
			top->eval();
		} else {
			axi_edge();
		}
		axi_at += axi_half;
	}
}

void bench::clocks(unsigned int axi_clocks)
{
	uint64_t end = axi_clock + axi_clocks;

	while (axi_clock < end)
		step();
}

void bench::drain()
{
	until([this] { return video.empty() && !showing; }, "the end of the video", 40000000);
	readiness = 1;
	stall = 0;
	clocks(200);
	until([this] { return !top->m_axis_tvalid; }, "the end of the stream");
	clocks(100 * (video_half / axi_half + 1));
}

uint32_t bench::read(uint32_t offset)
{
	uint32_t value;
	bool ready;

	top->s_axi_araddr = offset;
	top->s_axi_arvalid = 1;
	top->eval();
	do {
		ready = top->s_axi_arready;
		clocks(1);
	} while (!ready);
	top->s_axi_arvalid = 0;
	top->s_axi_rready = chance(0.5);
	top->eval();
	until([this] { return top->s_axi_rvalid; }, "an answer to a read");
	value = top->s_axi_rdata;
	if (!top->s_axi_rready) {
		clocks(random(1, 4));
		CHECK(top->s_axi_rvalid && top->s_axi_rdata == value, "an answer did not wait");
	}
	top->s_axi_rready = 1;
	top->eval();
	clocks(1);
	CHECK(!top->s_axi_rvalid, "two answers to one read");
	return value;
}

uint64_t bench::read64(uint32_t offset)
{
	uint64_t low = read(offset);

	return low | (uint64_t)read(offset + 4) << 32;
}

void bench::write(uint32_t offset, uint32_t value, unsigned int strobes)
{
	bool ready;

	top->s_axi_awaddr = offset;
	top->s_axi_wdata = value;
	top->s_axi_wstrb = strobes;
	/* address and data come in any order */
	top->s_axi_awvalid = chance(0.7);
	top->s_axi_wvalid = !top->s_axi_awvalid || chance(0.7);
	top->eval();
	clocks(random(0, 2) * !(top->s_axi_awvalid && top->s_axi_wvalid));
	top->s_axi_awvalid = 1;
	top->s_axi_wvalid = 1;
	top->eval();
	do {
		ready = top->s_axi_awready && top->s_axi_wready;
		clocks(1);
	} while (!ready);
	top->s_axi_awvalid = 0;
	top->s_axi_wvalid = 0;
	top->eval();
	until([this] { return top->s_axi_bvalid; }, "an answer to a write");
	clocks(1);
}

struct counters bench::counters()
{
	struct counters c;

	c.begun = read64(VS_BEGUN);
	c.sent = read64(VS_SENT);
	c.overrun = read64(VS_OVERRUN);
	c.aborted = read64(VS_ABORTED);
	c.cut = read64(VS_CUT);
	c.broken = read64(VS_BROKEN);
	return c;
}

void bench::line(uint64_t frame, uint32_t first, uint32_t beats, bool sof, bool eol)
{
	for (uint32_t i = 0; i < beats; i++)
		video.push_back({ frame, first + i, sof && !i, eol && i == beats - 1,
				  pace + (i ? beat_gap ? (int)random(0, beat_gap) : 0 :
					  sof ? frame_gap : line_gap) });
	line_frame = frame;
	line_end = first + beats;
}

int bench::slowest() const
{
	/* clocks of video in which the stream takes a beat */
	return axi_half * BEAT_BYTES / (video_half * WORD);
}

uint64_t bench::frame(uint32_t beats, uint32_t lines)
{
	uint64_t id = next_frame++;

	sizes[id] = { beats, lines };
	for (uint32_t row = 0; row < lines; row++)
		line(id, row * beats, beats, !row, true);
	return id;
}

void bench::lock(uint32_t beats, uint32_t lines)
{
	for (int i = 0; i < 3; i++)
		frame(beats, lines);
	drain();
	CHECK(read(VS_STATUS) == (VS_STATUS_SIGNAL | VS_STATUS_LOCK), "status %#x after frames of %ux%u",
	      read(VS_STATUS), beats, lines);
}

/* ------------------------------------------------------------------ the checker */

/* Are these the first bytes of that frame? */
static bool is_frame(const std::vector<uint8_t> &bytes, uint64_t frame)
{
	uint8_t memory[64];

	for (size_t at = 0; at < bytes.size(); at += BEAT_BYTES) {
		size_t n = bytes.size() - at < BEAT_BYTES ? bytes.size() - at : BEAT_BYTES;

		bench::pixels(frame, at / BEAT_BYTES, memory, nullptr);
		if (memcmp(memory, &bytes[at], n))
			return false;
	}
	return true;
}

void checker::started()
{
	before = b.counters();
	restarted();
	old_may_come = false;
}

void checker::restarted()
{
	floor = b.read64(VS_BEGUN);
	entry = 0;
	have_offset = false;
	old_may_come = true;
}

void checker::look()
{
	while (!b.packets.empty()) {
		packet p = b.packets.front();
		uint32_t at = VS_LOG + entry++ % (1 << LOG_BITS) * VS_LOG_ENTRY_SIZE;
		uint64_t number = b.read64(at + VS_LOG_SEQUENCE);
		uint32_t bytes = b.read(at + VS_LOG_BYTES), flags = b.read(at + VS_LOG_FLAGS);
		uint32_t why = flags & (VS_LOG_CUT | VS_LOG_BROKEN | VS_LOG_ABORTED);
		uint64_t frame = last_frame + 1, begun = b.read64(VS_BEGUN);

		b.packets.pop_front();
		CHECK(b.packets.size() < (1 << LOG_BITS) - 1, "the test itself was too slow");
		CHECK(bytes == p.bytes.size(), "packet of %zu bytes, the log says %u", p.bytes.size(), bytes);
		while (frame <= b.last_start && !is_frame(p.bytes, frame))
			frame++;
		CHECK(frame <= b.last_start, "packet %u of %u bytes, flags %#x: no frame after %llu begins so",
		      entry - 1, bytes, flags, (unsigned long long)last_frame);
		CHECK(number < begun, "number %llu, and %llu are begun", (unsigned long long)number,
		      (unsigned long long)begun);
		bool old = old_may_come && number < floor;

		old_may_come = false;
		CHECK(old || number >= floor, "number %llu was begun before RUN",
		      (unsigned long long)number);
		CHECK(!packets || number > last_number, "number %llu after %llu",
		      (unsigned long long)number, (unsigned long long)last_number);
		/* each frame of the input has a number of its own */
		if (have_offset)
			CHECK((int64_t)(number - b.order[frame]) == offset,
			      "frame %llu has number %llu, off by %lld", (unsigned long long)frame,
			      (unsigned long long)number, (long long)(number - b.order[frame] - offset));
		have_offset = !old;
		offset = number - b.order[frame];
		last_number = number;
		last_frame = frame;
		packets++;
		CHECK(!(why & (why - 1)), "flags %#x: more than one reason", flags);
		if (!why) {
			uint64_t whole_bytes = (uint64_t)sizes[frame].beats * sizes[frame].lines * BEAT_BYTES;

			CHECK(odd || bytes == whole_bytes, "whole frame %llu has %u bytes, not %llu",
			      (unsigned long long)frame, bytes, (unsigned long long)whole_bytes);
			uint32_t format = b.read(VS_FORMAT), size = b.read(VS_SIZEIMAGE);

			if (format == flags >> 16 && format == b.read(VS_FORMAT))
				CHECK(size == bytes, "a frame of %u bytes of format %u, that is of %u",
				      bytes, format, size);
		}
		whole += !why;
		cut += why == VS_LOG_CUT;
		broken += why == VS_LOG_BROKEN;
		aborted += why == VS_LOG_ABORTED;
	}
}

void checker::ended(bool all_counted)
{
	struct counters now;

	look();
	now = b.counters();
	since = { now.begun - before.begun, now.sent - before.sent, now.overrun - before.overrun,
		  now.aborted - before.aborted, now.cut - before.cut, now.broken - before.broken };
	CHECK(since.begun == since.sent + since.overrun + since.aborted + since.cut + since.broken,
	      "begun %llu is not sent %llu + overrun %llu + aborted %llu + cut %llu + broken %llu",
	      (unsigned long long)since.begun, (unsigned long long)since.sent,
	      (unsigned long long)since.overrun, (unsigned long long)since.aborted,
	      (unsigned long long)since.cut, (unsigned long long)since.broken);
	CHECK(since.sent == whole, "sent %llu, and %llu came whole", (unsigned long long)since.sent,
	      (unsigned long long)whole);
	CHECK(since.cut == cut, "cut %llu, and %llu came so", (unsigned long long)since.cut,
	      (unsigned long long)cut);
	CHECK(since.broken >= broken, "broken %llu, and %llu came so", (unsigned long long)since.broken,
	      (unsigned long long)broken);
	CHECK(since.aborted >= aborted, "aborted %llu, and %llu came so",
	      (unsigned long long)since.aborted, (unsigned long long)aborted);
	CHECK(!(b.read(VS_STATUS) & VS_STATUS_RUNNING), "it runs on");
	/* the last frame that was put in was counted, and so all between */
	if (all_counted && have_offset)
		CHECK((int64_t)(now.begun - b.starts) == offset,
		      "begun %llu, and the next frame has number %lld", (unsigned long long)now.begun,
		      (long long)(b.starts + offset));
	whole = 0;
	cut = 0;
	broken = 0;
	aborted = 0;
	packets = 0;
}
