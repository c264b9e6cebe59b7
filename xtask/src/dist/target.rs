//! The systems that programs are built for, and how each is compiled.

use std::env;
use std::path::Path;
use std::process::{Command, Stdio};

use clap::ValueEnum;

use crate::workspace::{cargo, output_of};

/// Debian's compiler, which comes with the sources of its standard library.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_SOURCES: &str = "/usr/lib/rustlib/src/rust/library/std/Cargo.toml";
/// What compiles for 64-bit ARM and for Windows: one Debian package per line.
const PACKAGES_AARCH64: &str = include_str!("../../packages-aarch64.txt");
const PACKAGES_WINDOWS: &str = include_str!("../../packages-windows.txt");

/// A system that programs are built for, named as the compiler names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Target {
    /// Linux on x86-64
    #[value(name = "x86_64-unknown-linux-gnu")]
    X86_64,
    /// Linux on 64-bit ARM
    #[value(name = "aarch64-unknown-linux-gnu")]
    Aarch64,
    /// Windows on x86-64
    #[value(name = "x86_64-pc-windows-gnu")]
    Windows,
}

impl Target {
    /// The compiler's name for it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Target::X86_64 => "x86_64-unknown-linux-gnu",
            Target::Aarch64 => "aarch64-unknown-linux-gnu",
            Target::Windows => "x86_64-pc-windows-gnu",
        }
    }

    /// The architecture as Debian and container images name it.
    pub(crate) fn architecture(self) -> &'static str {
        match self {
            Target::X86_64 | Target::Windows => "amd64",
            Target::Aarch64 => "arm64",
        }
    }

    /// The C compiler and linker for it.
    pub(crate) fn c_compiler(self) -> &'static str {
        match self {
            Target::X86_64 => "gcc",
            Target::Aarch64 => "aarch64-linux-gnu-gcc",
            Target::Windows => "x86_64-w64-mingw32-gcc",
        }
    }

    /// What the file name of a program ends with.
    pub(crate) fn suffix(self) -> &'static str {
        if self == Target::Windows { ".exe" } else { "" }
    }

    /// The flags of the compiler that the system asks for.
    pub(crate) fn flags(self) -> &'static [&'static str] {
        match self {
            // Without the second flag a program panics where /dev/random is missing: an empty container has none.
            Target::X86_64 | Target::Aarch64 => {
                &["-Ctarget-feature=+crt-static", "--cfg=getrandom_backend=\"linux_getrandom\""]
            }
            Target::Windows => &["-Clink-arg=-Wl,--no-insert-timestamp"],
        }
    }

    /// Its name in variables of cargo (upper case) and of the crate `cc` (lower case).
    fn variable(self) -> String {
        self.as_str().replace('-', "_")
    }

    /// `cargo build` for it, through cargo-auditable where `auditable` says so.
    ///
    /// # Errors
    /// What is needed is not installed.
    pub(crate) fn build(self, auditable: bool) -> Result<Command, String> {
        let compiles_std = self.compiles_std()?;
        let mut build = if compiles_std { Command::new(DEBIAN_CARGO) } else { cargo() };
        build.current_dir(crate::workspace::root());
        if auditable {
            build.arg("auditable");
        }
        build.args(["build", "--locked", "--target", self.as_str()]);
        if compiles_std {
            build.arg("-Zbuild-std=std,panic_abort");
            // The sources belong to this compiler; the second variable permits -Z.
            build.env("RUSTC", DEBIAN_RUSTC).env("RUSTC_BOOTSTRAP", "1").env_remove("RUSTUP_TOOLCHAIN");
        }
        if self == Target::Aarch64 {
            let linker = format!("CARGO_TARGET_{}_LINKER", self.variable().to_uppercase());
            build.env(linker, self.c_compiler()).env(format!("CC_{}", self.variable()), self.c_compiler());
        }
        Ok(build)
    }

    /// The variable with flags of the C compiler.
    pub(crate) fn c_flags(self) -> String {
        format!("CFLAGS_{}", self.variable())
    }

    /// The compiler that builds for it: its version.
    ///
    /// # Errors
    /// It cannot be run.
    pub(crate) fn rustc_version(self) -> Result<String, String> {
        let program = if self.compiles_std()? { DEBIAN_RUSTC } else { "rustc" };
        let text = output_of(program, &["--version"])?;
        Ok(text.split_whitespace().nth(1).unwrap_or_default().to_owned())
    }

    /// Whether the standard library is compiled too, because no compiled one is installed for this system.
    fn compiles_std(self) -> Result<bool, String> {
        if self == Target::X86_64 {
            return Ok(false);
        }
        let mut version = Command::new(self.c_compiler());
        version.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        let runs = version.status().is_ok_and(|status| status.success());
        let installed = output_of("rustc", &["--print", "target-libdir", "--target", self.as_str()]);
        if runs && installed.is_ok_and(|folder| Path::new(folder.trim()).is_dir()) {
            return Ok(false);
        }
        if runs && [DEBIAN_RUSTC, DEBIAN_CARGO, DEBIAN_SOURCES].iter().all(|file| Path::new(file).is_file()) {
            return Ok(true);
        }
        let packages = if self == Target::Windows { PACKAGES_WINDOWS } else { PACKAGES_AARCH64 };
        let packages = packages.lines().filter(|line| !line.starts_with('#')).collect::<Vec<_>>().join(" ");
        Err(format!("building for {} needs these Debian packages: {packages}", self.as_str()))
    }
}

/// The system this program runs on, where it is one that programs are built for.
pub(crate) fn native() -> Target {
    if env::consts::ARCH == "aarch64" { Target::Aarch64 } else { Target::X86_64 }
}
