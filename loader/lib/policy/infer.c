// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "policy/infer.h"

#include <string.h>

#define PORT_MAX 65535
#define FIRST_FREE 1024  /* usually: what is below takes a privilege */
#define RANDOM_RUNS 20   /* fewer may be somebody's configuration */
#define RANDOM_SPREAD 16 /* ports to each that was seen */

void bg_seen_add(struct bg_seen *seen, __u8 protocol, __u16 port)
{
	if (port)
		seen->ports[protocol][port / 8] |= (__u8)(1 << port % 8);
}

static bool has(const struct bg_seen *seen, __u8 protocol, unsigned int port)
{
	return seen->ports[protocol][port / 8] & (1 << port % 8);
}

/* The run of ports that begins at or after `from`; false: there is none. Gaps up to `gap` ports count as seen. */
static bool next_run(const struct bg_seen *seen, __u8 protocol, unsigned int gap, unsigned int from,
		     unsigned int *first, unsigned int *last)
{
	while (from <= PORT_MAX && !has(seen, protocol, from))
		from++;
	if (from > PORT_MAX)
		return false;
	*first = *last = from;
	for (unsigned int port = from + 1; port <= PORT_MAX && port - *last <= gap + 1; port++)
		if (has(seen, protocol, port))
			*last = port;
	return true;
}

/* Is that one of the protocol's runs too? */
static bool is_run(const struct bg_seen *seen, __u8 protocol, unsigned int gap, unsigned int first,
		   unsigned int last)
{
	unsigned int own_first, own_last;

	for (unsigned int before = 1; before <= gap + 1 && before <= first; before++)
		if (has(seen, protocol, first - before))
			return false;
	return next_run(seen, protocol, gap, first, &own_first, &own_last) && own_first == first &&
	       own_last == last;
}

/* The rules, in the order of ports, with gaps up to `gap` filled. false: there are more than `most`. */
static bool cover(const struct bg_seen *seen, unsigned int gap, unsigned int most, struct bg_policy *out)
{
	unsigned int from[BG_PROTOCOLS] = { 0 }, first[BG_PROTOCOLS] = { 0 }, last[BG_PROTOCOLS] = { 0 };
	bool more[BG_PROTOCOLS] = { false };

	out->count = 0;
	for (;;) {
		__u8 at;

		for (__u8 protocol = 0; protocol < BG_PROTOCOLS; protocol++)
			more[protocol] =
				next_run(seen, protocol, gap, from[protocol], &first[protocol], &last[protocol]);
		if (!more[BG_TCP] && !more[BG_UDP])
			return true;
		at = !more[BG_UDP] || (more[BG_TCP] && first[BG_TCP] <= first[BG_UDP]) ? BG_TCP : BG_UDP;
		from[at] = last[at] + 1;
		if (at == BG_UDP && is_run(seen, BG_TCP, gap, first[at], last[at]))
			continue; /* TCP's rule covers it */
		if (out->count == most)
			return false;
		out->rules[out->count++] = (struct bg_rule){
			.verdict = BG_ALLOW,
			.flags = (__u16)(BG_RULE_FAMILIES | 1 << at),
			.first = (__u16)first[at],
			.last = (__u16)last[at],
		};
		if (at == BG_TCP && is_run(seen, BG_UDP, gap, first[at], last[at]))
			out->rules[out->count - 1].flags |= BG_RULE_UDP;
	}
}

static unsigned int count_more(const struct bg_seen *seen, const struct bg_policy *policy)
{
	unsigned int more = 0;

	for (unsigned int i = 0; i < policy->count; i++)
		for (__u8 protocol = 0; protocol < BG_PROTOCOLS; protocol++)
			for (unsigned int port = policy->rules[i].first;
			     (policy->rules[i].flags & 1 << protocol) && port <= policy->rules[i].last; port++)
				more += !has(seen, protocol, port);
	return more;
}

unsigned int bg_infer(const struct bg_seen *seen, unsigned int most, struct bg_policy *out)
{
	for (unsigned int gap = 0; !cover(seen, gap, most, out); gap = gap * 5 / 4 + 1)
		;
	return count_more(seen, out);
}

unsigned int bg_infer_random(struct bg_seen *seen, __u8 protocol)
{
	unsigned int first, last, runs = 0, count = 0, lowest = 0, highest = 0;

	for (unsigned int from = FIRST_FREE; next_run(seen, protocol, 0, from, &first, &last); from = last + 1) {
		lowest = runs++ ? lowest : first;
		highest = last;
		count += last - first + 1;
	}
	if (runs < RANDOM_RUNS || (highest - lowest) / count < RANDOM_SPREAD)
		return 0;
	memset(&seen->ports[protocol][FIRST_FREE / 8], 0, sizeof(seen->ports[protocol]) - FIRST_FREE / 8);
	return count;
}
