//! Stand-ins of the group robots of WeCom, DingTalk and Feishu: they check signatures, sizes and how often
//! they are called, and answer an error with HTTP 200 and a code in the body, as the products do.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use actix_web::{HttpRequest, HttpResponse, HttpServer, web};
use base64::Engine as _;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;
use time::OffsetDateTime;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Product {
    Wecom,
    Dingtalk,
    Feishu,
}

impl Product {
    pub const ALL: [Self; 3] = [Self::Wecom, Self::Dingtalk, Self::Feishu];

    pub fn key(self) -> &'static str {
        match self {
            Self::Wecom => "wecom",
            Self::Dingtalk => "dingtalk",
            Self::Feishu => "feishu",
        }
    }
}

#[derive(Default)]
struct Group {
    secret: String,
    said: Vec<String>,
    calls: usize,
}

#[derive(Clone, Default)]
struct State(Arc<Mutex<(HashMap<Product, Group>, usize)>>);

pub struct Robots {
    state: State,
    address: SocketAddr,
}

impl Robots {
    pub fn start() -> Self {
        let state = State::default();
        let shared = state.clone();
        let server = HttpServer::new(move || {
            let state = shared.clone();
            actix_web::App::new().app_data(web::Data::new(state)).default_service(web::to(answer))
        })
        .workers(1)
        .disable_signals()
        .bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))
        .unwrap();
        let address = server.addrs()[0];
        tokio::spawn(server.run());
        Self { state, address }
    }

    pub fn url(&self, product: Product) -> String {
        let path = match product {
            Product::Wecom => "cgi-bin/webhook/send?key=k-1",
            Product::Dingtalk => "robot/send?access_token=t-1",
            Product::Feishu => "open-apis/bot/v2/hook/h-1",
        };
        format!("http://{}/{path}", self.address)
    }

    /// Turns the signing of a robot on, or off with an empty secret.
    pub fn expect(&self, product: Product, secret: &str) {
        let mut state = self.state.0.lock().unwrap();
        state.0.entry(product).or_default().secret = secret.to_owned();
    }

    /// What a robot has said, as its group reads it.
    pub fn said(&self, product: Product) -> Vec<String> {
        let state = self.state.0.lock().unwrap();
        state.0.get(&product).map(|group| group.said.clone()).unwrap_or_default()
    }

    /// How many calls were refused.
    pub fn refused(&self) -> usize {
        self.state.0.lock().unwrap().1
    }

    /// A minute has passed.
    pub fn forget_calls(&self) {
        self.state.0.lock().unwrap().0.values_mut().for_each(|group| group.calls = 0);
    }
}

async fn answer(state: web::Data<State>, request: HttpRequest, body: web::Bytes) -> HttpResponse {
    let product = match request.path() {
        "/cgi-bin/webhook/send" => Product::Wecom,
        "/robot/send" => Product::Dingtalk,
        "/open-apis/bot/v2/hook/h-1" => Product::Feishu,
        _ => return HttpResponse::NotFound().finish(),
    };
    let mut state = state.0.lock().unwrap();
    let group = state.0.entry(product).or_default();
    let answer = match taken(product, group, &request, &body) {
        Ok(said) => {
            group.calls += 1;
            group.said.push(said);
            (0, "ok")
        }
        Err(refused) => {
            state.1 += 1;
            refused
        }
    };
    HttpResponse::Ok().json(match product {
        Product::Wecom | Product::Dingtalk => json!({ "errcode": answer.0, "errmsg": answer.1 }),
        Product::Feishu => json!({ "code": answer.0, "msg": answer.1, "data": {} }),
    })
}

/// Returns what is said, or the error code.
fn taken(
    product: Product,
    group: &Group,
    request: &HttpRequest,
    body: &[u8],
) -> Result<String, (i64, &'static str)> {
    let query: HashMap<String, String> =
        web::Query::from_query(request.query_string()).map(web::Query::into_inner).unwrap();
    let json: Value = serde_json::from_slice(body).map_err(|_| (9_499, "Bad Request"))?;
    let text = |path: &[&str]| -> String {
        let found = path.iter().fold(&json, |value, name| &value[*name]);
        found.as_str().unwrap_or_default().to_owned()
    };
    match product {
        Product::Wecom => {
            if query.get("key").map(String::as_str) != Some("k-1") {
                return Err((93_000, "invalid webhook url"));
            }
            let content = text(&["markdown", "content"]);
            if group.calls >= 20 {
                return Err((45_009, "api freq out of limit"));
            }
            if text(&["msgtype"]) != "markdown" || content.is_empty() || content.len() > 4_096 {
                return Err((40_058, "markdown.content exceed max length 4096"));
            }
            Ok(content)
        }
        Product::Dingtalk => {
            let timestamp = query.get("timestamp").cloned().unwrap_or_default();
            let signed = format!("{timestamp}\n{}", group.secret);
            let sign = hmac(group.secret.as_bytes(), signed.as_bytes());
            let age = now().unix_timestamp() * 1_000 - timestamp.parse().unwrap_or(0);
            let is_signed = query.get("sign") == Some(&sign) && age.abs() < 3_600_000;
            if !group.secret.is_empty() && !is_signed {
                return Err((310_000, "sign not match"));
            }
            if body.len() > 20_000 {
                return Err((460_101, "message too long"));
            }
            if group.calls >= 20 {
                return Err((130_101, "send too fast"));
            }
            if text(&["msgtype"]) != "markdown" || text(&["markdown", "title"]).is_empty() {
                return Err((400_105, "unsupported msgtype"));
            }
            Ok(text(&["markdown", "text"]))
        }
        Product::Feishu => {
            let timestamp = text(&["timestamp"]);
            let sign = hmac(format!("{timestamp}\n{}", group.secret).as_bytes(), b"");
            let age = now().unix_timestamp() - timestamp.parse().unwrap_or(0);
            let is_signed = text(&["sign"]) == sign && age.abs() < 3_600;
            if !group.secret.is_empty() && !is_signed {
                return Err((19_021, "sign match fail or timestamp is not within one hour"));
            }
            if group.calls >= 100 {
                return Err((11_232, "frequency limited psm[lark.oapi.app_platform_runtime]"));
            }
            if body.len() > 20_480 || text(&["msg_type"]) != "post" {
                return Err((9_499, "Bad Request"));
            }
            let post = &json["content"]["post"]["zh_cn"];
            Ok(post.to_string())
        }
    }
}

fn now() -> OffsetDateTime {
    OffsetDateTime::now_utc()
}

fn hmac(key: &[u8], text: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text);
    base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes())
}
