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

    /// `NAME="value"`. A quoted string cannot hold a line break or a double quote; there is no
    /// escape, so a typographic quote stands in.
    pub(super) fn quoted(self, name: &str, value: &str) -> Self {
        let value: String = value
            .chars()
            .map(|c| match c {
                '"' => '\u{201d}',
                c if c.is_control() => ' ',
                c => c,
            })
            .collect();
        self.plain(name, format_args!("\"{value}\""))
    }

    pub(super) fn line(self, tag: &str) -> String {
        format!("{tag}:{}\n", self.0)
    }
}
