// SPDX-License-Identifier: GPL-2.0-only
/* Scenarios of an input that is not as it should be, and of resets */
#include "bench.hpp"

#include <cstdio>

static void start(bench &b, checker &c)
{
	c.started();
	b.write(VS_CONTROL, VS_CONTROL_RUN);
	b.clocks(200);
}

static void play(bench &b, checker &c)
{
	b.until([&] {
		c.look();
		return b.video.empty();
	}, "the end of the video", 40000000);
	b.drain();
	c.look();
}

/* A frame with something wrong */
static void wrong_frame(bench &b, uint32_t beats, uint32_t lines)
{
	uint32_t kind = b.random(0, 6), at = b.random(0, lines - 1), index = 0;
	uint64_t id = kind ? b.new_frame() : b.line_frame;

	switch (kind) {
	case 0:		/* no tuser: more lines of whatever was before */
		index = b.line_end;
		for (uint32_t row = 0; row < lines; row++, index += beats)
			b.line(id, index, beats, false, true);
		break;
	case 1:		/* a short line */
	case 2:		/* a long one */
		for (uint32_t row = 0; row < lines; row++) {
			uint32_t n = row != at ? beats : b.chance(0.5) ? b.random(1, beats) :
				beats + b.random(1, 3);

			b.line(id, index, n, !row, true);
			index += n;
			/* cut where it is seen: what is there is right up to it */
			if (row == at && n == beats)
				at = lines - 1;
		}
		break;
	case 3:		/* lines are missing */
		for (uint32_t row = 0; row < at; row++, index += beats)
			b.line(id, index, beats, !row, true);
		break;
	case 4:		/* it ends in the middle of a line */
		b.line(id, 0, b.random(1, beats), true, false);
		break;
	case 5:		/* more lines: the first ones are a frame */
		for (uint32_t row = 0; row < lines + b.random(1, 3); row++, index += beats)
			b.line(id, index, beats, !row, true);
		break;
	default:	/* beats that all begin a frame */
		for (int i = b.random(1, 6); i; i--)
			b.line(b.new_frame(), 0, 1, true, b.chance(0.5));
		break;
	}
}

void input_broken(bench &b, checker &c)
{
	uint64_t broken = 0, sent = 0;

	for (int round = 0; round < 10; round++) {
		uint32_t beats = b.random(2, 30), lines = b.random(2, 12);
		uint64_t starts;

		b.lock(beats, lines);
		c.odd = true;
		b.frame_gap = b.random(0, 3);
		b.line_gap = b.random(0, 3);
		b.beat_gap = b.random(0, 1);
		start(b, c);
		starts = b.starts;
		for (int i = 0; i < 80; i++) {
			if (b.chance(0.4))
				wrong_frame(b, beats, lines);
			else
				b.frame(beats, lines);
			b.readiness = b.chance(0.7) ? 1 : b.random(20, 99) / 100.0;
			b.clocks(2 * beats * lines);
			c.look();
		}
		b.frame_gap = 300;
		b.frame(beats, lines);
		play(b, c);
		b.write(VS_CONTROL, 0);
		b.drain();
		c.ended(true);
		CHECK(c.since.begun == b.starts - starts, "begun %llu, and the input began %llu",
		      (unsigned long long)c.since.begun, (unsigned long long)(b.starts - starts));
		broken += c.since.broken;
		sent += c.since.sent;
	}
	printf("# sent %llu, broken %llu\n", (unsigned long long)sent, (unsigned long long)broken);
	CHECK(broken && sent, "the test did not see all there is");
}

/* The size changes while it runs: one frame is cut, and soon the new ones come */
void input_size(bench &b, checker &c)
{
	uint32_t beats = 16, lines = 8, format;

	b.pace = b.slowest();
	b.lock(beats, lines);
	for (int round = 0; round < 20; round++) {
		uint32_t new_beats = b.random(2, 40), new_lines = b.random(2, 20);

		b.frame_gap = b.random(20, 100);
		if (new_beats == beats && new_lines == lines)
			new_lines++;
		start(b, c);
		format = b.read(VS_FORMAT);
		for (int i = 0; i < 4; i++)
			b.frame(beats, lines);
		play(b, c);
		CHECK(b.read(VS_FORMAT) == format, "the format changed without a reason");
		for (int i = 0; i < 8; i++) {
			uint64_t id = b.frame(new_beats, new_lines);

			/* the first lines of one are a frame of before, nobody can know */
			if (!i && new_beats == beats && new_lines > lines)
				sizes[id] = { beats, lines };
		}
		play(b, c);
		b.write(VS_CONTROL, 0);
		b.drain();
		CHECK(b.read(VS_FORMAT) == format + 1, "format %u after %u", b.read(VS_FORMAT), format);
		CHECK(b.read(VS_WIDTH) == new_beats * PIXELS_PER_BEAT && b.read(VS_HEIGHT) == new_lines &&
		      b.read(VS_BYTESPERLINE) == new_beats * BEAT_BYTES &&
		      b.read(VS_SIZEIMAGE) == new_beats * new_lines * BEAT_BYTES,
		      "%ux%u after a change to %ux%u", b.read(VS_WIDTH), b.read(VS_HEIGHT),
		      new_beats * PIXELS_PER_BEAT, new_lines);
		c.ended(true);
		/* four of before, and of eight all but two: but see above */
		uint64_t lost = new_beats == beats && new_lines > lines ? 1 : 2;

		CHECK(c.since.begun == 12 && c.since.broken == lost && c.since.sent == 12 - lost,
		      "begun %llu, sent %llu, broken %llu", (unsigned long long)c.since.begun,
		      (unsigned long long)c.since.sent, (unsigned long long)c.since.broken);
		beats = new_beats;
		lines = new_lines;
	}
}

/* The video stops in the middle of a frame: its packet ends; and the video comes again */
void input_signal(bench &b, checker &c)
{
	uint32_t beats = 24, lines = 10;
	uint64_t id;

	b.pace = b.slowest();
	b.lock(beats, lines);
	for (int round = 0; round < 10; round++) {
		bool pin = b.chance(0.3), all = b.chance(0.3);
		uint64_t broken = c.broken;

		start(b, c);
		b.frame(beats, lines);
		play(b, c);
		CHECK(b.read(VS_STATUS) == 7, "status %#x with video", b.read(VS_STATUS));
		id = b.new_frame();
		if (!all)
			for (uint32_t row = 0; row < lines - b.random(1, 3); row++)
				b.line(id, row * beats, beats, !row, true);
		play(b, c);
		if (pin)
			b.top->video_locked = 0;
		else
			b.clocks(SIGNAL_CLOCKS + 200);
		b.clocks(100);
		c.look();
		CHECK(b.read(VS_STATUS) == VS_STATUS_RUNNING, "status %#x without video",
		      b.read(VS_STATUS));
		CHECK(b.packets.empty() && !b.taken_of_packet(), "the packet did not end");
		CHECK(all || c.broken == broken + 1, "the packet is no broken one");
		b.top->video_locked = 1;
		b.clocks(20);
		/* in the middle of a frame: that one is over */
		if (!all)
			b.line(id, 0, beats, false, true);
		b.frame(beats, lines);
		b.frame(beats, lines);
		play(b, c);
		CHECK(b.read(VS_STATUS) == 7, "status %#x with video again", b.read(VS_STATUS));
		b.write(VS_CONTROL, 0);
		b.drain();
		c.ended(true);
		CHECK(c.since.sent == 3, "sent %llu of 3", (unsigned long long)c.since.sent);
	}
	/* a period is measured between two frames: from first beat to first beat */
	b.frame_gap = 1000;
	b.beat_gap = 0;
	b.line_gap = 0;
	b.frame(beats, lines);
	b.frame(beats, lines);
	b.drain();
	CHECK(b.read(VS_PERIOD) > 0, "no period");
	printf("# period %u for %u clocks of video\n", b.read(VS_PERIOD), 1000 + beats * lines);
}

/* Each side is reset at any moment, the other one must live with it */
void resets(bench &b, checker &c)
{
	uint32_t beats = 24, lines = 10, format;

	b.pace = b.slowest();
	b.lock(beats, lines);
	for (int round = 0; round < 60; round++) {
		struct counters now;
		bool axi = b.chance(0.3);

		b.lock(beats, lines);
		format = b.read(VS_FORMAT);
		b.packets.clear();
		start(b, c);
		for (int i = 0; i < 6; i++)
			b.frame(beats, lines);
		b.readiness = b.chance(0.5) ? 1 : b.random(5, 99) / 100.0;
		b.clocks(b.random(0, 6 * beats * lines));
		if (axi) {
			/* of the core and all: what was on its way is nobody's */
			b.top->axi_aresetn = 0;
			b.clocks(b.random(1, 40));
			b.forget_packet();
			b.packets.clear();
			b.top->axi_aresetn = 1;
			b.clocks(60);
			b.drain();
			CHECK(b.read(VS_CONTROL) == 0 && b.read64(VS_BEGUN) == 0, "it was not reset");
		} else {
			b.top->video_aresetn = 0;
			b.top->eval();
			b.clocks(b.random(1, 40));
			b.top->video_aresetn = 1;
			b.readiness = 1;
			b.drain();
			CHECK(!b.taken_of_packet(), "a packet has no end");
			CHECK(b.read(VS_CONTROL) == 1, "RUN went with the other side's reset");
			b.write(VS_CONTROL, 0);
			b.drain();
			now = b.counters();
			CHECK(now.begun == now.sent + now.overrun + now.aborted + now.cut + now.broken,
			      "the counters do not add up");
		}
		CHECK(b.read(VS_FORMAT) == format, "the format's number went back");
		/* and all is as ever */
		b.packets.clear();
		b.lock(beats, lines);
		c.last_frame = b.last_start;
		c.whole = 0;
		start(b, c);
		for (int i = 0; i < 5; i++)
			b.frame(beats, lines);
		play(b, c);
		b.write(VS_CONTROL, 0);
		b.drain();
		c.ended(true);
		CHECK(c.since.sent == 5, "sent %llu of 5", (unsigned long long)c.since.sent);
	}
}
