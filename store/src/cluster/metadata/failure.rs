//! Conversion of failures of the CQL driver to [`Error`].

use std::error::Error as StdError;

use scylla::errors::{
    DbError, ExecutionError, NextPageError, NextRowError, PagerExecutionError, PrepareError,
    RequestAttemptError, RequestError,
};

use crate::Error;

/// Failure of the driver, possibly with a node's answer.
pub(super) trait Failure: StdError + Send + Sync + Sized + 'static {
    /// The last attempt that a node answered.
    fn attempt(&self) -> Option<&RequestAttemptError>;

    /// Converts the failure to the error for callers. The driver's message is kept for the log.
    fn told(self) -> Error {
        match self.attempt() {
            Some(RequestAttemptError::DbError(said, _)) => match said {
                DbError::Unauthorized | DbError::AuthenticationError => Error::unauthorized(self),
                DbError::Overloaded
                | DbError::IsBootstrapping
                | DbError::RateLimitReached { .. } => Error::overloaded(self),
                DbError::SyntaxError
                | DbError::Invalid
                | DbError::AlreadyExists { .. }
                | DbError::ConfigError
                | DbError::FunctionFailure { .. } => Error::refused(self),
                _ => Error::unavailable(self),
            },
            Some(RequestAttemptError::SerializationError(_)) => Error::refused(self),
            _ => Error::unavailable(self),
        }
    }
}

impl Failure for ExecutionError {
    fn attempt(&self) -> Option<&RequestAttemptError> {
        match self {
            Self::LastAttemptError(attempt) => Some(attempt),
            Self::PrepareError(error) => of_preparing(error),
            _ => None,
        }
    }
}

impl Failure for PagerExecutionError {
    fn attempt(&self) -> Option<&RequestAttemptError> {
        match self {
            Self::PrepareError(error) => of_preparing(error),
            Self::NextPageError(error) => of_page(error),
            _ => None,
        }
    }
}

impl Failure for NextRowError {
    fn attempt(&self) -> Option<&RequestAttemptError> {
        match self {
            Self::NextPageError(error) => of_page(error),
            _ => None,
        }
    }
}

const fn of_preparing(error: &PrepareError) -> Option<&RequestAttemptError> {
    match error {
        PrepareError::AllAttemptsFailed { first_attempt } => Some(first_attempt),
        _ => None,
    }
}

const fn of_page(error: &NextPageError) -> Option<&RequestAttemptError> {
    match error {
        NextPageError::RequestFailure(RequestError::LastAttemptError(attempt)) => Some(attempt),
        _ => None,
    }
}

/// Whether a failed attempt may succeed a moment later.
pub(super) fn may_pass(error: &ExecutionError) -> bool {
    match error {
        ExecutionError::EmptyPlan
        | ExecutionError::ConnectionPoolError(_)
        | ExecutionError::RequestTimeout(_) => true,
        ExecutionError::PrepareError(error) => {
            matches!(error, PrepareError::ConnectionPoolError(_))
        }
        ExecutionError::LastAttemptError(error) => match error {
            RequestAttemptError::BrokenConnectionError(_)
            | RequestAttemptError::UnableToAllocStreamId => true,
            RequestAttemptError::DbError(error, _) => matches!(
                error,
                DbError::Unavailable { .. }
                    | DbError::Overloaded
                    | DbError::IsBootstrapping
                    | DbError::ReadTimeout { .. }
                    | DbError::WriteTimeout { .. }
            ),
            _ => false,
        },
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(said: DbError) -> Error {
        let attempt = RequestAttemptError::DbError(said, "why".to_owned());
        ExecutionError::LastAttemptError(attempt).told()
    }

    #[test]
    fn a_denied_login_is_not_reported_as_unavailable() {
        let unauthorized = said(DbError::Unauthorized);
        assert!(matches!(unauthorized, Error::Unauthorized { .. }));
        let preparing = PrepareError::AllAttemptsFailed {
            first_attempt: RequestAttemptError::DbError(DbError::Unauthorized, String::new()),
        };
        let preparing = PagerExecutionError::PrepareError(preparing).told();
        assert!(matches!(preparing, Error::Unauthorized { .. }));
        assert!(matches!(said(DbError::Invalid), Error::Refused { .. }));
        assert!(matches!(
            said(DbError::Overloaded),
            Error::Overloaded { .. }
        ));
        let server = said(DbError::ServerError);
        assert!(matches!(server, Error::Unavailable { .. }));
        let nobody = ExecutionError::EmptyPlan.told();
        assert!(matches!(nobody, Error::Unavailable { .. }));
    }
}
