"""What x264 settings are worth: bytes at equal quality against x264's `veryfast`, and CPU time.

`effort.py [NAME=PRESET[:KEY=VALUE...] ...]`; without, the table of docs/decisions/011-fast.md.
Needs `ffmpeg` (libx264) and, for VMAF, the PyPI package `imageio-ffmpeg`; runs on the natural clips
of the corpus (CONTRIBUTING.md), four seconds each, one thread, one GOP, at four CRFs. A figure is the mean over
the clips of the Bjontegaard difference: less is better.
"""
import math, os, re, subprocess, sys, tempfile
from concurrent.futures import ThreadPoolExecutor
import imageio_ffmpeg

MEDIA = os.environ.get("REELMILL_CORPUS") or os.path.join(os.path.dirname(__file__), "../../shared/media")
# File, second, size.
CLIPS = [
    ("big-buck-bunny-480p-30s.mp4", 10, "854:480"),
    ("bikes-640x272.mp4", 2, "640:272"),
    ("everyday-1080p30.mp4", 6, "1280:720"),
    ("flower-540p.mp4", 1, "960:540"),
    ("park-1080p30-5s.mp4", 0, "1280:720"),
]
CRFS = [19, 23, 27, 31]
# As the plan has it (plan/src/presentation/video.rs).
COMMON = ("keyint=infinite:min-keyint=1000000:open-gop=0:threads=1:sync-lookahead=0:"
          "cpu-independent=1:stitchable=1:force-cfr=1:b-pyramid=normal:ref=1")
REFERENCE = "veryfast"
SETTINGS = {
    REFERENCE: "veryfast",
    "superfast": "superfast",
    "superfast, mbtree 20": "superfast:mbtree=1:rc-lookahead=20",
    "the same, trellis": "superfast:mbtree=1:rc-lookahead=20:trellis=1",
    "the same, trellis, aq 2": "superfast:mbtree=1:rc-lookahead=20:trellis=1:aq-mode=2",
    "superfast, mbtree 10, subme 2": "superfast:mbtree=1:rc-lookahead=10:subme=2",
    "the same, trellis, i8x8": "superfast:mbtree=1:rc-lookahead=10:subme=2:trellis=1:partitions=i8x8",
    "the same, subme 1": "superfast:mbtree=1:rc-lookahead=10:subme=1:trellis=1:partitions=i8x8",
    "fast: the same, qcomp 0.5, aq-strength 0.8": "superfast:mbtree=1:rc-lookahead=10:qcomp=0.5:aq-strength=0.8:subme=1:trellis=1:partitions=i8x8",
    "veryfast, trellis, aq 2": "veryfast:trellis=1:aq-mode=2",
}
METRICS = {
    "vmaf": (r"VMAF score: ([\d.]+)", float),
    # In decibels, as a mean over a curve should be of something linear.
    "ssim": (r"All:([\d.]+)", lambda text: -10 * math.log10(1 - float(text))),
    "psnr": (r"average:([\d.]+)", float),
}


def run(*command):
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return done.stderr


def encoded(folder, clip, settings, crf):
    """Bytes, CPU seconds and quality of one encode."""
    preset, *further = settings.split(":")
    out = os.path.join(folder, f"{os.path.basename(clip)}-{abs(hash((settings, crf)))}.mp4")
    params = ":".join([f"crf={crf}", COMMON, *further])
    said = run("/usr/bin/time", "-f", "%U", "ffmpeg", "-v", "error", "-i", clip, "-c:v", "libx264",
               "-preset", preset, "-x264-params", params, out)
    # Every picture counts: B-frames come in a rhythm, which a sample of every second may fall in with.
    graph = ("[0:v]split=3[a][b][c];[1:v]split=3[x][y][z];"
             "[a][x]libvmaf;[b][y]ssim;[c][z]psnr")
    judged = run(imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", out, "-i", clip,
                 "-lavfi", graph, "-f", "null", "-")
    found = {name: read(re.search(pattern, judged)[1]) for name, (pattern, read) in METRICS.items()}
    size = os.path.getsize(out)
    os.remove(out)
    return {"bytes": size, "cpu": float(said.split()[-1]), **found}


def at(points, quality):
    """Logarithm of the bytes at a quality, between the points of a curve."""
    points = sorted(points)
    for (q0, b0), (q1, b1) in zip(points, points[1:]):
        if q0 <= quality <= q1:
            return b0 + (b1 - b0) * (quality - q0) / max(q1 - q0, 1e-9)
    return points[-1][1]


def difference(ours, reference, metric):
    """Bytes at equal quality against the reference, over the qualities that both reach."""
    curves = [[(run[metric], math.log(run["bytes"])) for run in runs] for runs in (ours, reference)]
    low = max(min(q for q, _ in curve) for curve in curves)
    high = min(max(q for q, _ in curve) for curve in curves)
    steps = [low + (high - low) * i / 50 for i in range(51)]
    mean = sum(at(curves[0], q) - at(curves[1], q) for q in steps) / len(steps)
    return math.exp(mean) - 1


def main():
    asked = dict(argument.split("=", 1) for argument in sys.argv[1:])
    settings = {REFERENCE: SETTINGS[REFERENCE], **asked} if asked else SETTINGS
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(os.cpu_count()) as pool:
        clips = []
        for number, (name, second, size) in enumerate(CLIPS):
            clip = os.path.join(folder, f"{number}.y4m")
            run("ffmpeg", "-v", "error", "-ss", str(second), "-t", "4", "-i", os.path.join(MEDIA, name),
                "-an", "-vf", f"scale={size}:flags=bicubic,format=yuv420p", clip)
            clips.append(clip)
        jobs = [(clip, name, crf) for clip in clips for crf in CRFS for name in settings]
        made = pool.map(lambda job: encoded(folder, job[0], settings[job[1]], job[2]), jobs)
        runs = {}
        for (clip, name, _), result in zip(jobs, made):
            runs.setdefault(name, {}).setdefault(clip, []).append(result)
    print("| settings | VMAF | SSIM | PSNR | CPU | worst clip, VMAF |\n|---|---|---|---|---|---|")
    for name in settings:
        pairs = [(runs[name][clip], runs[REFERENCE][clip]) for clip in clips]
        of = {metric: [difference(*pair, metric) for pair in pairs] for metric in METRICS}
        means = " | ".join(f"{100 * sum(values) / len(values):+.1f} %" for values in of.values())
        cpu = sum(sum(r["cpu"] for r in ours) / sum(r["cpu"] for r in reference) for ours, reference in pairs)
        print(f"| {name} | {means} | {cpu / len(pairs):.2f} | {100 * max(of['vmaf']):+.1f} % |")


if __name__ == "__main__":
    main()
