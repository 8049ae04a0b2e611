//! Text of a video: list what there is, put a file beside it, take one away.

pub mod delete;
pub mod list;
pub mod put;

use plan::{Plan, TextRendition, VideoId};
use serde::Serialize;
use utoipa::ToSchema;

use crate::app::App;

/// Text in one language.
#[derive(Serialize, ToSchema)]
pub struct Text {
    /// Its tag (BCP 47), where it is known.
    #[schema(example = "de")]
    language: Option<String>,
    /// What menus show.
    #[schema(example = "Deutsch")]
    name: String,
    /// `source`: a track of the source; `file`: put beside it.
    from: &'static str,
    /// Whether players show it unless told otherwise.
    default: bool,
    /// Whether it is shown to who asks for no text.
    forced: bool,
    /// URL of its cues as WebVTT.
    vtt: String,
}

impl Text {
    /// All text of a plan, in the order of its manifests.
    pub fn all(app: &App, video: VideoId, plan: &Plan) -> Vec<Self> {
        let is_file = |text: &TextRendition| plan.side_cars.iter().any(|own| own.id == text.id);
        let texts = plan.texts();
        texts
            .map(|text| Self::of(app, video, text, is_file(text)))
            .collect()
    }

    /// The file in one language.
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
