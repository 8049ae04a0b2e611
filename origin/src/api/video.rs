//! A video as the API shows it.

use jiff::Timestamp;
use serde::Serialize;
use store::metadata::VideoRow;
use utoipa::ToSchema;

use crate::app::App;

/// Video with its state, its progress and its URLs. Times are in RFC 3339.
#[derive(Serialize, ToSchema)]
pub struct Video {
    /// Id of the video.
    #[schema(example = "video_01h455vb4pex5vsknk084sn02q")]
    id: String,
    /// Title of the video.
    title: String,
    /// State of the uploaded file: `receiving`, `complete`, or `lost` if the upload was cut off.
    source: &'static str,
    /// State of the video: `waiting` and `probing` before it can be played, `playable` once players can start, `ready`
    /// once it is encoded completely, or `failed`.
    state: &'static str,
    /// Number of segments that are encoded, and of all segments.
    progress: Made,
    /// Number of views, up to about a minute ago.
    views: u64,
    /// Length of the video in seconds, once it is known.
    duration_s: Option<f64>,
    /// Width of the picture in pixels, as it is displayed.
    width: Option<u32>,
    /// Height of the picture in pixels, as it is displayed.
    height: Option<u32>,
    /// URLs for players.
    playback: Playback,
    /// URL of the watch page.
    watch: String,
    /// Time at which the video was created.
    created_at: Option<String>,
    /// Time at which the uploaded file was stored completely.
    uploaded_at: Option<String>,
    /// Time from which players could start.
    playable_at: Option<String>,
    /// Time at which the video was encoded completely.
    ready_at: Option<String>,
    /// Notes on a video that can be watched: what is damaged, guessed or left out.
    notes: Vec<Note>,
    /// Reason why the video failed, if it did.
    error: Option<Failure>,
}

/// Progress of encoding, in segments.
#[derive(Serialize, ToSchema)]
pub struct Made {
    /// Number of segments that are encoded and stored.
    made: u64,
    /// Number of all segments; 0 while they are not known yet.
    total: u64,
}

/// URLs that players open; they are absolute.
#[derive(Serialize, ToSchema)]
pub struct Playback {
    /// URL of the HLS multivariant playlist.
    hls: String,
    /// URL of the DASH manifest.
    dash: String,
}

/// Note on a video that can be watched: something is damaged, was guessed, was left out, or is second-best.
#[derive(Serialize, ToSchema)]
pub struct Note {
    /// Kind of note, for programs; a code never changes its meaning.
    code: &'static str,
    /// Stream of the source that the note is about, counted from 0, if it is about a single stream.
    track: Option<u32>,
    /// Text of the note, in one sentence.
    message: String,
    /// Start and end of the part that the note is about, in seconds, if they are known.
    span_s: Option<[f64; 2]>,
}

/// Reason why a video failed.
#[derive(Serialize, ToSchema)]
pub struct Failure {
    /// Kind of failure, for programs; a code never changes its meaning.
    #[schema(example = "not_media")]
    code: &'static str,
    /// Reason, in one sentence for people.
    message: String,
}

impl Video {
    /// Builds a video for the API from its row, with its progress and its views.
    pub async fn of(app: &App, row: VideoRow) -> Result<Self, store::Error> {
        let progress = app.pipeline.videos().progress(&row).await?;
        let views = app.pipeline.videos().views(row.id).await?;
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

/// Formats a time in microseconds since 1970 as RFC 3339.
fn time(us: Option<i64>) -> Option<String> {
    let time = Timestamp::from_microsecond(us?).ok()?;
    Some(time.to_string())
}
