// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "policy/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static __u64 load64(const unsigned char *bytes)
{
	__u64 value = 0;

	for (int i = 0; i < 8; i++)
		value = value << 8 | bytes[i];
	return value;
}

static void store64(__u64 value, unsigned char *bytes)
{
	for (int i = 7; i >= 0; i--, value >>= 8)
		bytes[i] = (unsigned char)value;
}

bool bg_addr_is_ip4(const struct bg_addr *addr)
{
	return addr->hi == 0 && addr->lo >> 32 == 0xffff;
}

struct bg_addr bg_addr_from_ip4(const struct in_addr *in)
{
	return (struct bg_addr){ .lo = 0xffff00000000ULL | ntohl(in->s_addr) };
}

struct bg_addr bg_addr_from_ip6(const struct in6_addr *in)
{
	return (struct bg_addr){ .hi = load64(in->s6_addr), .lo = load64(in->s6_addr + 8) };
}

void bg_addr_mask(struct bg_addr *addr, __u8 prefix)
{
	if (prefix < 64)
		addr->hi &= prefix ? ~0ULL << (64 - prefix) : 0;
	if (prefix <= 64)
		addr->lo = 0;
	else if (prefix < 128)
		addr->lo &= ~0ULL << (128 - prefix);
}

const char *bg_addr_print(const struct bg_addr *addr, char *text)
{
	struct in6_addr in6;
	struct in_addr in = { .s_addr = htonl((__u32)addr->lo) };

	if (bg_addr_is_ip4(addr)) {
		inet_ntop(AF_INET, &in, text, INET6_ADDRSTRLEN);
		return text;
	}
	store64(addr->hi, in6.s6_addr);
	store64(addr->lo, in6.s6_addr + 8);
	inet_ntop(AF_INET6, &in6, text, INET6_ADDRSTRLEN);
	return text;
}

int bg_addr_intern(struct bg_addr *table, __u16 *count, const struct bg_addr *addr)
{
	for (int i = 0; i < *count; i++)
		if (table[i].hi == addr->hi && table[i].lo == addr->lo)
			return i;
	if (*count == BG_ADDRS_MAX)
		return -E2BIG;
	table[*count] = *addr;
	return (*count)++;
}
