//! The rule whether engines may run where the kernel lacks parts of the cage, and the trial of the cage.

use std::path::Path;
use std::process::Stdio;
use std::sync::Once;
use std::time::Duration;

use serde::Deserialize;
use tokio::process::Command;

use crate::process::isolate;

/// Longest wait for a trial, which takes a tenth of a second.
const PATIENCE: Duration = Duration::from_secs(30);

/// Rule for engines whose cage (`transcoder/engine/src/cage.rs`) has gaps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sandbox {
    /// No engine runs where a part of the cage is missing.
    Required,
    /// Engines run in spite of gaps, and a warning is logged.
    #[default]
    Preferred,
}

/// Engines may not run here, since their cage has gaps.
#[derive(Debug, thiserror::Error)]
#[error(
    "the cage of engines has gaps on this machine: {gaps}; the setting `sandbox` may be \"preferred\""
)]
pub struct Unsafe {
    gaps: String,
}

impl Sandbox {
    /// Checks that engines may run although the kernel lacks these parts of the sandbox.
    ///
    /// # Errors
    /// An error is returned where they may not.
    pub fn permit(self, gaps: &[String]) -> Result<(), Unsafe> {
        static SAID: Once = Once::new();
        if gaps.is_empty() {
            return Ok(());
        }
        let gaps = gaps.join(", ");
        match self {
            Self::Required => Err(Unsafe { gaps }),
            Self::Preferred => {
                SAID.call_once(|| tracing::warn!(%gaps, "the cage of engines has gaps"));
                Ok(())
            }
        }
    }
}

/// Result of an engine's attempts at all that its cage must refuse.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// Number of attempts that were refused.
    pub refused: usize,
    /// Parts of the cage that the kernel does not have, and attempts that were not refused.
    pub gaps: Vec<String>,
}

impl Trial {
    pub(crate) async fn run(program: &Path) -> std::io::Result<Self> {
        let mut command = Command::new(program);
        let output = isolate(command.arg("trial"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .output();
        // A trial that hangs is killed when it is dropped.
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
