//! Conversion of failures of an S3 store to [`Error`].

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::interceptors::InterceptorContext;
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::PutObjectError;

use crate::Error;

/// Codes of a conflict between two concurrent requests, after which the loser may try again at once. Other 409
/// answers are permanent.
const CONFLICT_CODES: [&str; 2] = ["ConditionalRequestConflict", "OperationAborted"];
/// Codes of stores that are full.
const FULL_CODES: [&str; 5] = [
    "QuotaExceeded",
    "QuotaExceededException",
    "XMinioAdminBucketQuotaExceeded",
    "XMinioStorageFull",
    "InsufficientStorage",
];
/// Words with which Garage reports an exhausted quota, for which it has no code.
const FULL_MESSAGE: &str = "quota is reached";
/// Codes of stores that are overloaded.
const OVERLOAD_CODES: [&str; 3] = ["SlowDown", "SlowDownRead", "SlowDownWrite"];
/// HTTP status for a full store (RFC 4918 §11.5).
const INSUFFICIENT_STORAGE: u16 = 507;

type Failure<E> = SdkError<E, HttpResponse>;

fn status<E>(failure: &Failure<E>) -> Option<u16> {
    let answer = failure.raw_response();
    answer.map(|answer| answer.status().as_u16())
}

/// Whether a condition was not met because an object exists.
pub(super) fn is_lost<E>(failure: &Failure<E>) -> bool {
    status(failure) == Some(412)
}

/// Whether the store does not support the request.
pub(super) fn is_unknown<E>(failure: &Failure<E>) -> bool {
    status(failure) == Some(501)
}

pub(super) fn is_missing<E>(failure: &Failure<E>) -> bool {
    status(failure) == Some(404)
}

/// Whether the requested range starts after the object's end.
pub(super) fn is_out_of_range<E>(failure: &Failure<E>) -> bool {
    status(failure) == Some(416)
}

/// Converts a failure to the error for callers. The store's message is kept for the log.
pub(super) fn error<E>(failure: Failure<E>) -> Error
where
    E: std::error::Error + ProvideErrorMetadata + Send + Sync + 'static,
{
    let code = failure.code().unwrap_or_default().to_owned();
    let status = status(&failure);
    let words = failure.message().unwrap_or_default().to_lowercase();
    let said = DisplayErrorContext(failure).to_string();
    match status {
        Some(404) if code != "NoSuchBucket" => Error::NotFound,
        Some(INSUFFICIENT_STORAGE) => Error::NoSpace,
        _ if FULL_CODES.contains(&code.as_str()) => Error::NoSpace,
        Some(403) if words.contains(FULL_MESSAGE) => Error::NoSpace,
        Some(409) if !CONFLICT_CODES.contains(&code.as_str()) => {
            Error::corrupt(format!("a key conflicts: {said}"))
        }
        // The body arrived too slowly.
        Some(400) if code == "RequestTimeout" => Error::unavailable(said),
        Some(400) if code == "ExpiredToken" => Error::unauthorized(said),
        Some(401 | 403) => Error::unauthorized(said),
        Some(429) => Error::overloaded(said),
        Some(503) if OVERLOAD_CODES.contains(&code.as_str()) => Error::overloaded(said),
        // The bucket does not exist, or the store does not know a header.
        Some(400 | 404 | 405) => Error::refused(said),
        _ => Error::unavailable(said),
    }
}

/// Retry rule for the SDK: two conditional requests conflicted.
#[derive(Debug)]
pub(super) struct Met;

impl ClassifyRetry for Met {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let failed = context.output_or_error().and_then(Result::err);
        let failed = failed.and_then(|error| error.as_operation_error());
        let failed = failed.and_then(|error| error.downcast_ref::<PutObjectError>());
        let code = failed.and_then(ProvideErrorMetadata::code);
        if code.is_some_and(|code| CONFLICT_CODES.contains(&code)) {
            RetryAction::transient_error()
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "conflicting conditional requests"
    }
}
