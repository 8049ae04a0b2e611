//! `reelmill token`: API tokens.

use std::sync::Arc;

use anyhow::{Context, Result};
use catalog::tokens;
use store::local::Local;
use store::metadata::Role;
use store::{Layout, SystemClock};

use crate::cli::{Token, TokenAction};

pub fn run(arguments: Token) -> Result<()> {
    tokio::runtime::Runtime::new()?.block_on(act(arguments))
}

async fn act(arguments: Token) -> Result<()> {
    let stores = Local::open(&arguments.data, Layout::Store, Arc::new(SystemClock::new()))?;
    match arguments.action {
        TokenAction::Create { owner, name, admin } => {
            let role = if admin { Role::Admin } else { Role::Uploader };
            let (row, secret) = tokens::create(&stores, &owner, &name, role).await?;
            eprintln!("{} for {owner}; this is shown once:", row.id);
            println!("{}", secret.expose());
        }
        TokenAction::List => {
            for token in stores.metadata.tokens().list().await? {
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
            let now = stores.clock.now_us();
            stores
                .metadata
                .tokens()
                .revoke(&id, now)
                .await
                .context("no such token")?;
        }
    }
    Ok(())
}
