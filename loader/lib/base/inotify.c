// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "base/inotify.h"

#include <unistd.h>

bool bg_inotify_read(int fd, bool (*each)(const struct inotify_event *event, void *arg), void *arg)
{
	char buffer[1 << 16] __attribute__((aligned(__alignof__(struct inotify_event))));
	ssize_t got;

	while ((got = read(fd, buffer, sizeof(buffer))) > 0)
		for (const char *at = buffer; at < buffer + got;) {
			const struct inotify_event *event = (const struct inotify_event *)at;

			if (!each(event, arg))
				return false;
			at += sizeof(*event) + event->len;
		}
	return true;
}
