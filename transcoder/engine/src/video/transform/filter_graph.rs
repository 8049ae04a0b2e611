//! Pictures through a chain of libavfilter's filters.

use anyhow::{Context as _, Result, ensure};
use ffmpeg_next::filter::{self, Graph};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::{Error, frame};
use plan::Rational;

use crate::ffi;

/// Names of the chain's two ends.
const SOURCE: &str = "in";
const SINK: &str = "out";

/// What pictures a chain takes; others need another chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub format: Pixel,
    pub width: u32,
    pub height: u32,
}

impl Shape {
    /// That of a picture.
    pub fn of(picture: &frame::Video) -> Self {
        Self {
            format: picture.format(),
            width: picture.width(),
            height: picture.height(),
        }
    }
}

/// Filters one after another, in the caller's thread.
pub struct FilterGraph {
    graph: Graph,
}

impl FilterGraph {
    /// A chain of these filters, as libavfilter's graph syntax writes them, for pictures of one
    /// shape with time stamps in `time_base`.
    pub fn new(filters: &str, shape: Shape, time_base: Rational) -> Result<Self> {
        let mut graph = Graph::new();
        ffi::one_thread(&mut graph);
        let format = shape.format.descriptor().context("no such pixel format")?;
        let input = format!(
            "video_size={}x{}:pix_fmt={}:time_base={}/{}:pixel_aspect=1/1",
            shape.width,
            shape.height,
            format.name(),
            time_base.num(),
            time_base.den(),
        );
        let named = |name: &str| filter::find(name).context("this FFmpeg has no filters");
        graph.add(&named("buffer")?, SOURCE, &input)?;
        graph.add(&named("buffersink")?, SINK, "")?;
        let ends = graph.output(SOURCE, 0)?.input(SINK, 0)?;
        ends.parse(filters)?;
        graph.validate()?;
        Ok(Self { graph })
    }

    /// Takes a picture; its pixels are shared, not copied.
    pub fn push(&mut self, picture: &frame::Video) -> Result<()> {
        // What is added is taken away from its owner.
        let mut own = frame::Video::empty();
        ffi::share(&mut own, picture)?;
        let mut source = self.graph.get(SOURCE).context("a chain without a start")?;
        Ok(source.source().add(&own)?)
    }

    /// Nothing more comes.
    pub fn end(&mut self) -> Result<()> {
        let mut source = self.graph.get(SOURCE).context("a chain without a start")?;
        Ok(source.source().flush()?)
    }

    /// The next picture that is done, if there is one.
    pub fn pull(&mut self) -> Result<Option<frame::Video>> {
        let mut sink = self.graph.get(SINK).context("a chain without an end")?;
        let mut picture = frame::Video::empty();
        match sink.sink().frame(&mut picture) {
            Ok(()) => {
                ensure!(picture.width() > 0, "a picture without a size");
                Ok(Some(picture))
            }
            Err(Error::Eof) => Ok(None),
            Err(Error::Other {
                errno: ffmpeg_next::error::EAGAIN,
            }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}
