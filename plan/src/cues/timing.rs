//! Parser of the line above a cue that says when the cue is shown, as WebVTT defines it and as people write it.

/// Separators between the start and the end time. Programs of translators turn the first one into the others.
const ARROWS: [&str; 5] = ["-->", "-- >", "\u{2013}>", "\u{2014}>", "->"];
/// Largest number of digits of hours, minutes or seconds. More digits make no sense and would overflow.
const MOST_DIGITS: usize = 5;
/// Largest number of digits of a fraction. Three of them count.
const MOST_OF_FRACTION: usize = 9;

/// Start and end of a cue in microseconds, and the rest of the line. `None` if the line has no times.
pub(super) fn timing(line: &str) -> Option<(i64, i64, &str)> {
    let split = |arrow: &&str| line.split_once(arrow);
    let (start, rest) = ARROWS.iter().find_map(split)?;
    let (start, after) = time(start)?;
    if !after.trim().is_empty() {
        return None;
    }
    let (end, rest) = time(rest)?;
    Some((start, end, rest))
}

/// Parses `[H:]MM:SS` with a fraction after a dot or comma and blanks anywhere. Returns the time in microseconds, at
/// least zero, and the text after it.
fn time(text: &str) -> Option<(i64, &str)> {
    let text = text.trim_start();
    let is_negative = text.starts_with('-');
    let (first, mut rest) = number(text.strip_prefix('-').unwrap_or(text), MOST_DIGITS)?;
    let mut parts = vec![first];
    while parts.len() < 4 {
        let Some(after) = rest.trim_start().strip_prefix(':') else {
            break;
        };
        let (part, after) = number(after, MOST_DIGITS)?;
        parts.push(part);
        rest = after;
    }
    let mut fraction = None;
    if parts.len() == 4 {
        // `00:00:01:500`: the fraction stands after a colon.
        fraction = parts.pop();
    } else if let Some(after) = rest.trim_start().strip_prefix(['.', ',']) {
        let digits;
        (digits, rest) = number(after, MOST_OF_FRACTION)?;
        fraction = Some(digits);
    }
    let [.., minutes, seconds] = parts[..] else {
        return None;
    };
    let hours = if parts.len() == 3 { parts[0] } else { "0" };
    let whole = |digits: &str| digits.parse::<i64>().ok();
    let seconds = (whole(hours)? * 60 + whole(minutes)?) * 60 + whole(seconds)?;
    let ms = thousandths(fraction.unwrap_or("0"));
    let us = (seconds * 1000 + ms) * 1000;
    Some((if is_negative { 0 } else { us }, rest))
}

/// Leading digits after any blanks, and the text after them. `None` if there are more than `most` digits, or none.
fn number(text: &str, most: usize) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit());
    let (digits, rest) = text.split_at(end.unwrap_or(text.len()));
    (1..=most).contains(&digits.len()).then_some((digits, rest))
}

/// Thousandths of a second of a fraction: `5`, `500` and `500000` are all half a second.
fn thousandths(fraction: &str) -> i64 {
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(3);
    digits.fold(0, |ms, digit| ms * 10 + i64::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_parsed_in_all_common_spellings() {
        let second = 1_000_000;
        for (line, start, end) in [
            ("00:00:01,500 --> 00:00:02,000", 1_500_000, 2 * second),
            ("00:01.500 --> 00:02.000", 1_500_000, 2 * second),
            ("1:00:01.5-->1:00:02", 3_601_500_000, 3_602 * second),
            (
                "00: 00: 01, 500 -- > 00: 00: 02, 000",
                1_500_000,
                2 * second,
            ),
            ("00:00:01:500 -> 00:00:02:000", 1_500_000, 2 * second),
            ("-00:00:01,000 --> 00:00:02,000", 0, 2 * second),
            (
                "123:00:00.000 --> 123:00:01.000",
                442_800 * second,
                442_801 * second,
            ),
            (
                "00:00:01.500000 \u{2014}> 00:00:02.000000",
                1_500_000,
                2 * second,
            ),
        ] {
            assert_eq!(timing(line), Some((start, end, "")), "{line}");
        }
        let placed = timing("00:01.000 --> 00:02.000 line:0 align:start");
        assert_eq!(placed, Some((second, 2 * second, " line:0 align:start")));
    }

    #[test]
    fn lines_that_resemble_times_are_text() {
        for line in [
            "",
            "-->",
            "a --> b",
            "1 --> 2",
            "00:01 is --> 00:02",
            "00:00:01,500",
            "999999:00:00 --> ",
            "00:00:00.0000000000 --> 00:00:01",
        ] {
            assert_eq!(timing(line), None, "{line}");
        }
    }
}
