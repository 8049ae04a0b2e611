//! What the API shows of a video.

use jiff::Timestamp;
use serde::Serialize;
use store::metadata::VideoRow;
use utoipa::ToSchema;

use crate::app::App;

/// A video. Times are RFC 3339.
#[derive(Serialize, ToSchema)]
pub struct Video {
    /// Its id.
    #[schema(example = "video_01h455vb4pex5vsknk084sn02q")]
    id: String,
    /// What people call it.
    title: String,
    /// How much of the source is there: `receiving`, `complete` or `lost`.
    source: &'static str,
    /// `waiting`, `probing`, `playable`, `ready` or `failed`.
    state: &'static str,
    /// How far it is encoded.
    progress: Made,
    /// How often it was played, as of a minute ago.
    views: u64,
    /// Length of the presentation in seconds, once known.
    duration_s: Option<f64>,
    /// Width of the picture in pixels, as displayed.
    width: Option<u32>,
    /// Height of the picture in pixels, as displayed.
    height: Option<u32>,
    /// Where players find it.
    playback: Playback,
    /// Its page.
    watch: String,
    /// When it was asked for.
    created_at: Option<String>,
    /// When the source's last byte was durable.
    uploaded_at: Option<String>,
    /// When players could start.
    playable_at: Option<String>,
    /// When all of it was encoded.
    ready_at: Option<String>,
    /// Damage that leaves something to watch.
    notes: Vec<Note>,
    /// Why it failed.
    error: Option<Failure>,
}

/// Segments.
#[derive(Serialize, ToSchema)]
pub struct Made {
    /// Stored.
    made: u64,
    /// In all; 0 before there is a plan.
    total: u64,
}

/// Absolute URLs of its manifests.
#[derive(Serialize, ToSchema)]
pub struct Playback {
    /// The HLS multivariant playlist.
    hls: String,
    /// The DASH manifest.
    dash: String,
}

/// What is to be said of a video that can be watched: damage, what was guessed, left out or is second-best.
#[derive(Serialize, ToSchema)]
pub struct Note {
    /// Stable, for programs.
    code: &'static str,
    /// Which stream of the source it is about, counted from 0, where it is about one.
    track: Option<u32>,
    /// One sentence.
    message: String,
    /// From where to where, in seconds, where that is known.
    span_s: Option<[f64; 2]>,
}

/// Why a video failed.
#[derive(Serialize, ToSchema)]
pub struct Failure {
    /// Stable, for programs.
    #[schema(example = "not_media")]
    code: &'static str,
    /// One sentence.
    message: String,
}

impl Video {
    /// A row as the API shows it.
    pub async fn of(app: &App, row: VideoRow) -> Result<Self, store::Error> {
        let progress = app.pipeline.progress(&row).await?;
        let views = app.pipeline.views(row.id).await?;
        let base = &app.settings.public_url;
        let id = row.id;
        let notes = row.notes.into_iter().map(|note| Note {
            code: note.code.as_str(),
            track: note.track,
            message: note.message,
            span_s: note.span_us.map(|(from, to)| [seconds(from), seconds(to)]),
        });
        Ok(Self {
            id: id.to_string(),
            source: row.source.as_str(),
            state: row.state.as_str(),
            progress: Made {
                made: progress.made,
                total: progress.total,
            },
            views,
            duration_s: row.duration_us.map(seconds),
            width: row.width_px,
            height: row.height_px,
            playback: Playback {
                hls: format!("{base}/v/{id}/master.m3u8"),
                dash: format!("{base}/v/{id}/manifest.mpd"),
            },
            watch: format!("{base}/watch/{id}"),
            created_at: time(Some(row.created_at_us)),
            uploaded_at: time(row.uploaded_at_us),
            playable_at: time(row.playable_at_us),
            ready_at: time(row.ready_at_us),
            notes: notes.collect(),
            error: row.error.map(|error| Failure {
                code: error.code.as_str(),
                message: error.message,
            }),
            title: row.title,
        })
    }
}

fn seconds(us: i64) -> f64 {
    us as f64 / 1e6
}

fn time(us: Option<i64>) -> Option<String> {
    let time = Timestamp::from_microsecond(us?).ok()?;
    Some(time.to_string())
}
