//! Copies owners and their API tokens. Sign-ins are not copied: a sign-in code works once and a session ends when its
//! user signs out, and neither would be true if there were two copies.

use std::collections::BTreeMap;

use plan::OwnerId;
use store::Error;

use super::Migration;

impl Migration {
    /// Copies owners and tokens. An owner whose name exists in the target is taken for the same person, with the id
    /// that the target has: people are known by their names, and each server gives its admin an id of its own at its
    /// first start.
    pub async fn copy_people(&mut self) -> Result<(), Error> {
        let (from, to) = (self.from.metadata.owners(), self.to.metadata.owners());
        for owner in from.list().await? {
            match to.by_name(&owner.name).await? {
                None => {
                    to.insert(&owner).await?;
                    self.counts.add_owner();
                }
                Some(known) if known.id == owner.id => {}
                Some(known) => {
                    let name = &owner.name;
                    self.progress.print(&format!(
                        "the owner {name} has another id in the target, and keeps that id"
                    ));
                    self.owner_ids.insert(owner.id, known.id);
                }
            }
        }
        self.copy_tokens().await
    }

    /// Copies tokens that the target does not have, and revokes those that were revoked in the source.
    async fn copy_tokens(&self) -> Result<(), Error> {
        let (from, to) = (self.from.metadata.tokens(), self.to.metadata.tokens());
        let known = to.list().await?.into_iter();
        let known: BTreeMap<_, _> = known.map(|token| (token.id, token)).collect();
        for mut token in from.list().await? {
            match (known.get(&token.id), token.revoked_at_us) {
                (None, _) => {
                    token.owner = self.owner_in_target(token.owner);
                    to.insert(&token).await?;
                    self.counts.add_token();
                }
                (Some(known), Some(at_us)) if known.revoked_at_us.is_none() => {
                    to.revoke(&token.id, at_us).await?;
                }
                // A token that was revoked in the target stays revoked.
                (Some(_), _) => {}
            }
        }
        Ok(())
    }

    /// Id that an owner of the source has in the target.
    pub fn owner_in_target(&self, id: OwnerId) -> OwnerId {
        self.owner_ids.get(&id).copied().unwrap_or(id)
    }
}
