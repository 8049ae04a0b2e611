//! What the process gives up before it reads a byte of the source: files, the network, other
//! processes, capabilities, and all system calls but the few that decoding and encoding need.

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

/// Shares of memory in an address space: a session may get another as large as its own where
/// nobody else needs it.
const SHARES: u64 = 2;
/// Address space past them: libraries, thread stacks and allocator arenas are mapped but hardly
/// touched, 250 MB in all.
const ADDRESS_SPACE_SLACK: u64 = 1 << 30;
/// What a probe may use: the largest picture that the limits allow takes 700 MB to decode, in
/// 4:4:4 and 12 bits, an index of twelve hours 206 MB.
const PROBE_MEMORY: u64 = 1 << 30;
/// Descriptors: the socket, stderr, and GStreamer's event counters.
const OPEN_FILES: u64 = 64;

/// Shuts the door, for good. Answers with the parts of the cage that this kernel does not have.
///
/// # Errors
/// Where there are other threads already, which would stay outside, or a part fails that every
/// kernel has.
pub fn shut(budget: &Budget) -> Result<Vec<String>> {
    let threads = std::fs::read_dir("/proc/self/task").map_or(1, Iterator::count);
    ensure!(threads == 1, "{threads} threads before the cage is shut");
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
    // Last: it forbids what comes before it.
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

/// There is a plan: the session may use all of its budget.
pub fn widen() -> Result<()> {
    hold_address_space(None)
}

/// How many bytes more than now may be mapped; nothing for as many as the session may ever have.
fn hold_address_space(more: Option<u64>) -> Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_AS)?;
    let limit = match more {
        Some(more) => mapped()?.saturating_add(more).min(most),
        None => most,
    };
    Ok(setrlimit(Resource::RLIMIT_AS, limit, most)?)
}

/// Bytes of this process's address space.
fn mapped() -> Result<u64> {
    let sizes = std::fs::read_to_string("/proc/self/statm").context("/proc is needed")?;
    let pages: u64 = sizes.split(' ').next().unwrap_or_default().parse()?;
    Ok(pages * rustix::param::page_size() as u64)
}

/// Root's rights, too. Who has none is not asked: services may be forbidden the very call.
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

/// No file, no TCP port, no abstract socket and no signal beyond this process: false where the
/// kernel has no Landlock. Of what newer kernels can refuse besides, older ones refuse what they
/// know.
fn leave_files() -> Result<bool, RulesetError> {
    let status = Ruleset::default()
        .handle_access(AccessFs::from_all(ABI::V7))?
        .handle_access(AccessNet::from_all(ABI::V7))?
        .scope(Scope::from_all(ABI::V7))?
        .create()?
        .restrict_self()?;
    Ok(status.ruleset != RulesetStatus::NotEnforced)
}
