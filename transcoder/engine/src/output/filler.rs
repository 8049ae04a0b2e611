//! Fillers, which stand in for segments that cannot be made: the last good picture, held, or silence.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use plan::{Frames, Plan, RenditionId, VideoRendition};

use crate::audio::encode;
use crate::output::product::CodedSegment;
use crate::output::segments::SegmentMaker;
use crate::video::attempts::{Attempts, Verdict};
use crate::video::encode::SegmentEncoder;
use crate::video::pictures::Picture;
use crate::video::transform::cascade::black;
use crate::video::transform::tone_map::DisplayConverter;

/// Makes a filler and sends it to the parent.
pub fn make(
    maker: &mut SegmentMaker,
    order: u32,
    rendition: RenditionId,
    segment: u32,
) -> Result<()> {
    let plan = maker.plan().clone();
    let coded = if let Some(video) = plan.video_rendition(rendition) {
        picture(maker, video, segment)?
    } else {
        let audio = plan
            .audio_rendition(rendition)
            .context("no such rendition")?;
        encode::silence(&plan, audio, segment)?
    };
    let report = coded.first_attempt_report();
    Ok(coded.send(maker.source().link(), order, (rendition, segment), report)?)
}

fn picture(
    maker: &mut SegmentMaker,
    rendition: &VideoRendition,
    segment: u32,
) -> Result<CodedSegment> {
    if rendition.passed_through.is_some() {
        return maker.copies(rendition)?.held(rendition, segment);
    }
    let plan = maker.plan().clone();
    let (start, _) = plan.timeline.segment_frames(segment);
    let held = last_good(maker, rendition, start)
        .unwrap_or_else(|_| Arc::new(black(rendition.size()).into()));
    encoded(&plan, rendition, segment, &held).or_else(|_| {
        let black = Arc::new(black(rendition.size()).into());
        encoded(&plan, rendition, segment, &black)
    })
}

/// Encodes one picture for the whole length of a segment, under the segment's cap.
fn encoded(
    plan: &Plan,
    rendition: &VideoRendition,
    segment: u32,
    held: &Picture,
) -> Result<CodedSegment> {
    let (start, end) = plan.timeline.segment_frames(segment);
    let length = (end - start, plan.timeline.rate);
    let mut attempts = Attempts::of_one_picture();
    loop {
        let mut encoder = SegmentEncoder::new(rendition, length.0, length.1, attempts.control)?;
        for _ in 0..rendition.pictures_of(length.0).0 {
            encoder.push(held)?;
        }
        let encoded = encoder.finish(|| Ok(()))?;
        let samples = &encoded.samples;
        let coded = CodedSegment {
            init: encoded.init(rendition)?,
            bytes: cmaf::video_segment(rendition, segment, (start, end), samples)?,
            frames: samples.len() as u32,
        };
        if let Verdict::Done(coded) = attempts.judge(rendition, length, &encoded.sizes(), coded)? {
            return Ok(coded);
        }
    }
}

/// Decodes the picture before the segment.
fn last_good(
    maker: &mut SegmentMaker,
    rendition: &VideoRendition,
    start: Frames,
) -> Result<Picture> {
    let plan = maker.plan().clone();
    let track = plan.info.video.as_ref().context("no picture")?;
    let pictures = maker.pictures()?;
    pictures.go_to(Frames((start.0 - 1).max(0)))?;
    let decoded = pictures.next()?;
    DisplayConverter::new(&rendition.scale_path, track, &rendition.color).run(&decoded)
}
