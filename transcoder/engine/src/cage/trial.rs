//! A trial of the cage: the engine attempts from inside all that it must not be able to do (`reelmill-engine trial`).
//!
//! Every attempt is a raw system call whose arguments do no harm where the cage fails: paths that do not exist,
//! signal 0, numbers that the kernel refuses. An attempt counts as refused where it ends with `EPERM`, `EACCES` or
//! `ENOSYS`. Any other result means that the kernel carried the call further.
#![allow(unsafe_code)]

mod attempt;
mod files;
mod kernel;
mod network;
mod processes;

use std::io;

use anyhow::Result;
use nix::libc::{self, c_long};
use protocol::Budget;

use self::attempt::{Outcome, outcome};

/// One past the highest descriptor that is tried as one that the process may have inherited by mistake.
const DESCRIPTORS: i32 = 4096;
/// First descriptor that does not belong to the trial: standard input is the socket to the parent, standard error a
/// pipe to the parent, standard output the trial's own.
const OWN_DESCRIPTORS: i32 = 3;

/// Makes all attempts and prints a line for each. Returns whether all were refused. `caged` is false for the test
/// that attempts can succeed at all.
pub fn run(caged: bool) -> Result<bool> {
    // The parent's id is read now, since the call is refused later.
    let parent = c_long::from(nix::unistd::getppid().as_raw());
    if caged {
        crate::ffi::close_inherited();
        let budget = Budget {
            encode_threads: 1,
            decode_threads: 1,
            memory_bytes: 1 << 30,
        };
        for part in super::shut(&budget)? {
            println!("lacking  {part}");
        }
    }
    let mut all = true;
    let mut attempts = files::attempts();
    attempts.extend(network::attempts());
    attempts.extend(processes::attempts(parent));
    attempts.extend(kernel::attempts());
    attempts.extend(kernel::of_old());
    attempts.push(("write to an inherited descriptor", write_to_inherited()));
    attempts.push(("map executable memory", map_code()));
    attempts.push(("make memory executable", make_code()));
    for (what, outcome) in attempts {
        let refused = matches!(outcome, Err(libc::EPERM | libc::EACCES | libc::ENOSYS));
        all &= refused;
        match outcome {
            _ if refused => println!("refused  {what}"),
            Ok(()) => println!("DONE     {what}"),
            Err(errno) => {
                let error = io::Error::from_raw_os_error(errno);
                println!("TRIED    {what}: {error}");
            }
        }
    }
    Ok(all)
}

fn write_to_inherited() -> Outcome {
    for descriptor in OWN_DESCRIPTORS..DESCRIPTORS {
        // SAFETY: nothing is written; a descriptor that is not open is refused.
        let written = unsafe { libc::write(descriptor, [].as_ptr(), 0) };
        if written == 0 {
            return Ok(());
        }
    }
    Err(libc::EPERM)
}

const PAGE: usize = 4096;

fn map(protection: i32) -> *mut libc::c_void {
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: the call makes a new mapping at an address that the kernel chooses.
    unsafe { libc::mmap(std::ptr::null_mut(), PAGE, protection, kind, -1, 0) }
}

fn map_code() -> Outcome {
    outcome(map(libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC) as c_long)
}

fn make_code() -> Outcome {
    let memory = map(libc::PROT_READ | libc::PROT_WRITE);
    // SAFETY: the mapping was made above and nothing refers to it.
    outcome(c_long::from(unsafe {
        libc::mprotect(memory, PAGE, libc::PROT_READ | libc::PROT_EXEC)
    }))
}
