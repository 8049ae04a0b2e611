//! The end of a session, and whether it was the engine's fault.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use plan::Code;
use protocol::EngineFailure;

/// End of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The session was told to end.
    Finished,
    /// The engine crashed, or exceeded one of our limits. This counts as a failed try.
    Fault(EngineFailure),
    /// Another program killed the engine. This does not count as a try.
    Unexplained,
}

impl End {
    pub(crate) fn fault(code: Code, message: impl Into<String>) -> Self {
        Self::Fault(EngineFailure {
            code,
            message: message.into(),
        })
    }

    /// End that the exit status of an engine means, which ended by itself.
    pub(crate) fn of(status: ExitStatus, out_of_memory: bool) -> Self {
        // Numbers of signals, as Linux has them on every machine we run on.
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
            // The engine was killed from outside by SIGKILL, SIGTERM or another signal.
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
