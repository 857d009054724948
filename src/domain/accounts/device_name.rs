//! Readable names of devices, from what browsers say about themselves.

/// What browsers have in their `User-Agent`, the more special ones first, with their names.
const BROWSERS: [(&str, &str); 14] = [
    ("MicroMessenger/", "WeChat"),
    ("DingTalk/", "DingTalk"),
    ("Lark/", "Feishu"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
    ("curl/", "curl"),
];

/// The same for operating systems.
const SYSTEMS: [(&str, &str); 9] = [
    ("OpenHarmony", "HarmonyOS"),
    ("HarmonyOS", "HarmonyOS"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

fn find<const N: usize>(agent: &str, names: &[(&str, &'static str); N]) -> Option<&'static str> {
    names.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
}

/// The browser and the operating system of a device, as far as they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceName {
    /// The browser.
    pub browser: Option<&'static str>,
    /// The operating system.
    pub system: Option<&'static str>,
}

impl DeviceName {
    /// Reads a `User-Agent`.
    pub fn read(agent: &str) -> Self {
        Self { browser: find(agent, &BROWSERS), system: find(agent, &SYSTEMS) }
    }

    /// Returns the name for the audit log, such as `Chrome on Windows`; empty if nothing is known.
    pub fn audited(self) -> String {
        match (self.browser, self.system) {
            (Some(browser), Some(system)) => format!("{browser} on {system}"),
            (one, other) => one.or(other).unwrap_or_default().to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_browsers_have_readable_names() {
        let windows =
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)";
        let mac = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15";
        let iphone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15";
        for (agent, name) in [
            (format!("{windows} Chrome/142.0.0.0 Safari/537.36"), "Chrome on Windows"),
            (format!("{windows} Chrome/142.0.0.0 Safari/537.36 Edg/142.0"), "Edge on Windows"),
            (format!("{mac} (KHTML, like Gecko) Version/18.5 Safari/605.1.15"), "Safari on macOS"),
            (format!("{iphone} Mobile/15E148 MicroMessenger/8.0.60"), "WeChat on iPhone"),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Firefox/140.0".to_owned(),
                "Firefox on Linux",
            ),
            (
                "Mozilla/5.0 (Linux; Android 15) Chrome/142.0 Mobile Safari/537.36".to_owned(),
                "Chrome on Android",
            ),
            ("curl/8.5.0".to_owned(), "curl"),
            (String::new(), ""),
            ("<script>".to_owned(), ""),
        ] {
            assert_eq!(DeviceName::read(&agent).audited(), name, "{agent}");
        }
    }
}
