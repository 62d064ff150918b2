#!/usr/bin/env bash
# Runs a command; the tests' PostgreSQL cluster is there for its time.
exec "$@"
