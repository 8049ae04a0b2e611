//! Reference of the API as a page for people, from the same OpenAPI document that programs read.

use askama::Template;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use serde_json::Value;
use utoipa::OpenApi;

use super::openapi::Api;
use crate::access;
use crate::app::App;
use crate::pages::layout::page;

#[derive(Template)]
#[template(path = "reference.html")]
struct Reference {
    signed_in: bool,
    operations: Vec<Operation>,
    fields: Vec<Field>,
}

/// Operation of the API as the page shows it.
struct Operation {
    method: String,
    path: String,
    summary: String,
    description: String,
    parameters: Vec<Field>,
    answers: Vec<Field>,
}

/// Name of a parameter, a status or a field, and its meaning.
struct Field {
    name: String,
    text: String,
}

/// `GET /api/v1/`: the reference page. It needs no token.
pub async fn reference(State(app): State<App>, headers: HeaderMap) -> Response {
    let signed_in = access::signed_in(&headers, &app).await.is_some();
    let document = serde_json::to_value(Api::openapi()).unwrap_or_default();
    let mut operations = Vec::new();
    for (path, methods) in entries(&document["paths"]) {
        for (method, operation) in entries(methods) {
            operations.push(describe(path, method, operation));
        }
    }
    let video = &document["components"]["schemas"]["Video"]["properties"];
    let fields = entries(video).map(|(name, schema)| field(name, schema));
    page(&Reference {
        signed_in,
        fields: fields.collect(),
        operations,
    })
}

fn describe(path: &str, method: &str, operation: &Value) -> Operation {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let answers = entries(&operation["responses"]);
    Operation {
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        description: text(&operation["description"]),
        parameters: parameters
            .map(|parameter| field(&text(&parameter["name"]), parameter))
            .collect(),
        answers: answers
            .map(|(status, answer)| field(status, answer))
            .collect(),
    }
}

fn field(name: &str, schema: &Value) -> Field {
    Field {
        name: name.to_owned(),
        text: text(&schema["description"]),
    }
}

fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let entries = value.as_object().into_iter().flatten();
    entries.map(|(key, value)| (key.as_str(), value))
}

/// Plain text of a description. Descriptions are Markdown; the page shows them without the backticks of code.
fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().replace('`', "")
}
