//! The build script: it tells the engine the folder of this machine's GStreamer plugins, so that the engine loads a
//! fixed few of them by name instead of scanning all.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let output = std::process::Command::new("pkg-config")
        .args(["--variable=pluginsdir", "gstreamer-1.0"])
        .output();
    let folder = match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).trim().to_owned()
        }
        _ => "/usr/lib/x86_64-linux-gnu/gstreamer-1.0".to_owned(),
    };
    println!("cargo::rustc-env=GSTREAMER_PLUGINS={folder}");
}
