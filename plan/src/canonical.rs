//! Encoding of settings as bytes for the hash of a rendition: versioned, length-prefixed integers and strings, so
//! that two different settings never have the same bytes.
//!
//! Settings go in; a [`RenditionId`] comes out.

use crate::rendition::{RenditionId, RenditionName};
use crate::units::Rational;

/// Version of the encoding below. It is raised whenever the encoding changes.
const ENCODING_VERSION: i64 = 1;

/// Hash of a rendition's settings, to which settings are added one by one.
pub(crate) struct Canonical(blake3::Hasher);

impl Canonical {
    pub(crate) fn new(kind: &str) -> Self {
        let mut this = Self(blake3::Hasher::new());
        this.int(ENCODING_VERSION).text(kind);
        this
    }

    pub(crate) fn int(&mut self, value: impl Into<i64>) -> &mut Self {
        self.0.update(b"i").update(&value.into().to_be_bytes());
        self
    }

    pub(crate) fn text(&mut self, value: &str) -> &mut Self {
        self.0
            .update(b"s")
            .update(&(value.len() as u64).to_be_bytes())
            .update(value.as_bytes());
        self
    }

    pub(crate) fn rational(&mut self, value: Rational) -> &mut Self {
        self.int(value.num()).int(value.den())
    }

    pub(crate) fn optional(&mut self, value: Option<&str>) -> &mut Self {
        match value {
            Some(text) => self.int(1).text(text),
            None => self.int(0),
        }
    }

    pub(crate) fn ints(&mut self, values: impl ExactSizeIterator<Item = i64>) -> &mut Self {
        self.int(values.len() as i64);
        values.fold(self, |this, value| this.int(value))
    }

    pub(crate) fn rendition(&self, name: RenditionName) -> RenditionId {
        RenditionId::new(name, self.0.finalize().as_bytes())
    }
}
