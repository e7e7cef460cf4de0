/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_PROGRAM_H
#define BINDGATE_PROGRAM_H

#include <bindgate/types.h>

/* What a loaded program says of itself: its read-only data, readable by any later bindgate. */
struct bg_program {
	__u32 abi;           /* BG_ABI */
	__u8 has_set_retval; /* bpf_set_retval (5.18): a deny can say EACCES */
	__u8 has_pid;        /* bpf_get_current_pid_tgid in these hooks */
	__u8 has_comm;       /* bpf_get_current_comm in these hooks */
	__u8 unused;
	__u64 build;      /* hash of the programs' object file: another one means an upgrade */
	char version[32]; /* of the bindgate that loaded it */
};

static_assert(sizeof(struct bg_program) == 48, "bg_program is part of the ABI");

#endif
