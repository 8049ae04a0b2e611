//! `GET /api/v1/videos/{video}/sound`

use axum::Json;
use axum::extract::{Path, State};
use plan::{AudioRendition, Loudness, Plan};
use serde::Serialize;
use utoipa::ToSchema;

use super::owned;
use crate::access::Known;
use crate::app::App;
use crate::problem::Problem;

/// Sound of a video.
#[derive(Serialize, ToSchema)]
pub struct Sounds {
    /// Stereo of every track, then 5.1 of those that have it.
    sounds: Vec<Sound>,
}

/// Sound of one track in stereo or 5.1.
#[derive(Serialize, ToSchema)]
pub struct Sound {
    /// Its tag (BCP 47), where it is known.
    #[schema(example = "de")]
    language: Option<String>,
    /// What menus show.
    #[schema(example = "Deutsch")]
    name: String,
    /// 2 or 6.
    channels: u32,
    /// How loud it is before its gain; nothing before it is measured, or where it cannot be.
    loudness: Option<Measured>,
    /// By how many dB it is sent louder than that.
    gain_db: f64,
}

/// What EBU R 128 measures.
#[derive(Serialize, ToSchema)]
pub struct Measured {
    /// Integrated loudness in LUFS; nothing for silence.
    #[schema(example = -23.1)]
    integrated_lufs: Option<f64>,
    /// Loudness range in LU.
    range_lu: f64,
    /// True peak in dBTP; nothing where every sample is nought.
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

/// List sound
///
/// What players offer, how loud it is, and by how much it is sent louder or softer.
#[utoipa::path(
    get,
    path = "/api/v1/videos/{video}/sound",
    tag = "videos",
    params(("video" = String, Path, description = "Its id")),
    responses(
        (status = 200, body = Sounds),
        (status = 401, description = "`unauthorized`", body = Problem),
        (status = 404, description = "`not_found`", body = Problem),
    ),
    security(("token" = [])),
)]
pub async fn sound(
    State(app): State<App>,
    Known(principal): Known,
    Path(video): Path<String>,
) -> Result<Json<Sounds>, Problem> {
    let row = owned(&app, &principal, &video).await?;
    let plan = app.pipeline.plan_of(&row).await?;
    let sounds = plan.map_or_else(Vec::new, |plan| Sound::all(&plan));
    Ok(Json(Sounds { sounds }))
}
