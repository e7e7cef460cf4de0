# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#
# make              builds
# sudo make demo    shows it
# sudo make check   runs every test
# make install      PREFIX=/usr/local; DESTDIR is honoured
#
# make check-engines     pods in real engines of newer releases: ENGINES="containerd-1.7"
# make check-unit        the tests that need neither root nor a kernel
# make check-systemd     --permanent and doc/recipes.md, under a real systemd
# make check-packages    the tarball, the packages and the image
# make lint, make format, make compile_commands, make dist
# make check-kernels     the kernel tests in other kernels: ARCHES="amd64 arm64" KERNELS="5.10 6.1 newest" CPUS="1 2"
# make valgrind, make fuzz, make coverage
# make bench             the figures in README.md
# make bench-peers       those beside what others use, into doc/bench (QUICK=1: a try, into build/quick)
# make record            doc/demo.svg, from a real terminal
# make plots             doc/bench.md and its plots, drawn from those figures
#
# With any of them: V=1 shows the commands, CC=clang, WERROR=1 makes a warning end the build. In a build folder of their
# own: SANITIZE=1 (ASan and UBSan), COVERAGE=1 (counts which lines run).

PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/sbin
MANDIR ?= $(PREFIX)/share/man
BASHDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
FISHDIR ?= $(PREFIX)/share/fish/vendor_completions.d
UNITDIR ?= $(PREFIX)/lib/systemd/system
EXAMPLEDIR ?= $(PREFIX)/share/doc/bindgate/examples
SYSCONFDIR ?= /etc
CLANG ?= clang
BPFTOOL ?= $(firstword $(wildcard /usr/sbin/bpftool) bpftool)
LLVM_STRIP ?= llvm-strip
# What `bindgate version` says: that of the release, and between releases the commit, where this is a clone.
VERSION := $(file <VERSION)
COMMIT := $(if $(wildcard .git),$(shell git describe --tags --exact-match --match 'v$(VERSION)' >/dev/null 2>&1 || git rev-parse -q --verify --short HEAD 2>/dev/null))
BUILT_VERSION := $(VERSION)$(if $(COMMIT),+g$(COMMIT))
Q := $(if $(V),,@)
say = @$(if $(V),:,printf '  %-8s %s\n' $(1) $@)
BUILD := build$(if $(FUZZ),/fuzz,$(if $(SANITIZE),/sanitize,$(if $(COVERAGE),/coverage)))

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wpointer-arith -Wwrite-strings -Wundef \
	-Wformat=2 -Wvla $(if $(WERROR),-Werror)
HARDENING := $(if $(findstring _FORTIFY_SOURCE,$(CFLAGS) $(CPPFLAGS)),,-D_FORTIFY_SOURCE=2) -fstack-protector-strong -fPIE
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
# The folder it is built in leaves no trace.
PREFIX_MAP := -ffile-prefix-map=$(CURDIR)=.
override CFLAGS += -std=gnu11 $(PREFIX_MAP) $(WARNINGS) $(if $(SANITIZE),$(SANITIZERS),$(HARDENING)) $(if $(COVERAGE),$(COUNTERS))
override CPPFLAGS += -D_GNU_SOURCE -Iinclude -Iloader/lib -Iloader -I$(BUILD)
override LDFLAGS += $(if $(SANITIZE),$(SANITIZERS) $(STATIC_SANITIZERS),$(if $(STATIC),-static,-pie) -Wl,-z,relro,-z,now)

# The least versions: of libbpf the first that it was built and run with, of the others the first that has what is used.
# Debian's libcurl cannot be linked statically: with STATIC=1 there is no bindgated.
PKG_CONFIG ?= pkg-config
CLI_LIBRARIES := libbpf=0.7 jansson=2.8 libcyaml=1.0 yaml-0.1=0.1
NODE_LIBRARIES := $(if $(STATIC),,libmicrohttpd=0.9.71 libcurl=7.49 libprotobuf-c=1.3)
TOOLS := $(firstword $(CC)) $(CLANG) $(LLVM_STRIP) $(BPFTOOL) $(if $(STATIC),,protoc-c)
names_of = $(foreach library,$(1),$(firstword $(subst =, ,$(library))))
pkg_libs = $(shell $(PKG_CONFIG) $(if $(STATIC),--static) --libs $(1) 2>/dev/null)
override CPPFLAGS += $(shell $(PKG_CONFIG) --cflags $(call names_of,$(CLI_LIBRARIES) $(NODE_LIBRARIES)) 2>/dev/null)
CLI_LDLIBS := $(call pkg_libs,$(call names_of,$(CLI_LIBRARIES)))
NODE_LDLIBS := $(CLI_LDLIBS) $(call pkg_libs,$(call names_of,$(NODE_LIBRARIES)))

SKELETONS := $(patsubst bpf/%.bpf.c,$(BUILD)/%.skel.h,$(wildcard bpf/*.bpf.c))
LIB := $(BUILD)/libbindgate.a
LIB_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard loader/lib/*/*.c)))
CLI_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard loader/cli/*.c)))
NODE_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(sort $(wildcard loader/node/*.c loader/node/*/*.c)))
PB_OBJECTS := $(patsubst loader/node/source/%.proto,$(BUILD)/%.pb-c.o,$(wildcard loader/node/source/*.proto))
PB_HEADERS := $(PB_OBJECTS:.o=.h)
PROGRAMS := $(BUILD)/bindgate $(if $(STATIC),,$(BUILD)/bindgated)

all: $(PROGRAMS)

$(BUILD)/needs: Makefile deploy/needs.sh
	$(Q)mkdir -p $(@D)
	$(Q)PKG_CONFIG='$(PKG_CONFIG)' deploy/needs.sh $(TOOLS) $(CLI_LIBRARIES) $(NODE_LIBRARIES)
	$(Q)touch $@

help:
	@sed -n '3,/^$$/s/^# \{0,1\}//p' Makefile

# The BPF programs, their debugging information cut down to BTF, each into a header that carries it all.
BPF_CC = $(CLANG) -O2 -g -target bpf -mcpu=v3 -Wall -Wextra -Werror $(PREFIX_MAP) -Iinclude -Ivmlinux $(BPF_CPPFLAGS)
$(BUILD)/%.bpf.o: bpf/%.bpf.c $(wildcard bpf/*.h include/bindgate/*.h) vmlinux/vmlinux.h | $(BUILD)/needs
	$(Q)mkdir -p $(@D)
	$(call say,BPF)
	$(Q)$(BPF_CC) -c $< -o $@
	$(Q)$(LLVM_STRIP) -g $@

$(BUILD)/%.skel.h: $(BUILD)/%.bpf.o
	$(Q)echo '// NOLINTBEGIN: generated' >$@.new
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf 2>/dev/null >>$@.new
	$(Q)echo '// NOLINTEND' >>$@.new
	$(Q)mv $@.new $@

$(BUILD)/%.o: %.c | $(SKELETONS)
	$(Q)mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@

$(LIB): $(LIB_OBJECTS)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/bindgate: $(CLI_OBJECTS) $(LIB)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(CLI_LDLIBS) $(LDLIBS) -o $@

# Generated code: its warnings are not ours.
$(BUILD)/%.pb-c.c $(BUILD)/%.pb-c.h: loader/node/source/%.proto
	$(Q)mkdir -p $(BUILD)
	$(Q)protoc-c --proto_path=loader/node/source --c_out=$(BUILD) $<
$(PB_OBJECTS): %.o: %.c
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -w -c $< -o $@
$(NODE_OBJECTS): | $(PB_HEADERS)

$(BUILD)/bindgated: $(NODE_OBJECTS) $(PB_OBJECTS) $(LIB)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(NODE_LDLIBS) $(LDLIBS) -o $@

# One object has the version in it.
$(BUILD)/built_version.h: FORCE
	@mkdir -p $(@D)
	@echo '#define BINDGATE_VERSION "$(BUILT_VERSION)"' >$@.new
	@cmp -s $@.new $@ && rm $@.new || mv $@.new $@
$(BUILD)/loader/lib/base/version.o: $(BUILD)/built_version.h

-include bench/bench.mk tests/tests.mk

# For editors and analysers: how each file is compiled.
comma := ,
COMPILED := $(patsubst $(BUILD)/%.o,%.c,$(LIB_OBJECTS) $(CLI_OBJECTS) $(NODE_OBJECTS)) $(wildcard tests/*/*.c bench/*.c)
entry = {"directory": "$(CURDIR)"$(comma) "file": "$(1)"$(comma) "command": "$(subst ",\",$(2)) -c $(1)"}
compile_commands: $(SKELETONS) $(PB_HEADERS) $(BUILD)/built_version.h
	$(file >compile_commands.json,[$(call entry,$(firstword $(COMPILED)),$(CC) $(CPPFLAGS) $(CFLAGS)))
	$(foreach source,$(wordlist 2,$(words $(COMPILED)),$(COMPILED)),$(file >>compile_commands.json,$(comma)$(call entry,$(source),$(CC) $(CPPFLAGS) $(CFLAGS))))
	$(foreach source,$(wildcard bpf/*.bpf.c),$(file >>compile_commands.json,$(comma)$(call entry,$(source),$(BPF_CC))))
	$(file >>compile_commands.json,])
	@echo 'compile_commands.json: $(words $(COMPILED)) files'

demo:
	deploy/packages.sh build demo
	+$(MAKE) all
	deploy/demo.sh $(BUILD)/bindgate

# What README shows of it.
record: all
	deploy/record.py doc/demo.svg deploy/demo.sh $(BUILD)/bindgate

lint:
	deploy/packages.sh build check lint
	deploy/lint.sh

lint-rooms:
	$(Q)deploy/rooms.py

format:
	git ls-files 'include/*.h' 'bpf/*.[ch]' 'loader/*.[ch]' 'tests/*.[ch]' 'bench/*.[ch]' | xargs clang-format -i

# Where each file goes. What names a program names it where it is installed.
define FILES
$(BUILD)/bindgate $(BINDIR)/bindgate 755
$(if $(STATIC),,$(BUILD)/bindgated $(BINDIR)/bindgated 755)
doc/man/bindgate.8 $(MANDIR)/man8/bindgate.8
doc/man/bindgated.8 $(MANDIR)/man8/bindgated.8
doc/man/bindgate.yaml.5 $(MANDIR)/man5/bindgate.yaml.5
deploy/completion/bindgate.bash $(BASHDIR)/bindgate
deploy/completion/_bindgate $(ZSHDIR)/_bindgate
deploy/completion/bindgate.fish $(FISHDIR)/bindgate.fish
deploy/systemd/bindgated.service $(UNITDIR)/bindgated.service
$(foreach file,$(wildcard deploy/podman/* deploy/kubernetes/*.yaml deploy/prometheus/* deploy/grafana/*),$(file) $(EXAMPLEDIR)/$(file:deploy/%=%)$(newline))
endef
define newline


endef

install: all
	@printf '%s\n' '$(subst $(newline),' ',$(FILES))' | while read -r from to mode; do \
		[ -z "$$from" ] || install -D -m "$${mode:-644}" "$$from" "$(DESTDIR)$$to" || exit; done
	@sed -i 's|/usr/local/sbin/|$(BINDIR)/|g' $(DESTDIR)$(UNITDIR)/bindgated.service $(DESTDIR)$(EXAMPLEDIR)/podman/bindgate.json
	@[ -e $(DESTDIR)$(SYSCONFDIR)/bindgate/bindgate.yaml ] || \
		install -D -m 644 deploy/bindgate.yaml $(DESTDIR)$(SYSCONFDIR)/bindgate/bindgate.yaml

# The configuration stays.
uninstall:
	@printf '%s\n' '$(subst $(newline),' ',$(FILES))' | while read -r from to mode; do \
		[ -z "$$from" ] || rm -f "$(DESTDIR)$$to"; done

# The release: what is committed, with its checksum. In a tarball there is nothing to make one from.
DIST := bindgate-$(VERSION)
dist:
	$(Q)mkdir -p $(BUILD)
	$(Q)git archive --format=tar --prefix=$(DIST)/ HEAD | gzip -9n >$(BUILD)/$(DIST).tar.gz
	$(Q)cd $(BUILD) && sha256sum $(DIST).tar.gz >$(DIST).tar.gz.sha256
	@cat $(BUILD)/$(DIST).tar.gz.sha256

clean:
	rm -rf build

FORCE:
.PHONY: all help compile_commands demo record lint lint-rooms format install uninstall dist clean FORCE
.DELETE_ON_ERROR:
.SECONDARY:
-include $(shell find $(BUILD) \( -path $(BUILD)/peers -o -path $(BUILD)/engines \) -prune -o -type f -name '*.d' -print 2>/dev/null)
