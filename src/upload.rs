//! `reelmill upload`: files to a running server.

use std::fs::File;
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::cli::Upload;

pub fn run(arguments: &Upload) -> Result<()> {
    let token = std::fs::read_to_string(&arguments.token_file).with_context(|| {
        format!(
            "cannot read the token in {}",
            arguments.token_file.display()
        )
    })?;
    for path in &arguments.files {
        let watch = upload(path, arguments.server.trim_end_matches('/'), token.trim())?;
        println!("{watch}");
    }
    Ok(())
}

fn upload(path: &Path, server: &str, token: &str) -> Result<String> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let metadata = file.metadata()?;
    if metadata.is_dir() {
        bail!("{} is a folder; name the files in it", path.display());
    }
    let title = path
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let agent = ureq::Agent::new_with_config(
        ureq::Agent::config_builder()
            .http_status_as_error(false)
            .build(),
    );
    let mut response = agent
        .post(format!("{server}/api/v1/videos"))
        .query("title", title.unwrap_or_default())
        .header("authorization", format!("Bearer {token}"))
        .header("content-length", metadata.len().to_string())
        .send(ureq::SendBody::from_reader(&mut { file }))
        .with_context(|| format!("cannot reach {server}"))?;
    let text = response.body_mut().read_to_string()?;
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    if response.status() != 201 {
        let detail = answer["detail"].as_str().unwrap_or("the server refused it");
        bail!(
            "{}: {} ({})",
            path.display(),
            detail,
            answer["code"].as_str().unwrap_or("unknown")
        );
    }
    answer["watch"]
        .as_str()
        .map(str::to_owned)
        .context("an answer without a link")
}
