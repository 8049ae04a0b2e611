//! Deinterlacing: pictures that are pairs of fields become one picture for each field.

use anyhow::Result;
use ffmpeg_next::frame;
use plan::Rational;

use crate::video::transform::filter_graph::{FilterGraph, Shape};
use crate::video::transform::weave::Weaver;

/// Filter that makes a picture of each field. Pictures that are not interlaced pass unchanged; the whole frames of
/// telecined films are among them.
const FILTER: &str = "bwdif=mode=send_field:parity=auto:deint=interlaced";

/// Deinterlacer of pictures. Its filter looks at the pictures before and after, so that the first pictures after a
/// seek differ from those of a longer decode: see [`Fields::BLURRED`].
pub struct Fields {
    time_base: Rational,
    chain: Option<(Shape, FilterGraph)>,
    /// Joins fields to pairs, where each field is stored as a picture of its own.
    weaver: Option<Weaver>,
}

impl Fields {
    /// Number of fields at the start, and at the end, of a stretch that may differ from those in its middle.
    pub const BLURRED: i64 = 4;

    /// Makes a deinterlacer of pictures with time stamps in `time_base`. `are_apart` says that each field is stored
    /// as a picture of its own.
    pub fn new(time_base: Rational, are_apart: bool) -> Self {
        Self {
            time_base,
            chain: None,
            weaver: are_apart.then(Weaver::default),
        }
    }

    /// Unit of the time stamps of the deinterlaced pictures: half of the source's unit.
    pub fn time_base(&self) -> Rational {
        Rational::new(self.time_base.num(), self.time_base.den() * 2)
    }

    /// Takes a picture with its time stamp.
    pub fn push(&mut self, picture: frame::Video, stamp: i64) -> Result<()> {
        let woven = match &mut self.weaver {
            Some(weaver) => weaver.push(picture, stamp)?,
            None => Some((picture, stamp)),
        };
        woven.map_or(Ok(()), |(picture, stamp)| self.push_pair(picture, stamp))
    }

    fn push_pair(&mut self, mut picture: frame::Video, stamp: i64) -> Result<()> {
        picture.set_pts(Some(stamp));
        let shape = Shape::of(&picture);
        match &mut self.chain {
            Some((known, chain)) if *known == shape => chain.push(&picture),
            // The filter of the former shape holds two fields at most, which are dropped.
            _ => {
                let mut chain = FilterGraph::new(FILTER, shape, self.time_base)?;
                chain.push(&picture)?;
                self.chain = Some((shape, chain));
                Ok(())
            }
        }
    }

    /// Returns the next picture, with its time stamp in [`Self::time_base`].
    pub fn pull(&mut self) -> Result<Option<frame::Video>> {
        match &mut self.chain {
            Some((_, chain)) => chain.pull(),
            None => Ok(None),
        }
    }

    /// Ends the stretch: no picture comes before the next [`Self::restart`].
    pub fn end(&mut self) -> Result<()> {
        if let Some((picture, stamp)) = self.weaver.as_mut().map(Weaver::end).transpose()?.flatten()
        {
            self.push_pair(picture, stamp)?;
        }
        match &mut self.chain {
            Some((_, chain)) => chain.end(),
            None => Ok(()),
        }
    }

    /// Drops all state, since the next picture comes from another place.
    pub fn restart(&mut self) {
        self.chain = None;
        self.weaver = self.weaver.take().map(|_| Weaver::default());
    }
}

/// Whether a picture is a pair of fields that can be separated.
pub fn are_in(picture: &frame::Video) -> bool {
    // The filter bwdif takes no smaller pictures.
    picture.is_interlaced() && picture.width() >= 3 && picture.height() >= 4
}

/// Deinterlaces the first field of one picture, without its neighbours.
pub fn alone(picture: frame::Video, are_apart: bool) -> Result<frame::Video> {
    let mut fields = Fields::new(Rational::new(1, 1), are_apart);
    fields.push(picture, 0)?;
    fields.end()?;
    let first = fields.pull()?;
    first.map_or_else(|| anyhow::bail!("the deinterlacer gave no field"), Ok)
}
