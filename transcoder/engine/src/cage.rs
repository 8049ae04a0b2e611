//! The cage: what the process gives up before it reads a byte of the source. It gives up files, the network, other
//! processes, capabilities, and all system calls except the few that decoding and encoding need.

mod calls;
pub mod trial;

use anyhow::{Context as _, Result, ensure};
use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetError, RulesetStatus, Scope,
};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use protocol::Budget;
use rustix::thread::{CapabilitySet, CapabilitySets, capabilities, set_capabilities};

/// Multiple of the memory budget that the address space may reach: a session may get a second share as large as its
/// own where no other session needs it.
const SHARES: u64 = 2;
/// Bytes of address space beyond the memory shares: libraries, thread stacks and allocator arenas are mapped but
/// hardly touched, 250 MB in all.
const ADDRESS_SPACE_SLACK: u64 = 1 << 30;
/// Most bytes of memory of a probe: the largest picture that the limits allow takes 700 MB to decode, in 4:4:4 and 12
/// bits, and an index of twelve hours takes 206 MB.
const PROBE_MEMORY: u64 = 1 << 30;
/// Most open file descriptors: the socket, stderr, and GStreamer's event counters.
const OPEN_FILES: u64 = 64;

/// Shuts the process into the cage, for good. Returns the parts of the cage that this kernel does not have.
///
/// # Errors
/// An error is returned where there are other threads already, which would stay outside, or where a part fails that
/// every kernel has.
pub fn shut(budget: &Budget) -> Result<Vec<String>> {
    let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    ensure!(
        threads == 1,
        "there are {threads} threads before the cage is shut"
    );
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    prctl::set_no_new_privs()?;
    limit(budget)?;
    hold_address_space(Some(PROBE_MEMORY.min(memory(budget))))?;
    let mut lacking = Vec::new();
    if let Err(error) = give_up_capabilities() {
        lacking.push(format!("capabilities are kept ({error})"));
    }
    if !leave_files().context("Landlock cannot be used")? {
        lacking.push("Landlock".to_owned());
    }
    // The filter of system calls comes last: it forbids the calls that shut the other parts.
    if let Err(error) = calls::filter() {
        lacking.push(format!("seccomp ({error:#})"));
    }
    Ok(lacking)
}

fn memory(budget: &Budget) -> u64 {
    budget.memory_bytes.saturating_mul(SHARES)
}

fn limit(budget: &Budget) -> Result<()> {
    for (resource, limit) in [
        (
            Resource::RLIMIT_AS,
            memory(budget).saturating_add(ADDRESS_SPACE_SLACK),
        ),
        (Resource::RLIMIT_FSIZE, 0),
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_MEMLOCK, 0),
        (Resource::RLIMIT_MSGQUEUE, 0),
        (Resource::RLIMIT_NOFILE, OPEN_FILES),
    ] {
        setrlimit(resource, limit, limit)?;
    }
    Ok(())
}

/// Lets the session use all of its memory budget, once there is a plan.
pub fn widen() -> Result<()> {
    hold_address_space(None)
}

/// Limits the address space to `more` bytes beyond those mapped now, or to the most that the session may ever have.
fn hold_address_space(more: Option<u64>) -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_AS)?;
    let limit = match more {
        Some(more) => mapped()?.saturating_add(more).min(most),
        None => most,
    };
    Ok(setrlimit(Resource::RLIMIT_AS, limit, most)?)
}

/// Bytes of this process's address space that are mapped now.
fn mapped() -> Result<u64> {
    let sizes = std::fs::read_to_string("/proc/self/statm").context("/proc is needed")?;
    let pages: u64 = sizes.split(' ').next().unwrap_or_default().parse()?;
    Ok(pages * rustix::param::page_size() as u64)
}

/// Gives up all capabilities, also where the process runs as root. A process without any makes no call: some services
/// forbid the call itself.
fn give_up_capabilities() -> rustix::io::Result<()> {
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    if capabilities(None) == Ok(none) {
        return Ok(());
    }
    set_capabilities(None, none)
}

/// Gives up files, TCP ports, abstract sockets, and signals to other processes. Returns false where the kernel has no
/// Landlock. An older kernel refuses those of them that its Landlock knows.
fn leave_files() -> Result<bool, RulesetError> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V7))?
        .handle_access(AccessNet::from_all(ABI::V7))?
        .scope(Scope::from_all(ABI::V7))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}
