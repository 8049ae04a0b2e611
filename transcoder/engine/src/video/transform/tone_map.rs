//! The last that is done to a picture before it is encoded: its colours through linear light
//! where they need it, and turning it upright.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use plan::media_info::VideoTrack;
use plan::{Conversion, OutputColor, Rational, Size};

use crate::video::pictures::Picture;
use crate::video::transform::cascade::Cascade;
use crate::video::transform::filter_graph::{FilterGraph, Shape};
use crate::video::transform::rotation::Rotation;

/// What white on paper has in HDR (ITU-R BT.2408 §2.2), and so on the screen of standard range.
const WHITE_NITS: f64 = 203.0;

/// Brings pictures of one size from the cascade into the form that is encoded.
pub struct ToneMap {
    filters: Option<String>,
    chain: Option<(Shape, FilterGraph)>,
    last: Option<(Picture, Picture)>,
}

impl ToneMap {
    /// What these colours need, and this turn.
    pub fn new(color: &OutputColor, turn: Rotation) -> Self {
        let filters: Vec<_> = light(color)
            .into_iter()
            .chain(turn.filter().map(str::to_owned))
            .collect();
        Self {
            filters: (!filters.is_empty()).then(|| filters.join(",")),
            chain: None,
            last: None,
        }
    }

    /// A `yuv420p` picture in limited range; remembers the last one, since held ones repeat.
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
        let done = chain.pull()?.context("no picture came out")?;
        Ok(Arc::new(done.into()))
    }
}

/// Decoded pictures as they are shown, in one size.
pub struct Shown {
    cascade: Cascade,
    finish: ToneMap,
}

impl Shown {
    /// In the last size of `path`.
    pub fn new(path: &[Size], track: &VideoTrack, color: &OutputColor) -> Self {
        let turn = Rotation::of(track);
        Self {
            cascade: Cascade::new(path, track, color),
            finish: ToneMap::new(color, turn),
        }
    }

    /// A decoded picture in that size.
    pub fn run(&mut self, picture: &Picture) -> Result<Picture> {
        let scaled = self.cascade.run(picture)?.pop();
        self.finish.run(scaled.context("an empty path")?)
    }
}

/// In libavfilter's syntax: zimg to linear light and BT.709's primaries, a curve that leaves
/// what is darker than a third of white as it is and bends what is brighter, and back.
fn light(color: &OutputColor) -> Option<String> {
    let Conversion::Light {
        matrix,
        primaries,
        transfer,
        peak_nits,
    } = &color.conversion
    else {
        return None;
    };
    // FFmpeg 5 misspells this one; the number is that of ISO/IEC 23091-2.
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
