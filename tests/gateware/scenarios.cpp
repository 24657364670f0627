// SPDX-License-Identifier: GPL-2.0-only
/*
 * scenarios NAME SEED VIDEO_PERIOD AXI_PERIOD (ns): plays one scenario, prints "ok"
 * and what it saw, or "not ok" and what was wrong.
 */
#include "bench.hpp"
#ifdef POKE
#include "Vgrabber_video_source___024root.h"
#endif

#include <cstdio>
#include <cstdlib>
#include <cstring>

static void run(bench &b, checker &c)
{
	c.started();
	b.write(VS_CONTROL, VS_CONTROL_RUN);
	b.clocks(200);
}

static void stop(bench &b)
{
	b.write(VS_CONTROL, 0);
	b.drain();
}

/* Lets time pass until the video is out; looks at packets as they come */
static void play(bench &b, checker &c)
{
	b.until([&] {
		c.look();
		return b.video.empty();
	}, "the end of the video", 40000000);
	b.drain();
	c.look();
}

static void registers(bench &b)
{
	static const struct { uint32_t offset, value; } fixed[] = {
		{ VS_ID, VS_ID_MAGIC }, { VS_VERSION, VS_VERSION_FORMATS },
		{ VS_CONTROL, 0 }, { VS_STATUS, 0 }, { VS_WIDTH, WIDTH_FIRST },
		{ VS_HEIGHT, HEIGHT_FIRST }, { VS_PIXELFORMAT, 0x33424752 },
		{ VS_BYTESPERLINE, WIDTH_FIRST * PIXEL_BYTES },
		{ VS_SIZEIMAGE, WIDTH_FIRST * HEIGHT_FIRST * PIXEL_BYTES },
		{ VS_RATE, 30000 }, { VS_BEGUN, 0 }, { VS_BEGUN + 4, 0 }, { VS_SENT, 0 },
		{ VS_OVERRUN, 0 }, { VS_ABORTED, 0 }, { VS_SERIAL, 0x89abcdef },
		{ VS_SERIAL + 4, 0x01234567 }, { VS_CUT, 0 }, { VS_BROKEN, 0 }, { VS_FORMAT, 0 },
		{ VS_INPUT, 0 }, { VS_PERIOD, 0 }, { VS_CLOCK, 250000000 },
		{ VS_LOG_COUNT, 1 << LOG_BITS },
		{ 0x074, 0 }, { 0x3fc, 0 }, { VS_LOG + (16 << LOG_BITS), 0 }, { 0xfffc, 0 },
	};

	for (auto &f : fixed)
		CHECK(b.read(f.offset) == f.value, "register %#x is %#x, not %#x", f.offset,
		      b.read(f.offset), f.value);
	/* writes where nothing can be written */
	for (auto &f : fixed)
		if (f.offset != VS_CONTROL && f.offset != VS_RATE)
			b.write(f.offset, ~f.value);
	for (auto &f : fixed)
		CHECK(b.read(f.offset) == f.value, "register %#x can be written", f.offset);
	/* single bytes */
	b.write(VS_RATE, 0x11223344);
	b.write(VS_RATE, 0xaabbccdd, 0x6);
	CHECK(b.read(VS_RATE) == 0x11bbcc44, "RATE is %#x", b.read(VS_RATE));
	CHECK(b.top->frame_rate == 0x11bbcc44, "frame_rate is not RATE");
	b.write(VS_CONTROL, ~0u, 0xe);
	CHECK(b.read(VS_CONTROL) == 0, "RUN was set by a write to other bytes");
	b.write(VS_CONTROL, ~0u, 0x1);
	CHECK(b.read(VS_CONTROL) == 1, "CONTROL is %#x", b.read(VS_CONTROL));
	CHECK(b.read(VS_STATUS) & VS_STATUS_RUNNING, "STATUS says that it does not run");
	b.write(VS_CONTROL, 0, 0xe);
	CHECK(b.read(VS_CONTROL) == 1, "RUN was cleared by a write to other bytes");
	b.write(VS_CONTROL, 0);
	CHECK(b.read(VS_CONTROL) == 0, "RUN stays");
}

#ifdef POKE
/* A counter that carries into its high half between the two reads of it */
static void halves(bench &b, checker &c)
{
	b.lock(8, 4);
	run(b, c);
	b.top->rootp->grabber_video_source__DOT__registers__DOT__begun = 0xffffffff;
	b.top->rootp->grabber_video_source__DOT__registers__DOT__sent = 0xffffffff;
	CHECK(b.read(VS_BEGUN) == 0xffffffff, "begun is %#x", b.read(VS_BEGUN));
	b.frame(8, 4);
	b.drain();
	CHECK(b.read(VS_BEGUN + 4) == 0, "the high half was not kept");
	CHECK(b.read(VS_SENT) == 0 && b.read(VS_SENT + 4) == 1, "sent does not carry");
	CHECK(b.read64(VS_BEGUN) == 0x100000000, "begun does not carry");
	CHECK(b.read64(VS_LOG + VS_LOG_SEQUENCE) == 0xffffffff, "the log has %#llx",
	      (unsigned long long)b.read64(VS_LOG + VS_LOG_SEQUENCE));
}

#endif

/* Nothing is in the way: all is there */
static void flow(bench &b, checker &c)
{
	uint32_t beats = b.random(1, 40), lines = b.random(1, 12);

	b.frame_gap = b.random(40, 80);
	b.pace = b.slowest();
	b.lock(beats, lines);
	CHECK(b.read(VS_WIDTH) == beats * PIXELS_PER_BEAT && b.read(VS_HEIGHT) == lines &&
	      b.read(VS_BYTESPERLINE) == beats * BEAT_BYTES &&
	      b.read(VS_SIZEIMAGE) == beats * lines * BEAT_BYTES,
	      "%ux%u, %u bytes a line, %u a frame, after frames of %ux%u", b.read(VS_WIDTH),
	      b.read(VS_HEIGHT), b.read(VS_BYTESPERLINE), b.read(VS_SIZEIMAGE),
	      beats * PIXELS_PER_BEAT, lines);
	CHECK(b.read(VS_INPUT) == (lines << 16 | beats * PIXELS_PER_BEAT), "INPUT is %#x",
	      b.read(VS_INPUT));
	CHECK(b.read(VS_FORMAT) == 1, "FORMAT is %u", b.read(VS_FORMAT));
	run(b, c);
	for (int round = 0; round < 12; round++) {
		b.beat_gap = b.random(0, 2);
		for (int i = 0; i < 8; i++)
			b.frame(beats, lines);
		play(b, c);
	}
	stop(b);
	c.ended(true);
	CHECK(c.since.begun == 96 && c.since.sent == 96, "%llu frames were begun, %llu sent, of 96",
	      (unsigned long long)c.since.begun, (unsigned long long)c.since.sent);
}

/* The stream is held back: at random, and for long */
static void pressure(bench &b, checker &c)
{
	uint64_t cut = 0, overrun = 0, sent = 0;

	for (int round = 0; round < 12; round++) {
		uint32_t beats = b.random(4, 40), lines = b.random(2, 40);

		b.lock(beats, lines);
		run(b, c);
		for (int i = 0; i < 60; i++) {
			b.readiness = b.chance(0.3) ? 1 : b.random(1, 99) / 100.0;
			if (b.chance(0.2))
				b.stall = b.random(1, 3 * beats * lines + 2000);
			b.frame_gap = b.chance(0.5) ? 0 : b.random(0, 300);
			b.line_gap = b.random(0, 3);
			b.frame(beats, lines);
			b.clocks(b.random(0, 3 * beats * lines));
			c.look();
		}
		play(b, c);
		stop(b);
		c.ended(true);
		CHECK(!c.since.broken && !c.since.aborted, "broken %llu, aborted %llu",
		      (unsigned long long)c.since.broken, (unsigned long long)c.since.aborted);
		CHECK(c.since.begun == 60, "begun %llu of 60", (unsigned long long)c.since.begun);
		cut += c.since.cut;
		overrun += c.since.overrun;
		sent += c.since.sent;
	}
	printf("# sent %llu, cut %llu, overrun %llu\n", (unsigned long long)sent,
	       (unsigned long long)cut, (unsigned long long)overrun);
	CHECK(cut && overrun && sent, "the test did not see all there is");
}

/* A source that can wait, RATE 0: nothing is dropped, whatever the stream does */
static void waits(bench &b, checker &c)
{
	uint32_t beats = b.random(4, 40), lines = b.random(2, 20);

	b.lock(beats, lines);
	b.write(VS_RATE, 0);
	run(b, c);
	b.frame_gap = 0;
	b.line_gap = 0;
	for (int i = 0; i < 200; i++) {
		b.readiness = b.chance(0.3) ? 1 : b.random(1, 99) / 100.0;
		if (b.chance(0.1))
			b.stall = b.random(1, 5000);
		b.frame(beats, lines);
		b.clocks(b.random(0, 2 * beats * lines));
		c.look();
	}
	play(b, c);
	stop(b);
	c.ended(true);
	CHECK(c.since.begun == 200 && c.since.sent == 200, "begun %llu, sent %llu, cut %llu, overrun %llu of 200",
	      (unsigned long long)c.since.begun, (unsigned long long)c.since.sent,
	      (unsigned long long)c.since.cut, (unsigned long long)c.since.overrun);
	/* with a rate it is not held back */
	b.write(VS_RATE, 30000);
	run(b, c);
	b.stall = 1000000;
	for (int i = 0; i < 100; i++)
		b.frame(beats, lines);
	b.until([&] { return b.video.empty(); }, "the end of video that is not to wait", 4000000);
	play(b, c);
	stop(b);
	c.ended(true);
	CHECK(c.since.begun == 100 && c.since.overrun, "begun %llu, overrun %llu of 100",
	      (unsigned long long)c.since.begun, (unsigned long long)c.since.overrun);
}

/* RUN goes 0 and 1 at any moment */
static void run_on_off(bench &b, checker &c)
{
	uint32_t beats = b.random(4, 40), lines = b.random(2, 20);
	uint64_t aborted = 0;

	b.lock(beats, lines);
	for (int round = 0; round < 60; round++) {
		bool tidy = b.chance(0.2);

		b.frame_gap = b.random(0, 60);
		run(b, c);
		for (int i = b.random(1, 12); i; i--)
			b.frame(beats, lines);
		if (b.chance(0.5))
			b.readiness = b.random(1, 99) / 100.0;
		if (tidy)
			play(b, c);
		else
			b.clocks(b.random(0, 8 * beats * lines));
		c.look();
		if (b.chance(0.3)) {
			/* for an instant only: none of the frames of before may come */
			double readiness = b.readiness;

			b.readiness = 0;
			b.clocks(b.random(2, 2 * beats * lines));
			c.look();
			b.write(VS_CONTROL, 0);
			c.restarted();
			b.write(VS_CONTROL, VS_CONTROL_RUN);
			b.readiness = readiness;
			tidy = false;
			b.clocks(b.random(0, 4 * beats * lines));
			c.look();
		}
		b.write(VS_CONTROL, 0);
		play(b, c);
		c.ended(tidy);
		aborted += c.since.aborted;
	}
	printf("# aborted %llu\n", (unsigned long long)aborted);
	CHECK(aborted, "the test did not see all there is");
}

/* The engine is stopped in the middle of packets, and started again */
static void engine(bench &b, checker &c)
{
	uint32_t beats = b.random(20, 60), lines = b.random(6, 20);
	unsigned int stopped = 0;

	b.lock(beats, lines);
	for (int round = 0; round < 30; round++) {
		run(b, c);
		for (int i = 0; i < 4; i++)
			b.frame(beats, lines);
		b.readiness = b.random(20, 99) / 100.0;
		b.clocks(b.random(0, 4 * beats * lines));
		for (int i = 0; i < 4000 && !b.taken_of_packet(); i++)
			b.clocks(1);
		c.look();
		/* the driver's order: the source, then the engine, that takes no more */
		bool runs = b.chance(0.5);

		if (!runs)
			b.write(VS_CONTROL, 0);
		b.readiness = 0;
		b.clocks(1);
		b.top->c2h_sts = 0;
		b.clocks(20);
		if (b.taken_of_packet()) {
			stopped++;
			/* while RUN is 1 the next frame waits, from its beginning */
			CHECK(runs || !b.offers(), "the rest of a packet waits for the next start");
		}
		b.forget_packet();
		c.look();
		b.write(VS_CONTROL, 0);
		b.clocks(100);
		CHECK(!b.offers(), "what was stopped still has something to offer");
		b.top->c2h_sts = VS_CONTROL_RUN << 6 | 1;
		b.readiness = 1;
		play(b, c);
		c.ended(false);
	}
	printf("# %u packets were stopped\n", stopped);
	CHECK(stopped, "the test did not see all there is");
}

int main(int argc, char **argv)
{
	extern void input_broken(bench &b, checker &c), input_size(bench &b, checker &c);
	extern void input_signal(bench &b, checker &c), resets(bench &b, checker &c);
	static const struct { const char *name; void (*play)(bench &b, checker &c); } all[] = {
		{ "registers", [](bench &b, checker &) { registers(b); } },
#ifdef POKE
		{ "halves", halves },
#endif
		{ "flow", flow }, { "pressure", pressure },
		{ "waits", waits }, { "run", run_on_off }, { "engine", engine },
		{ "broken", input_broken }, { "size", input_size }, { "signal", input_signal },
		{ "resets", resets },
	};

	if (argc != 5) {
		fprintf(stderr, "usage: %s NAME SEED VIDEO_PERIOD AXI_PERIOD\n", argv[0]);
		return 2;
	}
	for (auto &s : all) {
		if (strcmp(s.name, argv[1]))
			continue;
		bench b(strtoull(argv[2], nullptr, 0), atof(argv[3]), atof(argv[4]));
		checker c(b);

		s.play(b, c);
		printf("ok %s\n", s.name);
		return 0;
	}
	fprintf(stderr, "no scenario \"%s\"\n", argv[1]);
	return 2;
}
