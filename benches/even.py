"""How even the quality of every rung is, against `ffmpeg -preset veryfast` at the same bytes.

`even.py [CLIP ...]`; without, all of CLIPS. Needs `REELMILL` (a release build), `ffmpeg` (libx264) and the PyPI package
`imageio-ffmpeg` (VMAF); runs on clips of the corpus (CONTRIBUTING.md). The other side has our sizes and key frames, a
buffer of two seconds at our caps, and for each rung the rate factor with which its bytes agree with ours within 1 %.
Scores are those of each picture against the source scaled to the rung's size: mean, harmonic mean, 5th and 1st
percentile, worst. `BEFORE` names another build of reelmill, which is then compared too; `RUNGS` is the boxes to look at,
joined by commas, instead of all.
"""
import glob, json, os, re, subprocess, sys, tempfile
from quality import by_picture, figures, in_words

MEDIA = os.environ.get("REELMILL_CORPUS") or os.path.join(os.path.dirname(__file__), "../../shared/media")
REELMILL = os.environ.get("REELMILL", os.path.join(os.path.dirname(__file__), "../target/release/reelmill"))
# File, second, seconds, filter.
CLIPS = {
    "park": ("park-1080p30-5s.mp4", 0, 6, "null"),
    "everyday": ("everyday-1080p30.mp4", 20, 8, "null"),
    "everyday, noise": ("everyday-1080p30.mp4", 20, 8, "noise=alls=10:allf=t"),
    "everyday, dark": ("everyday-1080p30.mp4", 20, 8, "eq=gamma=0.4"),
    "animation": ("big-buck-bunny-480p-30s.mp4", 10, 8, "null"),
    "screen": ("timing-screen-capture-vfr.webm", 0, 8, "fps=30"),
}
COLOURS = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709"
ASKED = [int(box) for box in os.environ.get("RUNGS", "").split(",") if box]
# What must agree, in per cent, and how often a rate factor is looked for.
CLOSE, LOOKS = 1.0, 9


def run(*command):
    return subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL)


def cut(folder, name):
    """The clip, without loss."""
    file, second, seconds, filters = CLIPS[name]
    path = os.path.join(folder, "source.mp4")
    run("ffmpeg", "-v", "error", "-ss", second, "-t", seconds, "-i", os.path.join(MEDIA, file), "-an", "-vf",
        f"{filters},format=yuv420p,{COLOURS}", "-c:v", "libx264", "-preset", "superfast", "-qp", 0, "-g", 30, path)
    return path


def ours(folder, source, program, out):
    """What `reelmill transcode` makes: each rung's bytes and scores, and how often its segments were encoded."""
    plan = json.loads(run(program, "probe", source, "--plan").stdout)
    out = os.path.join(folder, out)
    said = subprocess.run([program, "transcode", source, out], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL,
                          env={**os.environ, "RUST_LOG": "info,pipeline=debug"})
    attempts = {}
    for line in said.stdout.splitlines() + said.stderr.splitlines():
        if '"a segment was made"' in line:
            made = json.loads(line)["fields"]
            attempts.setdefault(made["rendition"], {})[made["segment"]] = made.get("attempts", "?")
    rungs = []
    for rung in plan["video"]:
        folder_of = os.path.join(out, rung["id"])
        if not os.path.isdir(folder_of) or (ASKED and rung["rung"] not in ASKED):
            continue  # left out once its bytes were known, or not asked for
        segments = sorted(glob.glob(folder_of + "/*.m4s"), key=lambda path: int(os.path.basename(path).split(".")[0]))
        whole = folder_of + ".mp4"
        with open(whole, "wb") as file:
            for part in [folder_of + "/init.mp4", *segments]:
                with open(part, "rb") as piece:
                    file.write(piece.read())
        size = rung["scale_path"][-1]
        size = (size["width"], size["height"])
        rungs.append({
            "box": rung["rung"], "size": size, "cap": rung["cap_bits_per_second"], "crf": rung["crf"],
            "segments": [os.path.getsize(path) for path in segments], "bytes": sum(os.path.getsize(path) for path in segments),
            "first": rung.get("first_factors", []), "attempts": [count for _, count in sorted(attempts.get(rung["id"], {}).items())],
            "figures": figures(by_picture(whole, source, size)),
        })
    timeline = plan["timeline"]
    keys = [frame * timeline["rate"]["den"] / timeline["rate"]["num"] for frame in timeline["boundaries"][:-1]]
    return rungs, keys


def theirs(folder, source, rung, keys):
    """`ffmpeg -preset veryfast` at the rate factor with which it has as many bytes."""
    out = os.path.join(folder, "theirs.mp4")
    def encode(crf):
        run("ffmpeg", "-v", "error", "-y", "-i", source, "-an", "-vf", f"scale={rung['size'][0]}:{rung['size'][1]}:flags=bicubic+accurate_rnd",
            "-c:v", "libx264", "-preset", "veryfast", "-crf", f"{crf:.2f}", "-maxrate", rung["cap"], "-bufsize", 2 * rung["cap"],
            "-sc_threshold", 0, "-g", 100000, "-force_key_frames", ",".join(f"{key:.4f}" for key in keys), out)
        packets = json.loads(run("ffprobe", "-v", "error", "-show_entries", "packet=size", "-of", "json", out).stdout)["packets"]
        return sum(int(packet["size"]) for packet in packets)
    low, high, crf = 8.0, 50.0, float(rung["crf"])
    for _ in range(LOOKS):
        size = encode(crf)
        if abs(size / rung["bytes"] - 1) * 100 <= CLOSE:
            break
        low, high = (crf, high) if size > rung["bytes"] else (low, crf)
        crf = (low + high) / 2
    return {"bytes": size, "crf": crf, "figures": figures(by_picture(out, source, rung["size"]))}


def main():
    names = sys.argv[1:] or list(CLIPS)
    print("| clip | rung | bytes | crf | tries | ours: mean, harmonic, p5, p1, worst | `veryfast`, the same bytes | its bytes |" + (" before | its bytes |" if os.environ.get("BEFORE") else ""))
    print("|---|---|---|---|---|---|---|---|" + ("---|---|" if os.environ.get("BEFORE") else ""))
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            source = cut(folder, name)
            rungs, keys = ours(folder, source, REELMILL, "ours")
            before = ours(folder, source, os.environ["BEFORE"], "before")[0] if os.environ.get("BEFORE") else []
            for rung in rungs:
                other = theirs(folder, source, rung, keys)
                factors = ",".join(str(first["factor"] / 4) for first in rung["first"]) or "-"
                tries = " ".join(str(count) for count in rung["attempts"]) or "?"
                line = (f"| {name} | {rung['box']} | {rung['bytes']} | {rung['crf']} {factors} | {tries} | {in_words(rung['figures'])} "
                        f"| {in_words(other['figures'])} | {other['bytes'] / rung['bytes']:.3f} |")
                for old in before:
                    if old["box"] == rung["box"]:
                        line += f" {in_words(old['figures'])} | {old['bytes'] / rung['bytes']:.3f} |"
                print(line, flush=True)


if __name__ == "__main__":
    main()
