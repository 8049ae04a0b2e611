//! Tests of the plan through its public interface: cases and properties of the whole function.

mod boundaries;
mod chunks;
mod frames;
mod hostile;
mod ids;
mod loudness;
mod passthrough;
mod pruned;
mod rates;
mod rungs;
mod sources;
mod time_line;
mod titles;
mod trick_play;
mod tries;
