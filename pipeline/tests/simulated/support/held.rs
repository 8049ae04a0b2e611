//! A store that holds back plans with a certain number of rungs until they are released.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use plan::Plan;
use store::objects::Layer;
use store::{Created, Error, ObjectKey, Objects};
use tokio::sync::Semaphore;

pub struct HeldPlan {
    objects: Arc<dyn Objects>,
    rungs: usize,
    arrived: Semaphore,
    released: Semaphore,
}

impl HeldPlan {
    /// Creates a store that holds back plans of this many rungs.
    pub fn of(objects: Arc<dyn Objects>, rungs: usize) -> Self {
        Self {
            objects,
            rungs,
            arrived: Semaphore::new(0),
            released: Semaphore::new(0),
        }
    }

    /// Waits until such a plan is being put.
    pub async fn until_held(&self) {
        self.arrived.acquire().await.unwrap().forget();
    }

    /// Stores the plan that is held back, and all later ones.
    pub fn release(&self) {
        self.released.add_permits(1);
    }
}

#[async_trait]
impl Layer for HeldPlan {
    fn below(&self) -> &dyn Objects {
        &*self.objects
    }

    async fn put_if_absent(&self, key: &ObjectKey, body: Bytes) -> Result<Created, Error> {
        if let ObjectKey::Plan { .. } = key {
            let plan: Plan = serde_json::from_slice(&body).unwrap();
            if plan.video.len() == self.rungs {
                self.arrived.add_permits(1);
                // The permit is given back at once, for the next plan.
                drop(self.released.acquire().await.unwrap());
            }
        }
        self.objects.put_if_absent(key, body).await
    }
}
