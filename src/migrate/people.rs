//! Owners and their tokens. Sign-ins stay: a code is for one use and a session ends when somebody
//! signs out, and neither would hold if there were two of it.

use std::collections::BTreeMap;

use plan::OwnerId;
use store::Error;

use super::Migration;

impl Migration {
    /// Copies owners and tokens. Whoever has a name that is somebody's in the target is that
    /// person: names are what people are known by, and the first start of a server gives the
    /// admin an id of its own.
    pub async fn people(&mut self) -> Result<(), Error> {
        let (from, to) = (self.from.metadata.owners(), self.to.metadata.owners());
        for owner in from.list().await? {
            match to.by_name(&owner.name).await? {
                None => {
                    to.insert(&owner).await?;
                    self.counts.owner();
                }
                Some(known) if known.id == owner.id => {}
                Some(known) => {
                    let name = &owner.name;
                    self.progress.say(&format!(
                        "{name} is known there by another id, and keeps it"
                    ));
                    self.others.insert(owner.id, known.id);
                }
            }
        }
        self.tokens().await
    }

    async fn tokens(&self) -> Result<(), Error> {
        let (from, to) = (self.from.metadata.tokens(), self.to.metadata.tokens());
        let known = to.list().await?.into_iter();
        let known: BTreeMap<_, _> = known.map(|token| (token.id, token)).collect();
        for mut token in from.list().await? {
            match (known.get(&token.id), token.revoked_at_us) {
                (None, _) => {
                    token.owner = self.owner(token.owner);
                    to.insert(&token).await?;
                    self.counts.token();
                }
                (Some(known), Some(at_us)) if known.revoked_at_us.is_none() => {
                    to.revoke(&token.id, at_us).await?;
                }
                // Revoked there, it stays so.
                (Some(_), _) => {}
            }
        }
        Ok(())
    }

    /// Who somebody is in the target.
    pub fn owner(&self, id: OwnerId) -> OwnerId {
        self.others.get(&id).copied().unwrap_or(id)
    }
}
