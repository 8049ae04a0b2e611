//! Normalization of decoded pictures: transparency is laid over black, and pictures whose colours change inside the
//! stream are converted to the colours of most of their track.

use anyhow::{Context as _, Result};
use ffmpeg_next::color::{Primaries, Range, Space, TransferCharacteristic};
use ffmpeg_next::frame;
use plan::Rational;
use plan::media_info::{Color, VideoTrack};

use crate::video::transform::filter_graph::{FilterGraph, Shape};

/// Conversion between pixel formats that gives the same picture on every machine.
const EXACT: &str = "scale=flags=bicubic+accurate_rnd+full_chroma_int+bitexact";
/// Luminance of white on paper in nits, at which pictures of high and of standard dynamic range are matched (ITU-R
/// BT.2408).
const WHITE_NITS: u32 = 203;

/// Converter that makes all pictures of a track alike.
pub struct Normalizer {
    color: Color,
    /// Colours that most pictures of the track declare.
    own: Color,
    /// Shape and colours of the last picture, and the filters that it needed, if any.
    chain: Option<(Shape, Declared, Option<FilterGraph>)>,
}

/// Colours that a picture declares.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Declared {
    range: Range,
    matrix: Space,
    primaries: Primaries,
    transfer: TransferCharacteristic,
}

impl Declared {
    fn of(picture: &frame::Video) -> Self {
        Self {
            range: picture.color_range(),
            matrix: picture.color_space(),
            primaries: picture.color_primaries(),
            transfer: picture.color_transfer_characteristic(),
        }
    }
}

impl Normalizer {
    /// Makes the converter of a track's pictures.
    pub fn of(track: &VideoTrack) -> Self {
        Self {
            color: track.color.clone(),
            own: track.own_color.clone(),
            chain: None,
        }
    }

    /// Converts a picture to the format of most of its track.
    pub fn run(&mut self, picture: frame::Video) -> Result<frame::Video> {
        let (shape, declared) = (Shape::of(&picture), Declared::of(&picture));
        if let Some((known, colors, chain)) = &mut self.chain
            && (*known, *colors) == (shape, declared)
        {
            return match chain {
                Some(chain) => through(chain, &picture),
                None => Ok(picture),
            };
        }
        let name = shape.format.descriptor().map_or("", |format| format.name());
        let (opaque, recolored) = (opaque(name), self.recolored(&declared));
        let both = opaque.iter().chain(&recolored).cloned().collect::<Vec<_>>();
        // A stream may declare colours that cannot be converted: then the colours are left as they are.
        let ways = [both.join(","), opaque.unwrap_or_default()];
        let mut chain = None;
        let mut done = None;
        for filters in ways.iter().filter(|filters| !filters.is_empty()) {
            let mut tried = FilterGraph::new(filters, shape, Rational::new(1, 1))?;
            if let Ok(picture) = through(&mut tried, &picture) {
                (chain, done) = (Some(tried), Some(picture));
                break;
            }
        }
        self.chain = Some((shape, declared, chain));
        Ok(done.unwrap_or(picture))
    }

    /// Whether a picture declares other colours than most of its track.
    pub fn differs_from_track(&self, picture: &frame::Video) -> bool {
        self.recolored(&Declared::of(picture)).is_some()
    }

    /// Filter from a picture's colours to the track's; none unless both are declared and differ.
    fn recolored(&self, own: &Declared) -> Option<String> {
        let differs = |own: Option<&str>, usual: &Option<String>| {
            own.zip(usual.as_deref())
                .is_some_and(|(own, usual)| own != usual)
        };
        let is_said =
            |name: &&str| !matches!(*name, "unknown" | "reserved" | "unspecified" | "gbr");
        let matrix = own.matrix.name().filter(is_said);
        let primaries = own.primaries.name().filter(is_said);
        let transfer = own.transfer.name().filter(is_said);
        let is_other = differs(matrix, &self.own.matrix)
            || differs(primaries, &self.own.primaries)
            || differs(transfer, &self.own.transfer);
        if !is_other {
            return None;
        }
        let usual = &self.color;
        let names = |kind: &str, from: Option<&str>, to: &Option<String>| {
            let pair = from.zip(to.as_deref());
            pair.map(|(from, to)| format!(":{kind}in={}:{kind}={}", spelled(from), spelled(to)))
        };
        let parts = [
            names("matrix", matrix, &usual.matrix),
            names("primaries", primaries, &usual.primaries),
            names("transfer", transfer, &usual.transfer),
        ];
        let parts: String = parts.into_iter().flatten().collect();
        Some(format!("zscale=npl={WHITE_NITS}{parts}"))
    }
}

/// Name of a colour matrix for zimg. FFmpeg 5 misspells `smpte240m`; its number is that of ISO/IEC 23091-2.
fn spelled(name: &str) -> &str {
    if name == "smpte240m" { "7" } else { name }
}

/// Filters that lay transparent pixels over black, by their opacity; none for formats without transparency.
fn opaque(format: &str) -> Option<String> {
    let (with, without) = if let Some(depth) = format.strip_prefix("yuva4") {
        // The rest of the name is a chroma format and a depth: `20p`, `22p10le`, ...
        let depth = depth.get(2..)?;
        (format!("yuva444{depth}"), format!("yuv444{depth}"))
    } else if let Some(depth) = format.strip_prefix("gbra") {
        (format.to_owned(), format!("gbr{depth}"))
    } else {
        match format {
            "rgba64le" | "rgba64be" | "bgra64le" | "bgra64be" | "ya16le" | "ya16be" => {
                ("gbrap16le".to_owned(), "gbrp16le".to_owned())
            }
            "rgba" | "bgra" | "argb" | "abgr" | "ya8" | "pal8" => {
                ("gbrap".to_owned(), "gbrp".to_owned())
            }
            _ => return None,
        }
    };
    Some(format!(
        "{EXACT},format={with},premultiply=inplace=1,{EXACT},format={without}"
    ))
}

fn through(chain: &mut FilterGraph, picture: &frame::Video) -> Result<frame::Video> {
    chain.push(picture)?;
    chain.pull()?.context("the filters gave no picture")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_with_transparency_loses_it() {
        for (format, without) in [
            ("yuva420p", "yuv444p"),
            ("yuva444p12le", "yuv444p12le"),
            ("gbrap10le", "gbrp10le"),
            ("argb", "gbrp"),
            ("rgba64be", "gbrp16le"),
        ] {
            let filters = opaque(format).unwrap();
            assert!(filters.ends_with(&format!("format={without}")), "{filters}");
        }
        for format in ["yuv420p", "gbrp", "rgb24", "gray", "0rgb"] {
            assert_eq!(opaque(format), None);
        }
    }
}
