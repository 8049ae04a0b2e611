//! Conversion of ASS, in which FFmpeg gives all text, to the text of WebVTT cues.

use plan::cues::{Markup, Style, USUAL_PLACE};

use super::styles::{LineStyle, Styles, old_place};

/// Number of fields before a dialogue's text: ReadOrder, Layer, Style, Name, three margins, Effect.
const FIELDS: usize = 8;

/// Index of the field that names a style.
const STYLE: usize = 2;

/// Place and text of a dialogue line; none where it has too few fields.
pub fn dialogue(line: &str, styles: &Styles) -> Option<(u8, String)> {
    let mut fields = line.splitn(FIELDS + 1, ',');
    let style = fields.nth(STYLE)?;
    let text = fields.nth(FIELDS - STYLE - 1)?;
    Some(convert(text, styles.get(style)))
}

/// Place and text of a CEA-608 caption. FFmpeg places its rows by their distance from the top of a picture that is
/// 288 high. The first row decides: the caption stands in the upper third, in the middle, or below.
pub fn caption(line: &str) -> Option<(u8, String)> {
    const HEIGHT: u32 = 288;
    let (_, text) = dialogue(line, &Styles::default())?;
    let from_top = line.split_once("\\pos(").and_then(|(_, after)| {
        let (_, after) = after.split_once(',')?;
        after.split_once(')')?.0.trim().parse::<u32>().ok()
    });
    let place = match from_top.map(|y| y * 3 / HEIGHT) {
        Some(0) => 8,
        Some(1) => 5,
        _ => USUAL_PLACE,
    };
    // FFmpeg indents rows with no-break spaces.
    let rows = text.lines().map(|row| row.trim_matches(['\u{a0}', ' ']));
    let rows: Vec<&str> = rows.filter(|row| !row.is_empty()).collect();
    Some((place, rows.join("\n")))
}

/// Place and text of a line without any ASS tags.
pub fn plain(text: &str) -> (u8, String) {
    let mut writer = Writer::default();
    text.chars().for_each(|c| writer.put(c));
    (USUAL_PLACE, writer.finish())
}

/// Converts ASS text: override blocks in braces, `\N` and `\n` for line breaks, `\h` for a no-break space.
fn convert(text: &str, style: LineStyle) -> (u8, String) {
    let mut writer = Writer::new(style);
    let mut place = style.place;
    // Only the first stated alignment counts.
    let mut stated = None;
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        if let Some((block, after)) = override_block(rest) {
            for tag in block.split('\\').skip(1) {
                stated = stated.or_else(|| alignment(tag));
                writer.tag(tag.trim());
            }
            rest = after;
            continue;
        }
        let escaped = [("\\N", '\n'), ("\\n", '\n'), ("\\h", '\u{a0}')].into_iter();
        let mut escaped = escaped.filter_map(|(mark, c)| Some((rest.strip_prefix(mark)?, c)));
        (rest, _) = match escaped.next() {
            Some((after, c)) => (after, writer.put(c)),
            None => (&rest[first.len_utf8()..], writer.put(first)),
        };
    }
    place = stated.unwrap_or(place);
    (place, writer.finish())
}

/// Override block in braces at the start of `text`, and the text after it.
fn override_block(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('{')?.split_once('}')
}

/// Place that an alignment tag states. `\an` uses the places of a numeric keypad, 1 to 9; `\a` uses those of SSA.
fn alignment(tag: &str) -> Option<u8> {
    let old = tag
        .strip_prefix('a')
        .and_then(|number| number.trim().parse().ok());
    if let Some(number) = old {
        return old_place(number);
    }
    let place = tag.strip_prefix("an")?.trim().parse().ok()?;
    (1..=9).contains(&place).then_some(place)
}

/// Writer of one line of cue text.
#[derive(Default)]
struct Writer {
    markup: Markup,
    /// Style of the line, unless its tags say otherwise.
    style: LineStyle,
    /// Whether the text is a drawing, as it is between `\p1` and `\p0`.
    draws: bool,
}

impl Writer {
    fn new(style: LineStyle) -> Self {
        let mut writer = Self {
            style,
            ..Self::default()
        };
        writer.open_style();
        writer
    }

    fn open_style(&mut self) {
        let LineStyle {
            italic,
            bold,
            underline,
            ..
        } = self.style;
        for (is_set, style) in [
            (italic, Style::Italic),
            (bold, Style::Bold),
            (underline, Style::Underline),
        ] {
            if is_set {
                self.markup.open(style);
            }
        }
    }

    fn put(&mut self, c: char) {
        if !self.draws {
            self.markup.put(c);
        }
    }

    fn tag(&mut self, tag: &str) {
        let mut characters = tag.chars();
        let (Some(name), number) = (characters.next(), characters.as_str()) else {
            return;
        };
        // The tag `\r` goes back to the line's own style.
        if name == 'r' {
            self.markup.close_all();
            return self.open_style();
        }
        // `\b700` is a weight; `\bord2`, `\be1` and `\pos(…)` are other tags.
        let Ok(number) = number.parse::<u32>() else {
            return;
        };
        let style = match name {
            'p' => {
                self.draws = number > 0;
                return;
            }
            'i' => Style::Italic,
            'b' => Style::Bold,
            'u' => Style::Underline,
            _ => return,
        };
        match number {
            0 => self.markup.close(style),
            _ => self.markup.open(style),
        }
    }

    fn finish(self) -> String {
        self.markup.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(ass: &str) -> String {
        convert(ass, LineStyle::default()).1
    }

    #[test]
    fn marks_become_tags_that_nest() {
        assert_eq!(
            text("{\\i1}No{\\i0} & <yes>"),
            "<i>No</i> &amp; &lt;yes&gt;"
        );
        assert_eq!(text("{\\i1\\b1}a{\\i0}b"), "<i><b>a</b></i><b>b</b>");
        assert_eq!(text("{\\i1\\b1}a{\\r}b"), "<i><b>a</b></i>b");
        assert_eq!(text("{\\b700\\bord3\\pos(1,2)}x"), "<b>x</b>");
        assert_eq!(text("one\\Ntwo\\hthree"), "one\ntwo\u{a0}three");
    }

    #[test]
    fn no_cue_is_cut_in_two_and_none_is_empty() {
        assert_eq!(text("\\N\\Na\\N\\N\\Nb\\N"), "a\nb");
        assert_eq!(text("{\\p1}m 0 0 l 10 10{\\p0}"), "");
        assert_eq!(text("{\\i1} {\\i0}"), "");
        assert_eq!(text("a {brace that never ends"), "a {brace that never ends");
    }

    #[test]
    fn a_dialogue_has_its_text_after_eight_fields() {
        let line = "0,0,Default,,0,0,0,,{\\an8}Above, and further on";
        assert_eq!(
            dialogue(line, &Styles::default()),
            Some((8, "Above, and further on".to_owned()))
        );
        assert_eq!(dialogue("0,0,Default", &Styles::default()), None);
        let thought =
            Styles::read("[V4+ Styles]\nFormat: Name, Italic, Alignment\nStyle: Thought,-1,8\n");
        let line = "0,0,Thought,,0,0,0,,Why {\\i0}me";
        assert_eq!(
            dialogue(line, &thought),
            Some((8, "<i>Why </i>me".to_owned()))
        );
        assert_eq!(plain("a\r\n\r\nb"), (USUAL_PLACE, "a\nb".to_owned()));
    }
}
