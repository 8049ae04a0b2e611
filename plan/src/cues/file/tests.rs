//! Tests of the parser of subtitle files.

use proptest::prelude::*;

use crate::cues::file::*;

/// Cues of a file: start and end in milliseconds, position, text.
fn parsed(file: &str) -> Vec<(i64, i64, u8, String)> {
    let list = CueList::parse(file.as_bytes()).unwrap();
    let cues = list.cues.into_iter();
    cues.map(|cue| (cue.start_us / 1000, cue.end_us / 1000, cue.place, cue.text))
        .collect()
}

fn texts(file: &str) -> Vec<String> {
    parsed(file).into_iter().map(|cue| cue.3).collect()
}

#[test]
fn a_tidy_file_of_each_kind_says_the_same() {
    let subrip = "1\n00:00:01,000 --> 00:00:02,500\n<i>Good</i> evening.\nAnd you?\n\n\
        2\n00:00:03,000 --> 00:00:04,000\n{\\an8}Above\n";
    let webvtt = "WEBVTT - a title\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n\n\
        STYLE\n::cue { color: red }\n\nNOTE nobody reads this\n\nREGION\nid:one\n\n\
        intro\n00:01.000 --> 00:02.500\n<i.loud>Good</i> <c>evening</c>.\nAnd you?\n\n\
        00:03.000 --> 00:04.000 line:0\n<v Ann>Above\n";
    let same = vec![
        (1000, 2500, 2, "<i>Good</i> evening.\nAnd you?".to_owned()),
        (3000, 4000, 8, "Above".to_owned()),
    ];
    assert_eq!(parsed(subrip), same);
    assert_eq!(parsed(webvtt), same);
    for (from, to) in [("\n", "\r\n"), ("\n", "\r")] {
        assert_eq!(parsed(&subrip.replace(from, to)), same);
        assert_eq!(parsed(&webvtt.replace(from, to)), same);
    }
    assert_eq!(parsed(&["\u{feff}", subrip].concat()), same);
    assert_eq!(parsed(&["\u{feff}", webvtt].concat()), same);
}

#[test]
fn untidy_files_lose_no_words() {
    // The file has empty lines inside a cue, a cue without a number, cues without an empty line between them, a
    // number that is spoken text, and no end of line at its end.
    let file = "00:00:01,0 --> 00:00:02,0\nOne\n\nmore\n2\n00:00:03,0 --> 00:00:04,0\nTwo\n   \n\
        3\n00:00:05,0 --> 00:00:06,0\n42\n\n4\n\n00:00:07,0 --> 00:00:08,0  X1:10 X2:20\nEnd";
    assert_eq!(texts(file), ["One\nmore", "Two", "42", "End"]);
}

#[test]
fn cues_are_sorted_and_appear_once() {
    let cue = |at: u32, word: &str| format!("00:00:0{at},0 --> 00:00:09,0\n{word}\n\n");
    let file = cue(3, "c") + &cue(1, "a") + &cue(1, "b") + &cue(3, "c");
    assert_eq!(texts(&file), ["a", "b", "c"]);
}

#[test]
fn unknown_tags_are_text_in_subrip() {
    let of = |text: &str| texts(&format!("1\n00:00:01,0 --> 00:00:02,0\n{text}\n")).concat();
    assert_eq!(
        of("I <3 you & <sighs> AT&T;"),
        "I &lt;3 you &amp; &lt;sighs&gt; AT&amp;T;"
    );
    assert_eq!(of("<font color=\"red\">r</font>"), "r");
    assert_eq!(of("<B>b</B><br/><script>x"), "<b>b</b>\n&lt;script&gt;x");
    assert_eq!(of("{\\i1}i{\\i0} {b}"), "<i>i</i> {b}");
    assert_eq!(of("a --> b"), "a --&gt; b");
    assert_eq!(of("<i>a"), "<i>a</i>");
    assert_eq!(
        of("&lt;i&gt; &#60;b&#x3e; &nbsp;."),
        "&lt;i&gt; &lt;b&gt; \u{a0}."
    );
}

#[test]
fn positions_are_the_nearest_of_nine() {
    for (settings, nearest) in [
        ("", 2),
        ("align:start", 1),
        ("align:right position:10%", 3),
        ("position:80%,line-left", 3),
        ("line:50%", 5),
        ("line:0 align:left", 7),
        ("line:10%,start", 8),
        ("line:-1", 2),
        ("line:-14", 8),
        ("line:13 size:20%", 2),
        ("line:NaN position:NaN% region:x vertical:rl :", 3),
    ] {
        assert_eq!(place(settings), nearest, "{settings}");
    }
}

#[test]
fn files_without_cues_are_refused() {
    let of = |file: &[u8]| CueList::parse(file).unwrap_err();
    for file in [
        "",
        "WEBVTT",
        "A letter.\n",
        "1\n00:00:02,0 --> 00:00:01,0\nx",
        "1\n00:00:01,0 --> 00:00:02,0\n<i> </i>",
    ] {
        assert_eq!(of(file.as_bytes()), TextError::NoCues, "{file}");
    }
    assert_eq!(of(b"\0\0\0\x20ftypisom"), TextError::NotText);
    let many = "00:01 --> 00:02\nx\n\n".repeat(MOST_CUES + 1);
    assert_eq!(of(many.as_bytes()), TextError::TooMuch);
    let long = format!("00:01 --> 00:02\n{}", "&".repeat(MOST_BYTES / 4));
    assert_eq!(of(long.as_bytes()), TextError::TooMuch);
    assert_eq!(of(&b"\n".repeat(1 << 20)), TextError::TooMuch);
}

/// Random sequences of the pieces that subtitle files usually consist of.
fn pieces() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "WEBVTT",
        "\n",
        "\n\n",
        "\r",
        "1\n",
        "00:00:01,000 --> 00:00:02,000",
        "00:03.5 --> 00:04",
        " line:0",
        " align:end",
        "<i>",
        "</i>",
        "<b",
        ">",
        "<",
        "</",
        "&",
        "amp;",
        "&#62;",
        "{\\an8}",
        "{",
        "}",
        "-->",
        "word",
        " ",
        "\u{feff}",
        "\u{2028}",
        "\t",
        "<u><b>",
        "</u>",
        "NOTE",
        "--",
        "\\",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_parser_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..400), text in pieces()) {
        let _ = CueList::parse(&bytes);
        let _ = CueList::parse(&[text.as_bytes(), &bytes].concat());
    }

    #[test]
    fn only_the_tags_of_markup_come_out(text in pieces(), format in prop::sample::select(vec!["", "WEBVTT\n\n"])) {
        let file = format!("{format}00:01 --> 00:02\n{text}");
        let Ok(list) = CueList::parse(file.as_bytes()) else { return Ok(()) };
        for cue in list.cues {
            prop_assert!(cue.start_us < cue.end_us && (1..=9).contains(&cue.place));
            prop_assert!(cue.text.split('\n').all(|line| !line.is_empty()), "{:?}", cue.text);
            let mut bare = cue.text;
            for tag in ["<i>", "</i>", "<b>", "</b>", "<u>", "</u>"] {
                bare = bare.replace(tag, "\u{1}");
            }
            prop_assert!(!bare.contains(['<', '>', '\r']), "{bare:?}");
        }
    }
}
