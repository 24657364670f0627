// SPDX-License-Identifier: GPL-2.0-only
/*
 * The video source once more: what video_source.c says of it, done by the gateware
 * itself, compiled by Verilator. Here is what it is wired to: a camera, the core's
 * AXI4-Lite master, and a stream's end with some words of room, as the core has.
 *
 * The gateware's clocks go on only while there is something to do. The camera gives
 * its frame while the engine takes it; what nobody took within a frame's time comes
 * all at once at the next tick, as a camera waits for nobody. The frames' numbers are
 * the camera's own: it counts as the gateware should, and it is seen when it does not.
 */
#include <cstdlib>
#include <cstring>
#include <deque>
#include <vector>

#include "Vgrabber_video_source.h"

extern "C" {
#include "log.h"
#include "video_source.h"
}

#define NS_PER_S	1000000000LL
#define WORD_BYTES	64
#define BEAT_BYTES	48	/* 16 pixels */
/* Words that the core takes before they are asked for */
#define CORE_WORDS	64
/* Clocks after which nothing comes any more; and those of every way from clock to clock */
#define QUIET_CLOCKS	64
#define SETTLE_CLOCKS	48
/* And those in which a full FIFO is emptied, when nobody wants it any more */
#define DRAIN_CLOCKS	1200
#define STS_RUNS	0x41

namespace {

struct word {
	uint8_t bytes[WORD_BYTES];
	unsigned int count;
	bool last;
};

Vgrabber_video_source *gateware;
std::deque<word> core;			/* taken by the core, not written yet */
unsigned int core_offset;		/* of the first one */
bool stream_ready;

/* The camera: the frame that it shows, and those that are to come after it */
std::vector<uint8_t> image;
uint32_t beat, beats, line_beats;
uint64_t begun, base[VS_COUNTERS + 2];
unsigned int due;

void clock_once(struct video_source *s)
{
	bool beat_taken, word_taken;

	gateware->s_axis_video_tvalid = beat < beats;
	if (beat < beats) {
		memcpy(&gateware->s_axis_video_tdata, &image[(size_t)beat * BEAT_BYTES], BEAT_BYTES);
		gateware->s_axis_video_tuser = !beat;
		gateware->s_axis_video_tlast = beat % line_beats == line_beats - 1;
	}
	gateware->m_axis_tready = stream_ready && core.size() < CORE_WORDS;
	gateware->eval();
	beat_taken = gateware->s_axis_video_tvalid && gateware->s_axis_video_tready;
	word_taken = gateware->m_axis_tvalid && gateware->m_axis_tready;
	if (word_taken) {
		word w;
		uint64_t keep;

		memcpy(w.bytes, &gateware->m_axis_tdata, WORD_BYTES);
		memcpy(&keep, &gateware->m_axis_tkeep, sizeof(keep));
		w.count = __builtin_popcountll(keep);
		w.last = gateware->m_axis_tlast;
		core.push_back(w);
	}
	gateware->axi_aclk = 1;
	gateware->video_aclk = 1;
	gateware->eval();
	gateware->axi_aclk = 0;
	gateware->video_aclk = 0;
	gateware->eval();
	if (beat_taken) {
		if (!beat && s->run)
			begun++;
		beat++;
	}
}

void clocks(struct video_source *s, unsigned int n)
{
	while (n--)
		clock_once(s);
}

uint32_t axi_read(struct video_source *s, uint32_t offset)
{
	gateware->s_axi_araddr = offset;
	gateware->s_axi_arvalid = 1;
	gateware->s_axi_rready = 1;
	gateware->eval();
	while (!gateware->s_axi_arready)
		clock_once(s);
	clock_once(s);
	gateware->s_axi_arvalid = 0;
	gateware->eval();
	while (!gateware->s_axi_rvalid)
		clock_once(s);
	uint32_t value = gateware->s_axi_rdata;

	clock_once(s);
	return value;
}

uint64_t axi_read64(struct video_source *s, uint32_t offset)
{
	uint64_t low = axi_read(s, offset);

	return low | (uint64_t)axi_read(s, offset + 4) << 32;
}

void axi_write(struct video_source *s, uint32_t offset, uint32_t value, uint32_t mask)
{
	gateware->s_axi_awaddr = offset;
	gateware->s_axi_wdata = value;
	gateware->s_axi_wstrb = (mask & 0xff ? 1 : 0) | (mask & 0xff00 ? 2 : 0) |
		(mask & 0xff0000 ? 4 : 0) | (mask & 0xff000000 ? 8 : 0);
	gateware->s_axi_awvalid = 1;
	gateware->s_axi_wvalid = 1;
	gateware->s_axi_bready = 1;
	gateware->eval();
	while (!gateware->s_axi_awready)
		clock_once(s);
	clock_once(s);
	gateware->s_axi_awvalid = 0;
	gateware->s_axi_wvalid = 0;
	clocks(s, 2);
}

/* A frame is next on the wires */
void show(struct video_source *s, uint64_t number)
{
	const uint8_t *pixels = picture_frame(s->picture, number);

	image.assign(pixels, pixels + s->picture->bytes);
	line_beats = s->picture->width * CHART_BYTES_PER_PIXEL / BEAT_BYTES;
	beats = line_beats * s->picture->height;
	beat = 0;
}

/* All of it passes, whether somebody takes it or not */
void pass(struct video_source *s)
{
	bool ready = stream_ready;

	stream_ready = false;
	while (beat < beats)
		clock_once(s);
	clocks(s, SETTLE_CLOCKS);
	stream_ready = ready;
}

/* What the counters say goes to the totals before they begin at 0 again */
void keep_totals(struct video_source *s)
{
	static const uint32_t offsets[] = { VS_BEGUN, VS_SENT, VS_OVERRUN, VS_ABORTED, VS_CUT, VS_BROKEN };

	for (unsigned int i = 0; i < VS_COUNTERS + 2; i++)
		base[i] += axi_read64(s, offsets[i]);
}

void build(struct video_source *s)
{
	if (s->picture->width % 16) {
		note("the gateware has 16 pixels a beat: a width of %d is no multiple of that",
		     s->picture->width);
		exit(1);
	}
	gateware = new Vgrabber_video_source;
	gateware->video_locked = 1;
	gateware->axi_aresetn = 0;
	gateware->video_aresetn = 0;
	gateware->c2h_sts = s->keep_packets ? STS_RUNS : 0;
	clocks(s, SETTLE_CLOCKS);
	gateware->axi_aresetn = 1;
	gateware->video_aresetn = 1;
	clocks(s, SETTLE_CLOCKS);
}

/* The input was there all the time: its size is known */
void lock(struct video_source *s)
{
	for (int i = 0; i < 4; i++) {
		show(s, 0);
		pass(s);
	}
}

}

extern "C" {

extern const bool video_source_is_gateware = true;

const uint64_t *video_source_totals(struct video_source *s)
{
	static const uint32_t offsets[] = { VS_BEGUN, VS_SENT, VS_OVERRUN, VS_ABORTED };

	for (unsigned int i = 0; i < VS_COUNTERS; i++)
		s->totals[i] = base[i] + axi_read64(s, offsets[i]);
	/* Who reads the card's own counters knows of no others: they came, and were short. */
	s->totals[VS_COUNT_SENT] += base[VS_COUNTERS] + axi_read64(s, VS_CUT) +
		base[VS_COUNTERS + 1] + axi_read64(s, VS_BROKEN);
	return s->totals;
}

unsigned int video_source_in_flight(const struct video_source *s)
{
	const uint64_t *t = video_source_totals(const_cast<struct video_source *>(s));

	return t[VS_COUNT_BEGUN] - t[VS_COUNT_SENT] - t[VS_COUNT_OVERRUN] - t[VS_COUNT_ABORTED];
}

bool video_source_fifo_full(const struct video_source *s)
{
	(void)s;
	return beat < beats || due;
}

void video_source_reset(struct video_source *s)
{
	if (!gateware)
		build(s);
	keep_totals(s);
	s->run = false;
	s->engine_runs = false;
	s->rate = s->power_on_rate;
	stream_ready = false;
	core.clear();
	core_offset = 0;
	beat = 0;
	beats = 0;
	due = 0;
	begun = 0;
	gateware->axi_aresetn = 0;
	gateware->c2h_sts = s->keep_packets ? STS_RUNS : 0;
	clocks(s, SETTLE_CLOCKS);
	gateware->axi_aresetn = 1;
	clocks(s, SETTLE_CLOCKS);
	axi_write(s, VS_RATE, s->rate, ~0u);
	lock(s);
}

void video_source_power_on(struct video_source *s)
{
	video_source_reset(s);
}

int64_t video_source_next_tick(const struct video_source *s)
{
	return s->run && s->rate ? s->next_tick : VIDEO_SOURCE_NEVER;
}

void video_source_tick(struct video_source *s)
{
	s->next_tick += 1000 * NS_PER_S / s->rate;
	pass(s);
	show(s, begun);
	/* it begins now, and ends when the engine took it, or with the next one */
	clock_once(s);
}

void video_source_set_rate(struct video_source *s, uint32_t rate, int64_t now)
{
	s->rate = rate;
	axi_write(s, VS_RATE, rate, ~0u);
	clocks(s, SETTLE_CLOCKS);
	if (rate)
		s->next_tick = now + 1000 * NS_PER_S / rate;
}

void video_source_skip(struct video_source *s, uint32_t frames)
{
	(void)s;
	note("the gateware skips no %u frames", frames);
}

void video_source_count_anew(struct video_source *s)
{
	(void)s;
	note("the gateware does not count anew");
}

size_t video_source_offer(struct video_source *s, const uint8_t **data)
{
	stream_ready = true;
	for (unsigned int quiet = 0; core.empty() && quiet < QUIET_CLOCKS; quiet++) {
		if (beat < beats)
			quiet = 0;
		else if (s->run && !s->rate)
			show(s, begun);
		clock_once(s);
	}
	stream_ready = false;
	if (core.empty())
		return 0;
	*data = core.front().bytes + core_offset;
	return core.front().count - core_offset;
}

bool video_source_take(struct video_source *s, size_t bytes)
{
	bool last;

	(void)s;
	core_offset += bytes;
	if (core_offset < core.front().count)
		return false;
	last = core.front().last;
	core.pop_front();
	core_offset = 0;
	return last;
}

void video_source_engine_runs(struct video_source *s, bool runs)
{
	s->engine_runs = runs;
	if (!runs && !s->keep_packets) {
		core.clear();
		core_offset = 0;
	}
	gateware->c2h_sts = runs || s->keep_packets ? STS_RUNS : 0;
	clocks(s, runs ? SETTLE_CLOCKS : DRAIN_CLOCKS);
}

uint32_t video_source_read(struct video_source *s, uint32_t offset)
{
	uint32_t value = axi_read(s, offset);

	if (offset == VS_BEGUN && beat >= beats && value != (uint32_t)begun)
		note("the gateware has begun %u frames, the camera %u", value, (uint32_t)begun);
	/* the card's, not the design's */
	if (offset == VS_SERIAL)
		return s->serial;
	return offset == VS_SERIAL + 4 ? s->serial >> 32 : value;
}

void video_source_write(struct video_source *s, uint32_t offset, uint32_t value, uint32_t mask,
			int64_t now)
{
	bool ran = s->run;

	/* Beats that pass while RUN does might be of a frame that is begun, or not. */
	if (offset == VS_CONTROL && mask & VS_CONTROL_RUN && !(value & VS_CONTROL_RUN) != !ran) {
		beat = 0;
		beats = 0;
	}
	axi_write(s, offset, value, mask);
	if (offset == VS_RATE)
		video_source_set_rate(s, axi_read(s, VS_RATE), now);
	if (offset != VS_CONTROL)
		return;
	s->run = axi_read(s, VS_CONTROL) & VS_CONTROL_RUN;
	clocks(s, s->run ? SETTLE_CLOCKS : DRAIN_CLOCKS);
	if (s->run != ran)
		s->next_tick = now;
}

}
