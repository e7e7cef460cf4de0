/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef BINDGATE_ADDRESS_H
#define BINDGATE_ADDRESS_H

#include <bindgate/portmap.h>
#include <netinet/in.h>

/* From the kernel's form, network byte order. */
struct bg_addr bg_addr_from_ip4(const struct in_addr *in);
struct bg_addr bg_addr_from_ip6(const struct in6_addr *in);

/* Clears the bits beyond the prefix, 0 to 128. */
void bg_addr_mask(struct bg_addr *addr, __u8 prefix);

/* As people write it: 127.0.0.1, ::1; IPv4 for what is mapped. `text` holds INET6_ADDRSTRLEN. */
const char *bg_addr_print(const struct bg_addr *addr, char *text);
bool bg_addr_is_ip4(const struct bg_addr *addr);

/* The address's index in a table of BG_ADDRS_MAX, which it joins where it is new. -E2BIG: the table is full. */
int bg_addr_intern(struct bg_addr *table, __u16 *count, const struct bg_addr *addr);

#endif
