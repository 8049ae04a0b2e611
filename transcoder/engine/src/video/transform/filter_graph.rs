//! Filtering of pictures by a chain of libavfilter's filters.

use anyhow::{Context as _, Result, ensure};
use ffmpeg_next::filter::{self, Graph};
use ffmpeg_next::format::Pixel;
use ffmpeg_next::{Error, frame};
use plan::Rational;

use crate::ffi;

/// Names of the two ends of the chain.
const SOURCE: &str = "in";
const SINK: &str = "out";

/// Format and size of the pictures that a chain takes; pictures of another shape need another chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shape {
    pub format: Pixel,
    pub width: u32,
    pub height: u32,
}

impl Shape {
    /// Shape of a picture.
    pub fn of(picture: &frame::Video) -> Self {
        Self {
            format: picture.format(),
            width: picture.width(),
            height: picture.height(),
        }
    }
}

/// Chain of filters that runs in the caller's thread.
pub struct FilterGraph {
    graph: Graph,
}

impl FilterGraph {
    /// Makes a chain of filters, written in libavfilter's graph syntax, for pictures of one shape with time stamps in
    /// `time_base`.
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

    /// Gives a picture to the chain; its pixels are shared, not copied.
    pub fn push(&mut self, picture: &frame::Video) -> Result<()> {
        // libavfilter takes the frame away from its owner, so it gets a reference of its own.
        let mut own = frame::Video::empty();
        ffi::share(&mut own, picture)?;
        let mut source = self
            .graph
            .get(SOURCE)
            .context("the filter chain has no start")?;
        Ok(source.source().add(&own)?)
    }

    /// Tells the chain that no more pictures come.
    pub fn end(&mut self) -> Result<()> {
        let mut source = self
            .graph
            .get(SOURCE)
            .context("the filter chain has no start")?;
        Ok(source.source().flush()?)
    }

    /// Returns the next filtered picture, if one is ready.
    pub fn pull(&mut self) -> Result<Option<frame::Video>> {
        let mut sink = self
            .graph
            .get(SINK)
            .context("the filter chain has no end")?;
        let mut picture = frame::Video::empty();
        match sink.sink().frame(&mut picture) {
            Ok(()) => {
                ensure!(
                    picture.width() > 0,
                    "the filter chain gave a picture without a size"
                );
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
