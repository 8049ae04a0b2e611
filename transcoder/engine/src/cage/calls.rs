//! The system calls that stay allowed, by an allow-list. All other calls fail with `EPERM`, which libraries handle
//! like any other refusal: they do without a character set's table or the number of processors.

use std::collections::BTreeMap;

use anyhow::Result;
use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp as Is, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch,
};

/// Calls that are harmless whatever their arguments: they work on memory of this process, on its threads, and on
/// descriptors that it has.
const FREE: [i64; 36] = [
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_clone3, // fails first in `no_clone3`
    libc::SYS_close,
    libc::SYS_eventfd2,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getcpu,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_gettimeofday,
    libc::SYS_madvise,
    libc::SYS_membarrier,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_nanosleep,
    libc::SYS_ppoll,
    libc::SYS_read,
    libc::SYS_readv,
    libc::SYS_recvfrom,
    libc::SYS_restart_syscall,
    libc::SYS_rseq,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_getaffinity,
    libc::SYS_sched_yield,
    libc::SYS_set_robust_list,
    libc::SYS_shutdown,
    libc::SYS_sigaltstack,
    libc::SYS_write,
    libc::SYS_writev,
];

/// Harmless calls that only older architectures have; newer ones have other calls instead.
#[cfg(target_arch = "x86_64")]
const FREE_OF_OLD: [i64; 2] = [libc::SYS_poll, libc::SYS_time];
#[cfg(not(target_arch = "x86_64"))]
const FREE_OF_OLD: [i64; 0] = [];

/// Flags that make new namespaces; a namespace of its own would give a process capabilities again.
const NEW_NAMESPACES: i32 = libc::CLONE_NEWNS
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;

/// Installs the filters: all calls that are not listed fail from here on.
pub fn filter() -> Result<()> {
    let no_clone3 = no_clone3()?;
    let allowed = allowed()?;
    seccompiler::apply_filter_all_threads(&no_clone3)?;
    seccompiler::apply_filter_all_threads(&allowed)?;
    Ok(())
}

/// Filter that makes `clone3` fail with `ENOSYS`. Its flags lie in memory that a filter cannot read. The C library
/// then uses `clone`, whose flags can be checked.
fn no_clone3() -> Result<BpfProgram> {
    let rules = BTreeMap::from([(libc::SYS_clone3, Vec::new())]);
    compiled(rules, SeccompAction::Allow, errno(libc::ENOSYS))
}

fn allowed() -> Result<BpfProgram> {
    let free = FREE.into_iter().chain(FREE_OF_OLD);
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = free.map(|call| (call, vec![])).collect();
    let own = std::process::id() as i32;
    for (call, conditions) in [
        // New threads are allowed, new processes are not.
        (
            libc::SYS_clone,
            vec![flags(
                0,
                libc::CLONE_THREAD | NEW_NAMESPACES,
                libc::CLONE_THREAD,
            )],
        ),
        // Memory holds data only; all code was loaded before.
        (libc::SYS_mmap, vec![flags(2, libc::PROT_EXEC, 0)]),
        (libc::SYS_mprotect, vec![flags(2, libc::PROT_EXEC, 0)]),
        // `sendto` may send to the other end of a socket, but to no address.
        (libc::SYS_sendto, vec![null(4)]),
        // A process aborts by a signal to its own thread.
        (libc::SYS_tgkill, vec![int(0, own)]),
        // Descriptors may be duplicated, and their flags read and set.
        (libc::SYS_fcntl, vec![int(1, libc::F_DUPFD_CLOEXEC)]),
        (libc::SYS_fcntl, vec![int(1, libc::F_GETFD)]),
        (libc::SYS_fcntl, vec![int(1, libc::F_GETFL)]),
        (libc::SYS_fcntl, vec![int(1, libc::F_SETFL)]),
        // GStreamer wakes its threads through pairs of sockets that lead nowhere else.
        (
            libc::SYS_socketpair,
            vec![int(0, libc::AF_UNIX), int(1, libc::SOCK_STREAM)],
        ),
        // The process may read its own limits, and raise the limit of its address space after the probe, up to the
        // hard limit.
        (
            libc::SYS_prlimit64,
            vec![int(0, 0), int(1, libc::RLIMIT_AS as i32)],
        ),
        (libc::SYS_prlimit64, vec![int(0, 0), null(2)]),
        (libc::SYS_prctl, vec![int(0, libc::PR_SET_NAME)]),
        (libc::SYS_prctl, vec![int(0, libc::PR_GET_NAME)]),
        // A thread may lower its own priority.
        (libc::SYS_getpriority, vec![int(0, 0), int(1, 0)]),
        (libc::SYS_setpriority, vec![int(0, 0), int(1, 0)]),
        // GLib reads how its threads are scheduled.
        (libc::SYS_sched_getattr, vec![int(0, 0)]),
        (libc::SYS_sched_getattr, vec![int(0, own)]),
    ] {
        let conditions = conditions.into_iter().collect::<Result<_, _>>()?;
        let rule = SeccompRule::new(conditions)?;
        rules.entry(call).or_default().push(rule);
    }
    compiled(rules, errno(libc::EPERM), SeccompAction::Allow)
}

type Condition = Result<SeccompCondition, seccompiler::BackendError>;

/// Condition that an argument of type `int` has a value; the kernel reads only the lower half of such an argument.
fn int(argument: u8, value: i32) -> Condition {
    SeccompCondition::new(argument, Width::Dword, Is::Eq, u64::from(value as u32))
}

fn null(argument: u8) -> Condition {
    SeccompCondition::new(argument, Width::Qword, Is::Eq, 0)
}

fn flags(argument: u8, mask: i32, value: i32) -> Condition {
    let mask = Is::MaskedEq(u64::from(mask as u32));
    SeccompCondition::new(argument, Width::Qword, mask, u64::from(value as u32))
}

fn errno(number: i32) -> SeccompAction {
    SeccompAction::Errno(number as u32)
}

fn compiled(
    rules: BTreeMap<i64, Vec<SeccompRule>>,
    others: SeccompAction,
    these: SeccompAction,
) -> Result<BpfProgram> {
    let arch: TargetArch = std::env::consts::ARCH.try_into()?;
    Ok(SeccompFilter::new(rules, others, these, arch)?.try_into()?)
}
