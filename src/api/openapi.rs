//! The description of the API for others: OpenAPI 3.1, written by hand beside the code. `tests/api.rs`
//! holds it against the routes and the answers.

use axum::Json;
use serde_json::{Value, json};

const SCHEMAS: &str = include_str!("schemas.json");

pub async fn document() -> Json<Value> {
    Json(describe())
}

/// The whole document. `pikett openapi` prints the same.
pub fn describe() -> Value {
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Pikett",
            "version": "1",
            "summary": "Alerts, calls and who is on call",
            "description": "Every error is a problem document (RFC 9457) with the fields at fault. Lists come in \
                pages: send `next` of one page as `cursor` for the following one. A POST with an `Idempotency-Key` \
                may be repeated: it gets the same answer and has no second effect.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": "/api/v1" }],
        "security": [{ "token": [] }],
        "paths": {
            "/alerts": { "get": list_of_alerts() },
            "/alerts/{alert}": { "parameters": [ref_to("parameters", "alert")], "get": get("alert", "One alert", "Alert") },
            "/alerts/{alert}/timeline": {
                "parameters": [ref_to("parameters", "alert")],
                "get": get("timeline", "Why who was told when: the timeline, the duties to tell, every try", "Explanation"),
            },
            "/alerts/{alert}/acknowledge": act("acknowledge", "Somebody has taken it: nobody is told any more", "By"),
            "/alerts/{alert}/resolve": act("resolve", "It is over", "By"),
            "/alerts/{alert}/escalate": act("escalate", "Tell the next level now", "By"),
            "/alerts/{alert}/note": act("note", "Put a note on the timeline", "Note"),
            "/alerts/{alert}/snooze": act("snooze", "Take it, and be told of it again later unless it is resolved by then", "Snooze"),
            "/alerts/{alert}/take-over": act("take_over", "Take it from whoever has it", "By"),
            "/alerts/{alert}/reassign": act("reassign", "Pass it on to somebody, who is told at once", "Reassign"),
            "/calls": { "get": list_of_calls() },
            "/callbacks": { "get": list_of_callbacks() },
            "/callbacks/{callback}/call": act_on_callback("call_back",
                "Ring a technician, then the customer from the hotline's number", "Caller"),
            "/callbacks/{callback}/done": act_on_callback("callback_done", "It was done otherwise", "By"),
            "/incidents": { "get": list_of_incidents(), "post": change_of_incident("open_incident",
                "Open an incident: flows with a `notice` step tell callers of it", "NewIncident", "201") },
            "/incidents/{incident}": {
                "parameters": [ref_to("parameters", "incident")],
                "get": get("incident", "One incident with everything that was told of it", "IncidentStory"),
                "patch": change_of_incident("update_incident",
                    "Say how it goes on: whoever follows it gets an SMS. What is left out stays as it is",
                    "IncidentChange", "200"),
            },
            "/flows": { "get": list_of_flows(), "post": add_flow() },
            "/flows/{flow}": {
                "parameters": [ref_to("parameters", "flow")],
                "get": get("flow", "A flow: the version in force with its text, and where a rollback leads", "Flow"),
            },
            "/flows/{flow}/versions/{version}": {
                "parameters": [ref_to("parameters", "flow"), ref_to("parameters", "version")],
                "get": get("flow_version", "One version of a flow with its text", "FlowSource"),
            },
            "/flows/{flow}/activate": change_of_flow("activateFlow",
                "Put a version into force, or see which hotlines that would change and how", "Activation"),
            "/flows/{flow}/rollback": change_of_flow("rollbackFlow",
                "Go back to the version that answered calls before, or see what that would change", "Rollback"),
            "/voicemails": { "get": list_of_voicemails() },
            "/voicemails/{voicemail}": {
                "parameters": [ref_to("parameters", "voicemail")],
                "get": get("voicemail", "One recording, with a link to hear it", "Voicemail"),
            },
            "/marks": { "get": list_of_marks() },
            "/marks/{person}/{method}/clear": clear_mark(),
            "/people/{person}/contacts": {
                "parameters": [ref_to("parameters", "person")],
                "get": list_of_contacts(),
                "post": change_of_contact("add_contact",
                    "Add a way to reach somebody: a code goes there, by email a link, and nothing else until it came back",
                    Some("NewContact")),
            },
            "/people/{person}/contacts/{contact}": with_contact("delete",
                &change_of_contact("remove_contact", "Use it no more; what is declared by file is changed there", None)),
            "/people/{person}/contacts/{contact}/code": with_contact("post",
                &change_of_contact("send_code", "Send another code; the one before is worth nothing any more", None)),
            "/people/{person}/contacts/{contact}/verify": with_contact("post",
                &change_of_contact("verify_contact", "Give the code back that came: from then on it is used", Some("Code"))),
            "/oncall": { "get": on_call() },
            "/events": { "get": events() },
            "/openapi.json": { "get": open_api() },
        },
        "components": {
            "securitySchemes": { "token": {
                "type": "http",
                "scheme": "bearer",
                "description": "`pikett token create --name N --scope read` makes one; acting needs scope `write`.",
            } },
            "parameters": parameters(),
            "responses": { "Problem": {
                "description": "What is wrong",
                "content": { "application/problem+json": { "schema": ref_to("schemas", "Problem") } },
            } },
            "schemas": serde_json::from_str::<Value>(SCHEMAS).expect("a test reads the schemas"),
        },
    })
}

fn ref_to(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}

fn parameters() -> Value {
    json!({
        "alert": {
            "name": "alert", "in": "path", "required": true, "schema": { "type": "string" },
            "description": "The alert's id or its number", "example": "7",
        },
        "callback": {
            "name": "callback", "in": "path", "required": true, "schema": { "type": "string" },
            "description": "The callback's id, or the number of its alert", "example": "7",
        },
        "incident": {
            "name": "incident", "in": "path", "required": true, "schema": { "type": "string" },
            "description": "The incident's id or its number", "example": "3",
        },
        "flow": {
            "name": "flow", "in": "path", "required": true, "schema": { "type": "string" },
            "description": "The flow's id", "example": "sla-hotline",
        },
        "person": {
            "name": "person", "in": "path", "required": true, "schema": { "type": "string" },
            "description": "A declared person's id", "example": "anna",
        },
        "contact": {
            "name": "contact", "in": "path", "required": true, "schema": { "type": "string" },
            "description": "What the contact is called", "example": "desk",
        },
        "voicemail": {
            "name": "voicemail", "in": "path", "required": true, "schema": { "type": "string" },
            "description": "The recording's id",
        },
        "version": {
            "name": "version", "in": "path", "required": true, "schema": { "type": "integer", "minimum": 1 },
        },
        "limit": {
            "name": "limit", "in": "query",
            "schema": { "type": "integer", "minimum": 1, "maximum": 200, "default": 50 },
        },
        "cursor": {
            "name": "cursor", "in": "query", "schema": { "type": "string" },
            "description": "`next` of the page before",
        },
        "idempotency": {
            "name": "Idempotency-Key", "in": "header",
            "schema": { "type": "string", "minLength": 1, "maxLength": 255 },
            "description": "The sender's own name for this request",
        },
    })
}

fn get(id: &str, summary: &str, schema: &str) -> Value {
    json!({ "operationId": id, "summary": summary, "responses": answers(&ref_to("schemas", schema)) })
}

fn answers(schema: &Value) -> Value {
    answers_by("200", schema)
}

fn answers_by(status: &str, schema: &Value) -> Value {
    json!({
        status: { "description": "As asked", "content": { "application/json": { "schema": schema } } },
        "default": ref_to("responses", "Problem"),
    })
}

fn page_of(schema: &str) -> Value {
    json!({
        "type": "object",
        "required": ["items", "next"],
        "properties": {
            "items": { "type": "array", "items": ref_to("schemas", schema) },
            "next": { "type": ["string", "null"], "description": "The cursor of the following page" },
        },
    })
}

fn list_of_alerts() -> Value {
    json!({
        "operationId": "alerts",
        "summary": "Alerts, the newest first",
        "parameters": [
            { "name": "open", "in": "query", "schema": { "type": "boolean", "default": false },
              "description": "Only those that nobody has resolved" },
            ref_to("parameters", "limit"),
            ref_to("parameters", "cursor"),
        ],
        "responses": answers(&page_of("Alert")),
    })
}

fn list_of_calls() -> Value {
    json!({
        "operationId": "calls",
        "summary": "The call log, the newest first",
        "parameters": [ref_to("parameters", "limit"), ref_to("parameters", "cursor")],
        "responses": answers(&page_of("Call")),
    })
}

fn list_of_callbacks() -> Value {
    json!({
        "operationId": "callbacks",
        "summary": "What customers were promised, the newest first",
        "parameters": [
            { "name": "open", "in": "query", "schema": { "type": "boolean", "default": false },
              "description": "Only what is still promised, the most urgent first and in one page" },
            ref_to("parameters", "limit"),
            ref_to("parameters", "cursor"),
        ],
        "responses": answers(&page_of("Callback")),
    })
}

fn act_on_callback(id: &str, summary: &str, body: &str) -> Value {
    json!({
        "parameters": [ref_to("parameters", "callback")],
        "post": {
            "operationId": id,
            "summary": summary,
            "parameters": [ref_to("parameters", "idempotency")],
            "requestBody": {
                "required": false,
                "content": { "application/json": { "schema": ref_to("schemas", body) } },
            },
            "responses": answers(&ref_to("schemas", "CallbackOutcome")),
        },
    })
}

fn list_of_incidents() -> Value {
    json!({
        "operationId": "incidents",
        "summary": "Outages as customers hear of them, the newest first",
        "parameters": [
            { "name": "open", "in": "query", "schema": { "type": "boolean", "default": false },
              "description": "Only those that are not resolved" },
            ref_to("parameters", "limit"),
            ref_to("parameters", "cursor"),
        ],
        "responses": answers(&page_of("Incident")),
    })
}

fn change_of_incident(id: &str, summary: &str, body: &str, status: &str) -> Value {
    json!({
        "operationId": id,
        "summary": summary,
        "parameters": [ref_to("parameters", "idempotency")],
        "requestBody": {
            "required": true,
            "content": { "application/json": { "schema": ref_to("schemas", body) } },
        },
        "responses": answers_by(status, &ref_to("schemas", "IncidentOutcome")),
    })
}

fn list_of_contacts() -> Value {
    json!({
        "operationId": "contacts",
        "summary": "The ways to reach somebody: declared, verified, or not yet",
        "responses": answers(&page_of("Contact")),
    })
}

fn change_of_contact(id: &str, summary: &str, body: Option<&str>) -> Value {
    let mut operation = json!({
        "operationId": id,
        "summary": summary,
        "responses": answers(&ref_to("schemas", "Contact")),
    });
    if let Some(body) = body {
        let schema = ref_to("schemas", body);
        operation["requestBody"] = json!({ "required": true, "content": { "application/json": { "schema": schema } } });
    }
    operation
}

fn with_contact(method: &str, operation: &Value) -> Value {
    let parameters = [ref_to("parameters", "person"), ref_to("parameters", "contact")];
    json!({ "parameters": parameters, method: operation })
}

fn list_of_flows() -> Value {
    json!({
        "operationId": "flows",
        "summary": "The versions of flows, of each the newest first, and which is in force",
        "parameters": [
            { "name": "flow", "in": "query", "schema": { "type": "string" }, "description": "Only of this flow" },
            ref_to("parameters", "limit"),
            ref_to("parameters", "cursor"),
        ],
        "responses": answers(&page_of("FlowVersion")),
    })
}

fn add_flow() -> Value {
    json!({
        "operationId": "addFlow",
        "summary": "Keep a flow file as the next version; it answers no calls yet",
        "description": "Test calls that come along are played on the declarations that come along, or on those in force \
            here. A version whose calls go otherwise than expected is kept, and cannot be activated.",
        "requestBody": { "required": true, "content": {
            "application/toml": { "schema": { "type": "string" } },
            "application/json": { "schema": ref_to("schemas", "NewFlow") },
        } },
        "responses": answers(&ref_to("schemas", "FlowKept")),
    })
}

fn change_of_flow(id: &str, summary: &str, body: &str) -> Value {
    json!({
        "parameters": [ref_to("parameters", "flow")],
        "post": {
            "operationId": id,
            "summary": summary,
            "description": "Calls in progress stay on their version.",
            "requestBody": {
                "required": body == "Activation",
                "content": { "application/json": { "schema": ref_to("schemas", body) } },
            },
            "responses": answers(&ref_to("schemas", "Activated")),
        },
    })
}

fn list_of_voicemails() -> Value {
    let of = |name: &str, text: &str| json!({ "name": name, "in": "query", "schema": { "type": "string" }, "description": text });
    json!({
        "operationId": "voicemails",
        "summary": "What callers said after the tone, with links to hear it that expire soon",
        "parameters": [
            of("call", "Only those of this call, the oldest first"),
            of("alert", "Only those of the alert with this id, the oldest first"),
            ref_to("parameters", "limit"),
            ref_to("parameters", "cursor"),
        ],
        "responses": answers(&page_of("Voicemail")),
    })
}

fn list_of_marks() -> Value {
    json!({
        "operationId": "marks",
        "summary": "Contact methods that are not used, since nothing gets to them any more",
        "responses": answers(&page_of("Mark")),
    })
}

fn clear_mark() -> Value {
    let part = |name: &str, text: &str, example: &str| {
        json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" }, "description": text,
                "example": example })
    };
    json!({
        "parameters": [part("person", "Whose it is", "anna"), part("method", "The contact method's id", "mobile")],
        "post": {
            "operationId": "clear_mark",
            "summary": "Use a contact method again",
            "requestBody": { "content": { "application/json": { "schema": ref_to("schemas", "By") } } },
            "responses": answers(&ref_to("schemas", "MarkOutcome")),
        },
    })
}

fn on_call() -> Value {
    json!({
        "operationId": "oncall",
        "summary": "Who is on call, and why",
        "parameters": [
            { "name": "at", "in": "query", "schema": { "type": "string", "format": "date-time" },
              "description": "Another instant than now" },
            { "name": "schedule", "in": "query", "schema": { "type": "string" },
              "description": "Only this schedule" },
        ],
        "responses": answers(&page_of("Schedule")),
    })
}

fn act(id: &str, summary: &str, body: &str) -> Value {
    json!({
        "parameters": [ref_to("parameters", "alert")],
        "post": {
            "operationId": id,
            "summary": summary,
            "parameters": [ref_to("parameters", "idempotency")],
            "requestBody": {
                "required": matches!(body, "Note" | "Reassign"),
                "content": { "application/json": { "schema": ref_to("schemas", body) } },
            },
            "responses": answers(&ref_to("schemas", "Outcome")),
        },
    })
}

fn events() -> Value {
    json!({
        "operationId": "events",
        "summary": "What changes, as it changes",
        "description": "Server-sent events. `alert`, `call`, `attempt`, `incident` and `callback` carry the whole thing, the newest one \
            counts; `entry` is a line of a timeline. After `ready` everything that holds was sent; after `missed` \
            more has happened than is sent again.",
        "parameters": [{
            "name": "Last-Event-ID", "in": "header", "schema": { "type": "string" },
            "description": "Where to go on; a browser's EventSource sends it by itself",
        }],
        "responses": {
            "200": { "description": "The stream", "content": { "text/event-stream": { "schema": { "type": "string" } } } },
            "default": ref_to("responses", "Problem"),
        },
    })
}

fn open_api() -> Value {
    json!({
        "operationId": "openapi",
        "summary": "This document",
        "security": [],
        "responses": { "200": {
            "description": "OpenAPI 3.1",
            "content": { "application/json": { "schema": { "type": "object" } } },
        } },
    })
}
