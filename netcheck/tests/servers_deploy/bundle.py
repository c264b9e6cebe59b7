"""Makes of `runc spec`'s config.json one of netcheck's own: as 65532, with no rights, read-only, under the profile."""

import json

with open("config.json", encoding="utf-8") as file:
    config = json.load(file)
with open("netcheck.json", encoding="utf-8") as file:
    profile = json.load(file)
for rule in profile["syscalls"]:
    # Comments are Docker's and podman's, not the runtime specification's.
    rule.pop("comment", None)
process = config["process"]
process.update(terminal=False, noNewPrivileges=True, user={"uid": 65532, "gid": 65532}, capabilities={})
# Raising a limit is a right that the machine of the tests may lack.
process.pop("rlimits", None)
process["args"] = ["/usr/bin/netcheck", "check", "--row=cdn", "--no-controls", "--output=-", "--resolver=127.0.0.1:9"]
config["root"] = {"path": "rootfs", "readonly": True}
config["mounts"] = [mount for mount in config["mounts"] if mount["destination"] in ("/proc", "/dev")]
linux = config["linux"]
linux["seccomp"] = profile
linux["namespaces"] = [{"type": kind} for kind in ("mount", "pid", "ipc", "uts")]
linux.pop("resources", None)
with open("config.json", "w", encoding="utf-8") as file:
    json.dump(config, file)
