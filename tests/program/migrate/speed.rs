//! How fast it is, beside plain copying by the same SDK. Prints the seconds that 512 MiB take:
//! `cargo test --workspace --test program half_a_gibibyte -- --ignored --nocapture`

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use futures::{StreamExt, stream};
use plan::OwnerId;
use store::ObjectKey;

use super::library::{put, ready, segment};
use super::{DOWN, House, UP, local};
use crate::servers;

const MIB: usize = 1 << 20;
/// As many as a migration has under way.
const AT_ONCE: usize = 16;

/// Files below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let below = |path: PathBuf| match path.is_dir() {
        true => files(&path),
        false => vec![path],
    };
    paths.flat_map(below).collect()
}

/// Every file is read and put, and nothing else.
async fn by_the_sdk_alone(objects: &Path) -> Duration {
    let bucket = servers::s3::bucket().await.bucket;
    let client = servers::s3::client();
    let (client, bucket) = (&client, &bucket);
    let began = Instant::now();
    let puts = files(objects).into_iter().map(async |path| {
        let body = tokio::fs::read(&path).await.unwrap();
        let key = path.strip_prefix(objects).unwrap().to_str().unwrap();
        let put = client.put_object().bucket(bucket).key(key);
        put.body(body.into()).send().await.unwrap();
    });
    let puts: Vec<_> = puts.collect();
    let () = stream::iter(puts).buffer_unordered(AT_ONCE).collect().await;
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures"]
async fn half_a_gibibyte() {
    let house = House::open().await;
    let stores = local(&house.data("first"));
    let video = ready(&stores, OwnerId::new(), &[8 * MIB; 32], 0).await;
    for index in 0..512 {
        let key = ObjectKey::Segment(segment(video.id, index));
        put(&stores, key, MIB / 2).await;
    }
    drop(stores);
    let say = |what: &str, seconds: f64| {
        println!("{what}: {seconds:.2} s");
    };
    let objects = house.data("first").join("objects");
    say(
        "by the SDK alone",
        by_the_sdk_alone(&objects).await.as_secs_f64(),
    );
    let forced = |way: [&'static str; 4]| [&way[..], &["--force"]].concat();
    let run = |what: &str, data: &str, arguments: &[&str]| {
        let summary = house.done(data, arguments);
        say(what, summary["seconds"].as_f64().unwrap());
    };
    run("local to cluster", "first", &forced(UP));
    run("again, nothing to copy", "first", &forced(UP));
    let verify = [&forced(UP)[..], &["--verify"]].concat();
    run("again, reading all", "first", &verify);
    run("cluster to local", "second", &forced(DOWN));
    say(
        "by the SDK alone",
        by_the_sdk_alone(&objects).await.as_secs_f64(),
    );
}
