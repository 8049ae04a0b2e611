//! Commands that run to their end.

use std::process::{Command, Output};

/// Runs `reelmill` with these arguments.
pub fn reelmill(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_reelmill"))
        .args(arguments)
        .output()
        .unwrap()
}

/// Standard output of a command that has to succeed.
pub fn printed(arguments: &[&str]) -> String {
    let output = reelmill(arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{arguments:?}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Standard error of a command that has to fail.
pub fn refused(arguments: &[&str]) -> String {
    let output = reelmill(arguments);
    assert_eq!(output.status.code(), Some(1), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}
