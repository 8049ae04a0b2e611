//! Runs of segments: one decode for a set of rungs, the sound beside it.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use plan::{AudioRendition, Frames, Limits, Plan, RenditionId, VideoRendition};
use protocol::{Budget, SegmentReport, ToParent, memory};

use crate::audio::encode;
use crate::audio::track::TrackSamples;
use crate::input::source::Source;
use crate::link::Link;
use crate::output::remarks::Remarks;
use crate::video::attempts::Attempts;
use crate::video::pass_through::Copies;
use crate::video::pictures::Pictures;
use crate::video::rung_encoder::{Extras, RungEncoder, Task};
use crate::video::transform::cascade::Cascade;
use crate::video::transform::rotation::Rotation;

/// Makes segments of one source and plan; keeps its readers warm between orders.
pub struct SegmentMaker {
    source: Source,
    plan: Arc<Plan>,
    budget: Budget,
    limits: Limits,
    pool: rayon::ThreadPool,
    pictures: Option<Pictures>,
    copies: Option<Copies>,
    sounds: HashMap<u32, TrackSamples>,
}

/// Rungs that are encoded from one decode, and what was tried before of the segment that is encoded again.
type Rungs<'a> = Vec<(&'a VideoRendition, Option<Attempts>)>;

/// Of encoders' threads.
const ENCODER_NICENESS: i32 = 5;

/// The largest box whose pictures are kept until their segment is done: in larger ones memory costs more time than
/// decoding again.
const LARGEST_KEPT: u32 = 480;
/// Bytes of a segment's pictures in one rung, at most, that are kept: 75 MB at 480p, four seconds and 30 a second.
const MOST_KEPT: u64 = 96 << 20;

/// A stretch of segments.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// The order it belongs to.
    pub order: u32,
    /// The first segment.
    pub first: u32,
    /// One past the last.
    pub end: u32,
}

/// Decoding and scaling feed every rung from one thread: where all cores are busy it goes first,
/// or the encoders run dry. What waits in lanes is bounded, so it never gets far ahead.
fn yield_to_decoders() {
    // An engine that may not do so is slower, nothing worse.
    let _ = rustix::process::nice(ENCODER_NICENESS);
}

impl SegmentMaker {
    /// A maker whose encoders share a pool of the budget's size.
    pub fn new(source: Source, plan: Arc<Plan>, budget: Budget, limits: Limits) -> Result<Self> {
        let threads = budget.encode_threads.max(1) as usize;
        let name = |index| format!("encode-{index}");
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(name)
            .start_handler(|_| yield_to_decoders())
            .build()?;
        Ok(Self {
            source,
            plan,
            budget,
            limits,
            pool,
            pictures: None,
            copies: None,
            sounds: HashMap::new(),
        })
    }

    /// The plan it works by.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// What it refuses.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The source it reads.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Gives up its readers: after a failure nobody knows what state they are in.
    pub fn reset(&mut self) {
        self.pictures = None;
        self.copies = None;
        self.sounds.clear();
    }

    /// The pictures of the source.
    pub fn pictures(&mut self) -> Result<&mut Pictures> {
        if self.pictures.is_none() {
            let threads = self.budget.decode_threads;
            self.pictures = Some(Pictures::open(
                &self.source,
                &self.plan,
                threads,
                &self.limits,
            )?);
        }
        self.pictures.as_mut().context("pictures were just opened")
    }

    /// The pictures of the source as they are stored, for the rendition that passes them through.
    pub fn copies(&mut self, rendition: &VideoRendition) -> Result<&mut Copies> {
        if self.copies.is_none() {
            self.copies = Some(Copies::open(&self.source, &self.plan, rendition)?);
        }
        self.copies.as_mut().context("copies were just opened")
    }

    /// Makes every segment of the run in all of these renditions.
    pub fn segments(&mut self, run: Run, renditions: &[RenditionId]) -> Result<()> {
        let plan = self.plan.clone();
        let (copied, encoded): (Vec<&VideoRendition>, Vec<&VideoRendition>) = plan
            .every_picture()
            .filter(|v| renditions.contains(&v.id))
            .partition(|v| v.passed_through.is_some());
        let audio: Vec<&AudioRendition> = plan
            .every_sound()
            .filter(|a| renditions.contains(&a.id))
            .collect();
        if copied.len() + encoded.len() + audio.len() < renditions.len() {
            bail!("a rendition that the plan does not have");
        }
        let mut sounds = std::mem::take(&mut self.sounds);
        let (source, link) = (self.source.clone(), self.source.link().clone());
        let made = std::thread::scope(|scope| {
            let plan = &plan;
            let sound = scope.spawn(|| make_sound(plan, &source, &link, &mut sounds, run, &audio));
            let copies = copied.iter().try_for_each(|rung| self.copy(run, rung));
            let picture = copies.and_then(|()| self.make_pictures(run, &encoded));
            let sound = sound
                .join()
                .unwrap_or_else(|_| bail!("the sound's thread panicked"));
            picture.and(sound)
        });
        self.sounds = sounds;
        made
    }

    /// Passes the run's pictures through.
    fn copy(&mut self, run: Run, rendition: &VideoRendition) -> Result<()> {
        let link = self.source.link().clone();
        let id = rendition.id;
        for segment in run.first..run.end {
            if link.is_skipped(id, segment) {
                continue;
            }
            let at = ToParent::At {
                order: run.order,
                rendition: Some(id),
                segment,
            };
            link.say(&at, &[])?;
            let coded = self.copies(rendition)?.segment(rendition, segment)?;
            let report = coded.report();
            coded.say(&link, run.order, (id, segment), report)?;
        }
        Ok(())
    }

    fn make_pictures(&mut self, run: Run, renditions: &[&VideoRendition]) -> Result<()> {
        for group in self.groups(renditions) {
            let group = group.into_iter().map(|rung| (rung, None)).collect();
            for (segment, unfinished) in self.pass(run, group)? {
                self.again(run, segment, unfinished)?;
            }
        }
        Ok(())
    }

    /// A segment that is not done yet in these rungs: decoded and encoded until it is.
    fn again(&mut self, run: Run, segment: u32, mut unfinished: Rungs<'_>) -> Result<()> {
        let alone = Run {
            order: run.order,
            first: segment,
            end: segment + 1,
        };
        while !unfinished.is_empty() {
            let passed = self.pass(alone, unfinished)?;
            unfinished = passed.into_values().next().unwrap_or_default();
        }
        Ok(())
    }

    /// Rungs that are encoded from one decode: as many as memory allows, at least one.
    fn groups<'a>(&self, renditions: &[&'a VideoRendition]) -> Vec<Vec<&'a VideoRendition>> {
        let decoding = memory::decoding(&self.plan);
        let allowed = self.budget.memory_bytes.saturating_sub(decoding);
        let mut groups: Vec<Vec<&VideoRendition>> = Vec::new();
        let mut left = 0;
        for rendition in renditions {
            let need = memory::encoding(rendition);
            match groups.last_mut() {
                Some(group) if need <= left => {
                    group.push(rendition);
                    left -= need;
                }
                _ => {
                    groups.push(vec![rendition]);
                    left = allowed.saturating_sub(need);
                }
            }
        }
        groups
    }

    /// What memory allows each of these rungs, besides an encoder: a second one first, then to keep
    /// a segment's pictures, the small rungs before the large ones.
    fn extras(&self, run: Run, renditions: &[&VideoRendition]) -> Vec<Extras> {
        let encoders: u64 = renditions.iter().map(|rung| memory::encoding(rung)).sum();
        let taken = memory::decoding(&self.plan) + 2 * encoders;
        let Some(mut left) = self.budget.memory_bytes.checked_sub(taken) else {
            return vec![Extras::default(); renditions.len()];
        };
        let length = |segment| {
            let (start, end) = self.plan.timeline.segment_frames(segment);
            end - start
        };
        let longest = (run.first..run.end).map(length).max().unwrap_or(Frames(0));
        // One segment's pictures come while those of the one before are kept.
        let segments = u64::from(run.end - run.first).min(2);
        let mut keeps_pictures = |rung: &VideoRendition| {
            let one = memory::pictures(rung, longest);
            let is_kept = rung.rung <= LARGEST_KEPT && one <= MOST_KEPT && segments * one <= left;
            if is_kept {
                left -= segments * one;
            }
            is_kept
        };
        let mut extras: Vec<Extras> = renditions
            .iter()
            .rev()
            .map(|rung| Extras {
                overlaps: true,
                keeps_pictures: keeps_pictures(rung),
            })
            .collect();
        extras.reverse();
        extras
    }

    /// One decode of the run for these rungs; segments that are not done yet in some are returned.
    fn pass<'a>(&mut self, run: Run, rungs: Rungs<'a>) -> Result<BTreeMap<u32, Rungs<'a>>> {
        let plan = self.plan.clone();
        let (renditions, tried): (Vec<&VideoRendition>, Vec<_>) = rungs.into_iter().unzip();
        // Renditions in several codecs are in no order by size.
        let lowest = renditions.iter().max_by_key(|r| r.scale_path.len());
        let (Some(track), Some(lowest)) = (&plan.info.video, lowest) else {
            return Ok(BTreeMap::new());
        };
        let link = self.source.link().clone();
        let turn = Rotation::of(track);
        let mut cascade = Cascade::new(&lowest.scale_path, track, &lowest.color);
        let extras = self.extras(run, &renditions);
        let lanes: Vec<Arc<RungEncoder>> = renditions
            .iter()
            .zip(tried)
            .zip(extras)
            .map(|((&rung, tried), extras)| {
                let task = Task {
                    order: run.order,
                    extras,
                };
                RungEncoder::new(plan.clone(), rung.clone(), link.clone(), turn, task, tried)
            })
            .collect();
        for segment in run.first..run.end {
            let wanted = |lane: &&Arc<RungEncoder>| !link.is_skipped(lane.rendition().id, segment);
            let at_it: Vec<&Arc<RungEncoder>> = lanes.iter().filter(wanted).collect();
            if at_it.is_empty() {
                continue;
            }
            link.say(
                &ToParent::At {
                    order: run.order,
                    rendition: None,
                    segment,
                },
                &[],
            )?;
            let made = self.segment(segment, &at_it, &mut cascade, &link);
            if let Err(error) = made {
                // What waits in the lanes is not wanted any more.
                lanes.iter().for_each(|lane| lane.give_up());
                return Err(error);
            }
        }
        let mut again: BTreeMap<u32, Rungs<'_>> = BTreeMap::new();
        // All of them are done before anything is said of the order.
        let joined: Vec<_> = lanes.iter().map(|lane| lane.join()).collect();
        for (unfinished, rendition) in joined.into_iter().zip(renditions) {
            for (segment, tried) in unfinished? {
                let rungs = again.entry(segment).or_default();
                rungs.push((rendition, Some(tried)));
            }
        }
        Ok(again)
    }

    fn segment(
        &mut self,
        segment: u32,
        lanes: &[&Arc<RungEncoder>],
        cascade: &mut Cascade,
        link: &Link,
    ) -> Result<()> {
        let (start, end) = self.plan.timeline.segment_frames(segment);
        self.pictures()?.go_to(start)?;
        // Of what was passed over nobody sees anything.
        self.pictures()?.take_remarks();
        lanes
            .iter()
            .for_each(|lane| lane.begin(&self.pool, segment));
        let wanted = |lane: &RungEncoder| lane.rendition().pictures_of(end - start).0;
        let last = lanes.iter().map(|lane| wanted(lane)).max();
        for place in 0..last.unwrap_or(0) {
            link.go_on()?;
            let picture = self.pictures()?.next()?;
            let sizes = cascade.run(&picture)?;
            for lane in lanes.iter().filter(|lane| place < wanted(lane)) {
                let step = lane.rendition().scale_path.len() - 1;
                let picture = sizes.get(step).context("a rung past the cascade")?;
                lane.picture(&self.pool, picture.clone());
            }
        }
        let remarks = self.pictures()?.take_remarks();
        lanes
            .iter()
            .for_each(|lane| lane.end(&self.pool, segment, remarks));
        if let Some(lane) = lanes.iter().find(|lane| lane.has_failed()) {
            lane.join()?;
        }
        Ok(())
    }
}

fn make_sound(
    plan: &Plan,
    source: &Source,
    link: &Link,
    sounds: &mut HashMap<u32, TrackSamples>,
    run: Run,
    renditions: &[&AudioRendition],
) -> Result<()> {
    for segment in run.first..run.end {
        for rendition in renditions {
            link.go_on()?;
            if link.is_skipped(rendition.id, segment) {
                continue;
            }
            let began = std::time::Instant::now();
            let track = plan
                .info
                .audio
                .get(rendition.track as usize)
                .context("no such track")?;
            let reader = match sounds.entry(track.stream) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(TrackSamples::open(source, track, &plan.info)?),
            };
            let coded = encode::segment(plan, rendition, segment, reader)?;
            let Remarks { damaged, converted } = reader.take_remarks();
            let report = SegmentReport {
                encode_us: began.elapsed().as_micros() as u64,
                damaged,
                converted,
                ..coded.report()
            };
            coded.say(link, run.order, (rendition.id, segment), report)?;
        }
    }
    Ok(())
}
