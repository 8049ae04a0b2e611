//! The last transformation of a picture before it is encoded: tone mapping of its colours where they need it, and
//! rotation.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use plan::media_info::VideoTrack;
use plan::{Conversion, OutputColor, Rational, Size};

use crate::video::pictures::Picture;
use crate::video::transform::cascade::Cascade;
use crate::video::transform::filter_graph::{FilterGraph, Shape};
use crate::video::transform::rotation::Rotation;

/// Luminance of white on paper in HDR, in nits (ITU-R BT.2408 §2.2); it becomes the white of standard dynamic range.
const WHITE_NITS: f64 = 203.0;

/// Converter of pictures of one size from the cascade to the form that is encoded.
pub struct ToneMap {
    filters: Option<String>,
    chain: Option<(Shape, FilterGraph)>,
    last: Option<(Picture, Picture)>,
}

impl ToneMap {
    /// Makes the converter for these colours and this rotation.
    pub fn new(color: &OutputColor, turn: Rotation) -> Self {
        let filters: Vec<_> = tone_map_filters(color)
            .into_iter()
            .chain(turn.filter().map(str::to_owned))
            .collect();
        Self {
            filters: (!filters.is_empty()).then(|| filters.join(",")),
            chain: None,
            last: None,
        }
    }

    /// Converts a picture to an upright `yuv420p` one in limited range. The last picture is remembered, since held
    /// pictures repeat.
    pub fn run(&mut self, picture: Picture) -> Result<Picture> {
        if let Some((last, done)) = &self.last
            && Arc::ptr_eq(last, &picture)
        {
            return Ok(done.clone());
        }
        let done = self.filtered(&picture)?;
        self.last = Some((picture, done.clone()));
        Ok(done)
    }

    fn filtered(&mut self, picture: &Picture) -> Result<Picture> {
        let Some(filters) = &self.filters else {
            return Ok(picture.clone());
        };
        let shape = Shape::of(picture);
        let chain = match &mut self.chain {
            Some((known, chain)) if *known == shape => chain,
            chain => {
                let fresh = FilterGraph::new(filters, shape, Rational::new(1, 1))?;
                &mut chain.insert((shape, fresh)).1
            }
        };
        chain.push(picture)?;
        let done = chain.pull()?.context("the filters gave no picture")?;
        Ok(Arc::new(done.into()))
    }
}

/// Converter from decoded pictures to the form that viewers see, in one size.
pub struct DisplayConverter {
    cascade: Cascade,
    tone_map: ToneMap,
}

impl DisplayConverter {
    /// Makes a converter to the last size of `path`.
    pub fn new(path: &[Size], track: &VideoTrack, color: &OutputColor) -> Self {
        let turn = Rotation::of(track);
        Self {
            cascade: Cascade::new(path, track, color),
            tone_map: ToneMap::new(color, turn),
        }
    }

    /// Converts a decoded picture.
    pub fn run(&mut self, picture: &Picture) -> Result<Picture> {
        let scaled = self.cascade.run(picture)?.pop();
        self.tone_map
            .run(scaled.context("the scale path is empty")?)
    }
}

/// Filters of the tone mapping, in libavfilter's syntax: zimg to linear light and BT.709's primaries, then a curve
/// that keeps values below a third of white and bends brighter ones, and then zimg to BT.709.
fn tone_map_filters(color: &OutputColor) -> Option<String> {
    let Conversion::Light {
        matrix,
        primaries,
        transfer,
        peak_nits,
    } = &color.conversion
    else {
        return None;
    };
    // FFmpeg 5 misspells `smpte240m`; its number is that of ISO/IEC 23091-2.
    let matrix = if matrix == "smpte240m" { "7" } else { matrix };
    let from = format!(
        "zscale=rangein=limited:matrixin={matrix}:primariesin={primaries}:transferin={transfer}"
    );
    const TO: &str = "c=left:transfer=bt709:matrix=bt709:range=limited,format=yuv420p";
    Some(match peak_nits {
        None => format!("{from}:primaries=bt709:{TO}"),
        Some(nits) => {
            let peak = f64::from(*nits) / WHITE_NITS;
            format!(
                "{from}:primaries={primaries}:matrix=gbr:transfer=linear:npl={WHITE_NITS},\
                 format=gbrpf32le,zscale=primaries=bt709,\
                 tonemap=tonemap=mobius:param=0.3:desat=0:peak={peak:.4},zscale={TO}"
            )
        }
    })
}
