// SPDX-License-Identifier: GPL-2.0-only
//
// Counts frames and adds up their bytes, without a copy and, while frames are ready,
// without a system call.
//
//	g++ -std=c++17 -O2 $(pkg-config --cflags grabber) -o count_frames count_frames.cc
//	./count_frames /dev/grabber0 100

#include <grabber.h>

#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <system_error>

class Reader {
public:
	explicit Reader(const char *path)
	{
		check(grabber_open(&reader_, path), path);
	}
	~Reader()
	{
		grabber_close(&reader_);
	}
	Reader(const Reader &) = delete;
	Reader &operator=(const Reader &) = delete;

	// Calls look(frame) for each of so many frames that stayed whole meanwhile.
	template <typename Look> void read(std::uint64_t frames, Look look)
	{
		while (reader_.delivered < frames) {
			grabber_frame frame;

			check(grabber_wait(&reader_, 5'000'000'000), "waiting for a frame");
			while (reader_.delivered < frames && !grabber_next(&reader_, &frame))
				look(*this, frame);
		}
	}

	// What was seen of a frame counts only if this says so, after it was seen.
	bool whole(grabber_frame &frame)
	{
		return grabber_whole(&reader_, &frame);
	}

	const grabber_reader &counts() const
	{
		return reader_;
	}

private:
	static void check(int err, const char *what)
	{
		if (err)
			throw std::system_error(-err, std::generic_category(), what);
	}

	grabber_reader reader_;
};

int main(int argc, char **argv)
try {
	Reader reader(argc > 1 ? argv[1] : "/dev/grabber0");
	std::uint64_t frames = argc > 2 ? std::strtoull(argv[2], nullptr, 0) : 100;

	reader.read(frames, [](Reader &from, grabber_frame &frame) {
		const auto *bytes = static_cast<const std::uint8_t *>(frame.data);
		std::uint64_t sum = std::accumulate(bytes, bytes + frame.bytes, std::uint64_t{0});

		if (from.whole(frame))
			std::cout << "frame " << frame.sequence << " sum " << sum << "\n";
	});
	std::cout << reader.counts().delivered << " frames, " << reader.counts().missed
		  << " missed\n";
	return 0;
} catch (const std::system_error &error) {
	std::cerr << "count_frames: " << error.what() << "\n";
	return 1;
}
