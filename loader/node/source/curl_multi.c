// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "node/source/curl_multi.h"

#include <errno.h>
#include <sys/select.h>

unsigned int curl_multi_polls(CURLM *multi, struct pollfd *polls, unsigned int room)
{
	fd_set in, out, bad;
	unsigned int count = 0;
	int most = -1;

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_ZERO(&bad);
	curl_multi_fdset(multi, &in, &out, &bad, &most);
	for (int fd = 0; fd <= most && count < room; fd++)
		if (FD_ISSET(fd, &in) || FD_ISSET(fd, &out))
			polls[count++] = (struct pollfd){ .fd = fd,
							  .events = (short)((FD_ISSET(fd, &in) ? POLLIN : 0) |
									    (FD_ISSET(fd, &out) ? POLLOUT : 0)) };
	return count;
}

const char *curl_multi_problem(CURL *easy, CURLcode result)
{
	long err = 0;

	if (result == CURLE_COULDNT_CONNECT)
		curl_easy_getinfo(easy, CURLINFO_OS_ERRNO, &err);
	if (err == ENOENT)
		return "there is no such socket: is it running, and the socket's folder mounted here?";
	if (err == ECONNREFUSED)
		return "nobody listens on the socket: has it ended? (where only the socket is mounted, not its folder, "
		       "a new one is not seen)";
	return curl_easy_strerror(result);
}
