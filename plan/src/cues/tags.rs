//! Parser of the tags and character references inside a cue's text. Lines of a file go in; escaped text goes to
//! [`Markup`].

use crate::cues::file::Format;
use crate::cues::markup::{Markup, Style};

/// Longest tag in bytes; longer ones are text. The limit bounds the search for the end of a tag.
const LONGEST_TAG: usize = 200;
/// Tags of SubRip that are dropped. Other tags may be meant as text ("<3", "<sighs>").
const DROPPED_TAGS: [&str; 8] = ["font", "s", "strike", "span", "c", "v", "p", "ruby"];
/// Character references that subtitle files use.
const REFERENCES: [(&str, char); 8] = [
    ("amp", '&'),
    ("lt", '<'),
    ("gt", '>'),
    ("nbsp", '\u{a0}'),
    ("lrm", '\u{200e}'),
    ("rlm", '\u{200f}'),
    ("quot", '"'),
    ("apos", '\''),
];

/// Writes the lines of a cue to `markup`. Returns the cue's position if a tag declares it.
pub(super) fn write(format: Format, lines: &[&str], markup: &mut Markup) -> Option<u8> {
    let mut place = None;
    for line in lines {
        if format == Format::SubRip && line.trim().is_empty() {
            continue;
        }
        let mut rest = *line;
        while let Some(c) = rest.chars().next() {
            rest = match mark(format, rest) {
                Some((mark, after)) => {
                    apply(mark, markup, &mut place);
                    after
                }
                None => {
                    markup.put(c);
                    &rest[c.len_utf8()..]
                }
            };
        }
        markup.put('\n');
    }
    place
}

enum Mark<'a> {
    /// Tag such as `<i>` or `</b>`: its name, and whether it is an end tag.
    Tag(&'a str, bool),
    /// Character reference such as `&amp;`.
    Character(char),
    /// SubRip override such as `{\an8}`: the text between the braces.
    Override(&'a str),
}

/// The tag or reference at the start of `text`, and the text after it.
fn mark(format: Format, text: &str) -> Option<(Mark<'_>, &str)> {
    match text.as_bytes()[0] {
        b'<' => {
            let (inner, after) = enclosed(text, b'>')?;
            let (inner, ends) = match inner.strip_prefix('/') {
                Some(inner) => (inner, true),
                None => (inner, false),
            };
            let name = inner.split(|c: char| !c.is_ascii_alphanumeric()).next()?;
            let is_known = Style::named(name).is_some() || is_break(name) || is_dropped(name);
            let is_mark = match format {
                Format::SubRip => is_known,
                // Time stamps, and tags that the specification may add later.
                Format::WebVtt => !name.is_empty() || inner.starts_with('.') || inner.is_empty(),
            };
            is_mark.then_some((Mark::Tag(name, ends), after))
        }
        b'&' => {
            let (name, after) = enclosed(text, b';')?;
            Some((Mark::Character(character(name)?), after))
        }
        b'{' if format == Format::SubRip && text[1..].starts_with('\\') => {
            let (inner, after) = enclosed(text, b'}')?;
            Some((Mark::Override(inner), after))
        }
        _ => None,
    }
}

/// The text between the first byte and the next `end` byte, and the text after it.
fn enclosed(text: &str, end: u8) -> Option<(&str, &str)> {
    let near = text.as_bytes().iter().take(LONGEST_TAG);
    let at = near.clone().position(|byte| *byte == end)?;
    Some((&text[1..at], &text[at + 1..]))
}

fn is_break(name: &str) -> bool {
    name.eq_ignore_ascii_case("br")
}

fn is_dropped(name: &str) -> bool {
    DROPPED_TAGS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(name))
}

/// The character of a reference that is given without its `&` and `;`.
fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let number = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        return char::from_u32(number.ok()?);
    }
    let known = REFERENCES.iter().find(|(known, _)| *known == name);
    known.map(|(_, c)| *c)
}

fn apply(mark: Mark<'_>, markup: &mut Markup, place: &mut Option<u8>) {
    match mark {
        Mark::Character(c) => markup.put(c),
        Mark::Tag(name, ends) => match Style::named(name) {
            Some(style) if ends => markup.close(style),
            Some(style) => markup.open(style),
            None if is_break(name) => markup.put('\n'),
            None => {}
        },
        Mark::Override(inner) => {
            for tag in inner.split('\\').map(str::trim) {
                let style = |letter: &str| letter.get(..1).and_then(Style::named);
                match (style(tag), tag.get(1..)) {
                    (Some(style), Some("1")) => markup.open(style),
                    (Some(style), Some("0")) => markup.close(style),
                    _ => *place = place.or(alignment(tag)),
                }
            }
        }
    }
}

/// Position on the numeric keypad of an alignment override. `an` uses the keypad's numbers; the older `a` has 1 to 3
/// at the bottom, 5 to 7 at the top and 9 to 11 in the middle.
fn alignment(tag: &str) -> Option<u8> {
    let number = |digits: &str| digits.trim().parse::<u8>().ok();
    match tag.strip_prefix("an") {
        Some(digits) => number(digits).filter(|place| (1..=9).contains(place)),
        None => match number(tag.strip_prefix('a')?)? {
            below @ 1..=3 => Some(below),
            above @ 5..=7 => Some(above + 2),
            middle @ 9..=11 => Some(middle - 5),
            _ => None,
        },
    }
}
