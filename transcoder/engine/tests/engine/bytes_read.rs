//! The number of bytes of a source that are read for a probe, and for a segment in its middle: the necessary blocks,
//! and at most a tenth more.

use std::path::{Path, PathBuf};

use crate::support::Engine;
use crate::support::planned;
use crate::support::sources::made;

/// Bytes that the engine asks for at a time.
const BLOCK: u64 = 256 << 10;
/// Seconds of the source, and of a GOP in it.
const SECONDS: u64 = 120;
const GROUP: u64 = 2;

/// Bytes of stretches of `tenths` tenths of a second in all, at `places` places. Each stretch begins in the middle of
/// a block, and the block behind it is asked for before its end is known. Blocks that are read once for the index
/// count as places of their own.
fn necessary(size: u64, tenths: u64, places: u64) -> u64 {
    size * tenths / 10 / SECONDS + places * 2 * BLOCK
}

fn source(folder: &Path) -> PathBuf {
    let picture = format!("-f lavfi -i testsrc2=s=640x360:r=30:d={SECONDS},noise=alls=20:allf=t");
    let sounds = format!("-f lavfi -i sine=440:r=48000:d={SECONDS}");
    let coded = "-map 0 -map 1 -map 1 -map 1 -c:v libx264 -preset ultrafast -b:v 4M -maxrate 4M -bufsize 4M -g 60 -bf 2 \
                 -pix_fmt yuv420p -c:a ac3 -b:a 128k";
    made(folder, "source.mkv", &format!("{picture} {sounds} {coded}"))
}

#[test]
fn no_more_is_read_than_is_necessary() {
    let folder = tempfile::tempdir().unwrap();
    let mkv = source(folder.path());
    let copied = |name: &str, how: &str| {
        made(
            folder.path(),
            name,
            &format!("-i {} -map 0 -c copy {how}", mkv.display()),
        )
    };
    let mp4 = copied("source.mp4", "");
    let live = copied("live.mkv", "-live 1 -f matroska");
    let ts = copied("source.ts", "");
    // A probe reads 2 s of head and a GOP of tail, 8 places of 12 pictures, and encodes 4 places of at most 24
    // pictures. The rest is the index, which lies at either end.
    let looked = |size| necessary(size, 20 + 10 * GROUP + 8 * 4 + 4 * 10, 2 + 8 + 4 + 2);
    // A segment of 4 s begins in the middle of a GOP; its sound begins a second before, from the place before that.
    let sought = |size| necessary(size, 10 * (GROUP + 4) + 10 * (GROUP + 1), 2 + 2);
    for (path, probed, indexed) in [
        (&mkv, looked as fn(u64) -> u64, true),
        (&mp4, looked, true),
        // Files without an index are read once.
        (&live, |size| size, true),
        (&ts, |size| size, false),
    ] {
        let size = path.metadata().unwrap().len();
        let (engine, plan) = planned(path, 1);
        let (asked, wanted) = (engine.asked_bytes, probed(size));
        let name = path.file_name().unwrap().display();
        eprintln!("{name}: {size} bytes; a probe asks for {asked}, {wanted} are necessary");
        assert!(
            asked <= wanted * 11 / 10 + 2 * BLOCK,
            "{name}: {asked} of {wanted}"
        );
        engine.finish();
        let mut engine = Engine::start(path, 1);
        engine.plan(&plan);
        let ids = [plan.video.last().unwrap().id, plan.audio[2].id];
        engine.segments(&ids, plan.segments() * 2 / 3, 1);
        let (asked, wanted) = (engine.asked_bytes, sought(size));
        eprintln!("{name}: a cold seek asks for {asked}, {wanted} are necessary");
        // Places in a stream without any index are found by bisection.
        let further = if indexed { 0 } else { 24 * BLOCK };
        assert!(
            asked <= wanted * 11 / 10 + further,
            "{name}: {asked} of {wanted}"
        );
    }
}
