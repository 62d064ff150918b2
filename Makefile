# Two commands to remember: `cargo run -- demo` and `make test`.

.PHONY: test format lint docs unit bench

# Everything that a change must pass. Tests run on SQLite and on PostgreSQL: postgres.sh brings a
# throw-away cluster for their time.
test: format lint docs unit

format:
	cargo fmt --check

lint:
	cargo clippy --locked --all-targets -- -D warnings

docs:
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --no-deps

unit:
	tests/support/postgres.sh cargo test --locked --no-fail-fast

bench:
	tests/support/postgres.sh cargo bench --locked
