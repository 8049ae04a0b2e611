//! Public identifiers: TypeIDs such as `video_01h455vb4pex5vsknk084sn02q`.
//!
//! Parsed and printed here; allocated elsewhere (`store::Ids`), since this crate
//! reads neither clock nor random numbers.

use type_safe_id::{StaticType, TypeSafeId};

macro_rules! id {
    ($(#[$doc:meta])* $kind:ident, $alias:ident, $prefix:literal) => {
        #[doc = concat!("The type tag of [`", stringify!($alias), "`].")]
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
    /// A video: everything under `/v/{video}/`.
    VideoKind, VideoId, "video"
);
id!(
    /// One upload: an ordered run of source blocks.
    UploadKind, UploadId, "upload"
);
id!(
    /// Somebody who owns videos and tokens.
    OwnerKind, OwnerId, "owner"
);
id!(
    /// One engine session; names its report object.
    SessionKind, SessionId, "session"
);
id!(
    /// An API token's public handle (never its secret).
    TokenKind, TokenId, "token"
);
