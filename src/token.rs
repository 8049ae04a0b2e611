//! `reelmill token`: creates, lists and revokes API tokens, directly in the metadata store.

use accounts::tokens;
use anyhow::{Context, Result};
use store::metadata::Role;

use crate::cli::{Token, TokenAction};
use crate::server::{self, override_with};
use crate::stores;

/// Creates, lists or revokes tokens.
pub fn run(arguments: Token) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(run_action(arguments))
}

async fn run_action(arguments: Token) -> Result<()> {
    let mut settings = server::settings(arguments.config.as_deref())?;
    override_with(&mut settings.data, arguments.data);
    // The metadata alone can be opened while a server runs on the same data.
    let rows = stores::open_metadata(&settings).await?;
    match arguments.action {
        TokenAction::Create { owner, name, admin } => {
            let role = if admin { Role::Admin } else { Role::Uploader };
            let (row, secret) = tokens::create(&rows, &owner, &name, role).await?;
            eprintln!(
                "Created {} for {owner}. Keep this secret; it cannot be shown again:",
                row.id
            );
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
                .with_context(|| format!("{id} is not the id of a token"))?;
            let revoked = tokens::revoke(&rows, &id).await;
            revoked.context("there is no such token; `reelmill token list` shows their ids")?;
        }
    }
    Ok(())
}
