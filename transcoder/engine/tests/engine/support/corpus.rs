//! The corpus: real inputs with what must come out of each (`corpus.json`), which are not part of the checkout.

use std::path::{Path, PathBuf};

/// Folder of the corpus: `$REELMILL_CORPUS` (an absolute path, since cargo runs tests in their crate's folder), or
/// `shared/media` beside the checkout.
///
/// # Panics
///
/// This panics where there is no corpus: a test whose data is missing must not pass. Names of tests that need it
/// contain `of_the_corpus`, so that `-- --skip of_the_corpus` leaves them out.
pub fn corpus() -> PathBuf {
    let named = std::env::var_os("REELMILL_CORPUS").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/media");
    let folder = named.unwrap_or(beside);
    assert!(
        folder.join("corpus.json").is_file(),
        "there is no corpus in {}: name its folder by REELMILL_CORPUS, an absolute path, or leave its \
         tests out by `-- --skip of_the_corpus`",
        std::path::absolute(&folder).unwrap().display()
    );
    folder
}
