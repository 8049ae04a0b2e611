//! `reelmill sign-in`: a way in for whoever may read the data folder, or the settings.

use anyhow::Result;
use catalog::{people, sign_in, tokens};
use store::Rows;
use store::metadata::Role;

use crate::cli::SignIn;
use crate::server::{self, set};
use crate::{reached, stores};

pub fn run(arguments: SignIn) -> Result<()> {
    let mut settings = server::settings(arguments.config.as_deref())?;
    set(&mut settings.data, arguments.data);
    let listen = settings.origin.listen;
    let public_url = arguments
        .public_url
        .or(settings.origin.public_url.take())
        .or_else(|| reached::noted(&settings.data));
    let public_url = public_url.unwrap_or_else(|| format!("http://{listen}"));
    tokio::runtime::Runtime::new()?.block_on(async {
        // Beside the server, which may be running.
        let rows = stores::rows(&settings).await?;
        println!("{}", link(&rows, &public_url).await?);
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
