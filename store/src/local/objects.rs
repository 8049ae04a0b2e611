//! Objects as files.

use std::fs::{File, Metadata, ReadDir};
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use tokio::sync::Semaphore;

use super::files::Folder;
use super::lock::FolderLock;
use super::space::Space;
use crate::clock::unix_us;
use crate::objects::{ByteStream, Listing};
use crate::{Created, Error, Layout, Listed, ObjectInfo, ObjectKey, ObjectRead, Objects, Prefix};

/// Largest number of concurrent file operations: enough to keep a disk busy, and few enough that a slow disk does not
/// fill the runtime's blocking threads (512).
const MOST_OPERATIONS: usize = 32;

/// Number of bytes of a body that are read at once. Most segments and every source block fit.
const PIECE_BYTES: u64 = 8 << 20;

/// Number of folder entries that a listing reads at once.
const LISTING_BATCH: usize = 1024;

/// Objects as files below a folder.
pub struct FileObjects {
    inner: Arc<Inner>,
}

struct Inner {
    files: Folder,
    layout: Layout,
    operations: Arc<Semaphore>,
    space: Arc<Space>,
    /// Lock of the data folder. It is kept here too, so that it outlives all running operations.
    _lock: Arc<FolderLock>,
}

impl FileObjects {
    pub(super) fn new(
        files: Folder,
        layout: Layout,
        space: Arc<Space>,
        lock: Arc<FolderLock>,
    ) -> Self {
        let operations = Arc::new(Semaphore::new(MOST_OPERATIONS));
        Self {
            inner: Arc::new(Inner {
                files,
                layout,
                operations,
                space,
                _lock: lock,
            }),
        }
    }
}

impl Inner {
    /// Runs file operations on a blocking thread. An operation that has started is completed, even if the caller
    /// stops waiting.
    async fn run<T: Send + 'static>(
        self: &Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = Arc::clone(&self.operations)
            .acquire_owned()
            .await
            .map_err(Error::unavailable)?;
        let inner = Arc::clone(self);
        tokio::task::spawn_blocking(move || {
            let done = work(&inner);
            // The folder's lock must be free as soon as the last store and the last caller are gone.
            drop((inner, permit));
            done
        })
        .await
        .map_err(Error::unavailable)?
    }

    /// Path of a key below the root.
    fn path(&self, key: &ObjectKey) -> Result<String, Error> {
        if key.is_safe() {
            Ok(self.layout.path(key))
        } else {
            Err(Error::corrupt(format!("{key:?} is not a safe key")))
        }
    }
}

#[async_trait]
impl Objects for FileObjects {
    async fn put(&self, key: &ObjectKey, body: Bytes) -> Result<(), Error> {
        let path = self.inner.path(key)?;
        self.inner
            .run(move |inner| {
                inner.space.admit(body.len())?;
                Ok(inner.files.put(&path, &body)?)
            })
            .await
    }

    async fn put_if_absent(&self, key: &ObjectKey, body: Bytes) -> Result<Created, Error> {
        let path = self.inner.path(key)?;
        self.inner
            .run(move |inner| {
                inner.space.admit(body.len())?;
                Ok(inner.files.put_if_absent(&path, &body)?)
            })
            .await
    }

    async fn read(&self, key: &ObjectKey, range: Option<Range<u64>>) -> Result<ObjectRead, Error> {
        let path = self.inner.path(key)?;
        let (file, info, range, first) = self
            .inner
            .run(move |inner| {
                let file = File::open(inner.files.root().join(path))?;
                let info = info(&file.metadata()?);
                let range = cut(range, info.size);
                let first = piece(&file, &range)?;
                Ok((file, info, range, first))
            })
            .await?;
        let body = body(Arc::clone(&self.inner), file, range.clone(), first);
        Ok(ObjectRead { info, range, body })
    }

    async fn head(&self, key: &ObjectKey) -> Result<Option<ObjectInfo>, Error> {
        let path = self.inner.path(key)?;
        self.inner
            .run(
                move |inner| match std::fs::metadata(inner.files.root().join(path)) {
                    Ok(metadata) => Ok(Some(info(&metadata))),
                    Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                    Err(error) => Err(error.into()),
                },
            )
            .await
    }

    async fn list(&self, prefix: &Prefix) -> Result<Listing, Error> {
        let walk = Walk {
            prefix: *prefix,
            folders: self.inner.layout.folders(prefix),
            open: None,
        };
        let inner = Arc::clone(&self.inner);
        let batches = stream::try_unfold((inner, walk), |(inner, mut walk)| async move {
            let (walk, batch) = inner
                .run(move |inner| {
                    let batch = walk.batch(inner)?;
                    Ok((walk, batch))
                })
                .await?;
            Ok::<_, Error>(batch.map(|batch| (batch, (inner, walk))))
        });
        Ok(batches
            .map_ok(|batch| stream::iter(batch).map(Ok))
            .try_flatten()
            .boxed())
    }

    async fn delete(&self, keys: &[ObjectKey]) -> Result<(), Error> {
        let paths = keys
            .iter()
            .map(|key| self.inner.path(key))
            .collect::<Result<Vec<_>, _>>()?;
        self.inner
            .run(move |inner| Ok(inner.files.remove(paths.iter().map(String::as_str))?))
            .await
    }

    async fn free_bytes(&self) -> Result<Option<u64>, Error> {
        self.inner.run(|inner| inner.space.free().map(Some)).await
    }
}

fn info(metadata: &Metadata) -> ObjectInfo {
    let (seconds, nanoseconds) = (metadata.mtime(), metadata.mtime_nsec());
    ObjectInfo {
        size: metadata.len(),
        modified_us: metadata.modified().map(unix_us).unwrap_or_default(),
        etag: Some(format!("{seconds:x}-{nanoseconds:x}-{:x}", metadata.len())),
    }
}

/// The part of an object of `size` bytes that a range covers.
fn cut(range: Option<Range<u64>>, size: u64) -> Range<u64> {
    let range = range.unwrap_or(0..size);
    let start = range.start.min(size);
    start..range.end.clamp(start, size)
}

/// Reads the first piece of a range.
fn piece(file: &File, range: &Range<u64>) -> Result<Bytes, Error> {
    let length = (range.end - range.start).min(PIECE_BYTES);
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, range.start)?;
    Ok(bytes.into())
}

fn body(inner: Arc<Inner>, file: File, range: Range<u64>, first: Bytes) -> ByteStream {
    let rest = range.start + first.len() as u64..range.end;
    let others = stream::try_unfold((inner, file, rest), |(inner, file, rest)| async move {
        if rest.is_empty() {
            return Ok(None);
        }
        let (file, bytes, rest) = inner
            .run(move |_| {
                let bytes = piece(&file, &rest)?;
                let rest = rest.start + bytes.len() as u64..rest.end;
                Ok((file, bytes, rest))
            })
            .await?;
        Ok(Some((bytes, (inner, file, rest))))
    });
    let first = (!first.is_empty()).then_some(Ok(first));
    stream::iter(first).chain(others).boxed()
}

/// Walk through the folders of a prefix, one batch of entries at a time.
struct Walk {
    prefix: Prefix,
    /// Folders below the root that are yet to be read.
    folders: Vec<String>,
    open: Option<(String, ReadDir)>,
}

impl Walk {
    /// Reads the next objects, possibly none; `None` at the end of the walk.
    fn batch(&mut self, inner: &Inner) -> Result<Option<Vec<Listed>>, Error> {
        let (folder, mut entries) = match self.open.take() {
            Some(open) => open,
            None => match self.folders.pop() {
                None => return Ok(None),
                Some(folder) => match read_folder(&inner.files.root().join(&folder))? {
                    None => return Ok(Some(Vec::new())),
                    Some(entries) => (folder, entries),
                },
            },
        };
        let mut found = Vec::new();
        let mut seen = 0;
        for entry in entries.by_ref().take(LISTING_BATCH) {
            seen += 1;
            let entry = entry?;
            let name = entry.file_name();
            // Files whose names are not UTF-8 are not objects, and links are not either.
            let Some(name) = name.to_str() else { continue };
            let path = if folder.is_empty() {
                name.to_owned()
            } else {
                format!("{folder}/{name}")
            };
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.folders.push(path);
            } else if kind.is_file()
                && let Some(key) = inner.layout.parse(&path, &self.prefix)
                && let Some(size) = size_unless_gone(&entry)?
            {
                found.push(Listed { key, size });
            }
        }
        if seen == LISTING_BATCH {
            self.open = Some((folder, entries));
        }
        Ok(Some(found))
    }
}

fn read_folder(path: &Path) -> io::Result<Option<ReadDir>> {
    match std::fs::read_dir(path) {
        Ok(entries) => Ok(Some(entries)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn size_unless_gone(entry: &std::fs::DirEntry) -> io::Result<Option<u64>> {
    match entry.metadata() {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::cut;

    #[test]
    fn ranges_are_cut_at_the_end() {
        assert_eq!(cut(None, 10), 0..10);
        assert_eq!(cut(Some(3..5), 10), 3..5);
        assert_eq!(cut(Some(8..12), 10), 8..10);
        assert_eq!(cut(Some(10..12), 10), 10..10);
        assert_eq!(cut(Some(u64::MAX - 1..u64::MAX), 10), 10..10);
        #[allow(clippy::reversed_empty_ranges)]
        let backwards = 5..3;
        assert_eq!(cut(Some(backwards), 10), 5..5);
    }
}
