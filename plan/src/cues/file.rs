//! Parser of subtitle files: SubRip (`.srt`) and WebVTT (`.vtt`). The bytes of a file go in; a [`CueList`] comes out.
//!
//! SubRip has no specification, and many programs write it differently: the parser takes what it understands and
//! skips the rest. WebVTT is read as its specification says (W3C WebVTT §6), except for features that players show
//! differently: classes, voices, regions and styles are dropped.

use crate::cues::decode::decode;
use crate::cues::markup::Markup;
use crate::cues::timing::timing;
use crate::cues::{Cue, CueList, MOST_BYTES, MOST_CUES, USUAL_PLACE, tags};

/// Largest number of lines in a file: eight for each cue. The limit bounds the memory for a file of line breaks.
const MOST_LINES: usize = MOST_CUES * 8;
/// Approximate number of text lines that fit on a frame (WebVTT §7.2 makes them 5.33 % high, with space between).
const LINES_PER_FRAME: f64 = 15.0;

/// Reason why a text file gives no cues.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The bytes are not text in any encoding.
    #[error("The file is not text.")]
    NotText,
    /// The file has no time line that is followed by words.
    #[error("The file has no readable cue. Supported formats are SubRip (.srt) and WebVTT (.vtt).")]
    NoCues,
    /// The file has more cues or more text than any film needs.
    #[error("The file has too many cues, or too much text in them.")]
    TooMuch,
}

/// Format of a subtitle file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    SubRip,
    WebVtt,
}

impl CueList {
    /// Parses the cues of a file and sorts them by start. Times are not cut at the end of the presentation, since the
    /// file does not know it.
    ///
    /// # Errors
    /// [`TextError`] if the file is not text, has no cues, or has too many.
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

/// All lines that contain a cue's times: the line's number, start and end in microseconds, and the rest of the line.
fn timings<'a>(lines: &'a [&'a str]) -> impl Iterator<Item = (usize, i64, i64, &'a str)> {
    let lines = lines.iter().enumerate();
    lines.filter_map(|(at, line)| {
        let (start_us, end_us, rest) = timing(line)?;
        Some((at, start_us, end_us, rest))
    })
}

/// The lines before the first empty line, which ends a WebVTT cue. Comments, styles or the next cue's name may follow
/// it.
fn until_blank<'a>(lines: &'a [&'a str]) -> &'a [&'a str] {
    let end = lines.iter().position(|line| line.is_empty());
    &lines[..end.unwrap_or(lines.len())]
}

/// The text of a SubRip cue: all lines up to the next cue's times, including empty lines, without the number of the
/// next cue.
fn without_counter<'a>(lines: &'a [&'a str], is_last: bool) -> &'a [&'a str] {
    let is_blank = |line: &str| line.trim().is_empty();
    let words = |lines: &[&str]| lines.iter().rposition(|line| !is_blank(line));
    let Some(last) = words(lines).filter(|_| !is_last) else {
        return lines;
    };
    let is_number = lines[last].trim().bytes().all(|b| b.is_ascii_digit());
    // A number that is spoken text has an empty line, or another number, after it.
    let is_apart = (last > 0 && is_blank(lines[last - 1])) || last + 1 == lines.len();
    if is_number && is_apart {
        &lines[..last]
    } else {
        lines
    }
}

/// Position of a cue, from its settings (WebVTT §4.4), as the nearest key of the numeric keypad.
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

/// Row of a `line` setting, counted from the bottom: 0, 1 or 2. WebVTT counts lines from the top, and from the bottom
/// if the number is negative.
fn line_row(value: &str) -> u8 {
    match value.parse::<f64>() {
        Ok(line) if line < 0.0 => 2 - third_of(1.0 + line / LINES_PER_FRAME),
        Ok(line) => 2 - third_of(line / LINES_PER_FRAME),
        Err(_) => 2 - third(value, 2),
    }
}

/// Third of the screen, from 0 to 2, in which a percentage lies; `usual` if the value is not a percentage.
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
