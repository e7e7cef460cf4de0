// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/source/nri_wire.h"

#include "base/need.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAYLOAD_MAX 4096 /* Go's ttrpc reads with a buffer of that size, and takes no longer frame */

static __u32 number(const unsigned char *at)
{
	__u32 value;

	memcpy(&value, at, sizeof(value));
	return ntohl(value);
}

static unsigned char *put_number(unsigned char *at, __u32 value)
{
	value = htonl(value);
	memcpy(at, &value, sizeof(value));
	return at + sizeof(value);
}

static void append(struct nri_bytes *bytes, const void *at, size_t size)
{
	if (bytes->size + size > bytes->room) {
		bytes->room = 2 * (bytes->size + size);
		bytes->at = bg_need(realloc(bytes->at, bytes->room));
	}
	if (size)
		memcpy(bytes->at + bytes->size, at, size);
	bytes->size += size;
}

static void drop(struct nri_bytes *bytes, size_t size)
{
	bytes->size -= size;
	if (bytes->size)
		memmove(bytes->at, bytes->at + size, bytes->size);
	if (!bytes->size && bytes->room > PAYLOAD_MAX) { /* a long message is rare */
		free(bytes->at);
		*bytes = (struct nri_bytes){ 0 };
	}
}

void nri_wire_free(struct nri_wire *wire)
{
	for (int i = 0; i < NRI_STREAMS; i++)
		free(wire->in[i].at);
	free(wire->out.at);
	*wire = (struct nri_wire){ 0 };
}

int nri_wire_feed(struct nri_wire *wire, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	while (size) {
		size_t wanted = wire->head_size < NRI_FRAME_HEAD ? NRI_FRAME_HEAD - wire->head_size : wire->left;
		size_t got = size < wanted ? size : wanted;
		__u32 stream;

		if (wire->head_size < NRI_FRAME_HEAD) {
			memcpy(wire->head + wire->head_size, at, got);
			wire->head_size += got;
			if (wire->head_size == NRI_FRAME_HEAD)
				wire->left = number(wire->head + 4);
			if (wire->left > NRI_MESSAGE_HEAD + NRI_MESSAGE_MAX)
				return -EPROTO;
		} else {
			stream = number(wire->head) - 1;
			if (stream < NRI_STREAMS) /* what is on others is for nobody here */
				append(&wire->in[stream], at, got);
			wire->left -= (__u32)got;
		}
		if (wire->head_size == NRI_FRAME_HEAD && !wire->left)
			wire->head_size = 0;
		at += got;
		size -= got;
	}
	return 0;
}

int nri_wire_next(const struct nri_wire *wire, enum nri_stream stream, struct nri_message *out)
{
	const struct nri_bytes *in = &wire->in[stream];
	__u32 length;

	if (in->size < NRI_MESSAGE_HEAD)
		return 0;
	length = number(in->at);
	if (length > NRI_MESSAGE_MAX)
		return -EPROTO;
	if (in->size - NRI_MESSAGE_HEAD < length)
		return 0;
	*out = (struct nri_message){
		.call = number(in->at + 4), .type = in->at[8], .at = in->at + NRI_MESSAGE_HEAD, .size = length
	};
	return 1;
}

void nri_wire_done(struct nri_wire *wire, enum nri_stream stream, const struct nri_message *message)
{
	drop(&wire->in[stream], NRI_MESSAGE_HEAD + message->size);
}

int nri_wire_send(struct nri_wire *wire, enum nri_stream stream, __u32 call, enum nri_type type, const void *at,
		  size_t size)
{
	unsigned char head[NRI_FRAME_HEAD], *message = bg_need(malloc(NRI_MESSAGE_HEAD + size));
	size_t whole = NRI_MESSAGE_HEAD + size;

	if (wire->out.size + whole > NRI_PENDING_MAX) {
		free(message);
		return -ENOBUFS;
	}
	put_number(put_number(message, (__u32)size), call);
	message[8] = (unsigned char)type;
	message[9] = 0; /* no flags: one message each way */
	if (size)
		memcpy(message + NRI_MESSAGE_HEAD, at, size);
	for (size_t from = 0; from < whole; from += PAYLOAD_MAX) {
		size_t part = whole - from < PAYLOAD_MAX ? whole - from : PAYLOAD_MAX;

		put_number(put_number(head, (__u32)stream + 1), (__u32)part);
		append(&wire->out, head, sizeof(head));
		append(&wire->out, message + from, part);
	}
	free(message);
	return 0;
}

void nri_wire_sent(struct nri_wire *wire, size_t size)
{
	drop(&wire->out, size);
}
