//! Pages of a list that is ordered newest first.

use std::fmt;
use std::str::FromStr;

use plan::VideoId;

/// Position in a list at which a page ended. It stays valid when rows are added or removed, and is opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// Time of creation of the last row, in microseconds since 1970 UTC.
    pub created_at_us: i64,
    /// Id of the last row, which decides among rows with the same time.
    pub id: VideoId,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.created_at_us, self.id)
    }
}

/// Error for a text that is not a cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a cursor of this list")]
pub struct NotACursor;

impl FromStr for Cursor {
    type Err = NotACursor;

    fn from_str(text: &str) -> Result<Self, NotACursor> {
        let (created_at_us, id) = text.split_once('.').ok_or(NotACursor)?;
        Ok(Self {
            created_at_us: created_at_us.parse().map_err(|_| NotACursor)?,
            id: id.parse().map_err(|_| NotACursor)?,
        })
    }
}

/// Request for a page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// Position after which the page starts; `None` for the first page.
    pub after: Option<Cursor>,
    /// Largest number of rows; at most [`PageRequest::MOST`].
    pub limit: u32,
}

impl PageRequest {
    /// Largest number of rows on a page. A video's row takes about a kilobyte.
    pub const MOST: u32 = 500;

    /// Requests the first page.
    pub const fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }

    /// Requests the page after `cursor`.
    pub const fn after(cursor: Cursor, limit: u32) -> Self {
        Self {
            after: Some(cursor),
            limit,
        }
    }
}

/// Page of a list, with the position of the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// Items in the order of the list.
    pub items: Vec<T>,
    /// Position at which the next page starts; `None` after the last page.
    pub next: Option<Cursor>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_a_url() {
        let cursor = Cursor {
            created_at_us: -5,
            id: VideoId::new(),
        };
        assert_eq!(cursor.to_string().parse(), Ok(cursor));
        for text in [
            "",
            ".",
            "5",
            "5.",
            "x.video_01h455vb4pex5vsknk084sn02q",
            "5.upload_x",
        ] {
            assert_eq!(text.parse::<Cursor>(), Err(NotACursor), "{text}");
        }
    }
}
