//! View counts in CQL: a table of counters, which needs no conditional writes.

use async_trait::async_trait;
use plan::VideoId;
use scylla::value::Counter;

use super::CqlMetadata;
use super::database::Say;
use super::value::number;
use crate::Error;
use crate::metadata::Views;

const ADD: Say = Say::count("UPDATE views SET times = times + ? WHERE video = ?");
const GET: Say = Say::read("SELECT times FROM views WHERE video = ?");
const REMOVE: Say = Say::write("DELETE FROM views WHERE video = ?");

#[async_trait]
impl Views for CqlMetadata {
    async fn add(&self, video: &VideoId, views: u64) -> Result<u64, Error> {
        let more = (Counter(number(views)?), video.to_string());
        self.database.write(ADD, more).await?;
        self.get(video).await
    }

    async fn get(&self, video: &VideoId) -> Result<u64, Error> {
        let video = (video.to_string(),);
        let row = self.database.row::<(Counter,)>(GET, video).await?;
        row.map_or(Ok(0), |(Counter(times),)| number(times))
    }

    async fn remove(&self, video: &VideoId) -> Result<(), Error> {
        self.database.write(REMOVE, (video.to_string(),)).await
    }
}
