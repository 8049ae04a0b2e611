//! Subtitles of a video: listing them, adding a file, and removing one.

pub mod delete;
pub mod list;
pub mod put;

use plan::{Plan, TextRendition, VideoId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// Subtitles in one language.
#[derive(Serialize, ToSchema)]
pub struct Text {
    /// Language tag (BCP 47), if the language is known.
    #[schema(example = "de")]
    language: Option<String>,
    /// Name in the menus of players.
    #[schema(example = "Deutsch")]
    name: String,
    /// Origin of the subtitles: `source` for a track of the uploaded video, `file` for a subtitle file that was added.
    from: &'static str,
    /// Whether players show these subtitles unless the viewer chooses others.
    default: bool,
    /// Whether these subtitles are shown to viewers who chose none, such as translations of signs.
    forced: bool,
    /// URL of the subtitles as WebVTT.
    vtt: String,
}

impl Text {
    /// All subtitles of a plan, in the order of its manifests.
    pub fn all(app: &App, video: VideoId, plan: &Plan) -> Vec<Self> {
        let is_file = |text: &TextRendition| plan.side_cars.iter().any(|own| own.id == text.id);
        let texts = plan.texts();
        texts
            .map(|text| Self::of(app, video, text, is_file(text)))
            .collect()
    }

    /// Subtitle file in one language, if there is one.
    pub fn side_car(app: &App, video: VideoId, plan: &Plan, language: &str) -> Option<Self> {
        let text = plan.side_car(language)?;
        Some(Self::of(app, video, text, true))
    }

    fn of(app: &App, video: VideoId, text: &TextRendition, is_file: bool) -> Self {
        let declared = text.language.as_deref();
        Self {
            language: declared.and_then(manifests::language::tag),
            name: manifests::language::label(&text.label, declared),
            from: if is_file { "file" } else { "source" },
            default: text.default,
            forced: text.forced,
            vtt: format!("{}/v/{video}/{}/all.vtt", app.settings.public_url, text.id),
        }
    }
}
