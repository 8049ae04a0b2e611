//! Common Media Client Data (CMCD, CTA-5004): what a player reports about itself. Only the keys that are used here are
//! read: session, deadline and next object.

use std::time::Duration;

use plan::{RenditionKey, SegmentKey};
use sfv::{BareItem, Dictionary, ListEntry, Parser};

use crate::delivery::rendition_file::RenditionFile;

/// Longest session id, in characters (CTA-5004); a longer one is ignored.
const LONGEST_SESSION: usize = 64;

/// CMCD data of one request.
#[derive(Debug, Default)]
pub struct Cmcd {
    /// `sid`: id of the playback session.
    pub session: Option<String>,
    /// `dl`: time until the player needs the object, because its buffer runs empty then.
    pub deadline: Option<Duration>,
    /// `nor`: path of the object that the player requests next, relative to this request.
    pub next: Option<String>,
}

impl Cmcd {
    /// Reads CMCD texts, one from the query or several from headers. Texts and keys that cannot be parsed are ignored.
    pub fn read<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut cmcd = Self::default();
        for text in texts {
            let dictionary: Dictionary = Parser::new(text).parse().unwrap_or_default();
            for (key, value) in &dictionary {
                let item = match value {
                    ListEntry::Item(item) => Some(item),
                    ListEntry::InnerList(list) => list.items.first(),
                };
                if let Some(item) = item {
                    cmcd.set(key.as_str(), &item.bare_item);
                }
            }
        }
        cmcd
    }

    fn set(&mut self, key: &str, value: &BareItem) {
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

    /// Segment that the player requests next; `at` is the rendition of this request, which a relative path may omit.
    pub fn next_segment(&self, at: RenditionKey) -> Option<SegmentKey> {
        let mut names = self.next.as_deref()?.rsplit('/');
        let RenditionFile::Segment(index) = RenditionFile::parse(names.next()?)? else {
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
