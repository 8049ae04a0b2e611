#!/usr/bin/env python3
"""GStreamer as a reader: `gstreamer.py URL [START]` decodes all of a film, or what follows START seconds, as fast as
it comes, and prints one line of JSON: the running time in seconds of every picture with its brightness, and the
running times at which pieces of sound begin, with the place of the first loud sample in each."""
import json
import sys

import gi

gi.require_version("Gst", "1.0")
from gi.repository import Gst

LOUD = 0.1
RATE = 48000
PICTURE = "videoconvert ! videoscale ! video/x-raw,format=GRAY8,width=16,height=16 ! appsink name=picture sync=false max-buffers=0"
SOUND = f"audioconvert ! audioresample ! audio/x-raw,format=F32LE,channels=1,rate={RATE},layout=interleaved ! appsink name=sound sync=false max-buffers=0"


def main():
    Gst.init(None)
    uri, start = sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else 0
    bins = {"video": Gst.parse_bin_from_description(PICTURE, True), "audio": Gst.parse_bin_from_description(SOUND, True)}
    playbin = Gst.ElementFactory.make("playbin3")
    playbin.set_property("uri", uri)
    playbin.set_property("flags", 3)
    playbin.set_property("video-sink", bins["video"])
    playbin.set_property("audio-sink", bins["audio"])
    frames, sound = [], []

    def times(sample, buffer):
        """Stream time: the place in the film, whatever the seek."""
        return sample.get_segment().to_stream_time(Gst.Format.TIME, buffer.pts) / Gst.SECOND

    def on_picture(sink):
        sample = sink.emit("pull-sample")
        buffer = sample.get_buffer()
        frames.append([times(sample, buffer), buffer.extract_dup(8 * 16 + 8, 1)[0]])
        return Gst.FlowReturn.OK

    def on_sound(sink):
        sample = sink.emit("pull-sample")
        buffer = sample.get_buffer()
        samples = memoryview(buffer.extract_dup(0, buffer.get_size())).cast("f")
        loud = next((index for index, value in enumerate(samples) if abs(value) >= LOUD), None)
        sound.append([times(sample, buffer), loud])
        return Gst.FlowReturn.OK

    for name, kind, handler in (("picture", "video", on_picture), ("sound", "audio", on_sound)):
        sink = bins[kind].get_by_name(name)
        sink.set_property("emit-signals", True)
        sink.connect("new-sample", handler)
    bus = playbin.get_bus()
    playbin.set_state(Gst.State.PAUSED)
    end = Gst.MessageType.ERROR | Gst.MessageType.EOS
    problem = wait_for(bus, end | Gst.MessageType.ASYNC_DONE)
    if start and not problem:
        frames.clear(), sound.clear()
        playbin.seek_simple(Gst.Format.TIME, Gst.SeekFlags.FLUSH | Gst.SeekFlags.ACCURATE, int(start * Gst.SECOND))
        problem = wait_for(bus, end | Gst.MessageType.ASYNC_DONE)
        frames[1:], sound[1:] = [], []
    playbin.set_state(Gst.State.PLAYING)
    problem = problem or wait_for(bus, end)
    playbin.set_state(Gst.State.NULL)
    print(json.dumps({"problem": problem, "frames": frames, "sound": sound}))


def wait_for(bus, kinds):
    """Waits for one of these messages; returns what an error says."""
    message = bus.timed_pop_filtered(40 * Gst.SECOND, kinds)
    if message is None:
        return "nothing happened for 40 s"
    return message.parse_error()[0].message if message.type == Gst.MessageType.ERROR else None


main()
