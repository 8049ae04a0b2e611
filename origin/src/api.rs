//! The API under `/api/v1`, and live events.

mod events;
mod videos;
mod view;

pub use events::events;
pub use videos::{create, delete, list, show};
pub use view::view;
