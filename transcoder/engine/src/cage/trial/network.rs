//! System calls by which the trial of the sandbox tries to reach the network: the sandbox must refuse each.
#![allow(unsafe_code)]

use nix::libc;

use super::attempt::{INVALID, NOTHING, Outcome, call, flag, outcome};

pub fn attempts() -> Vec<(&'static str, Outcome)> {
    vec![
        (
            "open a TCP socket",
            call!(
                SYS_socket,
                flag(libc::AF_INET),
                flag(libc::SOCK_STREAM),
                NOTHING
            ),
        ),
        (
            "open a UDP socket",
            call!(
                SYS_socket,
                flag(libc::AF_INET6),
                flag(libc::SOCK_DGRAM),
                NOTHING
            ),
        ),
        (
            "open a local socket",
            call!(
                SYS_socket,
                flag(libc::AF_UNIX),
                flag(libc::SOCK_STREAM),
                NOTHING
            ),
        ),
        (
            "open a netlink socket",
            call!(
                SYS_socket,
                flag(libc::AF_NETLINK),
                flag(libc::SOCK_RAW),
                NOTHING
            ),
        ),
        (
            "open a socket to the hypervisor",
            call!(
                SYS_socket,
                flag(libc::AF_VSOCK),
                flag(libc::SOCK_STREAM),
                NOTHING
            ),
        ),
        (
            "open a pair of packet sockets",
            call!(
                SYS_socketpair,
                flag(libc::AF_UNIX),
                flag(libc::SOCK_SEQPACKET),
                NOTHING,
                NOTHING
            ),
        ),
        ("connect", call!(SYS_connect, NOTHING, NOTHING, NOTHING)),
        ("bind", call!(SYS_bind, NOTHING, NOTHING, NOTHING)),
        ("listen", call!(SYS_listen, INVALID, NOTHING)),
        (
            "accept",
            call!(SYS_accept4, INVALID, NOTHING, NOTHING, NOTHING),
        ),
        (
            "send to an address",
            call!(
                SYS_sendto, INVALID, NOTHING, NOTHING, NOTHING, 1_i64, 16_i64
            ),
        ),
        (
            "send a descriptor",
            call!(SYS_sendmsg, INVALID, NOTHING, NOTHING),
        ),
        (
            "receive a descriptor",
            call!(SYS_recvmsg, INVALID, NOTHING, NOTHING),
        ),
    ]
}
