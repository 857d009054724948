//! Somebody who signs in, uploads and confirms, as a browser without scripts would.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::{RequestBuilder, Response};

/// The line that parts a form's fields.
const BOUNDARY: &str = "a-line-between-the-fields";

/// A person with a browser.
#[derive(Debug)]
pub struct Person {
    base: String,
    cookies: BTreeMap<String, String>,
    http: reqwest::Client,
}

impl Person {
    /// Signs in.
    pub async fn sign_in(base: &str, name: &str, password: &str) -> anyhow::Result<Self> {
        let http =
            reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build()?;
        let mut person = Self { base: base.to_owned(), cookies: BTreeMap::new(), http };
        let form = person.get("/login").await?;
        let csrf = value_of(&form, "csrf")?;
        let fields = [("csrf", csrf.as_str()), ("username", name), ("password", password)];
        person.post("/login", &fields).await?;
        Ok(person)
    }

    /// The text of a page.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<String> {
        let request = self.http.get(format!("{}{path}", self.base));
        Ok(self.send(request).await?.error_for_status()?.text().await?)
    }

    /// Posts a form; answers where it leads.
    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> anyhow::Result<String> {
        let request = self.http.post(format!("{}{path}", self.base)).form(fields);
        leads_to(self.send(request).await?).await
    }

    /// Posts a form with a file; answers where it leads.
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
        let kind = format!("multipart/form-data; boundary={BOUNDARY}");
        let request = self.http.post(format!("{}{path}", self.base));
        leads_to(self.send(request.header("content-type", kind).body(body)).await?).await
    }

    /// A page to be asked for by whoever measures.
    pub fn request(&self, path: &str) -> RequestBuilder {
        self.http.get(format!("{}{path}", self.base)).header(COOKIE, self.cookie_header())
    }

    fn cookie_header(&self) -> String {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        cookies.join("; ")
    }

    async fn send(&mut self, request: RequestBuilder) -> anyhow::Result<Response> {
        let request = request.header("sec-fetch-site", "same-origin");
        let answer = request.header(COOKIE, self.cookie_header()).send().await?;
        for cookie in answer.headers().get_all(SET_COOKIE) {
            let cookie = cookie.to_str()?.split(';').next().unwrap_or_default();
            if let Some((name, value)) = cookie.split_once('=') {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        Ok(answer)
    }
}

async fn leads_to(answer: Response) -> anyhow::Result<String> {
    let status = answer.status();
    match answer.headers().get(LOCATION).and_then(|there| there.to_str().ok()) {
        Some(there) => Ok(there.to_owned()),
        None => bail!("{status}: {}", answer.text().await?),
    }
}

/// The value of a hidden field, or of the option of a list that says `words`.
pub fn value_of(page: &str, name: &str) -> anyhow::Result<String> {
    let field = format!("name=\"{name}\" value=\"");
    let at = page.find(&field).with_context(|| format!("no field {name}"))? + field.len();
    Ok(page[at..].split('"').next().unwrap_or_default().to_owned())
}

/// The value of the option that says `words`.
pub fn option_saying(page: &str, words: &str) -> anyhow::Result<String> {
    let line = page.lines().flat_map(|line| line.split("<option ")).find(|one| one.contains(words));
    let line = line.with_context(|| format!("nothing says {words}"))?;
    let at = line.find("value=\"").context("an option without a value")? + "value=\"".len();
    Ok(line[at..].split('"').next().unwrap_or_default().to_owned())
}
