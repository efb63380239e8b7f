# The commands of Watchfire. `make run` and `make test` are the two to know.

CARGO ?= cargo
export CARGO_BUILD_JOBS ?= 2
RELEASE := $(or $(CARGO_TARGET_DIR),target)/release/watchfire

.PHONY: run demo build assets test check fire bench deb hosts clean

## run: build everything and start Watchfire in ./data on port 8080
run: build
	$(RELEASE) $(ARGS)

## demo: a server in ./data-demo with believable visitors
demo: build
	$(RELEASE) demo $(ARGS)

## build: the one binary, scripts and styles inside
build: assets
	$(CARGO) build --release --locked -p watchfire

## assets: bundle the tag and the pages' scripts and styles
assets: node_modules/.package-lock.json
	@npm run --silent build

node_modules/.package-lock.json: package.json package-lock.json
	@bin/need build
	npm ci --no-audit --no-fund --loglevel=error
	@touch $@

## check: formatting, lints, types
check: assets
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	npm run --silent check

## test: everything that is automatic, in real Chromium too
test: assets
	@bin/need test
	npm run --silent check
	$(CARGO) build --locked -p watchfire
	$(CARGO) test --workspace --locked
	rubocop --config chef/.rubocop.yml chef
	ruby chef/test/recipes_test.rb
	$(CARGO) test --locked -p watchfire-tests --test journeys -- --ignored --test-threads 1 within_5_seconds within_100_ms load_rises
	npm run --silent test

## fire: a cluster over three nodes of RabbitMQ under load, while everything is killed, frozen and cut off;
##       MINUTES=10, SEED= as a run before printed it, FIRE=failed for the seeds that failed once
fire: assets
	@bin/need test
	$(CARGO) build --locked -p watchfire
	SEED=$(SEED) MINUTES=$(MINUTES) $(CARGO) test --locked -p watchfire-tests --test fire -- \
		--ignored --nocapture --test-threads 1 $(or $(FIRE),for_minutes)

## bench: figures beside their limits, for docs/benchmarks.md
bench: build
	$(CARGO) run --release --locked -p watchfire-bench

## deb: the Debian package, target/debian/watchfire.deb; needs `cargo install cargo-deb`
deb: build
	cargo-deb -p watchfire --no-build --locked -o $(dir $(RELEASE))../debian/watchfire.deb

## hosts: packages and recipes on Debian hosts with systemd in namespaces of this machine; needs root, debootstrap,
##        systemd-container and 3 GB under HOSTS_FOLDER=/var/tmp/watchfire-hosts
hosts: deb
	chef/test/all.sh $(dir $(RELEASE))../debian/watchfire.deb

clean:
	$(CARGO) clean
	rm -rf node_modules collector/tag/dist web/ui/dist web/widget/dist
