//! Runs of segments: one decode serves a set of rungs, and the sound is made beside them.

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
use crate::video::pass_through::PassThroughReader;
use crate::video::pictures::Pictures;
use crate::video::rung_encoder::{Extras, RungEncoder, Task};
use crate::video::transform::cascade::Cascade;
use crate::video::transform::rotation::Rotation;

/// Maker of the segments of one source and plan; it keeps its readers warm between orders.
pub struct SegmentMaker {
    source: Source,
    plan: Arc<Plan>,
    budget: Budget,
    limits: Limits,
    pool: rayon::ThreadPool,
    pictures: Option<Pictures>,
    copies: Option<PassThroughReader>,
    sounds: HashMap<u32, TrackSamples>,
}

/// Rungs that are encoded from one decode, each with the earlier attempts at a segment that is encoded again.
type Rungs<'a> = Vec<(&'a VideoRendition, Option<Attempts>)>;

/// Niceness of the encoders' threads.
const ENCODER_NICENESS: i32 = 5;

/// Height in lines of the largest rung whose pictures are kept until their segment is done; in larger rungs, keeping
/// them costs more time than decoding them again.
const LARGEST_KEPT: u32 = 480;
/// Most bytes of a segment's pictures in one rung that are kept: 480p takes 75 MB for four seconds at 30 pictures a
/// second.
const MOST_KEPT: u64 = 96 << 20;

/// Run of consecutive segments.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// Number of the order that the run belongs to.
    pub order: u32,
    /// Index of the first segment.
    pub first: u32,
    /// One past the index of the last segment.
    pub end: u32,
}

/// Lowers the priority of an encoder's thread. One thread decodes and scales for all rungs: where all cores are busy
/// it must go first, or the encoders have nothing to do. The queues of the lanes are bounded, so it never gets far
/// ahead.
fn lower_priority() {
    // An engine that may not change its priority is only slower.
    let _ = rustix::process::nice(ENCODER_NICENESS);
}

impl SegmentMaker {
    /// Makes a maker whose encoders share a thread pool of the budget's size.
    pub fn new(source: Source, plan: Arc<Plan>, budget: Budget, limits: Limits) -> Result<Self> {
        let threads = budget.encode_threads.max(1) as usize;
        let name = |index| format!("encode-{index}");
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(name)
            .start_handler(|_| lower_priority())
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

    /// Plan that the maker works by.
    pub fn plan(&self) -> &Arc<Plan> {
        &self.plan
    }

    /// Limits on what the maker decodes.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// Source that the maker reads.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Drops all readers: after a failure their state is unknown.
    pub fn reset(&mut self) {
        self.pictures = None;
        self.copies = None;
        self.sounds.clear();
    }

    /// Reader of the source's decoded pictures; it is opened at the first use.
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

    /// Reader of the source's coded pictures, for the rendition that passes them through; it is opened at the first
    /// use.
    pub fn copies(&mut self, rendition: &VideoRendition) -> Result<&mut PassThroughReader> {
        if self.copies.is_none() {
            self.copies = Some(PassThroughReader::open(
                &self.source,
                &self.plan,
                rendition,
            )?);
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
            bail!("the plan has no such rendition");
        }
        let mut sounds = std::mem::take(&mut self.sounds);
        let (source, link) = (self.source.clone(), self.source.link().clone());
        let made = std::thread::scope(|scope| {
            let plan = &plan;
            let sound = scope.spawn(|| make_sound(plan, &source, &link, &mut sounds, run, &audio));
            let copies = copied
                .iter()
                .try_for_each(|rung| self.pass_through(run, rung));
            let picture = copies.and_then(|()| self.make_pictures(run, &encoded));
            let sound = sound
                .join()
                .unwrap_or_else(|_| bail!("the sound's thread panicked"));
            picture.and(sound)
        });
        self.sounds = sounds;
        made
    }

    /// Makes the run's segments in a rendition that passes the source through.
    fn pass_through(&mut self, run: Run, rendition: &VideoRendition) -> Result<()> {
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
            link.send(&at, &[])?;
            let coded = self.copies(rendition)?.segment(rendition, segment)?;
            let report = coded.first_attempt_report();
            coded.send(&link, run.order, (id, segment), report)?;
        }
        Ok(())
    }

    fn make_pictures(&mut self, run: Run, renditions: &[&VideoRendition]) -> Result<()> {
        for group in self.groups(renditions) {
            let group = group.into_iter().map(|rung| (rung, None)).collect();
            for (segment, unfinished) in self.decode_once(run, group)? {
                self.encode_again(run, segment, unfinished)?;
            }
        }
        Ok(())
    }

    /// Decodes and encodes a segment again for these rungs, until it is done in all of them.
    fn encode_again(&mut self, run: Run, segment: u32, mut unfinished: Rungs<'_>) -> Result<()> {
        let alone = Run {
            order: run.order,
            first: segment,
            end: segment + 1,
        };
        while !unfinished.is_empty() {
            let passed = self.decode_once(alone, unfinished)?;
            unfinished = passed.into_values().next().unwrap_or_default();
        }
        Ok(())
    }

    /// Groups of rungs that are encoded from one decode each: as many rungs as memory allows, at least one.
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

    /// Extra uses of memory that each of these rungs is allowed besides an encoder: first a second encoder, then the
    /// pictures of a segment, small rungs before large ones.
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
        // The pictures of one segment arrive while those of the segment before are still kept.
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

    /// Decodes the run once for these rungs. Returns the segments that are not done yet, each with its rungs.
    fn decode_once<'a>(&mut self, run: Run, rungs: Rungs<'a>) -> Result<BTreeMap<u32, Rungs<'a>>> {
        let plan = self.plan.clone();
        let (renditions, tried): (Vec<&VideoRendition>, Vec<_>) = rungs.into_iter().unzip();
        // Renditions of several codecs are not ordered by size.
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
            link.send(
                &ToParent::At {
                    order: run.order,
                    rendition: None,
                    segment,
                },
                &[],
            )?;
            let made = self.segment(segment, &at_it, &mut cascade, &link);
            if let Err(error) = made {
                // The pictures in the lanes' queues are not wanted any more.
                lanes.iter().for_each(|lane| lane.give_up());
                return Err(error);
            }
        }
        let mut again: BTreeMap<u32, Rungs<'_>> = BTreeMap::new();
        // All lanes finish before the order is answered.
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
        // Pictures that were decoded only to reach the start are not shown, so their remarks do not count.
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
                let picture = sizes
                    .get(step)
                    .context("the cascade has no picture in the rung's size")?;
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
                ..coded.first_attempt_report()
            };
            coded.send(link, run.order, (rendition.id, segment), report)?;
        }
    }
    Ok(())
}
