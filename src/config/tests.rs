use super::*;

fn with(more: &[(&str, &str)]) -> Result<Config, ConfigError> {
    let mut all = BTreeMap::from([
        ("DATABASE_URL".to_owned(), "postgres://localhost/x".to_owned()),
        ("CONSOLE_SECRET_KEY".to_owned(), "0f".repeat(32)),
    ]);
    for (name, value) in more {
        all.insert((*name).to_owned(), (*value).to_owned());
    }
    Config::read(&all)
}

#[test]
fn two_settings_suffice() {
    let config = with(&[]).unwrap();
    assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(config.call_timeout, Duration::seconds(70));
    assert!(config.default_project.is_none());
}

#[test]
fn the_error_names_the_invalid_or_missing_setting() {
    let wrong = [
        ("DATABASE_URL", ""),
        ("DATABASE_URL", "mysql://x"),
        ("CONSOLE_SECRET_KEY", ""),
        ("CONSOLE_SECRET_KEY", "0f0f"),
        ("CONSOLE_SECRET_KEY", "not hex"),
        ("CONSOLE_LISTEN", "8080"),
        ("CONSOLE_PUBLIC_URL", "example.test"),
        ("CONSOLE_TRUST_PROXY", "yes"),
        ("USMS_API_URL", "ftp://x"),
        ("CONSOLE_SUBMIT_CONCURRENCY", "0"),
        ("CONSOLE_SUBMIT_RATE", "many"),
        ("CONSOLE_UPLOAD_MB", "100MB"),
        ("CONSOLE_UPLOAD_ROWS", "0"),
        ("CONSOLE_CALL_TIMEOUT", "70"),
        ("CONSOLE_REVIEW_POLL", "0s"),
        ("CONSOLE_RECEIPT_POLL", "5 days"),
        ("CONSOLE_SMTP_URL", "127.0.0.1:25"),
    ];
    let mail = [("CONSOLE_SMTP_URL", "smtp://127.0.0.1"), ("CONSOLE_MAIL_FROM", "no address")];
    let error = with(&mail).unwrap_err().to_string();
    assert!(error.starts_with("CONSOLE_MAIL_FROM"), "{error}");
    for (name, value) in wrong {
        let from = ("CONSOLE_MAIL_FROM", "console@example.test");
        let all = if name == "CONSOLE_SMTP_URL" {
            vec![(name, value), from]
        } else {
            vec![(name, value)]
        };
        let error = with(&all).unwrap_err().to_string();
        assert!(error.starts_with(name) && !error.contains('\n'), "{name}={value}: {error}");
    }
    let error = with(&[("UCLOUD_PUBLIC_KEY", "k")]).unwrap_err().to_string();
    assert!(error.starts_with("UCLOUD_PRIVATE_KEY"), "{error}");
}

#[test]
fn variables_of_a_kubernetes_service_stop_nothing_and_are_no_settings() {
    let links = [
        ("CONSOLE_PORT", "tcp://10.0.0.1:8080"),
        ("CONSOLE_SERVICE_HOST", "10.0.0.1"),
        ("CONSOLE_SERVICE_PORT", "8080"),
        ("CONSOLE_SERVICE_PORT_HTTP", "8080"),
        ("CONSOLE_PORT_8080_TCP", "tcp://10.0.0.1:8080"),
        ("CONSOLE_PORT_8080_TCP_ADDR", "10.0.0.1"),
        ("CONSOLE_PORT_8080_TCP_PROTO", "tcp"),
        ("CONSOLE_LISTEN_PORT", "udp://[fd00::1]:53"),
    ];
    assert_eq!(with(&links).unwrap().listen.to_string(), "127.0.0.1:8080");
    let owned = links.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(unknown(&BTreeMap::from(owned)), Vec::<String>::new());
}

#[test]
fn an_unknown_setting_is_named_with_the_nearest_name_and_stops_nothing() {
    assert!(with(&[("CONSOLE_LISTN", "x"), ("CONSOLE_PORT", "8080")]).is_ok());
    let name = ("CONSOLE_LISTN".to_owned(), "x".to_owned());
    let expected = "CONSOLE_LISTN is not a known setting; did you mean CONSOLE_LISTEN?";
    assert_eq!(unknown(&BTreeMap::from([name])), [expected]);
}

#[test]
fn a_misspelled_setting_in_the_file_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("console.env");
    std::fs::write(&file, "CONSOLE_LISTEN=[::1]:80\nCONSOLE_LISTN=x\n").unwrap();
    let error = variables(Some(&file)).unwrap_err().to_string();
    assert!(error.starts_with("CONSOLE_LISTN is not a known setting"), "{error}");
}

#[test]
fn a_public_url_is_a_scheme_and_a_host_and_the_error_says_what_to_write() {
    for (value, expected) in [
        ("https://x.example", "https://x.example"),
        ("HTTPS://X.example:443/", "https://x.example"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ] {
        let config = with(&[("CONSOLE_PUBLIC_URL", value)]).unwrap();
        assert_eq!(config.public_url.as_deref(), Some(expected), "{value}");
    }
    for (value, why, write) in [
        ("https://x.example/console", "path", "https://x.example"),
        ("https://x.example:8443/a/b/", "path", "https://x.example:8443"),
        ("https://x.example?a=1", "query", "https://x.example"),
        ("https://x.example/#top", "fragment", "https://x.example"),
        ("https://mei:secret@x.example", "user", "https://x.example"),
        ("ftp://x.example", "http or https", "https://sms.example.com"),
        ("x.example", "http or https", "https://sms.example.com"),
        ("x.example:8443", "http or https", "https://sms.example.com"),
    ] {
        let error = with(&[("CONSOLE_PUBLIC_URL", value)]).unwrap_err().to_string();
        assert!(error.starts_with("CONSOLE_PUBLIC_URL is invalid"), "{error}");
        assert!(error.contains(why), "{value}: {error}");
        assert!(error.ends_with(&format!("write {write}")), "{value}: {error}");
        assert!(!error.contains("secret") && !error.contains('\n'), "{error}");
    }
}

#[test]
fn debug_output_shows_no_secret() {
    let keys = [
        ("UCLOUD_PUBLIC_KEY", "open"),
        ("UCLOUD_PRIVATE_KEY", "hush-hush"),
        ("UCLOUD_PROJECT_ID", "org-x"),
    ];
    let printed = format!("{:?}", with(&keys).unwrap());
    assert!(!printed.contains("hush") && !printed.contains("15, 15") && !printed.contains("0f0f"));
}
