/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_NRI_WIRE_H
#define BINDGATED_NRI_WIRE_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * How bytes go between a runtime and an NRI plugin. Frames on one socket (connection and length, 32 bits each, big
 * endian) carry two streams; on each, one side calls the other by ttrpc: a head of 10 bytes (length, number of the call,
 * type, flags) and a message. A message may be spread over frames.
 */
enum nri_stream {
	NRI_PLUGIN,  /* connection 1: the runtime calls */
	NRI_RUNTIME, /* connection 2: the plugin calls */
	NRI_STREAMS
};

#define NRI_FRAME_HEAD 8
#define NRI_MESSAGE_HEAD 10
#define NRI_MESSAGE_MAX (4 << 20) /* bytes, without the head */
#define NRI_PENDING_MAX (1 << 20) /* bytes that the other side leaves unread */

enum nri_type {
	NRI_REQUEST = 1,
	NRI_RESPONSE = 2,
};

struct nri_bytes {
	unsigned char *at;
	size_t size, room;
};

struct nri_wire {
	struct nri_bytes in[NRI_STREAMS];
	unsigned char head[NRI_FRAME_HEAD]; /* of the frame that is coming in */
	size_t head_size;
	__u32 left;           /* of its payload */
	struct nri_bytes out; /* frames to be sent */
};

struct nri_message {
	__u32 call;
	__u8 type; /* enum nri_type, or another */
	const unsigned char *at;
	size_t size;
};

void nri_wire_free(struct nri_wire *wire);

/* Takes what came. -EPROTO: no frames are that long. */
int nri_wire_feed(struct nri_wire *wire, const void *bytes, size_t size);

/* 1: *out is the next message of the stream, until nri_wire_done; 0: it has not come whole; -EPROTO: too long. */
int nri_wire_next(const struct nri_wire *wire, enum nri_stream stream, struct nri_message *out);
void nri_wire_done(struct nri_wire *wire, enum nri_stream stream, const struct nri_message *message);

/* Puts a message into `out`. -ENOBUFS: the other side does not read. */
int nri_wire_send(struct nri_wire *wire, enum nri_stream stream, __u32 call, enum nri_type type, const void *at,
		  size_t size);

/* That much of `out` was sent. */
void nri_wire_sent(struct nri_wire *wire, size_t size);

#endif
