#!/usr/bin/env python3
"""VLC as a reader: `vlc.py URL START STOP` plays a film between two places, in seconds, as an application that embeds
libvlc does, and prints one line of JSON: when every picture was shown with its brightness, and when each beep was to be
heard, both in seconds of VLC's clock."""
import ctypes
import json
import os
import sys
import threading

LOUD = 0.1 * 32768
RATE = 48000
BEEP_PAUSE = 1.0
SIDE = 16
PLAYED, FAILED = 265, 266  # libvlc_MediaPlayerEndReached, libvlc_MediaPlayerEncounteredError

pointer, address = ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)
Lock = ctypes.CFUNCTYPE(pointer, pointer, address)
Unlock = ctypes.CFUNCTYPE(None, pointer, pointer, address)
Display = ctypes.CFUNCTYPE(None, pointer, pointer)
Play = ctypes.CFUNCTYPE(None, pointer, pointer, ctypes.c_uint, ctypes.c_int64)
Event = ctypes.CFUNCTYPE(None, pointer, pointer)


def main():
    url, start, stop = sys.argv[1:4]
    vlc = library()
    options = [b"--quiet", b"--no-video-title-show", b"--no-drop-late-frames", b"--no-skip-frames"]
    instance = vlc.libvlc_new(len(options), (ctypes.c_char_p * len(options))(*options))
    media = vlc.libvlc_media_new_location(instance, url.encode())
    for option in (f":start-time={start}", f":stop-time={stop}"):
        vlc.libvlc_media_add_option(media, option.encode())
    player = vlc.libvlc_media_player_new_from_media(media)
    pixels = (ctypes.c_ubyte * (SIDE * SIDE * 4))()
    frames, beeps, ended, problem = [], [], threading.Event(), []

    def lock(_, planes):
        planes[0] = ctypes.addressof(pixels)
        return None

    def display(_, __):
        frames.append([vlc.libvlc_clock() / 1e6, pixels[(SIDE // 2 * SIDE + SIDE // 2) * 4]])

    def play(_, samples, count, pts):
        samples = ctypes.cast(samples, ctypes.POINTER(ctypes.c_int16))
        loud = next((index for index in range(count) if abs(samples[index]) >= LOUD), None)
        if loud is not None and (not beeps or pts / 1e6 - beeps[-1] > BEEP_PAUSE):
            beeps.append(pts / 1e6 + loud / RATE)

    def fail(_, __):
        problem.append("VLC cannot play it")
        ended.set()

    # Held here, since ctypes does not keep what C calls back.
    callbacks = [Lock(lock), Unlock(lambda *_: None), Display(display), Play(play), Event(lambda *_: ended.set()), Event(fail)]
    vlc.libvlc_video_set_callbacks(player, *callbacks[:3], None)
    vlc.libvlc_video_set_format(player, b"RV32", SIDE, SIDE, SIDE * 4)
    vlc.libvlc_audio_set_callbacks(player, callbacks[3], None, None, None, None, None)
    vlc.libvlc_audio_set_format(player, b"S16N", RATE, 1)
    events = vlc.libvlc_media_player_event_manager(player)
    vlc.libvlc_event_attach(events, PLAYED, callbacks[4], None)
    vlc.libvlc_event_attach(events, FAILED, callbacks[5], None)
    vlc.libvlc_media_player_play(player)
    if not ended.wait(40):
        problem.append("it does not end")
    print(json.dumps({"problem": problem[0] if problem else None, "frames": frames, "beeps": beeps}), flush=True)
    # Not by the interpreter's own end: threads of VLC still call back.
    os._exit(0)


def library():
    """libvlc, with the types of what is called here."""
    vlc = ctypes.CDLL("libvlc.so.5")
    number, text = ctypes.c_int, ctypes.c_char_p
    for name, result, arguments in (
        ("new", pointer, [number, ctypes.POINTER(text)]),
        ("clock", ctypes.c_int64, []),
        ("media_new_location", pointer, [pointer, text]),
        ("media_add_option", None, [pointer, text]),
        ("media_player_new_from_media", pointer, [pointer]),
        ("media_player_event_manager", pointer, [pointer]),
        ("event_attach", number, [pointer, number, Event, pointer]),
        ("video_set_callbacks", None, [pointer, Lock, Unlock, Display, pointer]),
        ("video_set_format", None, [pointer, text] + [ctypes.c_uint] * 3),
        ("audio_set_callbacks", None, [pointer, Play] + [pointer] * 5),
        ("audio_set_format", None, [pointer, text, ctypes.c_uint, ctypes.c_uint]),
        ("media_player_play", number, [pointer]),
    ):
        function = getattr(vlc, "libvlc_" + name)
        function.restype, function.argtypes = result, arguments
    return vlc


main()
