//! Rules of the source itself: which file may import which, and which matches have to name every case.
#![expect(clippy::unwrap_used, reason = "a test that cannot set its stage has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use syn::visit::{self, Visit};
use syn::{Attribute, ExprMatch, ImplItemFn, Item, ItemFn, ItemMod, Pat, UseTree};

/// The folders of the workspace's crates.
fn crates() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut crates: Vec<PathBuf> = folders.filter(|path| path.join("src").is_dir()).collect();
    crates.sort();
    crates
}

/// Every source file of a crate by its module path, parsed; files of tests left out.
fn modules(source: &Path) -> BTreeMap<Vec<String>, syn::File> {
    let mut modules = BTreeMap::new();
    let mut folders = vec![source.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            let stem = path.file_stem().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") && !stem.ends_with("tests")
            {
                let inside = path.strip_prefix(source).unwrap().with_extension("");
                let mut module: Vec<String> =
                    inside.iter().map(|part| part.to_str().unwrap().to_owned()).collect();
                if matches!(stem.as_str(), "mod" | "lib" | "main") {
                    module.pop();
                }
                let text = fs::read_to_string(&path).unwrap();
                modules.insert(module, syn::parse_file(&text).unwrap());
            }
        }
    }
    modules
}

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.parse_args::<syn::Path>().is_ok_and(|cfg| cfg.is_ident("test"))
    })
}

/// The paths of all `use` lines of a file.
fn imports(items: &[Item]) -> Vec<Vec<String>> {
    fn flatten(tree: &UseTree, before: &[String], paths: &mut Vec<Vec<String>>) {
        let with = |name: String| [before, &[name]].concat();
        match tree {
            UseTree::Path(path) => flatten(&path.tree, &with(path.ident.to_string()), paths),
            UseTree::Name(name) => paths.push(with(name.ident.to_string())),
            UseTree::Rename(name) => paths.push(with(name.ident.to_string())),
            UseTree::Glob(_) => paths.push(before.to_vec()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| flatten(tree, before, paths)),
        }
    }
    let mut paths = Vec::new();
    for item in items {
        if let Item::Use(line) = item
            && !is_test(&line.attrs)
        {
            flatten(&line.tree, &[], &mut paths);
        }
    }
    paths
}

/// The file of the same crate that a `use` path names, if it names one.
fn file_of(path: &[String], module: &[String], known: &BTreeSet<Vec<String>>) -> Option<Vec<String>> {
    let mut base = module.to_vec();
    let mut rest = path;
    match rest.first().map(String::as_str)? {
        "crate" => {
            base.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|part| part == "super") {
                base.pop();
                rest = &rest[1..];
            }
        }
        child if known.contains(&[module, &[child.to_owned()]].concat()) => {}
        _ => return None,
    }
    let full = [base, rest.to_vec()].concat();
    (1..=full.len()).rev().map(|length| full[..length].to_vec()).find(|path| known.contains(path))
}

/// What can be reached from `from` along imports.
fn reached<'a>(
    from: &'a Vec<String>,
    imports: &'a BTreeMap<Vec<String>, BTreeSet<Vec<String>>>,
) -> BTreeSet<&'a Vec<String>> {
    let mut reached = BTreeSet::new();
    let mut open = vec![from];
    while let Some(file) = open.pop() {
        open.extend(imports[file].iter().filter(|next| reached.insert(*next)));
    }
    reached
}

#[test]
fn no_more_than_two_files_import_each_other_in_a_circle() {
    let mut circles = Vec::new();
    for folder in crates() {
        let modules = modules(&folder.join("src"));
        let known: BTreeSet<Vec<String>> = modules.keys().cloned().collect();
        let imports: BTreeMap<Vec<String>, BTreeSet<Vec<String>>> = modules
            .iter()
            .map(|(module, file)| {
                let files =
                    imports(&file.items).into_iter().filter_map(|path| file_of(&path, module, &known));
                (module.clone(), files.filter(|other| other != module).collect())
            })
            .collect();
        let ways: BTreeMap<_, _> = imports.keys().map(|file| (file, reached(file, &imports))).collect();
        let circle = |file| ways[file].iter().filter(|other| ways[**other].contains(file)).copied().collect();
        let found: BTreeSet<Vec<&Vec<String>>> = imports.keys().map(circle).collect();
        let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let large = found.into_iter().filter(|circle| circle.len() > 2);
        circles.extend(large.map(|circle| {
            let files: Vec<String> = circle.iter().map(|module| module.join("::")).collect();
            format!("{name}: {}", files.join(", "))
        }));
    }
    assert_eq!(circles, Vec::<String>::new());
}

/// Enums whose every case a match has to name: what is new there does not compile until it is whole.
const WHOLE: [&str; 10] = [
    "Code",
    "CodeKind",
    "Reason",
    "Who",
    "Confidence",
    "Fix",
    "Carrier",
    "Transport",
    "ProxyVariables",
    "HelloKind",
];

/// The functions with such a match.
#[derive(Default)]
struct Wildcards {
    within: String,
    found: Vec<String>,
}

/// Whether a pattern names a case of one of the enums.
#[derive(Default)]
struct Names(bool);

impl<'ast> Visit<'ast> for Names {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        self.0 |= names.len() > 1 && WHOLE.contains(&names[names.len() - 2].as_str());
    }
}

impl<'ast> Visit<'ast> for Wildcards {
    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast ItemFn) {
        self.within = function.sig.ident.to_string();
        visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast ImplItemFn) {
        self.within = function.sig.ident.to_string();
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_expr_match(&mut self, matching: &'ast ExprMatch) {
        let mut names = Names::default();
        matching.arms.iter().for_each(|arm| names.visit_pat(&arm.pat));
        let all = |pattern: &Pat| matches!(pattern, Pat::Wild(_));
        let wild = matching.arms.iter().filter(|arm| all(&arm.pat) && arm.guard.is_none());
        if names.0 {
            self.found.extend(wild.map(|_| self.within.clone()));
        }
        visit::visit_expr_match(self, matching);
    }
}

#[test]
fn a_match_over_schemes_codes_and_causes_names_every_case() {
    let mut found = Vec::new();
    for folder in crates() {
        for (module, file) in modules(&folder.join("src")) {
            let mut wildcards = Wildcards::default();
            wildcards.visit_file(&file);
            let name = folder.file_name().unwrap().to_str().unwrap().to_owned();
            found.extend(
                wildcards.found.iter().map(|function| format!("{name}/{}: {function}", module.join("/"))),
            );
        }
    }
    assert_eq!(found, Vec::<String>::new());
}
