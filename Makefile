# What there is to do here. `make help` lists it.

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null | sed 's/^v//' || true)
DATE    ?= $(shell TZ=UTC0 git log -1 --date=format-local:%Y-%m-%dT%H:%M:%SZ --format=%cd 2>/dev/null)
LDFLAGS  = -X main.version=$(VERSION) -X main.date=$(DATE)

# Tools come from a module of their own, so that ours does not carry them.
TOOL = go tool -modfile=tools/go.mod

# Packages in which goroutines share state; the race detector runs on these.
RACE = ./kv/mem ./kv/groupcommit ./store ./issue ./provisioner ./revocation

# How long each fuzz target runs.
FUZZTIME ?= 10s

.PHONY: build
build: ## build step and step-ca into bin/
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

.PHONY: demo
demo: build ## show a CA at work: init, certificate, HTTPS, renewal, revocation
	scripts/demo.sh bin

.PHONY: test
test: peers ## run all tests
	go vet ./...
	go test -timeout 30m ./...

.PHONY: peers
peers: ## install the programs that tests talk to (Debian, as root)
	scripts/install-peers.sh

.PHONY: race
race: ## run the core packages' tests with the race detector
	go test -timeout 30m -race -short $(RACE)

.PHONY: lint
lint: ## check formatting, vet and staticcheck
	scripts/gofmt-check.sh
	go vet ./...
	$(TOOL) staticcheck ./...

.PHONY: cross
cross: ## check that the programs build for other systems
	CGO_ENABLED=0 GOOS=darwin go build ./...
	CGO_ENABLED=0 GOOS=windows go build ./...

.PHONY: fuzz
fuzz: ## run each fuzz target for FUZZTIME
	scripts/fuzz.sh $(FUZZTIME)

.PHONY: bench
bench: ## measure this CA on this machine; see docs/performance.md
	go run ./bench

.PHONY: man
man: build ## write the manual pages of step into bin/man
	bin/step help --man bin/man

.PHONY: clean
clean: ## remove what the targets above made
	rm -rf bin

.PHONY: help
help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile
