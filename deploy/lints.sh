# shellcheck shell=bash
# Source this file to compile the workspace's crates with clippy's compiler, which compiles like rustc and refuses what
# clippy warns about. The variables are those that `cargo clippy` sets. Cargo keeps the results of two compilers apart:
# `make build`, and a shell without these two variables, share only the compiled dependencies with it.
export RUSTC_WORKSPACE_WRAPPER=clippy-driver
export CLIPPY_ARGS='-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__'
