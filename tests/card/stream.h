/* SPDX-License-Identifier: GPL-2.0-only */
/* What feeds a channel: a video source, with registers, or samples, without. */
#ifndef CARD_STREAM_H
#define CARD_STREAM_H

#include "card_time.h"
#include "faults.h"
#include "picture.h"
#include "sample_source.h"
#include "video_source.h"

struct stream {
	bool is_video;
	struct video_source video;
	struct sample_source samples;
	struct picture picture;
	struct channel_faults faults;
};

static inline size_t stream_offer(struct stream *s, const uint8_t **data)
{
	return s->is_video ? video_source_offer(&s->video, data) :
			     sample_source_offer(&s->samples, data, card_now());
}

static inline bool stream_take(struct stream *s, size_t bytes)
{
	return s->is_video ? video_source_take(&s->video, bytes) :
			     sample_source_take(&s->samples, bytes);
}

static inline void stream_engine_runs(struct stream *s, bool runs)
{
	if (s->is_video)
		video_source_engine_runs(&s->video, runs);
}

#endif
