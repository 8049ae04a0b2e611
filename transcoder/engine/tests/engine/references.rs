//! Files that refer to other files, to addresses or to programs: nothing outside of the source is even asked for,
//! which the engine's system calls show.

use std::path::Path;

use plan::{Code, Policy};
use protocol::Order;

use crate::support::Engine;
use crate::support::corpus::corpus;
use crate::support::sources::{made, picture};

/// System calls that reach out of the process. Calls on descriptors that the engine has are not among them.
const KINDS: &str = "trace=%file,%process,socket,connect,bind,listen,accept4,sendmsg,sendmmsg,\
                     recvmsg,seccomp";
/// Calls with which a thread starts and ends; a resumed call was recorded when it began. The C library looks for
/// tables of character sets for the names of programmes, and does without them.
const OWN: [&str; 8] = [
    "clone(",
    "clone3(",
    "exit(",
    "exit_group(",
    " resumed>",
    "+++",
    "/gconv/gconv-modules",
    // glibc reads this file once in a process, where a thread gives memory back (malloc/arena.c).
    "/proc/sys/vm/overcommit_memory",
];

/// Calls that reached out after the cage was shut.
fn reached(trace: &str) -> Vec<&str> {
    let lines: Vec<&str> = trace.lines().collect();
    let shut = lines
        .iter()
        .rposition(|line| line.contains("seccomp(SECCOMP_SET_MODE_FILTER"));
    let shut = shut.expect("the cage is shut");
    let (before, after) = lines.split_at(shut + 1);
    let seen = before.iter().any(|line| line.contains("libavformat"));
    assert!(seen, "the libraries were opened, and were seen to be");
    let own = |line: &str| OWN.iter().any(|own| line.contains(own));
    after.iter().filter(|line| !own(line)).copied().collect()
}

/// Probes a source and, where it is media, makes its first segments, its text and its loudness; returns the code of a
/// refusal.
fn taken_in(source: &Path, trace: &Path) -> Option<Code> {
    let mut engine = Engine::traced(source, KINDS, trace);
    let code = match engine.probe() {
        Err(failure) => Some(failure.code),
        Ok(info) => {
            if let Ok(plan) = plan::make_plan(&info, &Policy::default()) {
                engine.plan(&plan);
                let renditions = plan.video.iter().map(|video| video.id).take(1).collect();
                let segments = Order::Segments {
                    renditions,
                    first: 0,
                    count: 1,
                };
                // Other tests check the products; this one checks the system calls.
                let _ = engine.order(segments);
                let _ = engine.order(Order::Texts);
                let _ = engine.order(Order::Loudness);
            }
            None
        }
    };
    engine.finish();
    code
}

/// Makes a QuickTime movie that is only a reference to another (QuickTime File Format, `rmra`).
fn reference_movie(address: &str) -> Vec<u8> {
    let boxed = |kind: &[u8; 4], body: &[u8]| {
        let size = (body.len() as u32 + 8).to_be_bytes();
        [&size[..], kind, body].concat()
    };
    let address = [address.as_bytes(), b"\0"].concat();
    let length = (address.len() as u32).to_be_bytes();
    let reference = boxed(b"rdrf", &[&[0; 4][..], b"url ", &length, &address].concat());
    let movie = boxed(b"moov", &boxed(b"rmra", &boxed(b"rmda", &reference)));
    [boxed(b"ftyp", b"qt  \0\0\0\0qt  "), movie].concat()
}

/// Scripts and playlists that FFmpeg knows, and that other programs have followed.
fn scripts(secret: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let secret = secret.display();
    let web = "http://127.0.0.1:9";
    let text = |text: String| text.into_bytes();
    vec![
        (
            "media.m3u8",
            text(format!(
                "#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile://{secret}\n#EXTINF:10,\n\
                 {web}/a.ts\n#EXTINF:10,\nconcat:{secret}|{web}/b\n#EXT-X-ENDLIST\n"
            )),
        ),
        (
            "master.mp4",
            text(format!(
                "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{secret}\n\
                 #EXT-X-STREAM-INF:BANDWIDTH=2\n{web}/b.m3u8\n"
            )),
        ),
        (
            "key.m3u8",
            text(format!(
                "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"file://{secret}\"\n#EXTINF:10,\n\
                 data:video/mp2t;base64,RwAA\n#EXT-X-ENDLIST\n"
            )),
        ),
        (
            "list.ffconcat",
            text(format!(
                "ffconcat version 1.0\nfile '{secret}'\nfile '{web}/a.ts'\n\
                 file 'subfile,,start,0,end,64,,:{secret}'\n"
            )),
        ),
        (
            "manifest.mpd",
            text(format!(
                "<?xml version=\"1.0\"?><!DOCTYPE MPD [<!ENTITY x SYSTEM \"file://{secret}\">]>\n\
                 <MPD xmlns=\"urn:mpeg:dash:schema:mpd:2011\" type=\"static\"><Period>\
                 <AdaptationSet contentType=\"video\"><Representation id=\"1\" bandwidth=\"1\">\
                 <BaseURL>{web}/&x;</BaseURL></Representation></AdaptationSet></Period></MPD>\n"
            )),
        ),
        (
            "stream.sdp",
            text(
                "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\n\
                 m=video 40000 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
                    .to_owned(),
            ),
        ),
        (
            "redirect.asx",
            text(format!(
                "<asx version=\"3\"><entry><ref href=\"{web}/a\"/></entry></asx>\n"
            )),
        ),
        (
            "reference.asf",
            text(format!("[Reference]\nRef1={web}/a.asf\nRef2={secret}\n")),
        ),
        (
            "redirect.ram",
            text(format!("rtsp://127.0.0.1:9/a.rm\nfile://{secret}\n")),
        ),
        (
            "rtsp.mov",
            text("rtsptextrtsp://127.0.0.1:9/a\n".to_owned()),
        ),
        (
            "text.mpl",
            text(format!("[playlist]\nFile1={secret}\nNumberOfEntries=1\n")),
        ),
        (
            "names.idx",
            text(format!(
                "# VobSub index file, v7\nid: en, index: 0\nfile: {secret}\n"
            )),
        ),
        (
            "graph.lavfi",
            text(format!("movie={secret}[out0];amovie={web}/a[out1]\n")),
        ),
        ("reference.mov", reference_movie(&format!("{web}/a.mov"))),
        ("reference-file.mov", reference_movie(&secret.to_string())),
    ]
}

#[test]
fn scripts_and_playlists_reach_for_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    // The file that the references name exists and is worth reading.
    let coded = format!("{} -c:v libx264 -preset ultrafast", picture("25", "1"));
    let secret = made(folder.path(), "secret.ts", &coded);
    for (name, bytes) in scripts(&secret) {
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        let code = reaches_for_nothing(&path, &trace);
        assert!(code.is_some(), "{name} was taken for media");
    }
    // An ordinary source with pictures makes the calls of every session.
    assert_eq!(reaches_for_nothing(&secret, &trace), None);
}

#[test]
fn references_of_the_corpus_are_not_followed() {
    let (folder, traces) = (corpus(), tempfile::tempdir().unwrap());
    let trace = traces.path().join("trace");
    // The first file has pictures of its own besides.
    for (name, is_media) in [
        ("damage-external-dref.mp4", true),
        ("damage-playlist-as-mp4.mp4", false),
        ("damage-concat.ffconcat", false),
    ] {
        let code = reaches_for_nothing(&folder.join(name), &trace);
        assert!(is_media || code.is_some(), "{name} was taken for media");
    }
}

/// Code with which a source is refused, if it is. Nothing outside of it may be reached for.
fn reaches_for_nothing(source: &Path, trace: &Path) -> Option<Code> {
    let code = taken_in(source, trace);
    let trace = std::fs::read_to_string(trace).unwrap();
    let name = source.file_name().unwrap().to_string_lossy();
    println!("{name:24} {code:?}");
    assert_eq!(reached(&trace), Vec::<&str>::new(), "{name}");
    code
}
