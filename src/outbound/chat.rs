//! Group robots of WeCom, DingTalk and Feishu: each takes messages in a format of its own, and answers an
//! error with HTTP 200 and a code in the body.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::Sha256;

use super::webhook::{parse, request_error};
use super::{Outbound, OutboundError};

/// The most bytes of a text for WeCom (developer.work.weixin.qq.com, 群机器人配置说明: 4,096 for Markdown).
const MAX_WECOM: usize = 4_096;
/// The most bytes of a text for DingTalk and Feishu, whose requests may have 20,000 bytes. The rest is for
/// what surrounds the text, and for signs that JSON escapes.
const MAX_TEXT: usize = 12_000;
/// The most bytes of a title. DingTalk shows it in the list of conversations.
const MAX_TITLE: usize = 240;
/// The most bytes of an answer that are read.
const MAX_ANSWER: usize = 16_384;
/// The most characters of what a robot said that are kept.
const MAX_SAID: usize = 200;

/// The product whose robot is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChatKind {
    /// 企业微信.
    Wecom,
    /// 钉钉.
    Dingtalk,
    /// 飞书.
    Feishu,
}

/// What a robot says in its group.
#[derive(Debug, Clone)]
pub struct ChatMessage<'a> {
    /// The first line.
    pub title: &'a str,
    /// The text below it.
    pub text: &'a str,
    /// The page that it leads to, and the label of the link.
    pub link: Option<(&'a str, &'a str)>,
}

impl Outbound {
    /// Has a robot say something, through the address that a person copied from its group. `secret` is
    /// that of its signing, if that is on. Returns what the robot answered.
    ///
    /// # Errors
    ///
    /// [`OutboundError::NotPublic`], [`OutboundError::Unreachable`] and [`OutboundError::HttpStatus`] as for
    /// a webhook; [`OutboundError::Robot`] if the answer's body has an error code.
    pub async fn say(
        &self,
        kind: ChatKind,
        url: &str,
        secret: Option<&SecretString>,
        timestamp_ms: i64,
        message: &ChatMessage<'_>,
    ) -> Result<String, OutboundError> {
        let mut url = parse(url)?;
        self.destinations.check(&url).map_err(|_| OutboundError::NotPublic)?;
        let body = request(kind, &mut url, secret, timestamp_ms, message);
        let sent = self.http.post(url).json(&body).send().await;
        let mut response = sent.map_err(request_error)?;
        let status = response.status().as_u16();
        let mut answer = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(request_error)? {
            answer.extend_from_slice(&chunk);
            if answer.len() > MAX_ANSWER {
                answer.truncate(MAX_ANSWER);
                break;
            }
        }
        match serde_json::from_slice::<Value>(&answer).ok().as_ref().and_then(answered) {
            Some((0, said)) if (200..300).contains(&status) => Ok(said),
            Some((code, said)) if code != 0 => Err(OutboundError::Robot { code, said }),
            Some(_) | None => Err(OutboundError::HttpStatus(status)),
        }
    }
}

/// Returns the code of an answer and what it said: WeCom and DingTalk write `errcode` and `errmsg`, Feishu
/// `code` and `msg`, before that `StatusCode` and `StatusMessage`.
fn answered(answer: &Value) -> Option<(i64, String)> {
    let names = [("errcode", "errmsg"), ("code", "msg"), ("StatusCode", "StatusMessage")];
    names.into_iter().find_map(|(code, said)| {
        let text = answer[said].as_str().unwrap_or_default();
        let text = text.chars().filter(|c| !c.is_control()).take(MAX_SAID).collect();
        Some((answer[code].as_i64()?, text))
    })
}

/// Returns the body of a request. DingTalk's signature is added to `url`.
fn request(
    kind: ChatKind,
    url: &mut Url,
    secret: Option<&SecretString>,
    timestamp_ms: i64,
    message: &ChatMessage<'_>,
) -> Value {
    let title = clipped(message.title, MAX_TITLE);
    match kind {
        ChatKind::Wecom => {
            let markdown = markdown(&format!("**{}**", plain(title)), message, MAX_WECOM);
            json!({ "msgtype": "markdown", "markdown": { "content": markdown } })
        }
        ChatKind::Dingtalk => {
            if let Some(secret) = secret {
                let text = format!("{timestamp_ms}\n{}", secret.expose_secret());
                let sign = hmac(secret.expose_secret().as_bytes(), text.as_bytes());
                url.query_pairs_mut()
                    .append_pair("timestamp", &timestamp_ms.to_string())
                    .append_pair("sign", &sign);
            }
            let markdown = markdown(&format!("### {}", plain(title)), message, MAX_TEXT);
            json!({ "msgtype": "markdown", "markdown": { "title": title, "text": markdown } })
        }
        ChatKind::Feishu => {
            let text = clipped(message.text, MAX_TEXT);
            let mut lines = vec![json!([{ "tag": "text", "text": text }])];
            if let Some((href, label)) = message.link {
                lines.push(json!([{ "tag": "a", "text": label, "href": href }]));
            }
            let post = json!({ "zh_cn": { "title": title, "content": lines } });
            let mut body = json!({ "msg_type": "post", "content": { "post": post } });
            if let Some(secret) = secret {
                let timestamp = timestamp_ms.div_euclid(1_000).to_string();
                let key = format!("{timestamp}\n{}", secret.expose_secret());
                body["sign"] = hmac(key.as_bytes(), b"").into();
                body["timestamp"] = timestamp.into();
            }
            body
        }
    }
}

/// Returns heading, text and link in Markdown, in at most `max` bytes.
fn markdown(heading: &str, message: &ChatMessage<'_>, max: usize) -> String {
    let link = message.link.map(|(href, label)| format!("\n\n[{}]({href})", plain(label)));
    let link = link.unwrap_or_default();
    // A line break needs an empty line in Markdown.
    let text = plain(message.text).replace('\n', "\n\n");
    let room = max.saturating_sub(heading.len() + link.len() + 2);
    format!("{heading}\n\n{}{link}", clipped(&text, room))
}

/// Returns a text in which nothing is Markdown or HTML: names are typed by people, and must not become links
/// or mention everybody. Neither product reads a backslash as an escape everywhere, so signs are replaced.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '[' => '［',
            ']' => '］',
            '<' => '＜',
            '>' => '＞',
            '*' => '＊',
            '`' => '｀',
            '#' => '＃',
            '@' => '＠',
            '!' => '！',
            other => other,
        })
        .collect()
}

/// Returns the beginning of a text that has at most `max` bytes.
fn clipped(text: &str, max: usize) -> &str {
    let end = (0..=max.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    &text[..end.unwrap_or(0)]
}

fn hmac(key: &[u8], text: &[u8]) -> String {
    #[allow(clippy::expect_used)]
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(text);
    BASE64.encode(mac.finalize().into_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: ChatMessage<'_> = ChatMessage {
        title: "发送任务“[上新](http://x.test)”已暂停",
        text: "项目 shop\n余额不足",
        link: Some(("https://console.example.test/p/shop/batches/b-1", "查看")),
    };

    fn built(kind: ChatKind, secret: Option<&str>, message: &ChatMessage<'_>) -> (Url, Value) {
        let mut url: Url = "https://robot.example.test/send?access_token=t".parse().unwrap();
        let secret = secret.map(SecretString::from);
        let body = request(kind, &mut url, secret.as_ref(), 1_700_000_000_123, message);
        (url, body)
    }

    #[test]
    fn each_robot_is_asked_in_its_own_format_and_names_are_no_markdown() {
        let (_, body) = built(ChatKind::Wecom, None, &MESSAGE);
        let content = body["markdown"]["content"].as_str().unwrap();
        assert!(content.starts_with("**发送任务“［上新］(http"), "{content}");
        assert!(content.ends_with("[查看](https://console.example.test/p/shop/batches/b-1)"));
        let (url, body) = built(ChatKind::Dingtalk, None, &MESSAGE);
        assert_eq!(url.query(), Some("access_token=t"));
        assert_eq!(body["markdown"]["title"], MESSAGE.title);
        assert!(body["markdown"]["text"].as_str().unwrap().contains("项目 shop\n\n余额不足"));
        let (_, body) = built(ChatKind::Feishu, None, &MESSAGE);
        assert_eq!(body["content"]["post"]["zh_cn"]["content"][1][0]["tag"], "a");
        assert_eq!(body.get("sign"), None);
    }

    #[test]
    fn dingtalk_and_feishu_are_signed_as_they_document() {
        // printf '1700000000123\nSECkey' | openssl dgst -sha256 -hmac SECkey -binary | base64
        let (url, _) = built(ChatKind::Dingtalk, Some("SECkey"), &MESSAGE);
        let pairs: Vec<_> = url.query_pairs().collect();
        assert_eq!(pairs[1], ("timestamp".into(), "1700000000123".into()));
        assert_eq!(pairs[2].1, "0TVkYRBCO7MqlH0UoVlUcu2w8GSt+XXc/OGTtHfVRno=");
        // printf '' | openssl dgst -sha256 -hmac "$(printf '1700000000\nkey')" -binary | base64
        let (_, body) = built(ChatKind::Feishu, Some("key"), &MESSAGE);
        assert_eq!(body["timestamp"], "1700000000");
        assert_eq!(body["sign"], "q6Oev4Wrs23QSZVkmQVsgFJ6N6asqz82R5NA5r3kxD0=");
    }

    #[test]
    fn a_long_text_is_cut_between_two_characters_and_keeps_its_link() {
        let long = "字".repeat(30_000);
        let message = ChatMessage { text: &long, ..MESSAGE };
        let (_, body) = built(ChatKind::Wecom, None, &message);
        let content = body["markdown"]["content"].as_str().unwrap();
        assert!(content.len() <= MAX_WECOM && content.ends_with("b-1)"), "{}", content.len());
        for kind in [ChatKind::Dingtalk, ChatKind::Feishu] {
            let (_, body) = built(kind, Some("key"), &message);
            assert!(body.to_string().len() <= 20_000, "{}", body.to_string().len());
        }
    }

    #[test]
    fn the_code_of_an_answer_is_read_in_all_three_ways() {
        let read = |text: &str| answered(&serde_json::from_str(text).unwrap());
        assert_eq!(read(r#"{"errcode":0,"errmsg":"ok"}"#), Some((0, "ok".to_owned())));
        assert_eq!(
            read(r#"{"errcode":310000,"errmsg":"sign not match"}"#),
            Some((310_000, "sign not match".to_owned()))
        );
        assert_eq!(
            read(r#"{"code":19021,"msg":"sign match fail","data":{}}"#),
            Some((19_021, "sign match fail".to_owned()))
        );
        assert_eq!(
            read(r#"{"StatusCode":0,"StatusMessage":"success"}"#),
            Some((0, "success".to_owned()))
        );
        assert_eq!(read(r#"{"ok":true}"#), None);
    }
}
