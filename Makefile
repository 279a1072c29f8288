.PHONY: help build demo test lint bench ui clean-demo

help:           ## What can be made
	@sed -n 's/^\([a-z-]*\): *## /\1\t/p' Makefile | expand -t 14

build:          ## The release binary, in target/release
	cargo build --release --locked -p keizu

demo:           ## examples/flights under `keizu run`, and the family tree of its model
	@scripts/demo

test:           ## Everything: format, lints, documentation, all tests
	@scripts/test

lint:           ## Only what needs no run: format, lints, documentation
	@scripts/lint

ui:             ## The page, from ui/ into crates/server/assets (needs node)
	@scripts/ui

bench:          ## Ratios against peers, into bench/RESULTS.md
	@bench/run

clean-demo:     ## Forgets the demo
	rm -rf target/demo
