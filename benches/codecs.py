"""What HEVC and AV1 save against our H.264 at equal quality, what they cost, and at which rate
factor they look as it does.

`codecs.py [NAME=ENCODER:PRESET ...]`; without, the table of docs/decisions/022-lazy-codecs.md.
Needs `ffmpeg` (libx264, libx265, libsvtav1) and the PyPI package `imageio-ffmpeg` (VMAF); runs on
the clips of effort.py, one thread, one GOP, at four rate factors.
"""
import os, re, statistics, sys, tempfile
from concurrent.futures import ThreadPoolExecutor
import imageio_ffmpeg
from effort import CLIPS, MEDIA, difference, run

REFERENCE = "H.264, fast"
SETTINGS = {
    REFERENCE: "libx264:superfast",
    "x265 superfast": "libx265:superfast",
    "x265 veryfast": "libx265:veryfast",
    "x265 fast": "libx265:fast",
    "SVT-AV1 10": "libsvtav1:10",
    "SVT-AV1 8": "libsvtav1:8",
}
# As the plan has them (plan/src/policy.rs, plan/src/plan/video/), and four rate factors.
ENCODERS = {
    "libx264": ("-x264-params", "crf={crf}:threads=1:keyint=infinite:open-gop=0:stitchable=1:ref=1:"
                "mbtree=1:rc-lookahead=10:qcomp=0.5:aq-strength=0.8:subme=1:trellis=1:"
                "partitions=i8x8", [20, 24, 28, 32]),
    "libx265": ("-x265-params", "crf={crf}:keyint=-1:open-gop=0:frame-threads=1:pools=none:wpp=0:"
                "log-level=none", [20, 24, 28, 32]),
    "libsvtav1": ("-svtav1-params", "crf={crf}:lp=1:keyint=-1:tune=0", [26, 33, 40, 47]),
}
OURS = 24  # the rate factor of policy `fast`


def encoded(folder, clip, setting, crf):
    """Bytes, CPU seconds and VMAF of one encode."""
    encoder, preset = setting.split(":")
    name, params, _ = ENCODERS[encoder]
    out = os.path.join(folder, f"{os.path.basename(clip)}-{encoder}-{preset}-{crf}.mp4")
    said = run("/usr/bin/time", "-f", "%U", "ffmpeg", "-v", "error", "-i", clip, "-c:v", encoder,
               "-preset", preset, name, params.format(crf=crf), out)
    judged = run(imageio_ffmpeg.get_ffmpeg_exe(), "-hide_banner", "-i", out, "-i", clip,
                 "-lavfi", "[0:v][1:v]libvmaf=n_subsample=2", "-f", "null", "-")
    size = os.path.getsize(out)
    os.remove(out)
    vmaf = float(re.search(r"VMAF score: ([\d.]+)", judged)[1])
    return {"crf": crf, "bytes": size, "cpu": float(said.split()[-1]), "vmaf": vmaf}


def factor_of(runs, vmaf):
    """The rate factor at which a curve reaches a quality, on the line through the nearest points."""
    near = sorted(runs, key=lambda one: abs(one["vmaf"] - vmaf))[:2]
    (a, b) = [(one["vmaf"], one["crf"]) for one in near]
    return a[1] + (b[1] - a[1]) * (vmaf - a[0]) / (b[0] - a[0])


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
        jobs = [(clip, name, crf) for clip in clips for name in settings
                for crf in ENCODERS[settings[name].split(":")[0]][2]]
        made = pool.map(lambda job: encoded(folder, job[0], settings[job[1]], job[2]), jobs)
        runs = {}
        for (clip, name, _), result in zip(jobs, made):
            runs.setdefault(name, {}).setdefault(clip, []).append(result)
    print("| settings | bytes at equal VMAF | worst clip | CPU | rate factor that looks as ours |\n|---|---|---|---|---|")
    for name in settings:
        pairs = [(runs[name][clip], runs[REFERENCE][clip]) for clip in clips]
        saved = [difference(*pair, "vmaf") for pair in pairs]
        cpu = [sum(one["cpu"] for one in ours) / sum(one["cpu"] for one in reference)
               for ours, reference in pairs]
        target = [next(one["vmaf"] for one in reference if one["crf"] == OURS) for _, reference in pairs]
        factors = [factor_of(ours, vmaf) for (ours, _), vmaf in zip(pairs, target)]
        print(f"| {name} | {100 * statistics.mean(saved):+.1f} % | {100 * max(saved):+.1f} % | "
              f"{statistics.mean(cpu):.1f} | {statistics.mean(factors):.1f} |")


main()
