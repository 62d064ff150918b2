# Two commands to remember: `cargo run -- demo` and `make test`.

.PHONY: test format lint docs unit schedules bench fuzz

# Everything that a change must pass. Tests run on SQLite and on PostgreSQL: postgres.sh brings a
# throw-away cluster for their time.
test: format lint docs unit

format:
	cargo fmt --check

lint:
	cargo clippy --locked --all-targets -- -D warnings

docs:
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

# What cannot be tested here is told at the end, where somebody reads it.
LEFT_OUT = $(CURDIR)/target/left-out
unit:
	@mkdir -p $(dir $(LEFT_OUT)) && rm -f $(LEFT_OUT)
	@status=0; PIKETT_TEST_LEFT_OUT=$(LEFT_OUT) tests/support/postgres.sh cargo test --locked --no-fail-fast || status=$$?; \
	if [ -s $(LEFT_OUT) ]; then printf '\nNot tested here:\n'; sort -u $(LEFT_OUT); fi; \
	exit $$status

# Both calculators of on-call schedules, on 10,000 random schedules over two years each (docs/schedules.md).
# A quarter of an hour and more, so it is no part of `test`. Linking the release as one piece would take
# longer than it saves.
SCHEDULES ?= 10000
schedules:
	PIKETT_SCHEDULES=$(SCHEDULES) CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
		cargo test --locked --release --lib both_calculators_agree_over_two_years

bench:
	tests/support/postgres.sh cargo bench --locked

# Searches on where tests/fuzz.rs stops; needs cargo-fuzz and a nightly toolchain.
FUZZ_SECONDS ?= 60
fuzz:
	for target in flow_file twiml webhook; do \
		cargo +nightly fuzz run $$target -- -max_total_time=$(FUZZ_SECONDS) -max_len=65536 || exit 1; \
	done
