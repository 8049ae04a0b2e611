"""What a ladder made for the title saves against a fixed one, 5000/2800/1400/800 kbit/s, at equal VMAF.

`titles.py [CLIP ...]`; without, the table of docs/decisions/026-titles.md. Needs `REELMILL` (a release
build), `ffmpeg` (libx264) and the PyPI package `imageio-ffmpeg` (VMAF); runs on easy and hard clips
of the corpus (CONTRIBUTING.md). The fixed ladder has two passes, the same sizes and the same key frames; it is made
by the x264 settings of policy `fast`, and by `veryfast`. VMAF is that of pictures scaled up to the
source's size: mean, harmonic mean, 5th and 1st percentile and the worst picture; the mean is what bytes are compared by.
"""
import glob, json, os, re, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor
from effort import COMMON, MEDIA, difference, run
from quality import by_picture, figures, in_words

REELMILL = os.environ.get("REELMILL", os.path.join(os.path.dirname(__file__), "../target/release/reelmill"))
# File, second, seconds, filter.
CLIPS = {
    "screen recording": ("timing-screen-capture-vfr.webm", 0, 4, "fps=30"),
    "slide show": ("everyday-1080p30.mp4", 12, 8, "fps=1/2,fps=30"),
    "animation, 480p": ("big-buck-bunny-480p-30s.mp4", 10, 8, "null"),
    "flower, 540p": ("flower-540p.mp4", 0, 4, "null"),
    "people, 720p": ("everyday-720p30.mp4", 1, 8, "null"),
    "flower": ("everyday-1080p30.mp4", 13.8, 4.8, "null"),
    "coast": ("everyday-1080p30.mp4", 5.8, 7.8, "null"),
    "animated meadow": ("everyday-1080p30.mp4", 27.8, 2, "null"),
    "trees": ("park-1080p30-5s.mp4", 0, 5.6, "null"),
    "walk": ("everyday-1080p30.mp4", 20.8, 6.8, "null"),
    "painted wall, 60 fps": ("colour-dovi-p9-avc-1080p60.mp4", 0, 1.2, "fps=60"),
    "coast with grain": ("everyday-1080p30.mp4", 5.8, 4, "noise=alls=10:allf=t"),
}
FIXED = {1080: 5000, 720: 2800, 480: 1400, 360: 800}
# As policy `fast` has it (plan/src/policy.rs), and as many use.
FAST = "mbtree=1:rc-lookahead=10:qcomp=0.5:aq-strength=0.8:subme=1:trellis=1:partitions=i8x8"
ENCODERS = {"fast": ("superfast", f"{COMMON}:{FAST}"), "veryfast": ("veryfast", COMMON)}
COLOURS = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
# Our segments start here.
KEYS = "0,1,2,4,8"


def ours(folder, source, size, seconds):
    """Rungs by their box, made by the program."""
    out = os.path.join(folder, "ours")
    subprocess.run([REELMILL, "transcode", source, out], check=True, capture_output=True, stdin=subprocess.DEVNULL)
    rungs = {}
    for rendition in glob.glob(os.path.join(out, "v*-*")):
        number = lambda path: int(os.path.basename(path).split(".")[0])
        segments = sorted(glob.glob(rendition + "/*.m4s"), key=number)
        whole = rendition + ".mp4"
        with open(whole, "wb") as file:
            for part in [rendition + "/init.mp4", *segments]:
                with open(part, "rb") as piece:
                    file.write(piece.read())
        box = int(re.search(r"v(\d+)-", rendition)[1])
        rungs[box] = result(whole, source, size, seconds)
    return rungs


def result(path, source, size, seconds):
    size_of = os.path.getsize(path)
    shape = subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries", "stream=width,height",
                            "-of", "csv=p=0", path], capture_output=True, text=True, check=True).stdout
    shape = tuple(int(side) for side in shape.strip().strip(",").split(","))
    five = figures(by_picture(path, source, up=size))
    return {"bytes": size_of, "kbit": size_of * 8 / 1000 / seconds, "size": shape, "vmaf": five["mean"], "five": five}


def fixed(folder, source, size, seconds, encoder):
    preset, params = ENCODERS[encoder]
    rungs = {}
    for box, kbit in FIXED.items():
        if box > 360 and min(size) <= {1080: 720, 720: 480, 480: 360}[box] and max(size) <= {1080: 1280, 720: 854, 480: 640}[box]:
            continue  # the box below holds the source
        scale = min(1, box / min(size), {1080: 1920, 720: 1280, 480: 854, 360: 640}[box] / max(size))
        width, height = (round(side * scale / 2) * 2 for side in size)
        out = os.path.join(folder, f"{encoder}-{box}.mp4")
        for number in (1, 2):
            run("ffmpeg", "-v", "error", "-y", "-i", source, "-vf", f"scale={width}:{height}:flags=bicubic",
                "-c:v", "libx264", "-preset", preset, "-b:v", f"{kbit}k", "-force_key_frames", KEYS, "-pass", str(number),
                "-passlogfile", out, "-x264-params", params, *(["-f", "null", "-"] if number == 1 else [out]))
        rungs[box] = result(out, source, size, seconds)
    return rungs


def clip(name):
    file, second, seconds, filters = CLIPS[name]
    with tempfile.TemporaryDirectory() as folder:
        source = os.path.join(folder, "source.mp4")
        # Without loss, so that what is compared with is what was given; with its colours named, or the
        # scaler before libvmaf takes those of ours, which names them, for others than the source's.
        run("ffmpeg", "-v", "error", "-ss", str(second), "-t", str(seconds), "-i", os.path.join(MEDIA, file), "-an",
            "-vf", f"{filters},format=yuv420p,{COLOURS}", "-c:v", "libx264", "-preset", "superfast", "-qp", "0", source)
        probed = json.loads(subprocess.run(["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries",
            "stream=width,height,duration", "-of", "json", source], capture_output=True, text=True, check=True).stdout)
        stream = probed["streams"][0]
        size, seconds = (stream["width"], stream["height"]), float(stream["duration"])
        ladders = {"ours": ours(folder, source, size, seconds)}
        for encoder in ENCODERS:
            ladders[encoder] = fixed(folder, source, size, seconds, encoder)
        return ladders


def main():
    names = sys.argv[1:] or list(CLIPS)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        made = list(pool.map(clip, names))
    told = lambda rungs: ", ".join(f"{box}: {rungs[box]['kbit']:.0f} ({in_words(rungs[box]['five'])})" for box in sorted(rungs, reverse=True))
    print("| clip | ours: kbit/s (VMAF) | fixed | against `fast` | against `veryfast` | all rungs | most of a rung |")
    print("|---|---|---|---|---|---|---|")
    columns = []
    for name, ladders in zip(names, made):
        rungs, others = ladders["ours"], ladders["fast"]
        saved = [difference(list(rungs.values()), list(ladders[encoder].values()), "vmaf") for encoder in ENCODERS]
        whole = sum(r["bytes"] for r in rungs.values()) / sum(r["bytes"] for r in others.values()) - 1
        most = max(rungs[box]["kbit"] / FIXED[box] for box in rungs if box in FIXED)
        columns.append([*saved, whole])
        cells = " | ".join(f"{100 * value:+.0f} %" for value in [*saved, whole])
        print(f"| {name} | {told(rungs)} | {told(others)} | {cells} | {most:.2f} |")
    means = " | ".join(f"**{100 * sum(column) / len(column):+.0f} %**" for column in zip(*columns))
    print(f"| mean | | | {means} | |")


if __name__ == "__main__":
    main()
