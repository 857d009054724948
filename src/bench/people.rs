//! A client that signs in, uploads and confirms as a browser without scripts does.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{RequestBuilder, Response};

/// The boundary between the fields of a multipart form.
const BOUNDARY: &str = "a-line-between-the-fields";

/// A person with a browser.
#[derive(Debug)]
pub struct Person {
    base: String,
    cookies: BTreeMap<String, String>,
    http: reqwest::Client,
}

impl Person {
    /// Returns a person who is not signed in.
    pub fn visitor(base: &str, http: reqwest::Client) -> Self {
        Self { base: base.to_owned(), cookies: BTreeMap::new(), http }
    }

    /// Signs in, and returns the signed-in person.
    pub async fn sign_in(base: &str, name: &str, password: &str) -> anyhow::Result<Self> {
        let http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let mut person = Self::visitor(base, http);
        let form = person.get("/login").await?;
        let csrf = value_of(&form, "csrf")?;
        let fields = [("csrf", csrf.as_str()), ("username", name), ("password", password)];
        person.post("/login", &fields).await?;
        Ok(person)
    }

    /// Returns the HTML of a page.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<String> {
        let request = self.http.get(format!("{}{path}", self.base));
        Ok(self.send(request).await?.error_for_status()?.text().await?)
    }

    /// Posts a form, and returns the location of the redirect.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<String> {
        let request = self.http.post(format!("{}{path}", self.base)).form(fields);
        location(self.send(request).await?).await
    }

    /// Posts a form with a file, and returns the location of the redirect.
    pub async fn upload(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        file: (&str, &str, Vec<u8>),
    ) -> anyhow::Result<String> {
        let mut body = Vec::with_capacity(file.2.len() + 4_096);
        for (name, value) in fields {
            let part = format!(
                "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{}\"; filename=\"{}\"\r\n\r\n",
            file.0, file.1
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(&file.2);
        drop(file);
        body.extend_from_slice(format!("\r\n--{BOUNDARY}--\r\n").as_bytes());
        let media_type = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = self.http.post(format!("{}{path}", self.base));
        location(self.send(request.header("content-type", media_type).body(body)).await?).await
    }

    /// Returns a request for a page, for measuring.
    pub fn request(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.base)).header(COOKIE, self.cookie_header())
    }

    /// Returns a request with a form, for measuring.
    pub fn form(&self, path: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let request = self.http.post(format!("{}{path}", self.base)).form(fields);
        request.header("sec-fetch-site", "same-origin").header(COOKIE, self.cookie_header())
    }

    fn cookie_header(&self) -> String {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies.join("; ")
    }

    async fn send(&mut self, request: RequestBuilder) -> anyhow::Result<Response> {
        let request = request.header("sec-fetch-site", "same-origin");
        let response = request.header(COOKIE, self.cookie_header()).send().await?;
        for cookie in response.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str()?.split(';').next().unwrap_or_default();
            if let Some((name, value)) = cookie.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(response)
    }
}

async fn location(response: Response) -> anyhow::Result<String> {
    let status = response.status();
    match response.headers().get(LOCATION).and_then(|location| location.to_str().ok()) {
        Some(location) => Ok(location.to_owned()),
        None => bail!("{status}: {}", response.text().await?),
    }
}

/// Returns the value of a hidden field.
pub fn value_of(page: &str, name: &str) -> anyhow::Result<String> {
    let field = format!("name=\"{name}\" value=\"");
    let start = page.find(&field).with_context(|| format!("no field {name}"))? + field.len();
    Ok(page[start..].split('"').next().unwrap_or_default().to_owned())
}

/// Returns the value of the first option whose HTML contains `text`.
pub fn option_containing(page: &str, text: &str) -> anyhow::Result<String> {
    let mut options = page.lines().flat_map(|line| line.split("<option "));
    let option = options.find(|option| option.contains(text));
    let option = option.with_context(|| format!("nothing says {text}"))?;
    let start = option.find("value=\"").context("an option without a value")? + "value=\"".len();
    Ok(option[start..].split('"').next().unwrap_or_default().to_owned())
}
