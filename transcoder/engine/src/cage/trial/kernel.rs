//! System calls by which the trial of the sandbox tries to reach the kernel and the machine: the sandbox must refuse each.
#![allow(unsafe_code)]

use nix::libc;

use super::attempt::{INVALID, NOTHING, Outcome, PASSWD, PATH, call, flag, outcome};

pub fn attempts() -> Vec<(&'static str, Outcome)> {
    vec![
        (
            "set up io_uring",
            call!(SYS_io_uring_setup, NOTHING, NOTHING),
        ),
        (
            "load a BPF program",
            call!(SYS_bpf, INVALID, NOTHING, NOTHING),
        ),
        ("handle page faults", call!(SYS_userfaultfd, INVALID)),
        (
            "count events of the machine",
            call!(
                SYS_perf_event_open,
                NOTHING,
                NOTHING,
                INVALID,
                INVALID,
                INVALID
            ),
        ),
        (
            "add a key",
            call!(SYS_add_key, NOTHING, NOTHING, NOTHING, NOTHING, NOTHING),
        ),
        (
            "read a key",
            call!(SYS_keyctl, INVALID, NOTHING, NOTHING, NOTHING, NOTHING),
        ),
        ("set the clock", call!(SYS_clock_settime, INVALID, NOTHING)),
        (
            "set the time of day",
            call!(SYS_settimeofday, 1_i64, NOTHING),
        ),
        (
            "adjust the clock",
            call!(SYS_clock_adjtime, INVALID, NOTHING),
        ),
        (
            "restart the machine",
            call!(SYS_reboot, NOTHING, NOTHING, NOTHING, NOTHING),
        ),
        (
            "load a module",
            call!(SYS_finit_module, INVALID, NOTHING, NOTHING),
        ),
        (
            "remove a module",
            call!(SYS_delete_module, NOTHING, NOTHING),
        ),
        (
            "read the kernel's log",
            call!(SYS_syslog, INVALID, NOTHING, NOTHING),
        ),
        (
            "change the host name",
            call!(SYS_sethostname, NOTHING, INVALID),
        ),
        ("switch on process accounting", call!(SYS_acct, PATH)),
        (
            "change the personality",
            call!(SYS_personality, 0xffff_ffff_i64),
        ),
        (
            "share memory with others",
            call!(SYS_shmget, NOTHING, NOTHING, NOTHING),
        ),
        (
            "open a queue of messages",
            call!(SYS_msgget, 0x7265_656c_i64, NOTHING),
        ),
        (
            "open semaphores",
            call!(SYS_semget, 0x7265_656c_i64, NOTHING, NOTHING),
        ),
        (
            "open a named queue",
            call!(SYS_mq_open, PATH, NOTHING, NOTHING, NOTHING),
        ),
        (
            "start a timer",
            call!(SYS_timer_create, INVALID, NOTHING, NOTHING),
        ),
        ("lock memory", call!(SYS_mlockall, INVALID)),
        (
            "inject terminal input",
            call!(SYS_ioctl, NOTHING, libc::TIOCSTI, NOTHING),
        ),
        (
            "change the owner of a descriptor's signals",
            call!(SYS_fcntl, INVALID, flag(libc::F_SETOWN), NOTHING),
        ),
        (
            "lock a file",
            call!(SYS_fcntl, INVALID, flag(libc::F_SETLK), NOTHING),
        ),
    ]
}

/// Attempts by calls that only x86-64 has: older forms of calls, and rights to I/O ports. Calls by their numbers for
/// 32-bit programs are left out, since a service's own filter may kill a process for one.
#[cfg(target_arch = "x86_64")]
pub fn of_old() -> Vec<(&'static str, Outcome)> {
    vec![
        (
            "open by the old call",
            call!(SYS_open, PASSWD, NOTHING, NOTHING),
        ),
        ("create by the old call", call!(SYS_creat, PATH, NOTHING)),
        (
            "read a file's status by the old call",
            call!(SYS_stat, PATH, NOTHING),
        ),
        ("take rights to all ports", call!(SYS_iopl, 4_i64)),
        (
            "take rights to a port",
            call!(SYS_ioperm, INVALID, 1_i64, 1_i64),
        ),
        (
            "change a descriptor table",
            call!(SYS_modify_ldt, INVALID, NOTHING, NOTHING),
        ),
    ]
}

#[cfg(not(target_arch = "x86_64"))]
pub fn of_old() -> Vec<(&'static str, Outcome)> {
    Vec::new()
}
