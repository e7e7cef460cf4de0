// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Refused binds, where the kernel has no BTF: nothing is known of the socket. */
#include "refusal.h"

static __always_inline void read_socket(int fd, struct bg_refusal *out)
{
	(void)fd;
	(void)out;
}

#include "refused_tracepoints.h"

char _license[] SEC("license") = "Dual BSD/GPL";
