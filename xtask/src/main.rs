//! `cargo xtask`: everything this workspace does for itself, a file a command.

mod bench;
mod ci;
mod codes;
mod dist;
mod image;
mod lab;
mod language;
mod networks;
mod package;
mod prose;
mod scaffold;
mod schema;
mod test;
mod workspace;

use clap::{Parser, Subcommand};

use netcheck::{Command, Home};

/// Everything this workspace does for itself
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version, propagate_version = true)]
struct Xtask {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    #[command(flatten)]
    Product(Command),
    Test(test::Args),
    Ci(ci::Args),
    Lab(lab::Args),
    Language(language::Args),
    New(scaffold::Args),
    Schema(schema::Args),
    Prose(prose::Args),
    Networks(networks::Args),
    Dist(dist::Args),
    Image(image::Args),
    Bench(bench::Args),
}

impl Xtask {
    /// Runs the command; its exit code, or what went wrong.
    fn run(self) -> Result<u8, String> {
        let done = match self.task {
            Task::Product(command) => return command.run(Home::Workspace(workspace::tools)),
            Task::Test(args) => test::run(&args),
            Task::Ci(args) => ci::run(&args),
            Task::Lab(args) => lab::run(&args),
            Task::Language(args) => language::run(&args),
            Task::New(args) => scaffold::run(&args),
            Task::Schema(args) => schema::run(&args),
            Task::Prose(args) => prose::run(&args),
            Task::Networks(args) => networks::run(args),
            Task::Dist(args) => dist::run(&args),
            Task::Image(args) => image::run(&args),
            Task::Bench(args) => bench::run(&args),
        };
        done.map(|()| 0)
    }
}

fn main() -> std::process::ExitCode {
    netcheck::finish(Xtask::try_parse().map(Xtask::run))
}
