//! The common parts of the attempts of a trial: raw system calls with harmless arguments, and their outcome.
#![allow(unsafe_code)]

use std::io;

use nix::libc::{self, c_long};

pub(super) const PATH: *const libc::c_char = c"/nowhere/reelmill".as_ptr();
pub(super) const PASSWD: *const libc::c_char = c"/etc/passwd".as_ptr();
pub(super) const ROOT: *const libc::c_char = c"/".as_ptr();
pub(super) const EMPTY: *const libc::c_char = c"".as_ptr();

pub(super) type Outcome = Result<(), i32>;

pub(super) fn outcome(returned: c_long) -> Outcome {
    if returned == -1 {
        Err(io::Error::last_os_error().raw_os_error().unwrap_or(0))
    } else {
        Ok(())
    }
}

macro_rules! call {
    ($number:ident $(, $argument:expr)*) => {
        // SAFETY: the module promises that no argument refers to memory that the kernel could write to, and that none
        // asks for anything that changes this process or the machine.
        outcome(unsafe { libc::syscall(libc::$number $(, $argument)*) })
    };
}

pub(super) use call;

pub(super) const NOTHING: c_long = 0;
pub(super) const INVALID: c_long = -1;

pub(super) fn flag(flag: i32) -> c_long {
    c_long::from(flag)
}

/// Attempts to fork; a child that is born ends at once.
pub(super) fn fork() -> Outcome {
    // SAFETY: there is one thread; the child calls nothing but `_exit`.
    let child = unsafe { libc::syscall(libc::SYS_clone, c_long::from(libc::SIGCHLD), 0, 0, 0, 0) };
    if child == 0 {
        // SAFETY: the call ends the child without running anything of its parent's.
        unsafe { libc::_exit(0) }
    }
    outcome(child)
}
