//! HTML pages. Each page and each form has a file here, and a template in `origin/templates`; the scripts and styles
//! are in `origin/assets`. Pages work without scripts except for playback; scripts add progress and updates. Begin
//! reading with `watch.rs`.

mod assets;
mod codecs;
mod home;
pub(crate) mod layout;
mod loudness;
mod remake;
mod retry;
mod sign_in;
mod texts;
mod upload;
mod watch;

pub use assets::asset;
pub use codecs::add as add_codec;
pub use home::home;
pub use layout::{content_security_policy, missing};
pub use remake::start as start_remake;
pub use retry::retry;
pub use sign_in::{exchange, sign_in, sign_out};
pub use texts::{add as add_text, remove as remove_text};
pub use upload::upload;
pub use watch::watch;
