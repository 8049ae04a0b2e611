//! Attribute lists (RFC 8216 §4.2).

use std::fmt::Write;

/// An attribute list in the making.
#[derive(Default)]
pub(super) struct Attributes(String);

impl Attributes {
    /// `NAME=value` without quotes: numbers, resolutions, enumerated strings.
    pub(super) fn plain(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        let comma = if self.0.is_empty() { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{comma}{name}={value}");
        self
    }

    /// `NAME="value"`, with what a quoted string cannot hold replaced.
    pub(super) fn quoted(self, name: &str, value: &str) -> Self {
        self.plain(name, format_args!("\"{}\"", quotable(value)))
    }

    pub(super) fn line(self, tag: &str) -> String {
        format!("{tag}:{}\n", self.0)
    }
}

/// A quoted string cannot hold a line break or a double quote and knows no escape: a typographic
/// quote stands in. U+2028 and U+2029 end a line in the regular expressions of hls.js.
pub(super) fn quotable(value: &str) -> String {
    let replaced = |c| match c {
        '"' => '\u{201d}',
        '\u{2028}' | '\u{2029}' => ' ',
        c if c.is_control() => ' ',
        c => c,
    };
    value.chars().map(replaced).collect()
}
