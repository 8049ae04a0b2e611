//! A store that is slow at the one moment that matters: when a plan of so many rungs is put.

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
    /// Plans of so many rungs are held.
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

    /// That one, and all that come after it, are stored.
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
                // Given back at once: the next one finds it.
                drop(self.released.acquire().await.unwrap());
            }
        }
        self.objects.put_if_absent(key, body).await
    }
}
