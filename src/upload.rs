//! `reelmill upload`: files to a running server.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::cli::Upload;
use crate::client::Client;

pub fn run(arguments: &Upload) -> Result<()> {
    let client = Client::new(&arguments.server)?;
    for path in &arguments.files {
        println!("{}", upload(path, &client)?);
    }
    Ok(())
}

fn upload(path: &Path, client: &Client) -> Result<String> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    if file.metadata()?.is_dir() {
        bail!("{} is a folder; name the files in it", path.display());
    }
    let title = path.file_stem().unwrap_or_default().to_string_lossy();
    let answer = client.upload(&title, file)?;
    if answer.status != 201 {
        bail!("{}: {}", path.display(), answer.refusal());
    }
    let watch = answer.body["watch"].as_str();
    watch.map(str::to_owned).context("an answer without a link")
}
