//! Times and escaped text of WebVTT.

/// Time of a cue as `HH:MM:SS.mmm`, rounded down to the millisecond.
pub(crate) fn time(us: i64) -> String {
    let ms = us.max(0) / 1000;
    let (seconds, ms) = (ms / 1000, ms % 1000);
    format!(
        "{:02}:{:02}:{:02}.{ms:03}",
        seconds / 3600,
        seconds / 60 % 60,
        seconds % 60
    )
}

/// Escapes the text of a cue: markup characters are escaped and line breaks become spaces, so that a title cannot end
/// its cue.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
