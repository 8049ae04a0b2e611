//! `GET /api/v1/videos/{video}/sound`: lists the sound tracks of a video, with their loudness.

use axum::Json;
use axum::extract::{Path, State};
use plan::{AudioRendition, Loudness, Plan};
use serde::Serialize;
use utoipa::ToSchema;

use super::owned;
use crate::access::Authenticated;
use crate::app::App;
use crate::problem::Problem;

/// Sound tracks of a video.
#[derive(Serialize, ToSchema)]
pub struct Sounds {
    /// The stereo version of every track, then the 5.1 version of those that have one.
    sounds: Vec<Sound>,
}

/// Sound track of a video, in stereo or in 5.1.
#[derive(Serialize, ToSchema)]
pub struct Sound {
    /// Language tag (BCP 47), if the language is known.
    #[schema(example = "de")]
    language: Option<String>,
    /// Name in the menus of players.
    #[schema(example = "Deutsch")]
    name: String,
    /// Number of channels: 2 for stereo, 6 for 5.1.
    channels: u32,
    /// Loudness before the gain is applied; null before it is measured, or if it cannot be measured.
    loudness: Option<Measured>,
    /// Gain in dB that is applied to the sound; negative if it is made softer.
    gain_db: f64,
}

/// Loudness as EBU R 128 defines it.
#[derive(Serialize, ToSchema)]
pub struct Measured {
    /// Integrated loudness in LUFS; null for silence.
    #[schema(example = -23.1)]
    integrated_lufs: Option<f64>,
    /// Loudness range in LU.
    range_lu: f64,
    /// True peak in dBTP; null if every sample is zero.
    #[schema(example = -3.0)]
    true_peak_dbtp: Option<f64>,
}

impl Sound {
    fn all(plan: &Plan) -> Vec<Self> {
        let mut measured = plan.loudness.iter().flatten();
        let sounds = plan.audio.iter();
        sounds
            .map(|rendition| Self::of(rendition, measured.next()))
            .collect()
    }

    fn of(rendition: &AudioRendition, loudness: Option<&Loudness>) -> Self {
        let declared = rendition.language.as_deref();
        Self {
            language: declared.and_then(manifests::language::tag),
            name: manifests::language::label(&rendition.label, declared),
            channels: rendition.channels,
            loudness: loudness.map(|loudness| Measured {
                integrated_lufs: loudness.integrated_millibels.map(decibels),
                range_lu: decibels(loudness.range_millibels),
                true_peak_dbtp: loudness.true_peak_millibels.map(decibels),
            }),
            gain_db: decibels(rendition.gain_millibels),
        }
    }
}

fn decibels(millibels: i32) -> f64 {
    f64::from(millibels) / 100.0
}

/// List sound tracks
///
/// Each sound track has its language, its measured loudness, and the gain that is applied to it.
#[utoipa::path(
    get,
    path = "/api/v1/videos/{video}/sound",
    tag = "videos",
    params(("video" = String, Path, description = "Id of the video")),
    responses(
        (status = 200, body = Sounds),
        (status = 401, description = "`unauthorized`: the request has no valid token or sign-in", body = Problem),
        (status = 404, description = "`not_found`: there is no such video", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn sound(
    State(app): State<App>,
    Authenticated(principal): Authenticated,
    Path(video): Path<String>,
) -> Result<Json<Sounds>, Problem> {
    let row = owned(&app, &principal, &video).await?;
    let plan = app.pipeline.videos().plan_of(&row).await?;
    let sounds = plan.map_or_else(Vec::new, |plan| Sound::all(&plan));
    Ok(Json(Sounds { sounds }))
}
