//! Uploads a file with S3's own multipart upload through the SDK alone, and prints the time in seconds.
//! `benches/upload.mjs` compares reelmill's uploads with it. Parts have the size of reelmill's blocks, and as many of
//! them are sent at once.

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use aws_sdk_s3::Client;
use aws_sdk_s3::config::{BehaviorVersion, Credentials, Region};
use aws_sdk_s3::primitives::ByteStream;
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use bytes::BytesMut;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

/// Size of a part in bytes: that of a source block.
const PART: usize = 8 << 20;
/// Number of parts that are sent at once.
const AT_ONCE: usize = 4;
/// Key of the object that is uploaded.
const KEY: &str = "trials/multipart";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, endpoint, bucket, file] = &arguments[..] else {
        return Err("multipart ENDPOINT BUCKET FILE".into());
    };
    let http = aws_smithy_http_client::Builder::new().build_http();
    let credentials = Credentials::new("test-access", "test-secret-key", None, None, "arguments");
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(http)
        .region(Region::new("us-east-1"))
        .endpoint_url(endpoint)
        .force_path_style(true)
        .credentials_provider(credentials);
    let client = Client::from_conf(config.build());
    let began = Instant::now();
    upload(&client, bucket, Path::new(file)).await?;
    println!("{:.3}", began.elapsed().as_secs_f64());
    client
        .delete_object()
        .bucket(bucket)
        .key(KEY)
        .send()
        .await?;
    Ok(())
}

async fn upload(client: &Client, bucket: &str, file: &Path) -> Result<(), Box<dyn Error>> {
    let create = client.create_multipart_upload().bucket(bucket).key(KEY);
    let created = create.send().await?;
    let upload = created
        .upload_id()
        .ok_or("the store created an upload without an id")?;
    let blocks = stream::try_unfold(File::open(file).await?, |mut file| async move {
        let mut block = BytesMut::with_capacity(PART);
        while block.len() < PART && file.read_buf(&mut block).await? > 0 {}
        Ok::<_, std::io::Error>((!block.is_empty()).then_some((block.freeze(), file)))
    });
    let sent = blocks
        .zip(stream::iter(1..))
        .map(|(block, number)| async move {
            let part = client
                .upload_part()
                .bucket(bucket)
                .key(KEY)
                .upload_id(upload);
            let part = part.part_number(number).body(ByteStream::from(block?));
            let sent = part.send().await?;
            // Parts have no checksums, since the upload was created without checksums too.
            let part = CompletedPart::builder().part_number(number);
            Ok::<_, Box<dyn Error>>(part.set_e_tag(sent.e_tag).build())
        });
    let parts: Vec<_> = sent.buffered(AT_ONCE).try_collect().await?;
    let parts = CompletedMultipartUpload::builder().set_parts(Some(parts));
    let complete = client.complete_multipart_upload().bucket(bucket).key(KEY);
    let complete = complete.upload_id(upload).multipart_upload(parts.build());
    complete.send().await?;
    Ok(())
}
