//! Writer of WebVTT cue text (W3C WebVTT §3.4). Characters and style changes go in; escaped text with nested tags
//! comes out.

/// Style of a piece of text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Italic text, tag `i`.
    Italic,
    /// Bold text, tag `b`.
    Bold,
    /// Underlined text, tag `u`.
    Underline,
}

impl Style {
    /// The style of an HTML tag name, in upper or lower case. `None` for other tags.
    pub fn named(tag: &str) -> Option<Self> {
        match tag.to_ascii_lowercase().as_str() {
            "i" | "em" => Some(Self::Italic),
            "b" | "strong" => Some(Self::Bold),
            "u" => Some(Self::Underline),
            _ => None,
        }
    }

    const fn letter(self) -> char {
        match self {
            Self::Italic => 'i',
            Self::Bold => 'b',
            Self::Underline => 'u',
        }
    }
}

/// Escaped cue text with properly nested tags and without empty lines, which would end the cue. Input cannot produce
/// a tag or `-->`: only the methods of this type write tags.
#[derive(Default)]
pub struct Markup {
    text: String,
    /// Styles of the open tags, outermost first.
    open: Vec<Style>,
    /// Whether a line break is pending. The next character writes it, so that an empty line, which would end the cue,
    /// is never written.
    breaks: bool,
}

impl Markup {
    /// Adds a character, or ends the line for `\n`.
    pub fn put(&mut self, c: char) {
        match c {
            '\n' => self.breaks = !self.text.is_empty(),
            '\t' => self.write(" "),
            c if c.is_control() => {}
            '&' => self.write("&amp;"),
            '<' => self.write("&lt;"),
            '>' => self.write("&gt;"),
            c => self.write(c.encode_utf8(&mut [0; 4])),
        }
    }

    /// Starts a style for the text that follows.
    pub fn open(&mut self, style: Style) {
        if !self.open.contains(&style) {
            self.open.push(style);
            self.write_open(style);
        }
    }

    /// Ends a style. Tags nest, so the tags inside are closed with it and opened again.
    pub fn close(&mut self, style: Style) {
        let Some(at) = self.open.iter().position(|open| *open == style) else {
            return;
        };
        let inside = self.open.split_off(at + 1);
        for style in inside.iter().rev().chain([&style]) {
            self.write_close(*style);
        }
        self.open.pop();
        inside.into_iter().for_each(|style| self.open(style));
    }

    /// Ends all styles.
    pub fn close_all(&mut self) {
        for style in std::mem::take(&mut self.open).into_iter().rev() {
            self.write_close(style);
        }
    }

    /// Returns the text with all tags closed. The text is empty if it contains no words.
    pub fn finish(mut self) -> String {
        self.close_all();
        if !self.has_words() {
            return String::new();
        }
        self.text
    }

    fn has_words(&self) -> bool {
        let mut in_tag = false;
        self.text.chars().any(|c| {
            match c {
                '<' => in_tag = true,
                '>' => in_tag = false,
                c => return !in_tag && !c.is_whitespace(),
            }
            false
        })
    }

    fn write(&mut self, text: &str) {
        if std::mem::take(&mut self.breaks) {
            self.text.push('\n');
        }
        self.text.push_str(text);
    }

    fn write_open(&mut self, style: Style) {
        self.write("<");
        self.text.extend([style.letter(), '>']);
    }

    fn write_close(&mut self, style: Style) {
        self.text.extend(['<', '/', style.letter(), '>']);
    }
}

#[cfg(test)]
mod tests {
    use super::Style::{Bold, Italic};
    use super::*;

    #[test]
    fn tags_nest_and_text_is_escaped() {
        let mut markup = Markup::default();
        markup.open(Italic);
        markup.open(Bold);
        "a\n\n-->\t<i>".chars().for_each(|c| markup.put(c));
        markup.close(Italic);
        markup.put('b');
        assert_eq!(markup.finish(), "<i><b>a\n--&gt; &lt;i&gt;</b></i><b>b</b>");
    }

    #[test]
    fn text_without_words_is_empty() {
        let mut markup = Markup::default();
        markup.open(Italic);
        " \n\u{7} ".chars().for_each(|c| markup.put(c));
        assert_eq!(markup.finish(), "");
    }
}
