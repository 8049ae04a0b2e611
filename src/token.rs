//! `reelmill token`: API tokens.

use anyhow::{Context, Result};
use catalog::tokens;
use store::metadata::Role;

use crate::cli::{Token, TokenAction};
use crate::server::{self, set};
use crate::stores;

pub fn run(arguments: Token) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(act(arguments))
}

async fn act(arguments: Token) -> Result<()> {
    let mut settings = server::settings(arguments.config.as_deref())?;
    set(&mut settings.data, arguments.data);
    // Beside the server, which may be running.
    let rows = stores::rows(&settings).await?;
    match arguments.action {
        TokenAction::Create { owner, name, admin } => {
            let role = if admin { Role::Admin } else { Role::Uploader };
            let (row, secret) = tokens::create(&rows, &owner, &name, role).await?;
            eprintln!("{} for {owner}; this is shown once:", row.id);
            println!("{}", secret.expose());
        }
        TokenAction::List => {
            for token in tokens::list(&rows).await? {
                let revoked = if token.revoked_at_us.is_some() {
                    "revoked"
                } else {
                    "valid"
                };
                println!(
                    "{}\t{}\t{}\t{revoked}",
                    token.id,
                    token.role.as_str(),
                    token.name
                );
            }
        }
        TokenAction::Revoke { id } => {
            let id = id
                .parse()
                .ok()
                .with_context(|| format!("`{id}` is no token's id"))?;
            tokens::revoke(&rows, &id).await.context("no such token")?;
        }
    }
    Ok(())
}
