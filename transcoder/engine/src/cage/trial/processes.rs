//! System calls by which the trial of the sandbox tries to reach other processes and more rights: the sandbox must refuse each.
#![allow(unsafe_code)]

use nix::libc::{self, c_long};

use super::attempt::{EMPTY, INVALID, NOTHING, Outcome, PATH, call, flag, fork, outcome};

pub fn attempts(parent: c_long) -> Vec<(&'static str, Outcome)> {
    vec![
        (
            "execute a program",
            call!(SYS_execve, PATH, NOTHING, NOTHING),
        ),
        (
            "execute a descriptor",
            call!(
                SYS_execveat,
                INVALID,
                EMPTY,
                NOTHING,
                NOTHING,
                flag(libc::AT_EMPTY_PATH)
            ),
        ),
        ("fork", fork()),
        (
            "start a process by clone3",
            call!(SYS_clone3, NOTHING, NOTHING),
        ),
        ("enter new namespaces", call!(SYS_unshare, 1_i64)),
        ("join a namespace", call!(SYS_setns, INVALID, NOTHING)),
        ("signal the parent", call!(SYS_kill, parent, NOTHING)),
        ("signal all processes", call!(SYS_kill, INVALID, NOTHING)),
        (
            "signal a thread of the parent",
            call!(SYS_tgkill, parent, parent, NOTHING),
        ),
        ("signal any thread", call!(SYS_tkill, parent, NOTHING)),
        (
            "queue a signal",
            call!(SYS_rt_sigqueueinfo, parent, NOTHING, NOTHING),
        ),
        (
            "open the parent as a descriptor",
            call!(SYS_pidfd_open, parent, NOTHING),
        ),
        (
            "take the parent's descriptor",
            call!(SYS_pidfd_getfd, INVALID, NOTHING, NOTHING),
        ),
        (
            "signal by a descriptor",
            call!(SYS_pidfd_send_signal, INVALID, NOTHING, NOTHING, NOTHING),
        ),
        (
            "trace the parent",
            call!(
                SYS_ptrace,
                c_long::from(libc::PTRACE_PEEKDATA),
                parent,
                NOTHING,
                NOTHING
            ),
        ),
        (
            "read the parent's memory",
            call!(
                SYS_process_vm_readv,
                parent,
                NOTHING,
                NOTHING,
                NOTHING,
                NOTHING,
                NOTHING
            ),
        ),
        (
            "write the parent's memory",
            call!(
                SYS_process_vm_writev,
                parent,
                NOTHING,
                NOTHING,
                NOTHING,
                NOTHING,
                NOTHING
            ),
        ),
        (
            "compare with the parent",
            call!(SYS_kcmp, parent, parent, NOTHING, NOTHING, NOTHING),
        ),
        (
            "limit the parent",
            call!(
                SYS_prlimit64,
                parent,
                flag(libc::RLIMIT_CORE as i32),
                NOTHING,
                NOTHING
            ),
        ),
        (
            "raise a limit of its own",
            call!(SYS_prlimit64, NOTHING, 9999_i64, 1_i64, NOTHING),
        ),
        (
            "change the parent's priority",
            call!(
                SYS_setpriority,
                flag(libc::PRIO_PROCESS as i32),
                INVALID,
                NOTHING
            ),
        ),
        (
            "run in real time",
            call!(SYS_sched_setscheduler, NOTHING, INVALID, NOTHING),
        ),
        ("start a session of processes", call!(SYS_setsid)),
        (
            "become another user",
            call!(SYS_setresuid, INVALID, INVALID, INVALID),
        ),
        (
            "become another group",
            call!(SYS_setresgid, INVALID, INVALID, INVALID),
        ),
        ("join groups", call!(SYS_setgroups, INVALID, NOTHING)),
        ("take capabilities", call!(SYS_capset, NOTHING, NOTHING)),
        (
            "add a seccomp filter",
            call!(SYS_seccomp, INVALID, NOTHING, NOTHING),
        ),
        (
            "change the parent-death signal",
            call!(
                SYS_prctl,
                flag(libc::PR_SET_PDEATHSIG),
                9999_i64,
                NOTHING,
                NOTHING,
                NOTHING
            ),
        ),
    ]
}
