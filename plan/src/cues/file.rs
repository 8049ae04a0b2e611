//! Text files as people have them: SubRip (`.srt`) and WebVTT (`.vtt`).
//!
//! SubRip has no specification, and its files come from many hands: what can be understood is taken,
//! and the rest is left out. WebVTT is read as its specification says (W3C WebVTT §6), but for what
//! players do not show alike: classes, voices, regions and styles are dropped.

use super::decode::decode;
use super::markup::Markup;
use super::timing::timing;
use super::{Cue, CueList, MOST_BYTES, MOST_CUES, USUAL_PLACE, tags};

/// Lines of a file: eight for each cue. It bounds the memory for a file of line breaks.
const MOST_LINES: usize = MOST_CUES * 8;
/// Lines that a picture has room for, about (WebVTT §7.2 has them 5.33 % high, some apart).
const LINES: f64 = 15.0;

/// Why nothing can be made of a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Its bytes are no text in any encoding.
    #[error("The file is no text.")]
    NotText,
    /// Nothing in it is a time with words under it.
    #[error("The file has no cue that can be read: SubRip (.srt) and WebVTT (.vtt) are.")]
    NoCues,
    /// It has more than any film needs.
    #[error("The file has too many cues, or too much text in them.")]
    TooMuch,
}

/// The two kinds of files.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    SubRip,
    WebVtt,
}

impl CueList {
    /// What a file says, by start, whatever the length of what it is shown with.
    ///
    /// # Errors
    /// [`TextError`] where that is nothing or too much.
    pub fn parse(file: &[u8]) -> Result<Self, TextError> {
        let text = decode(file).ok_or(TextError::NotText)?;
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let lines: Vec<&str> = text.split('\n').take(MOST_LINES + 1).collect();
        if lines.len() > MOST_LINES {
            return Err(TextError::TooMuch);
        }
        let format = format(lines[0]);
        let mut cues = Vec::new();
        let mut bytes = 0;
        let mut timings = timings(&lines).peekable();
        while let Some((at, start_us, end_us, settings)) = timings.next() {
            let end = timings.peek().map_or(lines.len(), |next| next.0);
            let (stated, text) = match format {
                Format::WebVtt => (place(settings), until_blank(&lines[at + 1..end])),
                Format::SubRip => {
                    let is_last = end == lines.len();
                    (USUAL_PLACE, without_counter(&lines[at + 1..end], is_last))
                }
            };
            let mut markup = Markup::default();
            let place = tags::write(format, text, &mut markup).unwrap_or(stated);
            let text = markup.finish();
            if text.is_empty() || end_us <= start_us {
                continue;
            }
            bytes += text.len();
            if cues.len() == MOST_CUES || bytes > MOST_BYTES {
                return Err(TextError::TooMuch);
            }
            cues.push(Cue {
                start_us,
                end_us,
                place,
                text,
            });
        }
        let list = Self::of(cues, i64::MAX);
        if list.cues.is_empty() {
            return Err(TextError::NoCues);
        }
        Ok(list)
    }
}

fn format(first: &str) -> Format {
    match first.strip_prefix("WEBVTT") {
        Some(rest) if rest.is_empty() || rest.starts_with([' ', '\t']) => Format::WebVtt,
        _ => Format::SubRip,
    }
}

/// All lines that say when, with their numbers.
fn timings<'a>(lines: &'a [&'a str]) -> impl Iterator<Item = (usize, i64, i64, &'a str)> {
    let lines = lines.iter().enumerate();
    lines.filter_map(|(at, line)| {
        let (start_us, end_us, rest) = timing(line)?;
        Some((at, start_us, end_us, rest))
    })
}

/// An empty line ends a cue of WebVTT; after it come comments, styles or the next one's name.
fn until_blank<'a>(lines: &'a [&'a str]) -> &'a [&'a str] {
    let end = lines.iter().position(|line| line.is_empty());
    &lines[..end.unwrap_or(lines.len())]
}

/// What stands between two times of SubRip belongs to the first of them, empty lines too, but for
/// the number of the next cue.
fn without_counter<'a>(lines: &'a [&'a str], is_last: bool) -> &'a [&'a str] {
    let is_blank = |line: &str| line.trim().is_empty();
    let words = |lines: &[&str]| lines.iter().rposition(|line| !is_blank(line));
    let Some(last) = words(lines).filter(|_| !is_last) else {
        return lines;
    };
    let is_number = lines[last].trim().bytes().all(|b| b.is_ascii_digit());
    // A number that is said has an empty line, or another number, after it.
    let is_apart = (last > 0 && is_blank(lines[last - 1])) || last + 1 == lines.len();
    if is_number && is_apart {
        &lines[..last]
    } else {
        lines
    }
}

/// Cue settings (WebVTT §4.4) as the nearest place on the numeric keypad.
pub(super) fn place(settings: &str) -> u8 {
    let (mut row, mut column, mut aligned) = (0, 1, None);
    for setting in settings.split_ascii_whitespace() {
        let Some((name, value)) = setting.split_once(':') else {
            continue;
        };
        let value = value.split(',').next().unwrap_or(value);
        match name {
            "line" => row = line_row(value),
            "position" => column = third(value, 1),
            "align" => {
                aligned = match value {
                    "start" | "left" => Some(0),
                    "end" | "right" => Some(2),
                    _ => None,
                }
            }
            _ => {}
        }
    }
    row * 3 + aligned.unwrap_or(column) + 1
}

/// Rows count from below. Lines count from above, and from below where they are negative.
fn line_row(value: &str) -> u8 {
    match value.parse::<f64>() {
        Ok(line) if line < 0.0 => 2 - third_of(1.0 + line / LINES),
        Ok(line) => 2 - third_of(line / LINES),
        Err(_) => 2 - third(value, 2),
    }
}

/// Which third a percentage lies in, from 0.
fn third(value: &str, usual: u8) -> u8 {
    let percent = value.strip_suffix('%').and_then(|n| n.parse::<f64>().ok());
    percent.map_or(usual, |percent| third_of(percent / 100.0))
}

fn third_of(part: f64) -> u8 {
    match part {
        part if part < 0.34 => 0,
        part if part <= 0.66 => 1,
        _ => 2,
    }
}

#[cfg(test)]
mod tests;
