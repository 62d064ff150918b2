# Two commands to remember: `cargo run -- demo` and `make test`.

.PHONY: test format lint docs unit bench fuzz

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

bench:
	tests/support/postgres.sh cargo bench --locked

# Searches on where tests/fuzz.rs stops; needs cargo-fuzz and a nightly toolchain.
FUZZ_SECONDS ?= 60
fuzz:
	for target in flow_file twiml webhook; do \
		cargo +nightly fuzz run $$target -- -max_total_time=$(FUZZ_SECONDS) -max_len=65536 || exit 1; \
	done
