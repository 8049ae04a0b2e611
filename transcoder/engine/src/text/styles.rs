//! A reader of the styles of ASS and SSA: the place of their lines, and whether they are italic, bold or underlined.

use std::collections::HashMap;

use plan::cues::USUAL_PLACE;

/// Most styles of a track that are read.
const MOST_STYLES: usize = 1000;

/// Look of the lines of a style, unless their tags say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LineStyle {
    /// Place on the screen, by the digits of a numeric keypad.
    pub place: u8,
    pub italic: bool,
    pub bold: bool,
    pub underline: bool,
}

impl Default for LineStyle {
    fn default() -> Self {
        Self {
            place: USUAL_PLACE,
            italic: false,
            bold: false,
            underline: false,
        }
    }
}

/// Styles of a track by their names.
#[derive(Debug, Default)]
pub struct Styles(HashMap<String, LineStyle>);

impl Styles {
    /// Reads the styles in a track's header.
    pub fn read(header: &str) -> Self {
        let mut styles = HashMap::new();
        let mut format: Vec<String> = Vec::new();
        let mut is_old = false;
        let mut is_inside = false;
        for line in header.lines() {
            let line = line.trim();
            if line.starts_with('[') {
                let name = line.to_ascii_lowercase();
                is_old = name == "[v4 styles]";
                is_inside = is_old || name == "[v4+ styles]";
            } else if let Some(fields) = line.strip_prefix("Format:").filter(|_| is_inside) {
                format = fields
                    .split(',')
                    .map(|name| name.trim().to_ascii_lowercase())
                    .collect();
            } else if let Some(fields) = line.strip_prefix("Style:").filter(|_| is_inside) {
                let values: Vec<&str> = fields.split(',').map(str::trim).collect();
                let value = |name: &str| {
                    let at = format.iter().position(|known| known == name)?;
                    values.get(at).copied()
                };
                let number = |name: &str| value(name).and_then(|value| value.parse::<i32>().ok());
                let is_set = |name: &str| number(name).is_some_and(|number| number != 0);
                if let Some(name) = value("name").filter(|_| styles.len() < MOST_STYLES) {
                    let place = number("alignment").and_then(|number| match is_old {
                        true => old_place(number),
                        false => u8::try_from(number)
                            .ok()
                            .filter(|place| (1..=9).contains(place)),
                    });
                    let style = LineStyle {
                        place: place.unwrap_or(USUAL_PLACE),
                        italic: is_set("italic"),
                        bold: is_set("bold"),
                        underline: is_set("underline"),
                    };
                    styles.insert(name.trim_start_matches('*').to_owned(), style);
                }
            }
        }
        Self(styles)
    }

    /// Style of a name; the style `Default`, or the usual look, where the name is unknown.
    pub fn get(&self, name: &str) -> LineStyle {
        let name = name.trim_start_matches('*');
        self.0
            .get(name)
            .or_else(|| self.0.get("Default"))
            .copied()
            .unwrap_or_default()
    }
}

/// Keypad place of an SSA alignment. SSA counts from left to right, and adds 4 for the top and 8 for the middle.
pub fn old_place(number: i32) -> Option<u8> {
    let column = u8::try_from(number & 3).ok().filter(|column| *column > 0)?;
    let row = match number & 12 {
        0 => 0,
        8 => 3,
        4 => 6,
        _ => return None,
    };
    Some(row + column)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn styles_say_where_and_how() {
        let header = "[V4+ Styles]\nFormat: Name, Fontname, Bold, Italic, Underline, Alignment\n\
                      Style: Default,Arial,0,0,0,2\nStyle: Sign,Arial,-1,0,0,8\nStyle: Thought,Arial,0,-1,0,2\n";
        let styles = Styles::read(header);
        assert_eq!(
            (styles.get("Sign").place, styles.get("Sign").bold),
            (8, true)
        );
        assert!(styles.get("Thought").italic && !styles.get("Nobody").italic);
        let old = "[V4 Styles]\nFormat: Name, Alignment\nStyle: Top,6\n";
        assert_eq!(Styles::read(old).get("Top").place, 8);
    }

    #[test]
    fn old_places_are_the_keypads() {
        let places: Vec<_> = [1, 2, 3, 5, 6, 7, 9, 10, 11, 0, 4, 12, -1]
            .map(old_place)
            .into();
        let wanted = [
            Some(1),
            Some(2),
            Some(3),
            Some(7),
            Some(8),
            Some(9),
            Some(4),
            Some(5),
            Some(6),
        ];
        assert_eq!(places[..9], wanted);
        assert!(places[9..].iter().all(Option::is_none));
    }
}
