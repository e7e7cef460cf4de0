# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# make            builds                        sudo make demo     shows it
# make install    DESTDIR and PREFIX honoured   sudo make check    tests it
#
# make check-kernels, make valgrind, make fuzz, make coverage, make bench: slower proofs, and the figures
# make bench-peers: the figures beside what others use, into doc/bench (QUICK=1: a try of them, into build/quick)
# make plots: doc/bench.md and its plots, drawn from those figures
#
# CC=clang, WERROR=1 (warnings end the build), SANITIZE=1 (with ASan and UBSan, in a build folder of its own)
# COVERAGE=1 (counts what runs, likewise)
# check-kernels: ARCHES="amd64 arm64", KERNELS="5.10 6.1 newest" and CPUS="1 2" choose

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
UNITDIR ?= $(PREFIX)/lib/systemd/system
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
LLVM_STRIP ?= llvm-strip
VERSION := $(shell git describe --tags --match 'v[0-9]*' --always 2>/dev/null || echo 0.1.0)
BUILD := build$(if $(FUZZ),/fuzz,$(if $(SANITIZE),/sanitize,$(if $(COVERAGE),/coverage)))

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wundef \
	-Wformat=2 -Wvla $(if $(WERROR),-Werror)
HARDENING := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
SANITIZERS := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
# into the programs, which tests take into images and roots that have no such libraries; clang does so by itself
STATIC_SANITIZERS = $(if $(findstring clang,$(CC)),,-static-libasan -static-libubsan)
ifdef FUZZ
CC := $(CLANG)
SANITIZE := 1
SANITIZERS += -fsanitize=fuzzer-no-link
endif
# A file that is mapped into memory: what ran is known of killed programs too.
COUNTERS := -fprofile-instr-generate=$(abspath $(BUILD))/counts/%m%c.profraw -mllvm -runtime-counter-relocation -fcoverage-mapping \
	-Wno-unused-command-line-argument
CFLAGS ?= -O2 -g
override CFLAGS += -std=gnu11 $(WARNINGS) $(if $(SANITIZE),$(SANITIZERS),$(HARDENING)) $(if $(COVERAGE),$(COUNTERS))
override CPPFLAGS += -D_GNU_SOURCE -DBINDGATE_VERSION='"$(VERSION)"' -Iinclude -Iloader/lib -Iloader -I$(BUILD)
override LDFLAGS += $(if $(SANITIZE),$(SANITIZERS) $(STATIC_SANITIZERS),$(if $(STATIC),-static,-pie) -Wl,-z,relro,-z,now)
LDLIBS := -lbpf -lelf -lz
CLI_LDLIBS := -ljansson -lcyaml -lyaml
NODE_LDLIBS := $(CLI_LDLIBS) -lmicrohttpd -lcurl -lprotobuf-c

LIB := $(BUILD)/libbindgate.a
LIB_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard loader/lib/*/*.c)))
CLI_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard loader/cli/*.c)))
NODE_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard loader/node/*.c loader/node/*/*.c)))
ORACLE_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/oracle/*.c))
UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
KERNEL_SUPPORT := $(filter tests/kernel/harness%.c tests/kernel/worker%.c,$(wildcard tests/kernel/*.c))
KERNEL_TESTS := $(patsubst %.c,$(BUILD)/%,$(filter-out $(KERNEL_SUPPORT),$(wildcard tests/kernel/*.c)))
FUZZ_TARGETS := $(filter-out replay program,$(basename $(notdir $(wildcard tests/fuzz/*.c))))
FUZZ_PARTS := $(BUILD)/tests/fuzz/program.o $(ORACLE_OBJECTS) $(BUILD)/cli.a $(BUILD)/node.a $(LIB)
FUZZ_LDLIBS := -Wl,--wrap=exit $(NODE_LDLIBS) $(LDLIBS) -lseccomp
REPLAYS := $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/replay-%)
FUZZERS := $(FUZZ_TARGETS:%=$(BUILD)/fuzz-%)
BENCHES := $(patsubst %.c,$(BUILD)/%,$(filter-out bench/bench.c,$(wildcard bench/*.c)))
PROGRAMS := $(BUILD)/bindgate $(if $(NODE_OBJECTS),$(BUILD)/bindgated)

all: $(PROGRAMS)

help:
	@sed -n '3,/^$$/s/^# \{0,1\}//p' Makefile

# The hooks: to BPF, their debugging information cut down to BTF, into a header that carries it all.
$(BUILD)/hooks.bpf.o: bpf/hooks.bpf.c $(wildcard bpf/*.h include/bindgate/*.h) vmlinux/vmlinux.h
	@mkdir -p $(@D)
	@echo '  BPF      $@'
	@$(CLANG) -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Werror -Iinclude -Ivmlinux $(BPF_CPPFLAGS) -c $< -o $@
	@$(LLVM_STRIP) -g $@

$(BUILD)/hooks.skel.h: $(BUILD)/hooks.bpf.o
	@echo '// NOLINTBEGIN: generated' >$@.new
	@$(BPFTOOL) gen skeleton $< name hooks_bpf 2>/dev/null >>$@.new
	@echo '// NOLINTEND' >>$@.new
	@mv $@.new $@

$(BUILD)/%.o: %.c | $(BUILD)/hooks.skel.h
	@mkdir -p $(@D)
	@echo '  CC       $@'
	@$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(LIB): $(LIB_OBJECTS)
	@rm -f $@
	@$(AR) rcs $@ $^

$(BUILD)/bindgate: $(CLI_OBJECTS) $(LIB)
	@echo '  LINK     $@'
	@$(CC) $(CFLAGS) $(LDFLAGS) $^ $(CLI_LDLIBS) $(LDLIBS) -o $@

# Generated code: its warnings are not ours.
$(BUILD)/cri.pb-c.c $(BUILD)/cri.pb-c.h &: loader/node/source/cri.proto
	@mkdir -p $(BUILD)
	@protoc-c --proto_path=loader/node/source --c_out=$(BUILD) $<
$(BUILD)/cri.pb-c.o: $(BUILD)/cri.pb-c.c
	@$(CC) $(CPPFLAGS) $(CFLAGS) -w -c $< -o $@
$(NODE_OBJECTS): | $(BUILD)/cri.pb-c.h

$(BUILD)/bindgated: $(NODE_OBJECTS) $(BUILD)/cri.pb-c.o $(LIB)
	@echo '  LINK     $@'
	@$(CC) $(CFLAGS) $(LDFLAGS) $^ $(NODE_LDLIBS) $(LDLIBS) -o $@

# The version is in every object: build them anew when it changes.
$(BUILD)/version: FORCE
	@mkdir -p $(@D)
	@echo '$(VERSION)' | cmp -s - $@ || echo '$(VERSION)' >$@
$(LIB_OBJECTS) $(CLI_OBJECTS) $(NODE_OBJECTS): $(BUILD)/version

$(UNIT_TESTS): $(BUILD)/%: $(BUILD)/%.o $(ORACLE_OBJECTS) $(LIB)
	@echo '  LINK     $@'
	@$(CC) $(CFLAGS) $(LDFLAGS) $^ -lcmocka $(CLI_LDLIBS) $(LDLIBS) -lm -o $@

$(KERNEL_TESTS): $(BUILD)/%: $(BUILD)/%.o $(patsubst %.c,$(BUILD)/%.o,$(KERNEL_SUPPORT)) $(ORACLE_OBJECTS) $(LIB)
	@echo '  LINK     $@'
	@$(CC) $(CFLAGS) $(LDFLAGS) $^ $(CLI_LDLIBS) $(LDLIBS) -o $@

$(BUILD)/tests/fault/inject: $(BUILD)/tests/fault/inject.o
	@echo '  LINK     $@'
	@$(CC) $(CFLAGS) $(LDFLAGS) $^ -lseccomp -o $@

$(BENCHES): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/bench/bench.o $(LIB)
	@echo '  LINK     $@'
	@$(CC) $(CFLAGS) $(LDFLAGS) $^ $(CLI_LDLIBS) $(LDLIBS) -lm -o $@

# Fuzz targets: with libFuzzer for make fuzz, and as programs that take the corpus again for make check. Of the two
# programs they take what they call.
$(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/%.o): | $(BUILD)/cri.pb-c.h
$(BUILD)/cli.a: $(filter-out %/main.o,$(CLI_OBJECTS))
$(BUILD)/node.a: $(filter-out %/main.o,$(NODE_OBJECTS)) $(BUILD)/cri.pb-c.o
$(BUILD)/cli.a $(BUILD)/node.a:
	@rm -f $@
	@$(AR) rcs $@ $^
$(REPLAYS): $(BUILD)/tests/fuzz/replay-%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/replay.o $(FUZZ_PARTS)
	@echo '  LINK     $@'
	@$(CC) $(CFLAGS) $(LDFLAGS) $^ $(FUZZ_LDLIBS) -o $@
$(FUZZERS): $(BUILD)/fuzz-%: $(BUILD)/tests/fuzz/%.o $(FUZZ_PARTS)
	@echo '  LINK     $@'
	@$(CC) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer $^ $(FUZZ_LDLIBS) -o $@
fuzzers: $(FUZZERS)

tests: $(UNIT_TESTS) $(KERNEL_TESTS) $(REPLAYS) $(BENCHES) $(BUILD)/tests/fault/inject
kernel-tests: $(KERNEL_TESTS)

demo:
	deploy/packages.sh build demo
	+$(MAKE) all
	deploy/demo.sh $(BUILD)/bindgate

check:
	deploy/packages.sh build check
	+$(MAKE) WERROR=1 all tests
	$(if $(SANITIZE),BINDGATE_TEST_SECONDS=1200) tests/run $(BUILD)

valgrind:
	deploy/packages.sh build check valgrind
	+$(MAKE) WERROR=1 all
	tests/valgrind $(BUILD)

fuzz:
	deploy/packages.sh build check
	+$(MAKE) FUZZ=1 fuzzers
	tests/fuzz/run build/fuzz $(FUZZ_TARGETS)

coverage:
	deploy/packages.sh build check coverage
	+$(MAKE) CC=$(CLANG) COVERAGE=1 all tests
	tests/coverage/run build/coverage

check-kernels:
	deploy/packages.sh build kernels $(addprefix kernels-,$(or $(ARCHES),amd64 arm64))
	tests/vm/run $(BUILD)

bench:
	deploy/packages.sh build bench
	+$(MAKE) all $(BENCHES)
	bench/run.sh $(BUILD)

FIGURES := $(if $(QUICK),$(BUILD)/quick,doc/bench)
bench-peers:
	deploy/packages.sh build peers
	+$(MAKE) all $(BENCHES)
	bench/peers/run.sh $(BUILD) $(FIGURES)
	+$(MAKE) -s plots

plots:
	gnuplot -e "dir='$(FIGURES)'" bench/peers/plots.gp
	$(if $(QUICK),,python3 bench/peers/tables.py $(FIGURES) doc/bench.md)

lint:
	deploy/packages.sh build check lint
	deploy/lint.sh

lint-rooms:
	@deploy/rooms.py

format:
	git ls-files 'include/*.h' 'bpf/*.[ch]' 'loader/*.[ch]' 'tests/*.[ch]' 'bench/*.[ch]' | xargs clang-format -i

install: all
	install -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(MANDIR)/man5 $(DESTDIR)$(MANDIR)/man8 $(DESTDIR)$(BASHDIR) $(DESTDIR)$(ZSHDIR)
	install -m 0755 $(PROGRAMS) $(DESTDIR)$(BINDIR)
	install -m 0644 $(wildcard doc/man/*.5) $(DESTDIR)$(MANDIR)/man5
	install -m 0644 $(wildcard doc/man/*.8) $(DESTDIR)$(MANDIR)/man8
	install -m 0644 deploy/completion/bindgate.bash $(DESTDIR)$(BASHDIR)/bindgate
	install -m 0644 deploy/completion/_bindgate $(DESTDIR)$(ZSHDIR)/_bindgate
	install -d $(DESTDIR)$(UNITDIR)
	sed 's|/usr/local/sbin/|$(BINDIR)/|' deploy/systemd/bindgated.service >$(DESTDIR)$(UNITDIR)/bindgated.service

uninstall:
	rm -f $(addprefix $(DESTDIR)$(BINDIR)/,$(notdir $(PROGRAMS)))
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man5/,$(notdir $(wildcard doc/man/*.5)))
	rm -f $(addprefix $(DESTDIR)$(MANDIR)/man8/,$(notdir $(wildcard doc/man/*.8)))
	rm -f $(DESTDIR)$(BASHDIR)/bindgate $(DESTDIR)$(ZSHDIR)/_bindgate $(DESTDIR)$(UNITDIR)/bindgated.service

clean:
	rm -rf build

FORCE:
.PHONY: all help tests fuzz fuzzers kernel-tests demo check valgrind coverage check-kernels bench bench-peers plots lint lint-rooms \
	format install uninstall clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $(BUILD) -path $(BUILD)/peers -prune -o -type f -name '*.d' -print 2>/dev/null)
