//! Test server (`House`): stores in a temporary folder, a pipeline without an engine program, the router, an uploader
//! and an admin.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use accounts::{owners, sign_in, tokens};
use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode, header};
use bytes::Bytes;
use http_body_util::BodyExt;
use origin::{App, Settings};
use pipeline::{Config, Pipeline};
use plan::media_info::{AudioTrack, Chapter, Color, VideoTrack};
use plan::{
    Index, MediaInfo, Plan, Policy, Rational, RenditionId, RenditionKey, SegmentKey, VideoId,
};
use store::local::Local;
use store::metadata::{PlanRef, Role, Source, State, VideoRow};
use store::{ImageFormat, Layout, ObjectKey, Stores, SystemClock};
use tower::ServiceExt;

use crate::counting::Counting;
use transcoder::Engine;

/// Server for tests.
pub struct House {
    pub stores: Stores,
    pub objects: Arc<Counting>,
    pub pipeline: Pipeline,
    pub app: App,
    pub router: Router,
    /// API token of the uploader ann.
    pub token: String,
    /// API token of an admin.
    pub admin: String,
    _folder: tempfile::TempDir,
}

/// Response of the server.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Answer {
    /// Value of a header; empty if the response does not have it.
    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name);
        value.map_or("", |value| value.to_str().unwrap())
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).unwrap()
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Status and code of the response, which has to be a problem document.
    pub fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json");
        let code = self.json()["code"].as_str().unwrap().to_owned();
        (self.status.as_u16(), code)
    }
}

/// Starts a test server.
pub async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(SystemClock::new());
    let mut stores = Local::open(folder.path(), Layout::Store, clock).unwrap();
    let objects = Arc::new(Counting::new(stores.objects.clone()));
    stores.objects = objects.clone();
    let token = tokens::create(&stores, "ann", "laptop", Role::Uploader);
    let token = token.await.unwrap().1.expose().to_owned();
    let admin = tokens::create(&stores, "root", "laptop", Role::Admin);
    let admin = admin.await.unwrap().1.expose().to_owned();
    let config = Config {
        demand_wait: Duration::from_millis(300),
        ..Config::default()
    };
    let engine = Engine::at(folder.path().join("no-engine"));
    let pipeline = Pipeline::start(stores.clone(), engine, config);
    let pipeline = pipeline.await.unwrap();
    let settings = Settings {
        public_url: "http://localhost:8080/".into(),
        listen: ([127, 0, 0, 1], 8080).into(),
        allowed_hosts: Vec::new(),
        trusted_proxies: Vec::new(),
        direct_endpoint: None,
        cache_bytes: 1 << 20,
    };
    let app = App::new(pipeline.clone(), stores.clone(), settings);
    House {
        stores,
        pipeline,
        objects,
        router: origin::router(app.clone()),
        app,
        token,
        admin,
        _folder: folder,
    }
}

/// Builds a request for a host name that the server knows.
pub fn request(method: Method, path: &str) -> axum::http::request::Builder {
    let request = Request::builder().method(method).uri(path);
    request.header(header::HOST, "localhost:8080")
}

impl House {
    pub async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Answer {
            status,
            headers,
            body,
        }
    }

    /// Metrics, as the listener for metrics serves them.
    pub async fn metrics(&self) -> String {
        let monitoring = origin::monitoring_router(self.app.clone());
        let request = request(Method::GET, "/metrics").body(Body::empty());
        let response = monitoring.oneshot(request.unwrap()).await.unwrap();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        String::from_utf8(body.to_vec()).unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[]).await
    }

    pub async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let mut request = request(Method::GET, path).body(Body::empty()).unwrap();
        for (name, value) in headers {
            let name: header::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        self.send(request).await
    }

    pub async fn get_as(&self, token: &str, path: &str) -> Answer {
        let bearer = format!("Bearer {token}");
        self.get_with(path, &[("authorization", &bearer)]).await
    }

    /// Stores another plan of a ready video and makes it the current one.
    pub async fn put_plan(&self, video: VideoId, plan: &Plan) {
        let hash = "def456".to_owned();
        let key = ObjectKey::Plan {
            video,
            hash: hash.clone(),
        };
        let json = serde_json::to_vec(plan).unwrap();
        self.stores.objects.put(&key, json.into()).await.unwrap();
        let listed = |row: &mut VideoRow| {
            row.current_plan = Some(hash.clone());
            row.whole_plan.clone_from(&row.current_plan);
            true
        };
        let rows = self.stores.metadata.videos();
        let changed = store::metadata::videos::change(rows, &video, listed);
        changed.await.unwrap();
    }

    /// Signs ann in and returns the header with her cookie.
    pub async fn cookie(&self) -> String {
        let ann = owners::find_or_create(&self.stores, "ann", Role::Uploader);
        let code = sign_in::create_code(&self.stores, ann.await.unwrap().id).await;
        let cookie = sign_in::exchange(&self.stores, code.unwrap().expose()).await;
        format!("reelmill_session={}", cookie.unwrap().unwrap().expose())
    }

    /// Stores a ready video of ann's, with its init segments, its first segments and its poster.
    pub async fn video(&self) -> (VideoId, Arc<Plan>) {
        let ann = owners::find_or_create(&self.stores, "ann", Role::Uploader).await;
        let now = self.stores.clock.now_us();
        let video = self.stores.ids.video();
        let mut row = VideoRow::new(video, ann.unwrap().id, "A title".into(), now);
        let plan = plan::make_plan(&info(), &Policy::default()).unwrap();
        let hash = "abc123".to_owned();
        let objects = &self.stores.objects;
        let key = ObjectKey::Plan {
            video,
            hash: hash.clone(),
        };
        let json = serde_json::to_vec(&plan).unwrap();
        objects.put(&key, json.into()).await.unwrap();
        for rendition in plan.media_ids() {
            let init = ObjectKey::Init(RenditionKey { video, rendition });
            objects.put(&init, "init".into()).await.unwrap();
            let first = ObjectKey::Segment(segment(video, rendition, 0));
            objects.put(&first, "0123456789".into()).await.unwrap();
        }
        let poster = ObjectKey::Poster(video, ImageFormat::Jpeg);
        objects.put(&poster, "jpeg".into()).await.unwrap();
        row.source = Source::Complete;
        row.state = State::Ready;
        row.plans = vec![PlanRef {
            hash: hash.clone(),
            current_since_us: now,
            retired_at_us: None,
            leaves: false,
        }];
        row.whole_plan = Some(hash.clone());
        row.current_plan = Some(hash);
        row.average_bandwidth = BTreeMap::new();
        row.duration_us = Some(plan.timeline.duration_us());
        (row.width_px, row.height_px) = (Some(1280), Some(720));
        self.stores.metadata.videos().insert(&row).await.unwrap();
        (video, Arc::new(plan))
    }
}

fn segment(video: VideoId, rendition: RenditionId, index: u32) -> SegmentKey {
    SegmentKey {
        video,
        rendition,
        index,
    }
}

/// Probe result of a source: ten seconds of 720p30 with stereo sound and a chapter.
fn info() -> MediaInfo {
    let end = Rational::new(10, 1);
    let video = VideoTrack {
        stream: 0,
        codec: "h264".into(),
        profile: None,
        time_base: Rational::new(1, 90_000),
        coded_width: 1280,
        coded_height: 720,
        sample_aspect: Rational::new(1, 1),
        own_aspect: Rational::ZERO,
        rotation: 0,
        mirrored: false,
        pixel_format: "yuv420p".into(),
        color: Color::default(),
        own_color: Color::default(),
        peak_nits: None,
        dolby_vision: None,
        interlaced: false,
        fields_apart: false,
        frame_rate: Rational::new(30, 1),
        constant_rate: true,
        rate_p95: None,
        start: Rational::ZERO,
        end,
        frames: None,
        longest_gop: Some(60),
        open_gops: false,
        coded: None,
        aperture: None,
        complexity: None,
        default: true,
    };
    let audio = AudioTrack {
        stream: 1,
        codec: "aac".into(),
        profile: None,
        time_base: Rational::new(1, 48_000),
        sample_rate: 48_000,
        channels: 2,
        layout: "stereo".into(),
        surround: false,
        setups: Vec::new(),
        frame_samples: Some(1024),
        start: Rational::ZERO,
        end,
        first_pts: -1024,
        priming: 1024,
        language: None,
        title: None,
        default: true,
    };
    let chapter = Chapter {
        start: Rational::ZERO,
        end,
        title: "All of it".into(),
    };
    MediaInfo {
        container: "mov".into(),
        cover: None,
        size: 1 << 20,
        streams: 2,
        video: Some(video),
        audio: vec![audio],
        text: Vec::new(),
        skipped: Vec::new(),
        chapters: vec![chapter],
        index: Index::Container,
        joins: Vec::new(),
        notes: Vec::new(),
    }
}
