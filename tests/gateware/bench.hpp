/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gateware between a camera, a stream's engine and a driver, each as a
 * random one: two clocks, beats and readiness as a seed says. What comes out is
 * compared with what was put in.
 */
#ifndef GATEWARE_BENCH_HPP
#define GATEWARE_BENCH_HPP

#include <cstdint>
#include <deque>
#include <map>
#include <random>
#include <vector>

#include "Vgrabber_video_source.h"
#include "../../driver/boards/video_source.h"

/* The parameters of this build, as the Verilog has them */
#ifndef M_DATA_WIDTH
#define M_DATA_WIDTH 64
#endif
#ifndef PIXEL_BITS
#define PIXEL_BITS 24
#endif
#ifndef PIXELS_PER_BEAT
#define PIXELS_PER_BEAT 1
#endif
#ifndef PIXEL_ORDER
#define PIXEL_ORDER 0x76543210
#endif
#ifndef FIFO_BITS
#define FIFO_BITS 6
#endif
#ifndef LOG_BITS
#define LOG_BITS 6
#endif

constexpr unsigned int WORD = M_DATA_WIDTH / 8;
constexpr unsigned int PIXEL_BYTES = (PIXEL_BITS + 7) / 8;
constexpr unsigned int BEAT_BYTES = PIXEL_BYTES * PIXELS_PER_BEAT;

constexpr uint32_t WIDTH_FIRST = 64, HEIGHT_FIRST = 48;	/* what run.py builds with */
constexpr uint32_t SIGNAL_CLOCKS = 3000;

/* What stops the test, with the place where it was seen */
[[noreturn]] void fail(const char *file, int line, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
#define CHECK(condition, ...) \
	do { if (!(condition)) fail(__FILE__, __LINE__, __VA_ARGS__); } while (0)

/* One beat of video; what is put on the wires is made when it is its turn */
struct beat {
	uint64_t frame;		/* whose pixels these are */
	uint32_t index;		/* beat of the frame */
	bool sof, eol;
	int gap;		/* clocks without a beat before it */
};

struct packet {
	std::vector<uint8_t> bytes;
};

struct counters {
	uint64_t begun, sent, overrun, aborted, cut, broken;
};

class bench {
public:
	bench(uint64_t seed, double video_period, double axi_period);
	~bench();

	/* The driver's side */
	uint32_t read(uint32_t offset);
	uint64_t read64(uint32_t offset);
	void write(uint32_t offset, uint32_t value, unsigned int strobes = 0xf);
	struct counters counters();

	/* Time */
	void clocks(unsigned int axi_clocks);
	/* until the video is out, and nothing has moved for some time */
	void drain();
	template <typename F> void until(F done, const char *what, unsigned int limit = 400000)
	{
		while (!done()) {
			CHECK(limit--, "it never came: %s", what);
			step();
		}
	}

	/* The camera's side. Gaps: beats up to so many clocks apart. */
	uint64_t frame(uint32_t beats, uint32_t lines);
	void line(uint64_t frame, uint32_t first, uint32_t beats, bool sof, bool eol);
	uint64_t new_frame() { return next_frame++; }
	void lock(uint32_t beats, uint32_t lines);
	uint64_t line_frame = 0;	/* the last line was this frame's, */
	uint32_t line_end = 0;		/* and it has so many beats */
	int line_gap = 4, frame_gap = 30, beat_gap = 0;
	int pace = 0;		/* clocks more before each beat */
	int slowest() const;	/* a pace that the stream can keep up with */

	/* The engine's side */
	double readiness = 1;	/* how likely a word is taken in a clock */
	unsigned int stall = 0;	/* and no word for so many clocks more */
	bool offers() const { return top->m_axis_tvalid; }
	unsigned int taken_of_packet() const { return open.bytes.size(); }
	void forget_packet() { open = {}; }

	unsigned int random(unsigned int low, unsigned int high)
	{
		return low + generator() % (high - low + 1);
	}
	bool chance(double p) { return generator() < p * 4294967296.0; }

	Vgrabber_video_source *top;
	std::deque<beat> video;
	std::deque<packet> packets;
	uint64_t starts = 0;		/* beats with tuser that were taken */
	uint64_t last_start = 0;	/* the frame of the last one */
	std::map<uint64_t, uint64_t> order;	/* which start was a frame's */

	static void pixels(uint64_t frame, uint32_t first, uint8_t *memory, uint8_t *wires);

private:
	void step();
	void video_edge();
	void axi_edge();
	void show_beat();

	std::mt19937 generator;
	uint64_t video_half, axi_half, video_at, axi_at, axi_clock = 0;
	uint64_t next_frame = 1;
	packet open;
	int gap_left = 0;
	bool showing = false;
};

/* Compares what came out with what was put in, packet by packet */
class checker {
public:
	explicit checker(bench &b) : b(b) {}
	/* RUN is 0 and is about to be 1 */
	void started();
	/* RUN was 0 for an instant, the stream stood still: what was under way ends as the
	 * first packet, all others are new
	 */
	void restarted();
	/* looks at what has come */
	void look();
	/* all has come, RUN is 0: the counters since the start add up; all_counted: every
	 * frame that was put in was begun
	 */
	void ended(bool all_counted);

	uint64_t whole = 0, cut = 0, broken = 0, aborted = 0, packets = 0;
	uint64_t last_frame = 0;
	bool odd = false;	/* frames of the input may have any size */
	struct counters since;

private:
	bench &b;
	struct counters before;
	uint64_t floor = 0;	/* a lower number was begun before RUN */
	bool old_may_come = false;
	uint32_t entry = 0;
	uint64_t last_number = 0;
	bool have_offset = false;
	int64_t offset = 0;
};

/* The size of each frame that was whole: what the gateware says must be it */
struct size { uint32_t beats, lines; };
extern std::map<uint64_t, struct size> sizes;

#endif
