//! Stills.

use anyhow::{Result, bail};
use protocol::Still;

use crate::make::Maker;

/// Makes a still.
pub fn make(_maker: &mut Maker, _order: u32, _still: Still) -> Result<()> {
    bail!("no stills yet")
}
