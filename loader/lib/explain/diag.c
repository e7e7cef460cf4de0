// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "explain/diag_internal.h"

#include <bindgate/portmap.h>
#include <errno.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

/* One datagram of the answer. false: it was the last. */
static bool take(const char *buffer, ssize_t got,
		 void (*each)(const struct inet_diag_msg *socket, size_t left, void *arg), void *arg)
{
	for (const struct nlmsghdr *message = (const struct nlmsghdr *)buffer; NLMSG_OK(message, got);
	     message = NLMSG_NEXT(message, got)) {
		const struct inet_diag_msg *socket = NLMSG_DATA(message);

		if (message->nlmsg_type == NLMSG_DONE || message->nlmsg_type == NLMSG_ERROR)
			return false;
		if (message->nlmsg_type == SOCK_DIAG_BY_FAMILY)
			each(socket, message->nlmsg_len - NLMSG_LENGTH(sizeof(*socket)), arg);
	}
	return true;
}

int bg_diag_each(__u8 family, __u8 protocol, __u32 states,
		 void (*each)(const struct inet_diag_msg *socket, size_t left, void *arg), void *arg)
{
	const struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 ask;
	} request = {
		.header = { .nlmsg_len = sizeof(request),
			    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
			    .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP },
		.ask = { .sdiag_family = family,
			 .sdiag_protocol = protocol == BG_UDP ? IPPROTO_UDP : IPPROTO_TCP,
			 .idiag_states = states },
	};
	static char buffer[1 << 16];
	int netlink = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
	ssize_t got;
	bool more;

	if (netlink < 0)
		return -errno;
	more = send(netlink, &request, sizeof(request), 0) == sizeof(request);
	while (more) {
		got = recv(netlink, buffer, sizeof(buffer), 0);
		more = got > 0 && take(buffer, got, each, arg);
	}
	close(netlink);
	return 0;
}
