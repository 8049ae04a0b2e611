//! Pages of a list that is ordered newest first.

use std::fmt;
use std::str::FromStr;

use plan::VideoId;

/// Where a page ended; stays right when rows come or go. Opaque to clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The last row's time.
    pub created_at_us: i64,
    /// The last row, among those of the same time.
    pub id: VideoId,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.created_at_us, self.id)
    }
}

/// A text is no cursor.
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

/// Which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// After what; `None` is the first page.
    pub after: Option<Cursor>,
    /// How many rows at most; cut at [`PageRequest::MOST`].
    pub limit: u32,
}

impl PageRequest {
    /// Rows of a page that nobody wants larger: a video's row is about a kilobyte.
    pub const MOST: u32 = 500;

    /// The first page.
    pub const fn first(limit: u32) -> Self {
        Self { after: None, limit }
    }

    /// The page after `cursor`.
    pub const fn after(cursor: Cursor, limit: u32) -> Self {
        Self {
            after: Some(cursor),
            limit,
        }
    }
}

/// Some rows, and how to get the next ones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// In order.
    pub items: Vec<T>,
    /// `None`: these were the last.
    pub next: Option<Cursor>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_way_through_a_url() {
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
