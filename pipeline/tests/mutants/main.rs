//! Mutants: many damaged sources go through the whole pipeline and the real engine. Whatever is uploaded, the video
//! becomes `ready` or fails with a code, and nothing is left of it.
//!
//! `MUTANTS=10000 SEED=7` asks for other mutants and more of them. A mutant is a function of seed and number, so
//! `SEED=7 ONLY=4711` makes one again, with the engine's log.

mod full_read;
mod house;
mod leftovers;
mod mutate;
mod numbers;
mod sources;
mod table;

use std::time::{Duration, Instant};

use futures::StreamExt;
use store::metadata::State;

use crate::house::House;
use crate::sources::Source;
use crate::table::{Outcome, Table};

/// Mutants in `make test`.
const MUTANTS: u64 = 60;
/// Uploads at once: as many videos are started as are being made.
const AT_ONCE: usize = 4;
/// Limit of a wait: the engine's own limits end an order, a segment is tried three times, and a filler is made. A video
/// that takes longer than all of that is stuck.
const PATIENCE: Duration = Duration::from_secs(900);

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_uploaded_becomes_ready_or_fails_with_a_code() {
    let seed = number("SEED").unwrap_or(1);
    let numbers: Vec<u64> = match number("ONLY") {
        Some(only) => vec![only],
        None => (0..number("MUTANTS").unwrap_or(MUTANTS)).collect(),
    };
    assert!(!numbers.is_empty(), "MUTANTS=0 asks for no mutant");
    let said = table::listen(numbers.len() == 1);
    let folder = leftovers::folder();
    let sources = sources::load(folder.path());
    let files_before = leftovers::files_open();
    let house = House::open(&folder.path().join("data")).await;
    let began = Instant::now();
    let mut table = Table::default();
    let mut ended = futures::stream::iter(&numbers)
        .map(|&number| live(&house, &sources, seed, number))
        .buffer_unordered(AT_ONCE);
    while let Some((number, what, outcome, took)) = ended.next().await {
        table.add(number, &what, outcome, took);
    }
    drop(ended);
    table.print(seed, began.elapsed());
    said.print();
    house.close().await;
    assert_eq!(leftovers::files(&folder.path().join("data")), [""; 0]);
    assert_eq!(leftovers::children().await, [""; 0]);
    assert_eq!(leftovers::open_files(&files_before).await, [""; 0]);
    said.check_panics();
    table.check();
}

/// What a read of all packets finds to differ from the plan of a mutant without notes.
fn contradicted(bytes: &[u8], plan: &plan::Plan) -> Option<String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mutant");
    std::fs::write(&path, bytes).unwrap();
    full_read::contradiction(&path, plan)
}

/// Runs one mutant from its upload to its deletion.
async fn live(
    house: &House,
    sources: &[Source],
    seed: u64,
    number: u64,
) -> (u64, String, Outcome, Duration) {
    let mutant = mutate::mutant(sources, seed, number);
    let began = Instant::now();
    let video = house.upload(mutant.bytes.clone().into()).await;
    let ended = tokio::time::timeout(PATIENCE, house.over(video)).await;
    let outcome = match ended {
        Err(_) => Outcome::Stuck,
        Ok(row) => match (row.state, row.error) {
            (State::Ready, None) => {
                let plan = house.render(video).await;
                let notes = row.notes.iter().map(|note| note.code).collect();
                match row
                    .notes
                    .is_empty()
                    .then(|| contradicted(&mutant.bytes, &plan))
                    .flatten()
                {
                    Some(what) => Outcome::Untrue(what),
                    None => Outcome::Ready(notes),
                }
            }
            (State::Failed, Some(error)) => Outcome::Failed(error.code, error.message),
            (state, error) => Outcome::Neither(format!("{state:?}, {error:?}")),
        },
    };
    if outcome.is_to_be_looked_at() {
        leftovers::keep(seed, number, &mutant.bytes);
    }
    house.pipeline.videos().delete(video).await.unwrap();
    (number, mutant.what, outcome, began.elapsed())
}
