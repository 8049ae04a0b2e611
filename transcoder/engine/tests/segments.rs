//! Segments of real sources.
mod support;

#[test]
fn a_real_file_becomes_segments() {
    let source = std::path::PathBuf::from(std::env::var("SOURCE").unwrap());
    let (mut engine, plan) = support::planned(&source, 2);
    eprintln!("{}", serde_json::to_string_pretty(&plan).unwrap());
    let inits = engine.order(protocol::Order::Inits).unwrap().inits;
    let ids: Vec<_> = plan.media_ids().collect();
    let began = std::time::Instant::now();
    let output = engine.segments(&ids, 0, plan.segments().min(4));
    eprintln!("{:?}", began.elapsed());
    let out = std::path::PathBuf::from("/tmp/out");
    std::fs::create_dir_all(&out).unwrap();
    for id in ids {
        let mut whole = inits[&id].to_vec();
        for n in 0..plan.segments().min(4) {
            whole.extend_from_slice(&output.segments[&(id, n)]);
        }
        std::fs::write(out.join(format!("{id}.mp4")), whole).unwrap();
    }
}
