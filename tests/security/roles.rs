//! Every address below a project for every role, for members of another project, for people without a
//! project, disabled ones, and strangers. What each may do stands in the URL table.

use reqwest::{Method, StatusCode};
use secrecy::SecretString;
use sqlx::PgPool;
use usms_console::domain::accounts::role::{Permission, Role};
use usms_console::ops::accounts::{self, Standing};
use usms_console::ops::projects;

use super::digits::quiet;
use super::hostile::{url_table, with_segment};
use crate::harness::{PASSWORD, TestClient, TestConsole};

/// An address with the permission that it requires.
#[derive(Debug, Clone)]
struct Address {
    method: Method,
    path: String,
    permission: Permission,
}

/// Returns the addresses below a project, each with the permission that the URL table names.
fn addresses() -> Vec<Address> {
    let mut found = Vec::new();
    for (path, routes) in url_table() {
        for route in routes.split("), ").filter_map(|route| route.split_once('(')) {
            let Some(permission) = permission_of(route.1.split(',').next().unwrap()) else {
                continue;
            };
            let method = if route.0.ends_with("act") { Method::POST } else { Method::GET };
            found.push(Address {
                method,
                path: format!("/p/default{}", path.replace("{kind:csv|xlsx}", "csv")),
                permission,
            });
        }
    }
    assert!(found.len() > 130, "the URL table has moved: {}", found.len());
    found
}

fn permission_of(name: &str) -> Option<Permission> {
    Permission::ALL.into_iter().find(|permission| format!("{permission:?}") == name)
}

async fn status(client: &TestClient, address: &Address, csrf: &str) -> StatusCode {
    let path = with_segment(&address.path, "1");
    let headers = [("sec-fetch-site", "same-origin")];
    let fields = [("csrf", csrf)];
    let fields = (address.method == Method::POST).then_some(fields.as_slice());
    client.request(address.method.clone(), &path, &headers, fields).await.status
}

#[sqlx::test]
async fn each_address_is_open_to_the_roles_that_the_url_table_names(db: PgPool) {
    let console = quiet(&db).await;
    for role in Role::ALL {
        let client = console.member(role.key(), role).await;
        let csrf = client.get("/account").await.csrf();
        for address in addresses() {
            let is_stream = address.path.ends_with("/events");
            let status = status(&client, &address, &csrf).await;
            let refused = status == StatusCode::FORBIDDEN;
            assert_eq!(refused, !role.may(address.permission), "{role} {address:?}: {status}");
            assert!(is_stream || status.as_u16() < 500, "{role} {address:?}: {status}");
        }
    }
}

#[sqlx::test]
async fn outside_of_its_members_no_address_of_a_project_exists(db: PgPool) {
    let console = quiet(&db).await;
    let keys = projects::Keys {
        ucloud_project_id: "org-sandbox-2".to_owned(),
        public_key: usms_console::sandbox::PUBLIC_KEY.to_owned(),
        private_key: SecretString::from(usms_console::sandbox::PRIVATE_KEY),
    };
    let by = accounts::Manager::COMMAND_LINE;
    let other = projects::add(&console.app, by, "other", "Other", &keys).await.unwrap();
    let neighbour = sign_in(&console, "neighbour", Standing::Member(other, Role::Admin)).await;
    let nowhere = console.member("nowhere", Role::Admin).await;
    let person = accounts::find(&console.app, "nowhere").await.unwrap();
    accounts::remove(&console.app, by, &person, console.project).await.unwrap();
    for client in [&neighbour, &nowhere] {
        let csrf = client.get("/account").await.csrf();
        for address in addresses() {
            let status = status(client, &address, &csrf).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{address:?}");
        }
    }
    let disabled = console.member("disabled", Role::Admin).await;
    let csrf = disabled.get("/account").await.csrf();
    let person = accounts::find(&console.app, "disabled").await.unwrap();
    accounts::disable(&console.app, by, &person).await.unwrap();
    let stranger = console.signed_out();
    for client in [&disabled, &stranger] {
        for address in addresses() {
            let status = status(client, &address, &csrf).await;
            assert_eq!(status, StatusCode::SEE_OTHER, "to the sign-in page: {address:?}");
        }
    }
}

async fn sign_in(console: &TestConsole, name: &str, standing: Standing) -> TestClient {
    accounts::create(&console.app, name, SecretString::from(PASSWORD), standing).await.unwrap();
    let client = console.signed_out();
    client.sign_in(name, PASSWORD, "/").await;
    client
}

#[sqlx::test]
async fn the_pages_of_owners_are_open_to_owners_only(db: PgPool) {
    let console = quiet(&db).await;
    let owner = sign_in(&console, "owner", Standing::Owner).await;
    let admin = console.member("admin", Role::Admin).await;
    let stranger = console.signed_out();
    let pages = ["/admin/users", "/admin/projects", "/admin/audit", "/admin/erasure"];
    let files = ["/admin/audit.csv", "/admin/audit.xlsx"];
    let both = |path: &'static str| [Method::GET, Method::POST].map(|method| (path, method));
    let addresses = pages.into_iter().flat_map(both);
    for (path, method) in addresses.chain(files.map(|path| (path, Method::GET))) {
        let is_page = method == Method::GET;
        let permission = Permission::Manage;
        let address = Address { method, path: path.to_owned(), permission };
        let csrf = admin.get("/account").await.csrf();
        assert_eq!(status(&admin, &address, &csrf).await, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(status(&stranger, &address, &csrf).await, StatusCode::SEE_OTHER, "{path}");
        if is_page {
            assert_eq!(owner.get(path).await.status, StatusCode::OK, "{path}");
        }
    }
}
