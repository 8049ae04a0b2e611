//! What the process gives up before it reads a byte of the source.

use anyhow::Result;
use nix::sys::prctl;
use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::Signal;
use protocol::Budget;

/// Address space past the budget: libraries, thread stacks and allocator arenas are mapped
/// but hardly touched.
const ADDRESS_SPACE_SLACK: u64 = 6 << 30;
/// Descriptors: the socket, stderr, and what GStreamer opens for itself.
const OPEN_FILES: u64 = 256;

/// Shuts the door: dies with the parent, gains no privileges, writes no files, leaves no core.
pub fn shut(budget: &Budget) -> Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    prctl::set_no_new_privs()?;
    let space = budget.memory_bytes.saturating_add(ADDRESS_SPACE_SLACK);
    for (resource, limit) in [
        (Resource::RLIMIT_AS, space),
        (Resource::RLIMIT_FSIZE, 0),
        (Resource::RLIMIT_CORE, 0),
        (Resource::RLIMIT_NOFILE, OPEN_FILES),
    ] {
        setrlimit(resource, limit, limit)?;
    }
    Ok(())
}
