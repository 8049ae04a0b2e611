//! What the failures of an S3 store mean.

use aws_sdk_s3::config::http::HttpResponse;
use aws_sdk_s3::config::interceptors::InterceptorContext;
use aws_sdk_s3::config::retry::{ClassifyRetry, RetryAction};
use aws_sdk_s3::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};
use aws_sdk_s3::operation::put_object::PutObjectError;

use crate::Error;

/// Two requests met: the loser may ask again at once. No other 409 passes by itself.
const MET: [&str; 2] = ["ConditionalRequestConflict", "OperationAborted"];
/// How stores say that they are full.
const FULL: [&str; 5] = [
    "QuotaExceeded",
    "QuotaExceededException",
    "XMinioAdminBucketQuotaExceeded",
    "XMinioStorageFull",
    "InsufficientStorage",
];
/// How Garage says that one of its quotas is used up, for which it has no code.
const FULL_IN_WORDS: &str = "quota is reached";
/// How they say that they have too much to do.
const SLOW: [&str; 3] = ["SlowDown", "SlowDownRead", "SlowDownWrite"];
/// HTTP's own word for it (RFC 4918 §11.5).
const INSUFFICIENT_STORAGE: u16 = 507;

type Failure<E> = SdkError<E, HttpResponse>;

fn status<E>(failure: &Failure<E>) -> Option<u16> {
    let answer = failure.raw_response();
    answer.map(|answer| answer.status().as_u16())
}

/// A condition was not met: something is there already.
pub(super) fn is_lost<E>(failure: &Failure<E>) -> bool {
    status(failure) == Some(412)
}

/// The store does not know something that was asked of it.
pub(super) fn is_unknown<E>(failure: &Failure<E>) -> bool {
    status(failure) == Some(501)
}

pub(super) fn is_missing<E>(failure: &Failure<E>) -> bool {
    status(failure) == Some(404)
}

/// The range begins after the object's end.
pub(super) fn is_out_of_range<E>(failure: &Failure<E>) -> bool {
    status(failure) == Some(416)
}

/// What callers are told, with the store's own words for the log.
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
        _ if FULL.contains(&code.as_str()) => Error::NoSpace,
        Some(403) if words.contains(FULL_IN_WORDS) => Error::NoSpace,
        Some(409) if !MET.contains(&code.as_str()) => {
            Error::corrupt(format!("a key conflicts: {said}"))
        }
        // The body came too slowly.
        Some(400) if code == "RequestTimeout" => Error::unavailable(said),
        Some(400) if code == "ExpiredToken" => Error::unauthorized(said),
        Some(401 | 403) => Error::unauthorized(said),
        Some(429) => Error::overloaded(said),
        Some(503) if SLOW.contains(&code.as_str()) => Error::overloaded(said),
        // A bucket that is not there, a header that is not known.
        Some(400 | 404 | 405) => Error::refused(said),
        _ => Error::unavailable(said),
    }
}

/// Has the SDK try again where two conditional requests met.
#[derive(Debug)]
pub(super) struct Met;

impl ClassifyRetry for Met {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let failed = context.output_or_error().and_then(Result::err);
        let failed = failed.and_then(|error| error.as_operation_error());
        let failed = failed.and_then(|error| error.downcast_ref::<PutObjectError>());
        let code = failed.and_then(ProvideErrorMetadata::code);
        if code.is_some_and(|code| MET.contains(&code)) {
            RetryAction::transient_error()
        } else {
            RetryAction::NoActionIndicated
        }
    }

    fn name(&self) -> &'static str {
        "conditional requests that met"
    }
}
