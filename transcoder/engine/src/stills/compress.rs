//! Compression to JPEG and WebP by GStreamer: raw pictures go in at `appsrc`, files come out at `appsink`.

use anyhow::{Context as _, Result};
use gstreamer::prelude::*;
use gstreamer::{Caps, Fraction};
use gstreamer_app::{AppSink, AppSrc};
use gstreamer_video::{VideoFormat, VideoInfo};

use crate::video::pictures::Picture;

/// Format of a compressed picture.
#[derive(Clone, Copy, Debug)]
pub enum Format {
    Jpeg,
    Webp,
}

/// Longest wait for one picture; a 4K picture takes 0.1 s.
const PATIENCE: gstreamer::ClockTime = gstreamer::ClockTime::from_seconds(20);

/// GStreamer plugins that are loaded; there are no others.
const PLUGINS: [&str; 4] = [
    "libgstcoreelements.so",
    "libgstapp.so",
    "libgstjpeg.so",
    "libgstwebp.so",
];

/// Starts GStreamer and loads its few plugins. They are files, so this happens before the cage is shut.
pub fn load_plugins() -> Result<()> {
    gstreamer::init()?;
    for plugin in PLUGINS {
        let path = std::path::Path::new(env!("GSTREAMER_PLUGINS")).join(plugin);
        let plugin = gstreamer::Plugin::load_file(path)?;
        gstreamer::Registry::get().add_plugin(&plugin)?;
    }
    Ok(())
}

/// Compresses a `yuv420p` picture.
pub fn compress(picture: &Picture, format: Format) -> Result<Vec<u8>> {
    let encoder = match format {
        Format::Jpeg => "jpegenc quality=82",
        Format::Webp => "webpenc quality=80",
    };
    let line = format!("appsrc name=in ! {encoder} ! appsink name=out sync=false");
    let pipeline = gstreamer::parse::launch(&line)?;
    let pipeline = pipeline
        .downcast::<gstreamer::Pipeline>()
        .ok()
        .context("GStreamer made no pipeline")?;
    let source = element::<AppSrc>(&pipeline, "in")?;
    let sink = element::<AppSink>(&pipeline, "out")?;
    let info = VideoInfo::builder(VideoFormat::I420, picture.width(), picture.height())
        .fps(Fraction::new(1, 1))
        .build()?;
    let caps: Caps = info.to_caps()?;
    source.set_caps(Some(&caps));
    source.set_format(gstreamer::Format::Time);
    let ended = run(&pipeline, &source, &sink, packed(picture, &info));
    pipeline.set_state(gstreamer::State::Null)?;
    ended
}

fn run(
    pipeline: &gstreamer::Pipeline,
    source: &AppSrc,
    sink: &AppSink,
    bytes: Vec<u8>,
) -> Result<Vec<u8>> {
    pipeline.set_state(gstreamer::State::Playing)?;
    let mut buffer = gstreamer::Buffer::from_mut_slice(bytes);
    if let Some(buffer) = buffer.get_mut() {
        buffer.set_pts(gstreamer::ClockTime::ZERO);
        buffer.set_duration(gstreamer::ClockTime::from_seconds(1));
    }
    source.push_buffer(buffer)?;
    source.end_of_stream()?;
    let sample = sink
        .try_pull_sample(PATIENCE)
        .context("GStreamer gave no picture")?;
    let buffer = sample
        .buffer()
        .context("GStreamer gave a sample without a buffer")?;
    Ok(buffer.map_readable()?.as_slice().to_vec())
}

fn element<T: IsA<gstreamer::Element>>(pipeline: &gstreamer::Pipeline, name: &str) -> Result<T> {
    let element = pipeline
        .by_name(name)
        .context("the pipeline lacks an element")?;
    element
        .downcast::<T>()
        .ok()
        .context("the pipeline has an element of another type")
}

/// Bytes of a picture's planes in GStreamer's memory layout.
fn packed(picture: &Picture, info: &VideoInfo) -> Vec<u8> {
    let mut bytes = vec![0; info.size()];
    for plane in 0..3 {
        let (width, height) = (picture.plane_width(plane), picture.plane_height(plane));
        let (from_stride, to_stride) = (picture.stride(plane), info.stride()[plane] as usize);
        let from = picture.data(plane);
        let to = &mut bytes[info.offset()[plane]..];
        for row in 0..height as usize {
            let source = &from[row * from_stride..][..width as usize];
            to[row * to_stride..][..width as usize].copy_from_slice(source);
        }
    }
    bytes
}
