//! The cage: what an engine cannot do, whatever a source makes of it.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::{Command, Output};

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

const PROGRAM: &str = env!("CARGO_BIN_EXE_reelmill-engine");

fn trial(mode: &str) -> Output {
    // The test leaves a writable descriptor open, as if by mistake.
    let leaked = File::options().write(true).open("/dev/null").unwrap();
    fcntl(&leaked, FcntlArg::F_SETFD(FdFlag::empty())).unwrap();
    assert!(leaked.as_raw_fd() > 2);
    Command::new(PROGRAM).arg(mode).output().unwrap()
}

fn lines(output: &Output) -> Vec<&str> {
    std::str::from_utf8(&output.stdout)
        .unwrap()
        .lines()
        .collect()
}

#[test]
fn everything_that_it_must_not_do_is_refused() {
    let output = trial("trial");
    let (refused, others): (Vec<_>, Vec<_>) = lines(&output)
        .into_iter()
        .partition(|line| line.starts_with("refused"));
    println!(
        "{} of {} refused",
        refused.len(),
        refused.len() + others.len()
    );
    assert_eq!(others, Vec::<&str>::new());
    assert!(output.status.success());
    assert!(refused.len() >= 100, "{}", refused.len());
}

/// The attempts are real ones: without the cage, most of them reach the kernel.
#[test]
fn without_the_cage_attempts_reach_the_kernel() {
    let output = trial("trial-uncaged");
    let lines = lines(&output);
    let reached = lines.iter().filter(|line| !line.starts_with("refused"));
    // A user other than root is refused many of them in any case.
    assert!(reached.count() > lines.len() / 2, "{lines:#?}");
    for done in [
        "read a file",
        "open a TCP socket",
        "fork",
        "write to an inherited descriptor",
    ] {
        assert!(
            lines.contains(&format!("DONE     {done}").as_str()),
            "{done}"
        );
    }
}
