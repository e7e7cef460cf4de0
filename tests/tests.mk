# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What tests, and what it is built from. Read by the Makefile.

ORACLE_OBJECTS := $(patsubst %.c,$(BUILD)/%.o,$(wildcard tests/oracle/*.c))
UNIT_TESTS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/unit/test_*.c))
KERNEL_SUPPORT := $(filter tests/kernel/harness%.c tests/kernel/worker%.c,$(wildcard tests/kernel/*.c))
KERNEL_TESTS := $(patsubst %.c,$(BUILD)/%,$(filter-out $(KERNEL_SUPPORT),$(wildcard tests/kernel/*.c)))
FUZZ_TARGETS := $(filter-out replay program,$(basename $(notdir $(wildcard tests/fuzz/*.c))))
FUZZ_PARTS := $(BUILD)/tests/fuzz/program.o $(ORACLE_OBJECTS) $(BUILD)/cli.a $(BUILD)/node.a $(LIB)
FUZZ_LDLIBS := -Wl,--wrap=exit $(NODE_LDLIBS) $(LDLIBS) -lseccomp
REPLAYS := $(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/replay-%)
FUZZERS := $(FUZZ_TARGETS:%=$(BUILD)/fuzz-%)

$(UNIT_TESTS): $(BUILD)/%: $(BUILD)/%.o $(ORACLE_OBJECTS) $(LIB)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ -lcmocka $(CLI_LDLIBS) $(LDLIBS) -lm -o $@

$(KERNEL_TESTS): $(BUILD)/%: $(BUILD)/%.o $(patsubst %.c,$(BUILD)/%.o,$(KERNEL_SUPPORT)) $(ORACLE_OBJECTS) $(LIB)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(CLI_LDLIBS) $(LDLIBS) -o $@

$(BUILD)/tests/fault/inject $(BUILD)/tests/fault/starve: %: %.o
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ -lseccomp -o $@

# Fuzz targets: with libFuzzer for make fuzz, and as programs that take the corpus again for make check. Of the two
# programs they take what they call.
$(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/%.o): | $(PB_HEADERS)
$(BUILD)/cli.a: $(filter-out %/main.o,$(CLI_OBJECTS))
$(BUILD)/node.a: $(filter-out %/main.o,$(NODE_OBJECTS)) $(PB_OBJECTS)
$(BUILD)/cli.a $(BUILD)/node.a:
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^
$(REPLAYS): $(BUILD)/tests/fuzz/replay-%: $(BUILD)/tests/fuzz/%.o $(BUILD)/tests/fuzz/replay.o $(FUZZ_PARTS)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(FUZZ_LDLIBS) -o $@
$(FUZZERS): $(BUILD)/fuzz-%: $(BUILD)/tests/fuzz/%.o $(FUZZ_PARTS)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -fsanitize=fuzzer $^ $(FUZZ_LDLIBS) -o $@
fuzzers: $(FUZZERS)

tests: $(UNIT_TESTS) $(KERNEL_TESTS) $(REPLAYS) $(BENCHES) $(BUILD)/tests/fault/inject $(BUILD)/tests/fault/starve
kernel-tests: $(KERNEL_TESTS)

check:
	deploy/packages.sh build check
	+$(MAKE) WERROR=1 all tests
	tests/run $(BUILD)

# Neither root nor a kernel that can: for who packages it.
check-unit: $(UNIT_TESTS) $(REPLAYS)
	tests/unit/run $(BUILD)

check-packages:
	deploy/packages.sh build check packages
	+$(MAKE) WERROR=1 all
	tests/run $(BUILD) tests/packages/

# --permanent and the recipes, under a systemd that is PID 1 of its own root
check-systemd:
	deploy/packages.sh build check
	+$(MAKE) WERROR=1 all
	tests/run $(BUILD) tests/systemd

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

check-engines:
	deploy/packages.sh build check
	+$(MAKE) WERROR=1 all
	tests/engines/run $(BUILD)

.PHONY: check-unit check-packages check-systemd tests kernel-tests fuzzers check valgrind fuzz coverage check-kernels check-engines
