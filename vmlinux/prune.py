#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Regenerates vmlinux.h beside it: of the running kernel's types, those that bpf/ uses and what they need.

The whole vmlinux.h is 3 MB and owns every short name; the hooks read nothing but their documented context."""

import pathlib
import re
import subprocess

WANTED = ["__u8", "__u16", "__u32", "__u64", "__s32", "__s64", "__be16", "__be32", "__wsum",
          "bool", "bpf_sock_addr", "bpf_map_type"]

dump = subprocess.run(["bpftool", "btf", "dump", "file", "/sys/kernel/btf/vmlinux", "format", "c"],
                      check=True, capture_output=True, text=True).stdout

definitions = {}  # name -> text, in the order of the dump
for text in re.findall(r"^(?:typedef [^{;(]+;|(?:struct|union|enum) \w+ \{.*?^\};|enum \{[^}]*\};)$",
                       dump, re.MULTILINE | re.DOTALL):
    head = re.match(r"(?:struct|union|enum) (\w+) \{", text)
    name = head.group(1) if head else re.findall(r"\w+", text)[-1]
    if text.startswith("enum {") and "false = 0" in text:
        name = "bool's values"
    definitions.setdefault(name, text)

needed, queue = set(), WANTED + ["bool's values"]
while queue:
    name = queue.pop()
    if name in needed or name not in definitions:
        continue
    needed.add(name)
    for line in definitions[name].splitlines():
        # what a member or typedef is made of; a pointer needs no definition
        of = re.match(r"(?:typedef|\t+)\s*(?:const )?(?:struct |union |enum )?((?:\w+ )*\w+) \w", line)
        queue += [of.group(1)] if of else []

kernel = pathlib.Path("/proc/sys/kernel/osrelease").read_text().split("-")[0]
out = ["/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */",
       f"/* Made by prune.py from Linux {kernel}: the types that bpf/ uses. */",
       "#ifndef __VMLINUX_H__", "#define __VMLINUX_H__", ""]
for name, text in definitions.items():
    if name in needed:
        out += [text, ""]
out += ["#endif", ""]
pathlib.Path(__file__).with_name("vmlinux.h").write_text("\n".join(out))
