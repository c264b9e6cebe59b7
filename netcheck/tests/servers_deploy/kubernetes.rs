//! The Kubernetes manifests: built by kubectl, judged by the API's schema, and run as they are written.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::judges::{judge, yaml};
use crate::place::{Outcome, Place, outcome, repository, required};

/// What `kubectl apply -k` would send.
fn manifests() -> String {
    let built = outcome(judge("kubectl").arg("kustomize").arg(repository("deploy/kubernetes")));
    assert_eq!(built.code, Some(0), "{}", built.stderr);
    built.stdout
}

fn kind(name: &str) -> Value {
    let found = yaml(&manifests()).into_iter().find(|manifest| manifest["kind"] == name);
    found.unwrap_or_else(|| panic!("no {name}"))
}

/// The pods' specifications: of the CronJob and of the DaemonSet.
fn pods() -> [Value; 2] {
    [
        kind("CronJob")["spec"]["jobTemplate"]["spec"]["template"]["spec"].take(),
        kind("DaemonSet")["spec"]["template"]["spec"].take(),
    ]
}

fn validate(manifests: &str) -> Outcome {
    let place = Place::new();
    outcome(judge("kubernetes-validate").arg("--strict").arg(place.give("manifests.yaml", manifests)))
}

/// The command line of a pod's one container, its mounts being folders of the place.
fn command(place: &Place, pod: &Value) -> String {
    let container = &pod["containers"][0];
    assert_eq!(container["image"], "netcheck");
    let mut line = String::from("netcheck");
    for argument in container["args"].as_array().unwrap() {
        line.push_str(&format!(" '{}'", argument.as_str().unwrap()));
    }
    for mount in container["volumeMounts"].as_array().unwrap() {
        let folder = place.folder(mount["name"].as_str().unwrap());
        line = line.replace(
            &format!("={}/", mount["mountPath"].as_str().unwrap()),
            &format!("={}/", folder.display()),
        );
    }
    let (config, files) = (kind("ConfigMap"), place.path("profile"));
    for (name, text) in config["data"].as_object().unwrap() {
        fs::write(files.join(name), text.as_str().unwrap()).unwrap();
    }
    for path in line.split(['=', '\'']).filter(|part| part.starts_with('/')) {
        assert!(
            Path::new(path).starts_with(place.path("")),
            "{path} is in no volume, and the image is read-only"
        );
    }
    line
}

#[test]
fn the_manifests_are_what_the_api_takes() {
    let manifests = manifests();
    let sound = validate(&manifests);
    assert_eq!(sound.code, Some(0), "{}{}", sound.stdout, sound.stderr);
    let misspelt = validate(&manifests.replace("readOnlyRootFilesystem", "readOnlyRootFileSystem"));
    assert_ne!(misspelt.code, Some(0));
}

#[test]
fn the_pods_keep_to_the_restricted_standard_but_for_the_folder_of_metrics() {
    for pod in pods() {
        let (whole, container) = (&pod["securityContext"], &pod["containers"][0]["securityContext"]);
        assert_eq!(whole["runAsNonRoot"], "true");
        assert_eq!(whole["runAsUser"], "65532");
        assert_eq!(whole["seccompProfile"]["type"], "RuntimeDefault");
        assert_eq!(container["allowPrivilegeEscalation"], "false");
        assert_eq!(container["readOnlyRootFilesystem"], "true");
        assert_eq!(container["capabilities"]["drop"], serde_json::json!(["ALL"]));
        assert_eq!(container["capabilities"]["add"], Value::Null);
        assert_eq!(pod["automountServiceAccountToken"], "false");
        for host in ["hostNetwork", "hostPID", "hostIPC"] {
            assert_eq!(pod[host], Value::Null);
        }
        assert_eq!(pod["containers"].as_array().unwrap().len(), 1);
        assert!(pod["containers"][0]["resources"]["limits"]["memory"].is_string());
    }
    let [job, every_node] = pods();
    let paths = |pod: &Value| {
        pod["volumes"].as_array().unwrap().iter().filter(|volume| !volume["hostPath"].is_null()).count()
    };
    assert_eq!((paths(&job), paths(&every_node)), (0, 1));
}

#[test]
fn the_job_prints_records_for_the_log_and_fails_where_something_is_blocked() {
    let [job, _] = pods();
    let place = Place::new();
    let line = command(&place, &job);
    let healthy = place.run("healthy", &line);
    assert_eq!(healthy.code, Some(0), "{}", healthy.stderr);
    let records = healthy.records();
    assert!(records.len() > 200, "{}", records.len());
    for record in records.iter().filter(|record| required(record)) {
        assert_eq!(record["verdict"], "pass", "{record}");
    }
    // The ConfigMap's profile is in force: it switches the mail row off.
    assert!(records.iter().all(|record| record["check"] != "mail"));
    assert!(
        healthy.stderr.contains("The event can run from here: everything the platform needs works."),
        "{}",
        healthy.stderr
    );
    let blocked = place.run("drop-hop1", &line);
    assert_eq!(blocked.code, Some(1), "{}", blocked.stderr);
    assert!(blocked.records().iter().any(|record| record["cause"]["code"] == "firewall_drop"));
    assert_eq!(kind("CronJob")["spec"]["jobTemplate"]["spec"]["backoffLimit"], "0");
}

#[test]
fn the_daemon_writes_its_metrics_round_by_round_and_ends_when_told() {
    let [_, every_node] = pods();
    let place = Place::new();
    let line = command(&place, &every_node);
    assert!(line.contains("--watch="), "{line}");
    // The metrics follow the table, and only then is a signal taken: what was told to end has written them.
    let script = format!(
        "exec 3< <(exec {line})\n\
         while read -r text <&3; do case $text in The\\ event\\ can\\ run*) break;; esac; done\n\
         kill -TERM $!\n\
         cat <&3\n\
         wait $! || echo \"ended with $?\""
    );
    let run = place.run("healthy", &script);
    assert!(run.stdout.contains("ended with 143"), "{}{}", run.stdout, run.stderr);
    assert!(
        place.read("textfile/netcheck.prom").contains(
            "netcheck_requirement_works{profile=\"cluster\",requirement=\"core\",role=\"all\"} 1\n"
        )
    );
    assert!(place.read("records/netcheck.jsonl").lines().count() > 200);
}
