//! How a session ended, and whose fault it was.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use plan::Code;
use protocol::EngineFailure;

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// It was told to.
    Finished,
    /// By its own doing: a crash, or over a limit of ours. Counts as a try.
    Fault(EngineFailure),
    /// Killed by somebody else: does not count.
    Unexplained,
}

impl End {
    pub(crate) fn fault(code: Code, message: impl Into<String>) -> Self {
        Self::Fault(EngineFailure {
            code,
            message: message.into(),
        })
    }

    /// What the exit status of an engine means that ended of itself.
    pub(crate) fn of(status: ExitStatus, out_of_memory: bool) -> Self {
        // Numbers of signals as Linux has them on every machine we run on.
        const SIGILL: i32 = 4;
        const SIGABRT: i32 = 6;
        const SIGBUS: i32 = 7;
        const SIGFPE: i32 = 8;
        const SIGSEGV: i32 = 11;
        const SIGXCPU: i32 = 24;
        const SIGXFSZ: i32 = 25;
        const SIGSYS: i32 = 31;
        match (status.code(), status.signal()) {
            (Some(0), _) => Self::Finished,
            (_, Some(SIGXCPU)) => Self::fault(Code::EngineTimeout, "the engine took too long"),
            (_, Some(SIGABRT)) | (Some(_), _) if out_of_memory => {
                Self::fault(Code::EngineMemory, "the engine needed too much memory")
            }
            (
                _,
                Some(signal @ (SIGILL | SIGABRT | SIGBUS | SIGFPE | SIGSEGV | SIGXFSZ | SIGSYS)),
            ) => Self::fault(
                Code::EngineCrashed,
                format!("the engine died of signal {signal}"),
            ),
            (Some(code), _) => Self::fault(
                Code::EngineCrashed,
                format!("the engine ended with status {code}"),
            ),
            // SIGKILL, SIGTERM ...: somebody else's doing.
            _ => Self::Unexplained,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(raw: i32, out_of_memory: bool) -> Option<Code> {
        match End::of(ExitStatus::from_raw(raw), out_of_memory) {
            End::Fault(failure) => Some(failure.code),
            End::Finished | End::Unexplained => None,
        }
    }

    #[test]
    fn a_crash_is_the_engines_fault_and_a_kill_is_not() {
        for signal in [4, 6, 7, 8, 11, 31] {
            assert_eq!(code(signal, false), Some(Code::EngineCrashed), "{signal}");
        }
        for signal in [1, 2, 9, 15] {
            assert_eq!(code(signal, false), None, "{signal}");
        }
        assert_eq!(code(24, false), Some(Code::EngineTimeout));
        assert_eq!(code(6, true), Some(Code::EngineMemory));
        assert_eq!(code(1 << 8, false), Some(Code::EngineCrashed));
        assert_eq!(End::of(ExitStatus::from_raw(0), false), End::Finished);
    }
}
