//! Public identifiers: TypeIDs such as `video_01h455vb4pex5vsknk084sn02q`.
//!
//! Ids are parsed and printed here. `store::Ids` allocates them, since this crate reads neither a clock nor random
//! numbers.

use type_safe_id::{StaticType, TypeSafeId};

macro_rules! id {
    ($(#[$doc:meta])* $kind:ident, $alias:ident, $prefix:literal) => {
        #[doc = concat!("Type tag of [`", stringify!($alias), "`].")]
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $kind;
        impl StaticType for $kind {
            const TYPE: &'static str = $prefix;
        }
        $(#[$doc])*
        pub type $alias = TypeSafeId<$kind>;
    };
}

id!(
    /// Id of a video; it names everything under `/v/{video}/`.
    VideoKind, VideoId, "video"
);
id!(
    /// Id of an upload, which is an ordered sequence of source blocks.
    UploadKind, UploadId, "upload"
);
id!(
    /// Id of a person or program that owns videos and tokens.
    OwnerKind, OwnerId, "owner"
);
id!(
    /// Id of an engine session; it names the session's report object.
    SessionKind, SessionId, "session"
);
id!(
    /// Public id of an API token, never its secret.
    TokenKind, TokenId, "token"
);
