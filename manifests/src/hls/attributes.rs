//! Attribute lists of HLS tags (RFC 8216 §4.2).

use std::fmt::Write;

/// Attribute list to which attributes are added one by one.
#[derive(Default)]
pub(super) struct Attributes(String);

impl Attributes {
    /// Adds `NAME=value` without quotes: numbers, resolutions and enumerated strings.
    pub(super) fn plain(mut self, name: &str, value: impl std::fmt::Display) -> Self {
        let comma = if self.0.is_empty() { "" } else { "," };
        // Writing to a String cannot fail.
        let _ = write!(self.0, "{comma}{name}={value}");
        self
    }

    /// Adds `NAME="value"` and replaces the characters that a quoted string cannot contain.
    pub(super) fn quoted(self, name: &str, value: &str) -> Self {
        self.plain(name, format_args!("\"{}\"", quotable(value)))
    }

    pub(super) fn line(self, tag: &str) -> String {
        format!("{tag}:{}\n", self.0)
    }
}

/// Replaces the characters that a quoted string cannot contain: line breaks and double quotes. HLS has no escapes, so
/// a typographic quote stands in. U+2028 and U+2029 are replaced because they end a line in the regular expressions
/// of hls.js.
pub(super) fn quotable(value: &str) -> String {
    let replaced = |c| match c {
        '"' => '\u{201d}',
        '\u{2028}' | '\u{2029}' => ' ',
        c if c.is_control() => ' ',
        c => c,
    };
    value.chars().map(replaced).collect()
}
