//! A source as a viewer sees and hears it: all of its top rung, its sound, its text.

use std::cell::OnceCell;
use std::f64::consts::PI;
use std::path::{Path, PathBuf};

use plan::{Code, CueList, MediaInfo, Plan, Policy};
use protocol::{Made, Order};

use super::Engine;
use super::marks::{RATE, brightness, loudness, starts};
use super::sources::ffmpeg;

/// Size in which pictures are compared.
pub const LOOKED_AT: (usize, usize) = (64, 36);
/// Samples per second in which tones are looked for.
const HERTZ: usize = 48_000;

/// Presentation of a source.
pub struct Watched {
    pub info: MediaInfo,
    pub plan: Plan,
    /// Cues of each text track.
    pub cues: Vec<CueList>,
    /// Whether a segment's report says that something differed from most of its track.
    is_converted: bool,
    /// Whether a segment's report says that something could not be decoded correctly.
    is_damaged: bool,
    picture: Option<PathBuf>,
    sounds: Vec<PathBuf>,
    pixels: OnceCell<Vec<u8>>,
    samples: Vec<OnceCell<Vec<[f32; 2]>>>,
    _folder: tempfile::TempDir,
}

impl Watched {
    /// Makes all of a source's presentation, or returns the code with which it is refused.
    pub fn of(source: &Path) -> Result<Self, Code> {
        let folder = tempfile::tempdir().unwrap();
        let mut engine = Engine::start(source, 2);
        let info = engine.probe().map_err(|failure| failure.code)?;
        let plan =
            plan::make_plan(&info, &Policy::default()).map_err(|rejection| rejection.code)?;
        engine.plan(&plan);
        let top = plan.video.first().map(|video| video.id);
        let ids: Vec<_> = top
            .into_iter()
            .chain(plan.audio.iter().map(|audio| audio.id))
            .collect();
        let inits = engine.inits(ids.clone()).unwrap().inits;
        let output = engine.segments(&ids, 0, plan.segments());
        let made = output.segments;
        let write = |id| {
            let parts = (0..plan.segments()).map(|segment| made[&(id, segment)].clone());
            let whole: Vec<_> = std::iter::once(inits[&id].clone()).chain(parts).collect();
            let path = folder.path().join(format!("{id}.mp4"));
            std::fs::write(&path, whole.concat()).unwrap();
            path
        };
        let texts = match plan.info.text.is_empty() {
            true => Vec::new(),
            false => engine.order(Order::Texts).unwrap().stills,
        };
        let cues = texts.iter().filter_map(|(what, bytes)| match what {
            Made::Cues { .. } => Some(serde_json::from_slice(bytes).unwrap()),
            _ => None,
        });
        let sounds: Vec<PathBuf> = plan.audio.iter().map(|audio| write(audio.id)).collect();
        Ok(Self {
            cues: cues.collect(),
            is_converted: !output.converted.is_empty(),
            is_damaged: !output.damaged.is_empty(),
            picture: top.map(write),
            samples: sounds.iter().map(|_| OnceCell::new()).collect(),
            sounds,
            pixels: OnceCell::new(),
            info,
            plan,
            _folder: folder,
        })
    }

    /// Duration in seconds.
    pub fn seconds(&self) -> f64 {
        self.plan.timeline.duration_us() as f64 / 1e6
    }

    /// Size in which the pictures are shown.
    pub fn size(&self) -> (u32, u32) {
        let size = self.plan.video[0].size();
        (size.width, size.height)
    }

    /// Number of pictures.
    pub fn pictures(&self) -> usize {
        self.pixels().len() / (LOOKED_AT.0 * LOOKED_AT.1 * 3)
    }

    /// Codes of all notes, from the probe and from the reports, each once.
    pub fn said(&self) -> Vec<&'static str> {
        let mut codes: Vec<_> = self
            .info
            .notes
            .iter()
            .map(|note| note.code.as_str())
            .collect();
        if self.is_converted {
            codes.push(Code::FormatChanges.as_str());
        }
        if self.is_damaged {
            codes.push(Code::Corrupt.as_str());
        }
        codes.sort_unstable();
        codes.dedup();
        codes
    }

    /// Colour at a time, at a place given as parts of width and height.
    pub fn color(&self, seconds: f64, (x, y): (f64, f64)) -> [u8; 3] {
        let rate = self.plan.timeline.rate.as_f64();
        let picture = ((seconds * rate) as usize).min(self.pictures() - 1);
        let (width, height) = LOOKED_AT;
        let at = (y * height as f64) as usize * width + (x * width as f64) as usize;
        let at = (picture * width * height + at) * 3;
        self.pixels()[at..at + 3].try_into().unwrap()
    }

    /// Name of the colour in the middle of the picture.
    pub fn named(&self, seconds: f64) -> &'static str {
        name(self.color(seconds, (0.5, 0.5)))
    }

    /// Loudness of a tone at a time in a sound rendition, left and right, from 0 to 1.
    pub fn tone(&self, rendition: usize, seconds: f64, hertz: f64) -> [f64; 2] {
        let samples = self.samples(rendition);
        let from = ((seconds * HERTZ as f64) as usize).min(samples.len());
        let part = &samples[from..(from + HERTZ / 5).min(samples.len())];
        [0, 1].map(|channel| {
            let (mut real, mut imaginary) = (0.0, 0.0);
            for (at, sample) in part.iter().enumerate() {
                let phase = 2.0 * PI * hertz * at as f64 / HERTZ as f64;
                let level = f64::from(sample[channel]);
                real += level * phase.cos();
                imaginary += level * phase.sin();
            }
            2.0 * f64::hypot(real, imaginary) / (part.len().max(1)) as f64
        })
    }

    /// Times of flashes, and of beeps.
    pub fn marks(&self) -> (Vec<f64>, Vec<f64>) {
        let rate = self.plan.timeline.rate.as_f64();
        let flashes = self
            .picture
            .as_deref()
            .map(|path| starts(&brightness(path), rate));
        let beeps = starts(&loudness(&self.sounds[0]), RATE as f64);
        (flashes.unwrap_or_default(), beeps)
    }

    fn pixels(&self) -> &[u8] {
        self.pixels.get_or_init(|| {
            let path = self.picture.as_deref().expect("it has a picture");
            let filter = format!("scale={}:{}:flags=area", LOOKED_AT.0, LOOKED_AT.1);
            let further = [
                "-vf",
                &filter,
                "-fps_mode",
                "passthrough",
                "-pix_fmt",
                "rgb24",
            ];
            let input = ["-i", path.to_str().unwrap()];
            ffmpeg(&[&input[..], &further, &["-f", "rawvideo", "-"]].concat())
        })
    }

    fn samples(&self, rendition: usize) -> &[[f32; 2]] {
        self.samples[rendition].get_or_init(|| {
            let path = self.sounds[rendition].to_str().unwrap();
            let bytes = ffmpeg(&["-i", path, "-ac", "2", "-ar", "48000", "-f", "f32le", "-"]);
            let number = |bytes: &[u8]| f32::from_le_bytes(bytes.try_into().unwrap());
            bytes
                .chunks_exact(8)
                .map(|pair| [number(&pair[..4]), number(&pair[4..])])
                .collect()
        })
    }
}

/// Name of the nearest of some plain colours.
pub fn name([red, green, blue]: [u8; 3]) -> &'static str {
    match (red > 110, green > 80, blue > 110) {
        (true, false, false) => "red",
        (false, true, false) => "green",
        (false, false, true) => "blue",
        (true, true, true) => "white",
        (false, false, false) => "black",
        (true, false, true) => "magenta",
        _ => "something else",
    }
}
