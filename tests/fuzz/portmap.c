// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A port map read back from the kernel, changed by hand: refused, or what it says; decide.h never leaves it. */
#include "policy/compile.h"

#include "fuzz.h"

#include <bindgate/decide.h>

static void fill(struct bg_request *request, __u8 inputs, void *arg)
{
	(void)inputs;
	request->addr = *(const struct bg_addr *)arg;
	request->kind |= BG_RULE_IP4;
}

/* The first bytes are patches of a sound map: offset, value; else a map would hardly ever come near to being one. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bg_policy policy, again;
	static struct bg_portmap map;
	struct bg_addr addr = { .lo = 0xffff7f000001 };

	policy.count = 0;
	bg_policy_add(&policy, "80/tcp", NULL);
	bg_policy_add(&policy, "127.0.0.0/8:1-1000=2000", NULL);
	bg_policy_add(&policy, "deny:any,uid=5", NULL);
	bg_compile(&policy, &map, NULL);
	for (; size >= 3; data += 3, size -= 3)
		((__u8 *)&map)[(data[0] | data[1] << 8) % sizeof(map)] = data[2];
	HOLDS(bg_decompile(&map, &again, NULL) || again.count <= BG_RULES_MAX);
	for (unsigned int port = 0; port < 65536; port += 257) {
		struct bg_answer answer = bg_decide(&map, (__u16)port, BG_RULE_TCP, fill, &addr);

		HOLDS(answer.slot <= BG_ENTRY_SLOT && (!answer.readdressed || answer.target < BG_ADDRS_MAX));
	}
	return 0;
}
