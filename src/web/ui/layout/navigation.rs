//! The navigation of every page.

use super::{Layout, Section};
use crate::db::projects::Membership;
use crate::domain::accounts::role::Permission;
use crate::web::http::urls::{ALL_AUDIT, PEOPLE, PROJECTS};
use crate::web::ui::status::Drawing;

/// An entry of the navigation.
#[derive(Debug)]
pub struct NavigationEntry {
    /// Its link.
    pub href: String,
    /// Its label.
    pub label: String,
    /// Its icon.
    pub icon: Drawing,
    /// Whether the page belongs to it.
    pub current: bool,
    /// How many things wait for a person there.
    pub waiting: i64,
}

impl Layout {
    /// Returns the navigation.
    pub fn entries(&self) -> Vec<NavigationEntry> {
        let mut entries = self.project.as_ref().map_or_else(Vec::new, |project| self.of(project));
        if self.is_owner {
            entries.push(self.entry(
                PEOPLE.to_owned(),
                "people-title",
                "people",
                Section::People,
                0,
            ));
            let href = PROJECTS.to_owned();
            entries.push(self.entry(href, "projects-title", "projects", Section::Projects, 0));
            let href = ALL_AUDIT.to_owned();
            entries.push(self.entry(href, "audit-all-title", "audit", Section::AllAudit, 0));
        }
        entries
    }

    fn entry(
        &self,
        href: String,
        key: &str,
        icon: &'static str,
        section: Section,
        waiting: i64,
    ) -> NavigationEntry {
        let (label, current) = (self.t(key), self.section == section);
        NavigationEntry { href, label, icon: Drawing::icon(icon), current, waiting }
    }

    /// Returns the navigation within a project.
    fn of(&self, project: &Membership) -> Vec<NavigationEntry> {
        let urls = &self.urls;
        let entry =
            |href, key: &str, icon, section, waiting| self.entry(href, key, icon, section, waiting);
        let needs = self.needs;
        let mut entries =
            vec![entry(urls.dashboard(), "nav-dashboard", "overview", Section::Dashboard, 0)];
        if project.role.may(Permission::Send) {
            entries.push(entry(urls.send(), "send-title", "send", Section::Send, 0));
        }
        entries.extend([
            entry(urls.batches(), "batches-title", "batch", Section::Batches, needs.batches),
            entry(urls.messages(), "messages-title", "messages", Section::Messages, 0),
            entry(urls.receipts(), "receipts-title", "receipt", Section::Receipts, 0),
            entry(urls.replies(), "replies-title", "reply", Section::Replies, needs.replies),
            entry(
                urls.suppressions(),
                "suppressions-title",
                "suppression",
                Section::Suppressions,
                0,
            ),
            entry(
                urls.signatures(),
                "signatures-title",
                "signature",
                Section::Signatures,
                needs.signatures,
            ),
            entry(
                urls.templates(),
                "templates-title",
                "template",
                Section::Templates,
                needs.templates,
            ),
        ]);
        entries.extend([
            entry(urls.statistics(), "statistics-title", "statistics", Section::Statistics, 0),
            entry(urls.failures(), "failures-title", "failure", Section::Failures, 0),
        ]);
        if project.role.may(Permission::Manage) {
            entries.push(entry(
                urls.settings(),
                "settings-title",
                "settings",
                Section::Settings,
                0,
            ));
        }
        if project.role.may(Permission::Manage) {
            entries.push(entry(urls.audit(), "audit-title", "audit", Section::Audit, 0));
        }
        entries.push(entry(urls.health(), "health-title", "health", Section::Health, 0));
        entries
    }

    /// Returns the settings pages that the person may see: link, label, and whether it is current.
    pub fn settings_parts(&self) -> Vec<(String, String, bool)> {
        let urls = &self.urls;
        let all = [
            (urls.settings(), "settings-notifications", Permission::Manage),
            (urls.alerts(), "alerts-title", Permission::Manage),
            (urls.members(), "members-title", Permission::Manage),
            (urls.stand_ins(), "stand-ins-title", Permission::Approve),
            (urls.batch_rules(), "batch-rules-title", Permission::Manage),
            (urls.budgets(), "budgets-title", Permission::Manage),
            (urls.prices(), "prices-title", Permission::Manage),
            (urls.sensitive_words(), "sensitive-words-title", Permission::Send),
            (urls.opt_out_keywords(), "opt-out-title", Permission::Manage),
            (urls.push_settings(), "hooks-title", Permission::Manage),
            (urls.retention(), "retention-title", Permission::Manage),
        ];
        let role = self.project.as_ref().map(|membership| membership.role);
        all.into_iter()
            .filter(|(_, _, permission)| role.is_some_and(|role| role.may(*permission)))
            .map(|(href, key, _)| {
                let is_current = self.here.split('?').next() == Some(href.as_str());
                (href, self.t(key), is_current)
            })
            .collect()
    }
}
