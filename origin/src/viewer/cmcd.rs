//! What a player says of its state (CTA-5004, CMCD), as far as it is of use here.

use std::time::Duration;

use plan::{RenditionKey, SegmentKey};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use crate::delivery::FileName;

/// Session ids are at most so long (CTA-5004); what is longer is not taken for one.
const LONGEST_SESSION: usize = 64;

/// What a player says.
#[derive(Debug, Default)]
pub struct Said {
    /// `sid`
    pub session: Option<String>,
    /// `dl`
    pub deadline: Option<Duration>,
    /// `nor`: the object that it asks for next, relative to this one.
    pub next: Option<String>,
}

impl Said {
    /// What stands in its texts, one in the query or several in headers; what cannot be read is
    /// not said.
    pub fn read<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut said = Self::default();
        for text in texts {
            let dictionary: Dictionary = Parser::new(text).parse().unwrap_or_default();
            for (key, value) in &dictionary {
                let item = match value {
                    ListEntry::Item(item) => Some(item),
                    ListEntry::InnerList(list) => list.items.first(),
                };
                if let Some(item) = item {
                    said.take(key.as_str(), &item.bare_item);
                }
            }
        }
        said
    }

    fn take(&mut self, key: &str, value: &BareItem) {
        match (key, value) {
            ("sid", BareItem::String(session)) => {
                let session = session.as_str().to_owned();
                self.session = Some(session).filter(|session| session.len() <= LONGEST_SESSION);
            }
            ("dl", BareItem::Integer(ms)) => {
                let ms = u64::try_from(i64::from(*ms)).ok();
                self.deadline = ms.map(Duration::from_millis);
            }
            ("nor", BareItem::String(next)) => self.next = Some(next.as_str().to_owned()),
            _ => {}
        }
    }

    /// The segment that the player asks for next.
    pub fn next_segment(&self, at: RenditionKey) -> Option<SegmentKey> {
        let mut names = self.next.as_deref()?.rsplit('/');
        let FileName::Segment(index) = FileName::parse(names.next()?)? else {
            return None;
        };
        let named = names.next().and_then(|name| name.parse().ok());
        Some(SegmentKey {
            video: at.video,
            rendition: named.unwrap_or(at.rendition),
            index,
        })
    }
}
