# The two commands most people need are `make demo` and `make test`; `make help` lists the rest.

SWIFT ?= swift
APT_PACKAGES := libprotobuf-c-dev protobuf-c-compiler libprotobuf-dev protobuf-compiler libgmime-3.0-dev zlib1g-dev libzstd-dev libsnappy-dev libdeflate-dev \
	libsqlite3-dev libsodium-dev libmimalloc-dev pkg-config rclone gnupg openssh-client openssh-sftp-server libwrap0 strace jq python3 python3-venv zsh fish libpython3.11-testsuite golang-go golang-github-containerd-ttrpc-dev gogottrpc
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)

.DEFAULT_GOAL := help
READERS := .build/python/requirements.txt
CLIENTS := .build/clients/python/installed .build/c/sanitized/scenes
SERVERS := .build/servers/requirements.txt .build/servers/openssh/usr/sbin/sshd .build/servers/postfix/usr/sbin/postfix .build/servers/prometheus/usr/bin/promtool
.PHONY: help deps demo build test man install release deb test-package soak crash check bench bench-deps bench-growth bench-count bench-page fuzz protos format

help:            ## Lists these targets.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

deps:            ## Installs the Debian packages the project needs (nothing when they are there).
	@missing=$$(for p in $(APT_PACKAGES); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q '^install ok installed$$' || echo $$p; done); \
	if [ -n "$$missing" ]; then \
		echo "installing" $$missing; \
		$(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	fi

# Programs that need no Swift where they run.
RELEASE := $(SWIFT) build -c release --static-swift-stdlib
demo: deps       ## Builds for release, then takes real mail and SMS from a sender to exported files and shows each step.
	$(RELEASE) --product msgexportd
	$(RELEASE) --product msgexport
	Clients/Demo/demo.sh "$$($(RELEASE) --show-bin-path)"

build: deps      ## Builds everything, tests included.
	$(SWIFT) build --build-tests

# Apart, as tests of one run share its threads: those that compute for long would starve those that talk to each other.
# One that waits for what never comes is ended.
# A crash says first what it was.
export SWIFT_BACKTRACE ?= threads=crashed,registers=none,images=none,limit=32,color=no
# Whole daemons and servers: as many at a time as have a fair share of two cores.
FEW := --experimental-maximum-parallelization-width 6
TESTS := timeout --kill-after=30 1500 $(SWIFT) test --skip-build
test: build $(READERS) $(SERVERS) $(CLIENTS) ## Builds, then runs all tests.
	$(TESTS) --skip 'RPCTests|IntegrationTests|CrashTests|SupervisorTests'
	$(TESTS) --filter RPCTests
	$(TESTS) $(FEW) --filter 'IntegrationTests|CrashTests' --skip StorageServerTests
	$(TESTS) $(FEW) --filter 'SupervisorTests|StorageServerTests'

# What `install` puts where: programs, their pages and completions, systemd's units, the documents, alerts and dashboard. BIN: where programs
# are built already.
PREFIX ?= /usr/local
SERVICE := Sources/msgexportd/Service
UNITS ?= $(if $(filter /usr,$(PREFIX)),/lib/systemd/system,$(PREFIX)/lib/systemd/system)
PLACE = $(DESTDIR)$(PREFIX)
install: $(if $(BIN),,release) man ## Installs programs, pages, completions and systemd's units (PREFIX=/usr/local, DESTDIR=).
	install -d $(PLACE)/bin $(PLACE)/share/man/man1 $(PLACE)/share/message-export $(PLACE)/share/doc/message-export $(DESTDIR)$(UNITS) \
		$(PLACE)/lib/sysusers.d $(PLACE)/lib/tmpfiles.d $(PLACE)/share/bash-completion/completions $(PLACE)/share/zsh/vendor-completions \
		$(PLACE)/share/fish/vendor_completions.d $(DESTDIR)/etc/message-export
	bin="$(BIN)"; bin="$${bin:-$$($(RELEASE) --show-bin-path)}"; install -s -m 755 "$$bin/msgexportd" "$$bin/msgexport" $(PLACE)/bin
	for program in msgexport msgexportd; do \
		$(PLACE)/bin/$$program --generate-completion-script bash >$(PLACE)/share/bash-completion/completions/$$program; \
		$(PLACE)/bin/$$program --generate-completion-script zsh >$(PLACE)/share/zsh/vendor-completions/_$$program; \
		$(PLACE)/bin/$$program --generate-completion-script fish >$(PLACE)/share/fish/vendor_completions.d/$$program.fish; done
	[ -e $(DESTDIR)/etc/message-export/msgexportd.yaml ] || $(PLACE)/bin/msgexportd config example >$(DESTDIR)/etc/message-export/msgexportd.yaml
	for page in .build/man/man1/*.1; do gzip -9nc $$page >$(PLACE)/share/man/man1/$$(basename $$page).gz; done
	sed 's|@BINDIR@|$(PREFIX)/bin|' $(SERVICE)/message-export.service >$(DESTDIR)$(UNITS)/message-export.service
	install -m 644 $(SERVICE)/message-export.socket $(DESTDIR)$(UNITS)
	install -m 644 $(SERVICE)/sysusers.conf $(PLACE)/lib/sysusers.d/message-export.conf
	install -m 644 $(SERVICE)/tmpfiles.conf $(PLACE)/lib/tmpfiles.d/message-export.conf
	install -m 644 $(SERVICE)/alerts.yaml $(SERVICE)/dashboard.json $(PLACE)/share/message-export
	install -m 644 README.md OPERATING.md SECURITY.md CHANGELOG.md $(PLACE)/share/doc/message-export
	install -m 644 LICENSE $(PLACE)/share/doc/message-export/copyright

release: deps    ## Builds the programs for release.
	$(RELEASE) --product msgexportd
	$(RELEASE) --product msgexport

# The version is the product's; what it depends on is what its programs are linked with.
VERSION := $(shell sed -n 's/.*productVersion = "\(.*\)"/\1/p' Sources/Model/DaemonStatus.swift)
DEB_VERSION ?= $(VERSION)
PACKAGE := .build/package
ARCH := $(shell dpkg --print-architecture 2>/dev/null)
deb: $(if $(BIN),,release) ## Makes a Debian package, .build/message-export_VERSION_ARCH.deb.
	rm -rf $(PACKAGE) && mkdir -p $(PACKAGE)/root/DEBIAN $(PACKAGE)/debian
	$(MAKE) --no-print-directory install PREFIX=/usr DESTDIR=$(CURDIR)/$(PACKAGE)/root BIN="$(BIN)" >/dev/null
	printf 'Source: message-export\n' >$(PACKAGE)/debian/control
	cd $(PACKAGE) && dpkg-shlibdeps -O root/usr/bin/msgexportd root/usr/bin/msgexport 2>/dev/null | sed 's/^shlibs:Depends=//' >depends
	sed -e 's|@VERSION@|$(DEB_VERSION)|' -e 's|@ARCH@|$(ARCH)|' -e "s|@DEPENDS@|$$(cat $(PACKAGE)/depends)|" \
		$(SERVICE)/debian/control >$(PACKAGE)/root/DEBIAN/control
	cp $(SERVICE)/debian/conffiles $(SERVICE)/debian/postinst $(SERVICE)/debian/prerm $(SERVICE)/debian/postrm $(PACKAGE)/root/DEBIAN/
	find $(PACKAGE)/root -type d -exec chmod 755 '{}' +
	dpkg-deb --build --root-owner-group $(PACKAGE)/root .build/message-export_$(DEB_VERSION)_$(ARCH).deb

# Mixed load, kills, a destination that comes and goes, days that pass (by another clock for the daemon alone); what must hold is looked at in the end.
SOAK_MINUTES ?= 60
FAKETIME = $(wildcard $(CURDIR)/.build/servers/prometheus/usr/lib/*/faketime/libfaketimeMT.so.1)
soak: release $(CLIENTS) $(SERVERS) ## Runs a daemon under load for an hour (SOAK_MINUTES), and looks whether all still holds.
	bin="$$($(RELEASE) --show-bin-path)"; .build/clients/python/bin/python Tests/Soak/soak.py $(SOAK_MINUTES) "$$bin/msgexportd" "$$bin/msgexport" \
		$(FAKETIME) $(CURDIR)/.build/soak

# In a Debian root of its own, as root: install, run by the units' words, upgrade, remove, purge.
test-package:    ## Makes the package and tries it in a clean Debian root.
	command -v debootstrap >/dev/null || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends debootstrap >/dev/null; }
	$(MAKE) --no-print-directory deb DEB_VERSION=$(VERSION) BIN="$(BIN)"
	bin="$(BIN)"; $(MAKE) --no-print-directory deb DEB_VERSION=$(VERSION)+1 BIN="$${bin:-$$($(RELEASE) --show-bin-path)}"
	$(SUDO) /usr/bin/python3 Tests/Package/package.py $(CURDIR)/.build/clean/root .build/message-export_$(VERSION)_$(ARCH).deb .build/message-export_$(VERSION)+1_$(ARCH).deb

# The help of each command, as pages. What the generator joins by dots is joined by dashes, as people look for it: msgexport-spool-send(1).
man: deps        ## Makes man pages of the programs' help, in .build/man.
	$(SWIFT) package --allow-writing-to-package-directory generate-manual --configuration debug --multi-page >/dev/null
	rm -rf .build/man && mkdir -p .build/man/man1
	for page in .build/plugins/GenerateManual/outputs/*/*.1; do \
		name=$$(basename $$page .1 | tr . -); \
		sed -E -e "s/^\.Dt .*/.Dt $$(echo $$name | tr a-z A-Z) 1/" -e ':again; s/^(\.Xr msgexportd?[a-z-]*)\./\1-/; t again' $$page >.build/man/man1/$$name.1; done
	@echo "$$(ls .build/man/man1 | wc -l) pages: man -M .build/man msgexport"

# pyarrow, DuckDB and polars, which judge the files that the tests write.
$(READERS): Tests/requirements.txt | deps
	/usr/bin/python3 -m venv .build/python
	.build/python/bin/pip install --quiet --disable-pip-version-check -r $<
	cp $< $@

# The Python client, as whoever uses it installs it.
.build/clients/python/installed: Clients/Python/pyproject.toml $(wildcard Clients/Python/src/msgexport/*) | deps
	/usr/bin/python3 -m venv .build/clients/python
	.build/clients/python/bin/pip install --quiet --disable-pip-version-check --force-reinstall ./Clients/Python
	touch $@

.build/c/sanitized/scenes: $(wildcard Clients/C/*/*.[ch] Sources/CMessages/generated/*/*/*.c) Clients/C/Makefile | deps
	$(MAKE) --no-print-directory -C Clients/C BUILD=$(CURDIR)/.build/c tests >/dev/null

# Servers that tests talk to. Those of Debian are unpacked and not installed: nobody wants a service of the machine's for that.
.build/servers/requirements.txt: Tests/Servers/requirements.txt | deps
	/usr/bin/python3 -m venv .build/servers/python
	.build/servers/python/bin/pip install --quiet --disable-pip-version-check -r $<
	cp $< $@

.build/servers/openssh/usr/sbin/sshd: | deps
	$(call unpack,openssh,openssh-server)

.build/servers/postfix/usr/sbin/postfix: | deps
	$(call unpack,postfix,postfix libdb5.3 libicu72 libnsl2 libsasl2-2 libssl3)

# With a clock that can be set for one program.
.build/servers/prometheus/usr/bin/promtool: | deps
	$(call unpack,prometheus,prometheus libfaketime)

# Debian packages, unpacked in a folder.
define unpack
mkdir -p .build/servers/$(1).new
cd .build/servers/$(1).new && { apt-get download -qq $(2) 2>/dev/null || { $(SUDO) apt-get update -qq && apt-get download -qq $(2); }; } && for package in *.deb; do dpkg -x $$package . && rm $$package; done
rm -rf .build/servers/$(1) && mv .build/servers/$(1).new .build/servers/$(1)
endef

# What tests do in part because it takes long, in full: 1,000 kills of the real daemon and 300 of its exports, every byte of a dataset flipped, a million rows.
KILLS ?= 1000
crash: build $(READERS) ## Kills the daemon 1,000 times under load (KILLS), flips every byte of a dataset: 45 minutes.
	KILLS=$(KILLS) $(SWIFT) test --skip-build --filter CrashTests
	ALL=1 ROWS=1000000 $(SWIFT) test --skip-build --filter 'DamageTests|PowerCutTests|RewritingTests|ParquetTests'

# The C side sees every `string` as `bytes` (the same on the wire): protobuf-c hands out strings without their length and so
# cuts them at a NUL. And protoc-c knows no proto3 `optional`; a oneof of one member is the same on the wire. What it drops (which
# methods stream, which may be repeated) is taken from the descriptor set, which goes along as bytes.
PROTOS := ttrpc google/rpc/status grpc/health/v1/health grpc/reflection/v1/reflection $(patsubst Protos/%.proto,%,$(wildcard Protos/messageexport/v1/*.proto))
C_PROTOS ?= $(CURDIR)/.build/c-protos
C_OUT ?= $(CURDIR)/Sources/CMessages
PYTHON_OUT ?= $(CURDIR)/Clients/Python/src/msgexport
protos: deps     ## Generates Sources/CMessages from Protos with protoc-c, and what the Python client makes its messages of.
	rm -rf $(C_PROTOS) && mkdir -p $(C_PROTOS)/in $(C_PROTOS)/out
	cd Protos && for p in $(PROTOS); do mkdir -p $(C_PROTOS)/in/$$(dirname $$p); sed -E \
		-e 's/^( *)optional string /\1optional bytes /' \
		-e 's/^( *)optional (\w+) (\w+) = ([0-9]+);/\1oneof \3_presence { \2 \3 = \4; }/' \
		-e 's/^( *)map<string, string> /\1message TextEntry { bytes key = 1; bytes value = 2; } repeated TextEntry /' \
		-e 's/^( *(repeated )?)string /\1bytes /' $$p.proto > $(C_PROTOS)/in/$$p.proto; done
	cd $(C_PROTOS)/in && protoc-c -I . -I /usr/include --c_out=../out $(addsuffix .proto,$(PROTOS)) google/protobuf/any.proto \
		google/protobuf/descriptor.proto
	cd Protos && protoc-c -I . -I /usr/include --include_imports --descriptor_set_out=$(C_PROTOS)/descriptors $(addsuffix .proto,$(PROTOS))
	cp $(C_PROTOS)/descriptors $(PYTHON_OUT)/descriptors.bin
	rm -rf $(C_OUT)/generated $(addprefix $(C_OUT)/include/,messageexport google grpc ttrpc.pb-c.h)
	mkdir -p $(C_OUT)/generated $(C_OUT)/include
	cd $(C_PROTOS)/out && find . -name '*.pb-c.h' -exec cp --parents {} $(C_OUT)/include ';'
	cd $(C_PROTOS)/out && find . -name '*.pb-c.c' -exec cp --parents {} $(C_OUT)/generated ';'
	{ printf '#include "descriptors.h"\n\nconst unsigned char file_descriptor_set[] = {\n'; \
		od -An -v -w32 -tu1 $(C_PROTOS)/descriptors | sed -E 's/ +([0-9]+)/\1,/g'; \
		printf '};\nconst size_t file_descriptor_set_size = sizeof(file_descriptor_set);\n'; } >$(C_OUT)/generated/descriptors.c

check: build     ## Checks the house rules alone: formatting, generated code, imports, comments, lengths, links.
	$(SWIFT) test --skip-build --filter TidyTests

# What measures each of the goals. Of one: `make bench ONLY=P5`, or `ONLY="P1 P4"`; of what has no goal: `ONLY="SENDER DELIVERY FAIRNESS"`.
BENCH_P1 := ingest
BENCH_P2 := ingest
BENCH_P3 := ingest
BENCH_P4 := disabled
BENCH_P5 := export
BENCH_P6 := store
BENCH_P7 := start
BENCH_P8 := memory
BENCH_P9 := store
BENCH_P10 := growth
BENCH_DELIVERY := delivery
BENCH_SENDER := sender
BENCH_FAIRNESS := fairness
BENCHES ?= $(if $(ONLY),$(sort $(foreach goal,$(ONLY),$(BENCH_$(goal)))),ingest disabled export store start memory)
BENCH_PACKAGES := redis-server postgresql postgresql-contrib nats-server libnats-dev gcc
BENCH := .build/bench
bench-deps: deps
	@missing=$$(for p in $(BENCH_PACKAGES); do dpkg-query -W -f='$${Status}' $$p 2>/dev/null | grep -q '^install ok installed$$' || echo $$p; done); \
	if [ -n "$$missing" ]; then $(SUDO) apt-get update -qq && DEBIAN_FRONTEND=noninteractive $(SUDO) apt-get install -y -qq --no-install-recommends $$missing >/dev/null; fi

# Another commit's daemon, built in a folder of its own.
BASE_TREE = $(BENCH)/base/$(shell git rev-parse --short $(BASE) 2>/dev/null)
bench: bench-deps $(READERS) $(if $(filter sender delivery,$(BENCHES)),$(SERVERS) $(CLIENTS)) $(BENCH)/python ## Measures a release build beside its peers (ONLY="P1 P5"; BASE=COMMIT: beside another commit too).
	$(RELEASE) --product msgexportd
	$(RELEASE) --product Bench
	$(if $(BASE),[ -d $(BASE_TREE) ] || git worktree add --detach $(BASE_TREE) $(BASE); cd $(BASE_TREE) && $(RELEASE) --product msgexportd)
	rm -rf $(BENCH)/results && mkdir -p $(BENCH)/results
	bin="$$($(RELEASE) --show-bin-path)"; for bench in $(BENCHES); do \
		"$$bin/Bench" $$bench "$$bin" $(BENCH)/results $(if $(BASE),"$$(cd $(BASE_TREE) && $(RELEASE) --show-bin-path)"); done
	$(BENCH)/python/bin/python Tests/Bench/report.py $(BENCH)/results $(BENCH)/report

bench-growth:    ## Measures what grows: 20 million records, 1,000 connections, 1,000 sandboxes.
	$(MAKE) --no-print-directory bench BENCHES=growth

bench-count:     ## Counts the instructions of an ingest and of each encoder, beside what they were last.
	command -v valgrind >/dev/null || { $(SUDO) apt-get update -qq && $(SUDO) apt-get install -y -qq --no-install-recommends valgrind libc6-dbg >/dev/null; }
	$(MAKE) --no-print-directory bench BENCHES=count

bench-page:      ## Puts what the last `make bench` found into BENCHMARKS.md.
	$(BENCH)/python/bin/python Tests/Bench/report.py $(BENCH)/results Tests/Bench/Report BENCHMARKS.md

$(BENCH)/python: Tests/Bench/requirements.txt | deps
	/usr/bin/python3 -m venv $@
	$@/bin/pip install --quiet --disable-pip-version-check -r $<
	touch $@

# libFuzzer guides itself by the coverage of everything below, the generated C included. A target's corpus is what
# it finds new; the inputs in the repository are its seeds. The canary comes first: it must fail, or no failure would be seen.
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= frames connection client requests dynamic
FUZZ_BUILD := $(CURDIR)/.build-fuzz
FUZZ_FLAGS := -rss_limit_mb=1024 -timeout=10 -max_len=8192 -print_final_stats=1
fuzz: deps       ## Feeds decoders and state machines with garbage, guided by coverage (FUZZ_SECONDS=60 each, FUZZ_TARGETS).
	$(SWIFT) build -c release --scratch-path $(FUZZ_BUILD) --product Fuzz -Xswiftc -DFUZZING -Xswiftc -Xfrontend -Xswiftc -sanitize=fuzzer \
		-Xcc -fsanitize=fuzzer-no-link -Xlinker -lstdc++ \
		-Xlinker "$$($(SWIFT) -print-target-info | sed -n 's/.*"runtimeResourcePath": "\(.*\)".*/\1/p')/clang/lib/linux/libclang_rt.fuzzer_no_main-$$(uname -m).a"
	mkdir -p $(FUZZ_BUILD)/corpus/canary && cd $(FUZZ_BUILD) && ! ./release/Fuzz canary -max_total_time=60 corpus/canary >canary.log 2>&1 \
		&& grep -q 'deadly signal' canary.log && rm -f crash-* && echo "canary: failed, as it must"
	for target in $(FUZZ_TARGETS); do \
		mkdir -p $(FUZZ_BUILD)/corpus/$$target && echo "$$target: $(FUZZ_SECONDS) s" && \
		(cd $(FUZZ_BUILD) && ./release/Fuzz $$target $(FUZZ_FLAGS) -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$$target- corpus/$$target \
			$(CURDIR)/Tests/Vectors/fuzz/$$target) >$(FUZZ_BUILD)/$$target.log 2>&1 || { tail -40 $(FUZZ_BUILD)/$$target.log; exit 1; }; \
		grep -E 'stat::(number_of|new_units|slowest|peak)' $(FUZZ_BUILD)/$$target.log; \
	done

format:          ## Formats the Swift sources.
	$(SWIFT) format --in-place --recursive Package.swift Sources Clients Tests
