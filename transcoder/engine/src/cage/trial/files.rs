//! System calls by which the trial of the sandbox tries to reach files, folders and mounts: the sandbox must refuse each.
#![allow(unsafe_code)]

use nix::libc;

use super::attempt::{EMPTY, INVALID, NOTHING, Outcome, PASSWD, PATH, ROOT, call, flag, outcome};

pub fn attempts() -> Vec<(&'static str, Outcome)> {
    let here = flag(libc::AT_FDCWD);
    vec![
        (
            "read a file",
            call!(SYS_openat, here, PASSWD, flag(libc::O_RDONLY), NOTHING),
        ),
        (
            "read a folder",
            call!(SYS_openat, here, ROOT, flag(libc::O_DIRECTORY), NOTHING),
        ),
        (
            "write a file",
            call!(
                SYS_openat,
                here,
                PATH,
                flag(libc::O_WRONLY | libc::O_CREAT),
                NOTHING
            ),
        ),
        (
            "create an unnamed file",
            call!(
                SYS_openat,
                here,
                PATH,
                flag(libc::O_TMPFILE | libc::O_RDWR),
                NOTHING
            ),
        ),
        (
            "open by openat2",
            call!(SYS_openat2, here, PASSWD, NOTHING, NOTHING),
        ),
        (
            "read a file's status",
            call!(SYS_newfstatat, here, PATH, NOTHING, NOTHING),
        ),
        (
            "read a file's status by statx",
            call!(SYS_statx, here, PATH, NOTHING, NOTHING, NOTHING),
        ),
        (
            "read a file system's status",
            call!(SYS_statfs, PATH, NOTHING),
        ),
        (
            "read a link",
            call!(SYS_readlinkat, here, PATH, NOTHING, 1_i64),
        ),
        ("ask for access", call!(SYS_faccessat, here, PATH, NOTHING)),
        ("remove a file", call!(SYS_unlinkat, here, PATH, NOTHING)),
        (
            "rename a file",
            call!(SYS_renameat2, here, PATH, here, PATH, NOTHING),
        ),
        ("create a folder", call!(SYS_mkdirat, here, PATH, NOTHING)),
        (
            "create a link",
            call!(SYS_linkat, here, PATH, here, PATH, NOTHING),
        ),
        (
            "create a symbolic link",
            call!(SYS_symlinkat, PATH, here, PATH),
        ),
        (
            "create a device",
            call!(SYS_mknodat, here, PATH, NOTHING, NOTHING),
        ),
        (
            "change a file's mode",
            call!(SYS_fchmodat, here, PATH, NOTHING),
        ),
        (
            "change a file's owner",
            call!(SYS_fchownat, here, PATH, INVALID, INVALID, NOTHING),
        ),
        (
            "change a file's times",
            call!(SYS_utimensat, here, PATH, NOTHING, NOTHING),
        ),
        ("truncate a file", call!(SYS_truncate, PATH, NOTHING)),
        (
            "set an extended attribute",
            call!(SYS_setxattr, PATH, EMPTY, NOTHING, NOTHING, NOTHING),
        ),
        ("go to a folder", call!(SYS_chdir, PATH)),
        ("change the root", call!(SYS_chroot, PATH)),
        ("pivot the root", call!(SYS_pivot_root, PATH, PATH)),
        (
            "mount",
            call!(SYS_mount, NOTHING, PATH, NOTHING, NOTHING, NOTHING),
        ),
        ("unmount", call!(SYS_umount2, PATH, NOTHING)),
        (
            "open a tree of mounts",
            call!(SYS_open_tree, here, PATH, NOTHING),
        ),
        (
            "open a new file system",
            call!(SYS_fsopen, NOTHING, NOTHING),
        ),
        (
            "name a file's handle",
            call!(SYS_name_to_handle_at, here, PATH, NOTHING, NOTHING, NOTHING),
        ),
        (
            "open a file's handle",
            call!(SYS_open_by_handle_at, INVALID, NOTHING, NOTHING),
        ),
        (
            "watch a file",
            call!(SYS_inotify_add_watch, INVALID, PATH, NOTHING),
        ),
        ("watch a mount", call!(SYS_fanotify_init, INVALID, NOTHING)),
        (
            "create a memory file",
            call!(SYS_memfd_create, NOTHING, NOTHING),
        ),
        ("enable swap", call!(SYS_swapon, PATH, NOTHING)),
        (
            "set a quota",
            call!(SYS_quotactl, INVALID, NOTHING, NOTHING, NOTHING),
        ),
        ("open a pipe", call!(SYS_pipe2, NOTHING, NOTHING)),
    ]
}
