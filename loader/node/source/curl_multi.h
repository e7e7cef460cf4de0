/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATED_CURL_MULTI_H
#define BINDGATED_CURL_MULTI_H

#include <curl/curl.h>
#include <poll.h>

/* What the sources share that ask an engine by libcurl over its unix socket. */

/* What the calls under way wait for; returns how many. */
unsigned int curl_multi_polls(CURLM *multi, struct pollfd *polls, unsigned int room);

/* Why a call failed, in words that tell a socket that is not there from one that nobody listens on. Good until the next. */
const char *curl_multi_problem(CURL *easy, CURLcode result);

#endif
