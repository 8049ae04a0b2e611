//! Whether engines may run where the kernel cannot shut them in wholly, and what they can do
//! where they are.

use std::path::Path;
use std::process::Stdio;
use std::sync::Once;
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;

use crate::process::quiet;

/// Longest wait for a trial, which takes a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(30);

/// What is asked of the cage (`transcoder/engine/src/cage.rs`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sandbox {
    /// No engine runs where a part of it is missing.
    Required,
    /// Engines run all the same, and a warning says so.
    #[default]
    Preferred,
}

/// Engines are not to run here.
#[derive(Debug, thiserror::Error)]
#[error("engines cannot be shut in here: {gaps}; the setting `sandbox` may be \"preferred\"")]
pub struct Unsafe {
    gaps: String,
}

impl Sandbox {
    /// Whether engines may run with these gaps in their cage.
    ///
    /// # Errors
    /// Where they may not.
    pub fn permit(self, gaps: &[String]) -> Result<(), Unsafe> {
        static SAID: Once = Once::new();
        if gaps.is_empty() {
            return Ok(());
        }
        let gaps = gaps.join(", ");
        match self {
            Self::Required => Err(Unsafe { gaps }),
            Self::Preferred => {
                SAID.call_once(|| tracing::warn!(%gaps, "engines are not wholly shut in"));
                Ok(())
            }
        }
    }
}

/// What came of an engine that tried what it must not be able to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// How much was refused.
    pub refused: usize,
    /// Parts of the cage that the kernel does not have, and attempts that were not refused.
    pub gaps: Vec<String>,
}

impl Trial {
    pub(crate) async fn run(program: &Path) -> std::io::Result<Self> {
        let mut command = Command::new(program);
        let output = quiet(command.arg("trial"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .output();
        // One that hangs is killed when it is dropped.
        let output = tokio::time::timeout(PATIENCE, output).await??;
        let said = String::from_utf8_lossy(&output.stdout);
        let refused = said.lines().filter(|line| line.starts_with("refused"));
        let gaps = said.lines().filter(|line| !line.starts_with("refused"));
        let mut trial = Self {
            refused: refused.count(),
            gaps: gaps.map(str::to_owned).collect(),
        };
        let ended = trial.refused > 0 && output.status.success();
        if trial.gaps.is_empty() && !ended {
            let gap = format!("the trial ended with {}", output.status);
            trial.gaps.push(gap);
        }
        Ok(trial)
    }
}
