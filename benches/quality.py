"""Quality by picture: VMAF of every picture of a file, and the five figures that say how even it is.

Needs the PyPI package `imageio-ffmpeg`, whose `ffmpeg` has libvmaf.
"""
import json, math, os, subprocess, tempfile
import imageio_ffmpeg

# Colours by name on both sides: a scaler before libvmaf takes ours, which names them, for others than the source's.
NAMED = "setparams=range=tv:color_primaries=bt709:color_trc=bt709:colorspace=bt709,settb=AVTB,setpts=N"


def by_picture(path, reference, size=None, up=None):
    """VMAF of each picture of `path` against `reference`: one of both is scaled to a size (width, height) if that is given,
    the reference to `size` or the pictures of `path` `up` to the reference's."""
    with tempfile.TemporaryDirectory() as folder:
        log = os.path.join(folder, "vmaf.json")
        scaled = lambda to: f",scale={to[0]}:{to[1]}:flags=bicubic+accurate_rnd" if to else ""
        graph = f"[0:v]{NAMED}{scaled(up)}[a];[1:v]{NAMED}{scaled(size)}[b];[a][b]libvmaf=n_threads={os.cpu_count()}:log_fmt=json:log_path={log}"
        subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-i", path, "-i", reference,
                        "-lavfi", graph, "-an", "-f", "null", "-"], check=True, capture_output=True)
        with open(log) as file:
            return [picture["metrics"]["vmaf"] for picture in json.load(file)["frames"]]


def figures(scores):
    """Mean, harmonic mean, 5th and 1st percentile and the worst picture."""
    ordered = sorted(scores)
    percentile = lambda part: ordered[max(0, math.ceil(part * len(ordered)) - 1)]
    # Of scores and one, as libvmaf does it, since a score may be nought.
    harmonic = len(ordered) / sum(1 / (score + 1) for score in ordered) - 1
    return {"mean": sum(ordered) / len(ordered), "harmonic": harmonic, "p5": percentile(0.05), "p1": percentile(0.01), "worst": ordered[0]}


def in_words(five):
    """The five figures in one cell of a table."""
    return " ".join(f"{five[name]:.1f}" for name in ("mean", "harmonic", "p5", "p1", "worst"))


if __name__ == "__main__":
    import sys
    # quality.py FILE REFERENCE [WIDTH HEIGHT]: the five figures as JSON.
    size = tuple(sys.argv[3:5]) if len(sys.argv) > 3 else None
    print(json.dumps(figures(by_picture(sys.argv[1], sys.argv[2], size))))
