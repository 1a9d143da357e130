# Nightshift. `make demo` shows it at work, `make test` proves it.
#
# Both need root on Debian 12 with Go, and say what they install before they do:
# Debian packages on this host (a compiler for the race detector, mmdebstrap), and
# a root of its own for the real components, cached below ~/.cache/nightshift.

GO      ?= go
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
PREFIX  ?= /usr
DESTDIR ?=

ROLLBACKS ?= 100
HOURS     ?= 1000
SEED      ?= 0

LDFLAGS := -s -w -X main.version=$(VERSION)

.PHONY: all build demo host test faults simulate mutants bench check fuzz install install-vm uninstall prepare clean help

all: build

help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST)

## build       bin/nightshift, static
build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/nightshift ./cmd/agent

## demo        the agent at work on real components; INTERACTIVE=1 REAL=1 KEEP=1
demo: host
	@$(GO) run ./test/demo

## test        every test, with the race detector, in a random order; four packages at once,
##             because the long ones wait more than they compute
test: prepare
	@GO='$(GO)' test/all

## faults      ROLLBACKS=100 of a virtual machine, half of them with a kill, a stop or a
##             reboot in the middle; SEED= repeats the faults
faults: prepare
	$(GO) test -c -o bin/faults.test -tags failpoints ./test/faults
	cd test/faults && ../../bin/faults.test -test.run '^TestRollbacksSurviveFaults$$' -test.timeout 3h -rollbacks $(ROLLBACKS) -seed $(SEED)

## simulate    HOURS=1000 of virtual time in a world of memory that wishes the agent ill;
##             SEED= replays one
simulate:
	$(GO) test -c -o bin/simulate.test ./test/simulate
	cd test/simulate && GOMAXPROCS=1 ../../bin/simulate.test -test.run '^TestSimulation$$' -test.timeout 1h -hours $(HOURS) -seed $(SEED)

## mutants     the simulation has to catch each patch of test/mutants, by itself
mutants:
	$(GO) run ./test/mutants

## bench       what it costs, beside the floor; a table, and JSON in bin/bench.json
bench: prepare
	$(GO) run ./test/bench

## check       formatting, vet, lint, rules, units
check: prepare
	test/check

## fuzz        each decoder for a minute
fuzz:
	test/fuzz

host:
	@test/prepare

prepare: host
	@$(GO) run ./test/world/prepare

## install     the binary, its unit, user, completions, and below share/nightshift what
##             Prometheus and Alertmanager need (docs/monitoring.md); DESTDIR= PREFIX=
install: build
	install -D -m 0755 bin/nightshift $(DESTDIR)$(PREFIX)/bin/nightshift
	install -D -m 0644 deploy/systemd/nightshift.service $(DESTDIR)$(PREFIX)/lib/systemd/system/nightshift.service
	install -m 0644 deploy/systemd/nightshift-limit@.service deploy/systemd/nightshift-unlimit@.service $(DESTDIR)$(PREFIX)/lib/systemd/system/
	cd $(DESTDIR)$(PREFIX)/lib/systemd/system && sed -i 's|^ExecStart=/usr/bin/|ExecStart=$(PREFIX)/bin/|' nightshift.service nightshift-limit@.service nightshift-unlimit@.service
	install -D -m 0644 deploy/systemd/nightshift.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/nightshift.conf
	install -m 0644 deploy/systemd/nightshift-vacuum.service deploy/systemd/nightshift-tmpclean.service deploy/systemd/nightshift-nix-gc.service deploy/systemd/nightshift-firewall.service deploy/systemd/nightshift-firewall.timer $(DESTDIR)$(PREFIX)/lib/systemd/system/
	install -D -m 0644 deploy/systemd/nightshift-firewall.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/nightshift-firewall.conf
	install -D -m 0644 deploy/systemd/nightshift-tmpclean.conf $(DESTDIR)$(PREFIX)/share/nightshift/nightshift-tmpclean.conf
	sed -i 's|/usr/share/nightshift/|$(PREFIX)/share/nightshift/|' $(DESTDIR)$(PREFIX)/lib/systemd/system/nightshift-tmpclean.service
	install -d $(DESTDIR)$(PREFIX)/share/bash-completion/completions
	bin/nightshift completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/nightshift
	install -d -m 0755 $(DESTDIR)/etc/nightshift
	install -d -m 0755 $(DESTDIR)$(PREFIX)/share/nightshift/prometheus $(DESTDIR)$(PREFIX)/share/nightshift/alertmanager
	install -m 0644 deploy/prometheus/*.yml $(DESTDIR)$(PREFIX)/share/nightshift/prometheus/
	install -m 0644 deploy/alertmanager/*.yml $(DESTDIR)$(PREFIX)/share/nightshift/alertmanager/
	@echo 'Next: systemd-sysusers; write /etc/nightshift/nightshift.yaml (nightshift init) and'
	@echo '/etc/nightshift/nightshift.env; nightshift config polkit > /etc/polkit-1/rules.d/10-nightshift.rules'

## install-vm  on the machine that runs RAVE's virtual machine: QEMU's units, user, places,
##             and the monitoring outside of the guest
install-vm: install
	install -d -m 0755 $(DESTDIR)$(PREFIX)/lib/systemd/system/nightshift.service.d
	install -m 0644 deploy/systemd/nightshift.service.d/rave-vm.conf $(DESTDIR)$(PREFIX)/lib/systemd/system/nightshift.service.d/
	install -m 0644 deploy/systemd/rave-vm.service deploy/systemd/rave-proof.service deploy/systemd/nightshift-promote@.service $(DESTDIR)$(PREFIX)/lib/systemd/system/
	sed -i 's|^ExecStart=/usr/bin/nightshift|ExecStart=$(PREFIX)/bin/nightshift|' $(DESTDIR)$(PREFIX)/lib/systemd/system/nightshift-promote@.service
	sed -i 's|^ExecStop=-/usr/bin/nightshift|ExecStop=-$(PREFIX)/bin/nightshift|' $(DESTDIR)$(PREFIX)/lib/systemd/system/rave-vm.service
	install -D -m 0644 deploy/systemd/rave-vm.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/rave-vm.conf
	install -D -m 0644 deploy/systemd/rave-vm.tmpfiles $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/rave-vm.conf
	install -d -m 0755 $(DESTDIR)$(PREFIX)/share/nightshift/rave-host
	install -m 0644 deploy/rave-host/*.yml $(DESTDIR)$(PREFIX)/share/nightshift/rave-host/
	@echo 'Next: systemd-sysusers; systemd-tmpfiles --create rave-vm.conf; the first image: docs/inventory.md, vms'

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/nightshift $(DESTDIR)$(PREFIX)/lib/systemd/system/nightshift.service
	rm -f $(DESTDIR)$(PREFIX)/lib/sysusers.d/nightshift.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/nightshift-firewall.conf
	rm -f $(DESTDIR)$(PREFIX)/share/bash-completion/completions/nightshift
	rm -rf $(DESTDIR)$(PREFIX)/lib/systemd/system/nightshift.service.d $(DESTDIR)$(PREFIX)/share/nightshift
	cd $(DESTDIR)$(PREFIX)/lib/systemd/system && rm -f rave-vm.service rave-proof.service nightshift-promote@.service nightshift-limit@.service nightshift-unlimit@.service
	cd $(DESTDIR)$(PREFIX)/lib/systemd/system && rm -f nightshift-vacuum.service nightshift-tmpclean.service nightshift-nix-gc.service nightshift-firewall.service nightshift-firewall.timer
	rm -f $(DESTDIR)$(PREFIX)/lib/sysusers.d/rave-vm.conf $(DESTDIR)$(PREFIX)/lib/tmpfiles.d/rave-vm.conf

clean:
	rm -rf bin
