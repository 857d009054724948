//! `usms-console project`: projects and their API keys.

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::json;

use super::secret_from_stdin;
use crate::config::Config;
use crate::db::projects;
use crate::ops::accounts::Manager;
use crate::ops::projects as project_ops;
use crate::serve;

#[derive(Debug, Subcommand)]
pub(super) enum ProjectCommand {
    /// List projects and their push paths
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Add a project, after its keys were checked with UCloud; the private key is read from standard input
    Add {
        /// Name on pages
        name: String,
        /// Name in addresses: a-z, 0-9 and hyphens
        #[arg(long)]
        slug: String,
        #[command(flatten)]
        keys: Keys,
    },
    /// Replace the keys of a project, after they were checked with UCloud; the private key is read from
    /// standard input
    SetKeys {
        /// Slug of the project
        slug: String,
        #[command(flatten)]
        keys: Keys,
    },
    /// Archive a project: it can be read, and nothing is sent
    Archive {
        /// Slug of the project
        slug: String,
        /// Restore it instead
        #[arg(long)]
        restore: bool,
    },
}

#[derive(Debug, Args)]
pub(super) struct Keys {
    /// UCloud's project ID, org-…
    #[arg(long, value_name = "ID")]
    ucloud_project_id: String,
    /// Public key
    #[arg(long, value_name = "KEY")]
    public_key: String,
    /// Read the private key from standard input
    #[arg(long, required = true)]
    private_key_stdin: bool,
}

impl Keys {
    fn read(self) -> anyhow::Result<project_ops::Keys> {
        Ok(project_ops::Keys {
            ucloud_project_id: self.ucloud_project_id,
            public_key: self.public_key,
            private_key: secret_from_stdin("private key")?,
        })
    }
}

/// Runs a command.
pub(super) async fn run(config: &Config, command: ProjectCommand) -> anyhow::Result<()> {
    let by = Manager::COMMAND_LINE;
    match command {
        ProjectCommand::List { json } => list(config, json).await?,
        ProjectCommand::Add { name, slug, keys } => {
            let app = serve::build(config).await?;
            project_ops::add(&app, by, &slug, &name, &keys.read()?).await?;
            println!("Added {slug}.");
        }
        ProjectCommand::SetKeys { slug, keys } => {
            let app = serve::open(config).await?;
            let project = projects::by_slug(&mut *app.db.acquire().await?, &slug).await?;
            let project = project.with_context(|| format!("no project `{slug}`"))?;
            project_ops::set_keys(&app, by, project, &keys.read()?).await?;
            println!("Replaced the keys of {slug}.");
        }
        ProjectCommand::Archive { slug, restore } => {
            let app = serve::open(config).await?;
            let project = projects::by_slug(&mut *app.db.acquire().await?, &slug).await?;
            let project = project.with_context(|| format!("no project `{slug}`"))?;
            let changed = project_ops::set_archived(&app, by, project, !restore).await?;
            match (restore, changed) {
                (false, true) => println!("Archived {slug}; nothing is sent."),
                (true, true) => {
                    println!("Restored {slug}; sending stays stopped until it is resumed.")
                }
                (false, false) => println!("{slug} is archived already."),
                (true, false) => println!("{slug} is not archived."),
            }
        }
    }
    Ok(())
}

async fn list(config: &Config, as_json: bool) -> anyhow::Result<()> {
    let app = serve::open(config).await?;
    let mut listed = Vec::new();
    for project in projects::all(&app.db).await? {
        let hook_path = project_ops::hook_path(&app, &project)?;
        if as_json {
            listed.push(json!({
                "slug": project.slug,
                "name": project.name,
                "ucloud_project_id": project.ucloud_project_id,
                "hook_path": hook_path,
            }));
        } else {
            println!(
                "{}\t{}\t{}\t{hook_path}",
                project.slug, project.name, project.ucloud_project_id
            );
        }
    }
    if as_json {
        println!("{}", serde_json::to_string_pretty(&listed)?);
    }
    Ok(())
}
