//! One session: it carries out the parent's orders one after another and sends the results.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use anyhow::{Context as _, Result, bail};
use plan::{Code, Limits, Plan, RenditionId};
use protocol::{Budget, EngineFailure, Made, Order, ToParent};

use crate::audio::{self, loudness};
use crate::input::source::Source;
use crate::link::{Abandoned, Gone, Link, SessionInput};
use crate::output::filler;
use crate::output::segments::{Run, SegmentMaker};
use crate::refusal::NO_MEMORY;
use crate::video;

use crate::{cage, probe, stills, text};

/// State of a session.
pub struct Session {
    link: Arc<Link>,
    source: Source,
    budget: Budget,
    limits: Limits,
    maker: Option<SegmentMaker>,
}

impl Session {
    /// Makes a session over a source of `size` bytes.
    pub fn new(link: Arc<Link>, size: u64, budget: Budget, limits: Limits) -> Self {
        let source = Source::new(link.clone(), size);
        Self {
            link,
            source,
            budget,
            limits,
            maker: None,
        }
    }

    /// Carries out orders until the parent hangs up.
    pub fn run(mut self, inputs: &Receiver<SessionInput>) -> Result<(), Gone> {
        while let Ok(input) = inputs.recv() {
            match input {
                SessionInput::Plan(plan) => self.take_plan(Arc::new(*plan)),
                SessionInput::Order(order, what) => {
                    self.link.begin(order);
                    let outcome = match self.carry_out(order, what) {
                        Err(error) if error.is::<Abandoned>() => Ok(()),
                        outcome => outcome,
                    };
                    self.link.forget_skips();
                    if outcome.is_err()
                        && let Some(maker) = &mut self.maker
                    {
                        maker.reset();
                    }
                    let answer = match outcome {
                        Ok(()) => ToParent::Done { order },
                        Err(error) => ToParent::Failed {
                            order,
                            failure: failure(&error),
                        },
                    };
                    self.link.send(&answer, &[])?;
                }
            }
        }
        Ok(())
    }

    fn take_plan(&mut self, plan: Arc<Plan>) {
        if let Err(error) = cage::widen() {
            tracing::error!(%error, "the memory limit of the probe cannot be raised");
        }
        match SegmentMaker::new(self.source.clone(), plan, self.budget, self.limits.clone()) {
            Ok(maker) => self.maker = Some(maker),
            Err(error) => tracing::error!(%error, "the encoders' threads cannot be started"),
        }
    }

    fn carry_out(&mut self, order: u32, what: Order) -> Result<()> {
        match what {
            Order::Probe => {
                let info = Box::new(probe::probe(&self.source, &self.limits)?);
                self.link.send(&ToParent::Probed { order, info }, &[])?;
                Ok(())
            }
            Order::Inits { renditions } => self.make_inits(order, &renditions),
            Order::Segments {
                renditions,
                first,
                count,
            } => {
                let run = Run {
                    order,
                    first,
                    end: first.saturating_add(count),
                };
                self.maker()?.segments(run, &renditions)
            }
            Order::Filler { rendition, segment } => {
                filler::make(self.maker()?, order, rendition, segment)
            }
            Order::Still(still) => stills::make(self.maker()?, order, still),
            Order::Texts => self.make_texts(order),
            Order::Loudness => {
                let plan = self.maker()?.plan().clone();
                let measured = loudness::measure(&self.source, &plan)?;
                Ok(self.send_made(order, Made::Loudness(measured), &[])?)
            }
        }
    }

    fn make_texts(&mut self, order: u32) -> Result<()> {
        let plan = self.maker()?.plan().clone();
        let lists = text::extract(&self.source, &plan)?;
        for (track, list) in lists.iter().enumerate() {
            let track = track as u32;
            self.send_made(order, Made::Cues { track }, &serde_json::to_vec(list)?)?;
        }
        Ok(())
    }

    fn maker(&mut self) -> Result<&mut SegmentMaker> {
        self.maker.as_mut().context("the order needs a plan")
    }

    fn make_inits(&mut self, order: u32, renditions: &[RenditionId]) -> Result<()> {
        let plan = self.maker()?.plan().clone();
        for &id in renditions {
            let bytes = match (plan.video_rendition(id), plan.audio_rendition(id)) {
                (Some(rung), _) => video::encode::init(rung, plan.timeline.rate)?,
                (None, Some(track)) => audio::encode::init(track)?,
                (None, None) => bail!("the plan has no such rendition"),
            };
            self.send_made(order, Made::Init(id), &bytes)?;
        }
        Ok(())
    }

    fn send_made(&self, order: u32, what: Made, bytes: &[u8]) -> Result<(), Gone> {
        self.link.send(&ToParent::Made { order, what }, bytes)
    }
}

/// Failure as it is reported: our own where the error contains one, otherwise one by FFmpeg's error (`corrupt` for
/// invalid data, `engine_memory`, `unsupported_codec`), and `internal` for all other errors.
fn failure(error: &anyhow::Error) -> EngineFailure {
    if let Some(own) = error.downcast_ref::<EngineFailure>() {
        return own.clone();
    }
    let code = match error.downcast_ref::<ffmpeg_next::Error>() {
        Some(ffmpeg_next::Error::InvalidData) => Code::Corrupt,
        Some(&NO_MEMORY) => Code::EngineMemory,
        Some(ffmpeg_next::Error::DecoderNotFound) => Code::UnsupportedCodec,
        _ => Code::Internal,
    };
    EngineFailure {
        code,
        message: format!("{error:#}"),
    }
}
