//! What the process gives up before it reads a byte of the source: files, the network, other
//! processes, capabilities, and all system calls but the few that decoding and encoding need.

mod calls;
pub mod trial;

use anyhow::{Context as _, Result, ensure};
use landlock::{
    ABI, Access, AccessFs, AccessNet, Ruleset, RulesetAttr, RulesetError, RulesetStatus, Scope,
};
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use protocol::Budget;
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};

/// Address space past the budget: libraries, thread stacks and allocator arenas are mapped
/// but hardly touched.
const ADDRESS_SPACE_SLACK: u64 = 6 << 30;
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
    let none = CapabilitySets {
        effective: CapabilitySet::empty(),
        permitted: CapabilitySet::empty(),
        inheritable: CapabilitySet::empty(),
    };
    set_capabilities(None, none).context("capabilities cannot be given up")?;
    let mut lacking = Vec::new();
    if !leave_files().context("Landlock cannot be used")? {
        lacking.push("Landlock".to_owned());
    }
    // Last: it forbids what comes before it.
    if let Err(error) = calls::filter() {
        lacking.push(format!("seccomp ({error:#})"));
    }
    Ok(lacking)
}

fn limit(budget: &Budget) -> Result<()> {
    let space = budget.memory_bytes.saturating_add(ADDRESS_SPACE_SLACK);
    for (resource, limit) in [
        (Resource::RLIMIT_AS, space),
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
