# shellcheck shell=bash
# To be sourced: cargo compiles our own crates with clippy's compiler, which does all that rustc does, and refuses
# what clippy warns of. It takes its arguments as `cargo clippy` gives them. Cargo keeps what another compiler made
# apart, so that `make build` and a shell without these two variables share only what our crates need.
export RUSTC_WORKSPACE_WRAPPER=clippy-driver
export CLIPPY_ARGS='-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__'
