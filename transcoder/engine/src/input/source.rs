//! The source as FFmpeg reads it: a seekable stream of blocks that the parent sends. Blocks are read ahead, and a
//! small cache of them is shared by all readers of the session. The parent ends a session whose block it cannot read,
//! since demuxers would take a missing block for the end of the file.

mod renamed;

use std::collections::VecDeque;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::mpsc::Receiver;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use parking_lot::Mutex;

use self::renamed::Replacement;
use crate::input::boxes::{self, EditList};
use crate::input::edit_lists;
use crate::link::Link;

/// Bytes of one block, for which the parent is asked at a time. A 20-Mbit/s source takes ten blocks a second; a seek
/// into a `moov` box does not fetch megabytes for nothing.
const BLOCK: u64 = 256 << 10;
/// Number of blocks in the cache: the index at either end of the file, and the places of picture and of sound.
const CACHED: usize = 24;

/// Source that the readers of a session share.
#[derive(Clone)]
pub struct Source {
    link: Arc<Link>,
    size: u64,
    shared: Arc<Mutex<Shared>>,
    edit_lists: Arc<OnceLock<Vec<EditList>>>,
    renamed: Arc<OnceLock<Vec<Replacement>>>,
}

#[derive(Default)]
struct Shared {
    blocks: VecDeque<(u64, Bytes)>,
    coming: Vec<(u64, Receiver<Bytes>)>,
}

impl Source {
    /// Makes a source of `size` bytes at the other end of the link.
    pub fn new(link: Arc<Link>, size: u64) -> Self {
        Self {
            link,
            size,
            shared: Arc::default(),
            edit_lists: Arc::default(),
            renamed: Arc::default(),
        }
    }

    /// Size of the source in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Edit lists of a file of the MP4 family that show more than one stretch of a track.
    pub fn edit_lists(&self) -> &[EditList] {
        self.edit_lists.get_or_init(|| {
            let mut lists = boxes::edit_lists(self.reader(), self.size);
            lists.retain(edit_lists::is_of_several);
            lists
        })
    }

    /// Link over which the source is read.
    pub fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Makes a reader at the start.
    pub fn reader(&self) -> Reader {
        self.renamed
            .get_or_init(|| renamed::find_replacements(self.raw_reader(), self.size));
        self.raw_reader()
    }

    /// Makes a reader at the start that needs no list of replaced bytes; until that list is known, it reads the
    /// source as it is.
    fn raw_reader(&self) -> Reader {
        Reader {
            source: self.clone(),
            position: 0,
            last_block: None,
        }
    }

    fn cached(&self, block: u64) -> Option<Bytes> {
        self.shared
            .lock()
            .blocks
            .iter()
            .find(|(index, _)| *index == block)
            .map(|(_, b)| b.clone())
    }

    fn request(&self, block: u64) -> io::Result<Receiver<Bytes>> {
        let offset = block * BLOCK;
        let length = BLOCK.min(self.size - offset) as u32;
        self.link
            .request(offset, length)
            .map_err(|_| io::ErrorKind::ConnectionAborted.into())
    }

    fn block(&self, block: u64, sequential: bool) -> io::Result<Bytes> {
        if let Some(bytes) = self.cached(block) {
            return Ok(bytes);
        }
        let coming = {
            let mut shared = self.shared.lock();
            let at = shared.coming.iter().position(|(index, _)| *index == block);
            at.map(|at| shared.coming.swap_remove(at).1)
        };
        let receiver = match coming {
            Some(receiver) => receiver,
            None => self.request(block)?,
        };
        if sequential && (block + 1) * BLOCK < self.size && self.cached(block + 1).is_none() {
            self.read_ahead(block + 1)?;
        }
        match receiver.recv() {
            Ok(bytes) => {
                let mut shared = self.shared.lock();
                shared.blocks.push_front((block, bytes.clone()));
                shared.blocks.truncate(CACHED);
                Ok(bytes)
            }
            Err(_) => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }

    fn read_ahead(&self, block: u64) -> io::Result<()> {
        const AHEAD: usize = 4;
        let mut shared = self.shared.lock();
        if shared.coming.iter().all(|(index, _)| *index != block) {
            shared.coming.push((block, self.request(block)?));
        }
        let surplus = shared.coming.len().saturating_sub(AHEAD);
        shared.coming.drain(..surplus);
        Ok(())
    }
}

/// Reader with a position of its own in the source.
pub struct Reader {
    source: Source,
    position: u64,
    last_block: Option<u64>,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.source.size || buffer.is_empty() {
            return Ok(0);
        }
        let block = self.position / BLOCK;
        let sequential = self
            .last_block
            .is_some_and(|last| block == last || block == last + 1);
        let bytes = self.source.block(block, sequential)?;
        self.last_block = Some(block);
        let within = (self.position % BLOCK) as usize;
        let Some(rest) = bytes.get(within..).filter(|rest| !rest.is_empty()) else {
            return Ok(0); // the source is shorter than announced
        };
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        for renamed in self.source.renamed.get().into_iter().flatten() {
            renamed.apply(self.position, &mut buffer[..count]);
        }
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for Reader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(at) => i128::from(at),
            SeekFrom::End(by) => i128::from(self.source.size) + i128::from(by),
            SeekFrom::Current(by) => i128::from(self.position) + i128::from(by),
        };
        self.position = u64::try_from(target).map_err(|_| io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}
