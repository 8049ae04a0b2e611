//! Pictures that are pairs of fields, taken apart.

use anyhow::Result;
use ffmpeg_next::frame;
use plan::Rational;

use crate::video::transform::filter_graph::{FilterGraph, Shape};
use crate::video::transform::weave::Weaver;

/// A picture for each field; what is not interlaced passes as it is, telecined films' whole
/// frames among it.
const FILTER: &str = "bwdif=mode=send_field:parity=auto:deint=interlaced";

/// Takes fields apart. It looks at the pictures before and after, so that the first that come
/// out after a seek differ from those of a longer decode: see [`Fields::BLURRED`].
pub struct Fields {
    time_base: Rational,
    chain: Option<(Shape, FilterGraph)>,
    /// Where each is stored as a picture of its own.
    weaver: Option<Weaver>,
}

impl Fields {
    /// Fields at the start, and the end, of a stretch that may differ from those in its middle.
    pub const BLURRED: i64 = 4;

    /// For pictures whose time stamps are in `time_base`: pairs of fields, or each field apart.
    pub fn new(time_base: Rational, are_apart: bool) -> Self {
        Self {
            time_base,
            chain: None,
            weaver: are_apart.then(Weaver::default),
        }
    }

    /// Unit of the time stamps of what comes out: half a source's unit.
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
            // What the one before still holds are two fields at most.
            _ => {
                let mut chain = FilterGraph::new(FILTER, shape, self.time_base)?;
                chain.push(&picture)?;
                self.chain = Some((shape, chain));
                Ok(())
            }
        }
    }

    /// The next picture and its time stamp, in [`Self::time_base`].
    pub fn pull(&mut self) -> Result<Option<frame::Video>> {
        match &mut self.chain {
            Some((_, chain)) => chain.pull(),
            None => Ok(None),
        }
    }

    /// Nothing more comes before the next [`Self::restart`].
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

    /// Forgets everything: the next picture comes from elsewhere.
    pub fn restart(&mut self) {
        self.chain = None;
        self.weaver = self.weaver.take().map(|_| Weaver::default());
    }
}

/// Whether a picture is a pair of fields that can be taken apart.
pub fn are_in(picture: &frame::Video) -> bool {
    // bwdif takes no smaller ones.
    picture.is_interlaced() && picture.width() >= 3 && picture.height() >= 4
}

/// One picture's first field, from itself alone.
pub fn alone(picture: frame::Video, are_apart: bool) -> Result<frame::Video> {
    let mut fields = Fields::new(Rational::new(1, 1), are_apart);
    fields.push(picture, 0)?;
    fields.end()?;
    let first = fields.pull()?;
    first.map_or_else(|| anyhow::bail!("no field came out"), Ok)
}
