# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
# What measures, and what it is built from. Read by the Makefile.

BENCHES := $(patsubst %.c,$(BUILD)/%,$(filter-out bench/bench.c,$(wildcard bench/*.c)))

$(BENCHES): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/bench/bench.o $(LIB)
	$(call say,LINK)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) $^ $(CLI_LDLIBS) $(LDLIBS) -lm -o $@

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

.PHONY: bench bench-peers plots
