//! `reelmill sign-in`: a way in for whoever may read the data folder.

use std::sync::Arc;

use anyhow::Result;
use catalog::{people, sign_in, tokens};
use store::local::Local;
use store::metadata::Role;
use store::{Rows, SystemClock};

use crate::cli::SignIn;

pub fn run(arguments: &SignIn) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(async {
        // Beside the server, which may be running.
        let rows = Local::rows(&arguments.data, Arc::new(SystemClock::new()))?;
        println!("{}", link(&rows, &arguments.public_url).await?);
        Ok(())
    })
}

/// A link that signs in as the admin, for one use, within ten minutes.
pub async fn link(rows: &impl Rows, public_url: &str) -> Result<String> {
    let admin = people::owner(rows, tokens::ADMIN, Role::Admin).await?;
    let code = sign_in::code(rows, admin.id).await?;
    let base = public_url.trim_end_matches('/');
    Ok(format!("{base}/sign-in?code={}", code.expose()))
}
