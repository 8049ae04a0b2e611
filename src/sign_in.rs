//! `reelmill sign-in`: prints a link that signs in as the admin. Whoever can read the data folder, or the settings of a
//! cluster, may use it.

use accounts::{owners, sign_in, tokens};
use anyhow::Result;
use store::Rows;
use store::metadata::Role;

use crate::cli::SignIn;
use crate::server::{self, override_with};
use crate::{server_url, stores};

/// Creates a sign-in code and prints its link.
pub fn run(arguments: SignIn) -> Result<()> {
    let mut settings = server::settings(arguments.config.as_deref())?;
    override_with(&mut settings.data, arguments.data);
    let listen = settings.origin.listen;
    let public_url = arguments
        .public_url
        .or(settings.origin.public_url.take())
        .or_else(|| server_url::recorded(&settings.data));
    let public_url = public_url.unwrap_or_else(|| format!("http://{listen}"));
    tokio::runtime::Runtime::new()?.block_on(async {
        // The metadata alone can be opened while a server runs on the same data.
        let rows = stores::open_metadata(&settings).await?;
        println!("{}", create_link(&rows, &public_url).await?);
        Ok(())
    })
}

/// Creates a sign-in code for the admin and returns the link that uses it. The link works once, within ten minutes.
pub async fn create_link(rows: &impl Rows, public_url: &str) -> Result<String> {
    let admin = owners::find_or_create(rows, tokens::ADMIN, Role::Admin).await?;
    let code = sign_in::create_code(rows, admin.id).await?;
    let base = public_url.trim_end_matches('/');
    Ok(format!("{base}/sign-in?code={}", code.expose()))
}
