# SPDX-License-Identifier: Apache-2.0
"""The cloud template and any-cloud.sh: what they give a machine is read by coracle itself, and their first boots are run
with stand-ins for the programs that would change this computer. CORACLE_BINARY names the program (default: the debug build).
"""
import hashlib
import http.server
import itertools
import os
import pathlib
import re
import subprocess
import tempfile
import threading
import time
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORACLE = os.environ.get("CORACLE_BINARY", str(ROOT / ".build/debug/coracle"))
ANY_CLOUD = str(ROOT / "deploy/any-cloud.sh")
CLOUD_CONFIG = re.compile(r"<<'CLOUD_CONFIG'\n(.*?)^CLOUD_CONFIG$", re.S | re.M)


def run(*words, **options):
    return subprocess.run(words, capture_output=True, text=True, timeout=60, **options)


class Scratch(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.scratch = pathlib.Path(directory.name)

    def program(self, name, text):
        path = self.scratch / "programs" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("#!/bin/bash\n" + text)
        path.chmod(0o755)
        return path

    def assert_valid(self, text):
        file = self.scratch / "cloud-config.yaml"
        file.write_text(text)
        found = run(CORACLE, "cloud-config", "validate", str(file))
        self.assertEqual((found.returncode, found.stdout + found.stderr), (0, ""), text)

    def first_boot(self, script, package=b"package", address="10.0.0.11", apt=""):
        """Runs a first boot below the scratch directory; what was called stands in `calls`."""
        calls = self.scratch / "calls"
        calls.write_text("")
        (self.scratch / "package").write_bytes(package)
        programs = self.scratch / "programs"
        note = f'echo "$(basename "$0") $*" >>"{calls}"\n'
        self.program("systemctl", note)
        self.program("apt-get", note + apt)
        self.program("curl", note + f'while [[ $1 != -o ]]; do shift; done; cp "{self.scratch}/package" "$2"\n')
        self.program("hostname", f'echo "172.17.0.1 {address} "\n')
        (self.scratch / "cache").mkdir(exist_ok=True)
        script = script.replace("/etc/coracle", f"{self.scratch}/etc").replace("/var/cache", f"{self.scratch}/cache")
        environment = {"PATH": f"{programs}:/usr/bin:/bin"}
        return run("bash", "-c", script, env=environment), calls.read_text().splitlines()


class CloudFormation:
    """The template, with the functions that it uses carried out."""

    def __init__(self, five=False, **parameters):
        class Loader(yaml.SafeLoader):
            pass

        def function(loader, suffix, node):
            name = suffix if suffix == "Ref" else "Fn::" + suffix
            if isinstance(node, yaml.ScalarNode):
                value = loader.construct_scalar(node)
                return {name: value.split(".", 1) if suffix == "GetAtt" else value}
            if isinstance(node, yaml.SequenceNode):
                return {name: loader.construct_sequence(node, deep=True)}
            return {name: loader.construct_mapping(node, deep=True)}

        Loader.add_multi_constructor("!", function)
        self.document = yaml.load((ROOT / "deploy/cloudformation.yaml").read_text(), Loader)
        self.resources = self.document["Resources"]
        self.values = {name: value.get("Default", "") for name, value in self.document["Parameters"].items()}
        self.values.update(parameters)
        self.conditions = {"HasFive": five, "HasDiscovery": bool(self.values["DiscoveryUrl"])}

    def evaluate(self, value):
        if isinstance(value, dict) and len(value) == 1:
            (name, argument), = value.items()
            if name == "Fn::If":
                return self.evaluate(argument[1 if self.conditions[argument[0]] else 2])
            if name == "Fn::Base64":
                return self.evaluate(argument)
            if name == "Fn::Sub":
                text, own = (argument, {}) if isinstance(argument, str) else argument
                return self.substitute(text, {key: self.evaluate(item) for key, item in own.items()})
        return value

    def substitute(self, text, own):
        def value(match):
            name = match[1]
            if name.startswith("!"):
                return "${" + name[1:] + "}"
            if name in own:
                return own[name]
            if name.endswith(".PrimaryPrivateIpAddress"):
                return "10.0.0.1" + name.split(".")[0][-1]
            return self.values[name]

        return re.sub(r"\$\{([^}]*)\}", value, text)

    def user_data(self, resource):
        return self.evaluate(self.resources[resource]["Properties"]["LaunchTemplateData"]["UserData"])


SUM = hashlib.sha256(b"package").hexdigest()
PACKAGE = {"PackageUrl": "https://example.com/coracle.deb", "PackageSha256": SUM}
APT = "apt-get -o DPkg::Lock::Timeout=300 -qq"


class TemplateTest(Scratch):
    def test_what_machines_get_is_valid(self):
        for resource, five, discovery in itertools.product(
            ("MemberMachine", "WorkerMachine"), (False, True), ("", "http://10.0.0.9:2379/discovery/3f6a")
        ):
            template = CloudFormation(five, DiscoveryUrl=discovery, **PACKAGE)
            script = template.user_data(resource)
            self.assertLess(len(script), 12_000, "EC2 takes 16 KiB, after base64")
            self.assertEqual(run("bash", "-n", "-c", script).stderr, "")
            config = CLOUD_CONFIG.search(script)[1]
            self.assertIn("http://$private_ipv4:2379", config)
            self.assertIn("discovery: http" if discovery else "initial-cluster: member-1=http://10.0.0.11:2380,", config)
            if not discovery:
                self.assertEqual(config.count(":2380,member-") + 1, 5 if five else 3)
            self.assertEqual("proxy: on" in config, resource == "WorkerMachine")
            self.assert_valid(config.replace("MEMBER", "member-1"))

    def test_a_member_is_named_by_its_address(self):
        script = CloudFormation(True, **PACKAGE).user_data("MemberMachine")
        ran, calls = self.first_boot(script, address="10.0.0.14")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        config = (self.scratch / "etc/cloud-config.yaml").read_text()
        self.assertIn("    name: member-4\n", config)
        self.assert_valid(config)
        self.assertIn(f"{APT} install -y {self.scratch}/cache/coracle.deb", calls)
        self.assertEqual(calls[-2:], ["systemctl enable coracle", "systemctl start --no-block coracle"])

    def test_what_the_package_needs_is_looked_for(self):
        refusal = f'if [[ $* == *install* && ! -e "{self.scratch}/updated" ]]; then exit 100; fi\n'
        refusal += f'if [[ $* == *update* ]]; then touch "{self.scratch}/updated"; fi\n'
        ran, calls = self.first_boot(CloudFormation(**PACKAGE).user_data("WorkerMachine"), apt=refusal)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        install = f"{APT} install -y {self.scratch}/cache/coracle.deb"
        self.assertEqual(calls[1:4], [install, f"{APT} update", install])

    def test_an_address_that_is_no_members_starts_nothing(self):
        ran, calls = self.first_boot(CloudFormation(False, **PACKAGE).user_data("MemberMachine"), address="10.0.0.14")
        self.assertNotEqual(ran.returncode, 0)
        self.assertIn("none of 10.0.0.11 10.0.0.12 10.0.0.13 is this machine's", ran.stderr)
        self.assertEqual(calls, [])

    def test_another_package_is_not_installed(self):
        for resource in ("MemberMachine", "WorkerMachine"):
            ran, calls = self.first_boot(CloudFormation(**PACKAGE).user_data(resource), package=b"another")
            self.assertNotEqual(ran.returncode, 0)
            self.assertEqual([call.split()[0] for call in calls], ["curl"])

    def test_an_image_without_coracle_needs_a_package(self):
        for resource in ("MemberMachine", "WorkerMachine"):
            ran, calls = self.first_boot(CloudFormation().user_data(resource))
            self.assertIn("there is no PackageUrl", ran.stderr)
            self.assertEqual(calls, [])

    def test_an_image_with_coracle_needs_none(self):
        self.program("coracle", "")
        for resource in ("MemberMachine", "WorkerMachine"):
            ran, calls = self.first_boot(CloudFormation().user_data(resource))
            self.assertEqual((ran.returncode, calls), (0, ["systemctl enable coracle", "systemctl start --no-block coracle"]))

    def test_only_ssh_is_open_to_others_and_metadata_want_a_token(self):
        resources = CloudFormation().resources
        own = {"Ref": "MachineGroup"}
        for resource in resources.values():
            properties = resource["Properties"]
            for rule in properties.get("SecurityGroupIngress", []):
                self.assertEqual((rule["FromPort"], rule["ToPort"], rule["CidrIp"]), (22, 22, {"Ref": "SshCidr"}))
            if resource["Type"] == "AWS::EC2::SecurityGroupIngress":
                self.assertEqual((properties["GroupId"], properties["SourceSecurityGroupId"]), (own, own))
            if resource["Type"] == "AWS::EC2::LaunchTemplate":
                self.assertEqual(properties["LaunchTemplateData"]["MetadataOptions"]["HttpTokens"], "required")
            self.assertNotIn("IAM", resource["Type"])


class AnyCloudTest(Scratch):
    URL = "http://10.0.0.9:2379/discovery/3f6a"

    def any_cloud(self, *words, **options):
        return run(ANY_CLOUD, "--out", str(self.scratch / "out"), *words, **options)

    def text(self, name):
        return (self.scratch / "out" / f"{name}.user-data").read_text()

    def test_members_and_workers(self):
        ran = self.any_cloud("--discovery", self.URL, "--workers", "2", "--metadata", "region=eu")
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual(len(list((self.scratch / "out").glob("*.user-data"))), 5)
        for number in (1, 2, 3):
            text = self.text(f"coracle-member-{number}")
            self.assertIn(f"    name: coracle-member-{number}\n    discovery: {self.URL}\n", text)
            self.assertIn('metadata: "role=store,region=eu"', text)
            self.assert_valid(text)
        self.assertIn('    proxy: on\n    discovery: ', self.text("coracle-worker-2"))
        self.assertIn('metadata: "region=eu"', self.text("coracle-worker-2"))
        self.assert_valid(self.text("coracle-worker-2"))

    def test_public_addresses(self):
        self.any_cloud("--discovery", self.URL, "--address", "public")
        self.assertNotIn("$private_ipv4", self.text("coracle-member-1"))
        self.assert_valid(self.text("coracle-member-1"))

    def test_a_token_is_asked_for_once(self):
        asked = []

        class Seed(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(f"http://10.0.0.9:2379/discovery/{len(asked)}\n".encode())

            def log_message(self, *_):
                pass

        server = http.server.HTTPServer(("127.0.0.1", 0), Seed)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        seed = ("--seed", f"http://127.0.0.1:{server.server_port}/", "--members", "5")
        self.assertEqual(self.any_cloud(*seed).returncode, 0)
        self.assertEqual(self.any_cloud(*seed, "--workers", "1").returncode, 0)
        self.assertEqual(asked, ["/discovery/new?size=5"])
        self.assertIn("discovery/1\n", self.text("coracle-worker-1"))
        again = self.any_cloud("--members", "3")
        self.assertEqual(again.returncode, 1)
        self.assertIn("the token in", again.stderr)
        other = self.any_cloud("--members", "5", "--discovery", "http://10.0.0.9/other")
        self.assertIn("have the token http://10.0.0.9:2379/discovery/1; use another --out", other.stderr)

    def test_each_machine_is_made_once(self):
        made = self.scratch / "made"
        create = self.program("create", f'[[ $1 != "$REFUSED" ]] && [[ -s $2 ]] && echo "$1" >>"{made}"\n')
        words = ("--discovery", self.URL, "--create", str(create))
        failed = self.any_cloud(*words, env=os.environ | {"REFUSED": "coracle-member-2"})
        self.assertEqual(failed.returncode, 1)
        self.assertIn("failed for coracle-member-2", failed.stderr)
        before = self.text("coracle-member-1")
        self.assertEqual(self.any_cloud(*words, "--workers", "1", "--agent-ttl", "9s").returncode, 0)
        self.assertEqual(
            made.read_text().split(), ["coracle-member-1", "coracle-member-2", "coracle-member-3", "coracle-worker-1"]
        )
        self.assertEqual(self.text("coracle-member-1"), before)

    def test_a_package_is_installed_as_by_the_template(self):
        url, digest = PACKAGE["PackageUrl"], PACKAGE["PackageSha256"]
        self.any_cloud("--discovery", self.URL, "--package-url", url, "--package-sha256", digest)
        script = self.text("coracle-member-1")
        self.assert_valid(CLOUD_CONFIG.search(script)[1])
        ran, calls = self.first_boot(script)
        self.assertEqual(ran.returncode, 0, ran.stderr)
        self.assertEqual((self.scratch / "etc/cloud-config.yaml").read_text(), CLOUD_CONFIG.search(script)[1])
        self.assertEqual(calls, self.first_boot(CloudFormation(**PACKAGE).user_data("WorkerMachine"))[1])
        ran, calls = self.first_boot(script, package=b"another")
        self.assertNotEqual(ran.returncode, 0)
        self.assertEqual([call.split()[0] for call in calls], ["curl"])

    def test_misuse_is_told_and_nothing_is_written(self):
        for words, problem in (
            ([], "one of --discovery and --seed is needed"),
            (["--discovery"], "--discovery needs a value"),
            (["--frob"], "unknown option --frob"),
            (["--discovery", "x"], '--discovery: "x" is not a URL'),
            (["--discovery", self.URL, "--seed", self.URL], "exclude each other"),
            (["--discovery", self.URL, "--members", "0"], '--members: "0" is not a number from 1 to 9'),
            (["--discovery", self.URL, "--metadata", 'a="b"'], "--metadata: "),
            (["--discovery", self.URL, "--prefix", "A b"], "--prefix: "),
            (["--discovery", self.URL, "--package-url", "https://h/x.deb"], "--package-sha256: "),
        ):
            ran = self.any_cloud(*words)
            self.assertEqual(ran.returncode, 2, words)
            self.assertIn(problem, ran.stderr)
            self.assertEqual(list(self.scratch.glob("out/*.user-data")), [])


class LiveTest(Scratch):
    """Machines are nodes on loopback, each made by the command that --create names."""

    def test_a_cluster_comes_to_be(self):
        pids = self.scratch / "pids"
        pids.write_text("")
        self.addCleanup(lambda: [subprocess.run(["kill", pid]) for pid in pids.read_text().split()])
        start = f"""
start() {{ # NUMBER USER-DATA
  "{CORACLE}" node --cloud-config "$2" --data-dir "{self.scratch}/$1" --private-ip "127.79.0.$1" --public-ip "127.79.0.$1" \\
    --docker none 2>"{self.scratch}/$1.log" >/dev/null &
  echo $! >>"{pids}"
}}
"""
        seed = self.program("seed", start + f'start 9 "{ROOT}/cloud-config/demo/seed.yaml"\n')
        create = self.program("create", start + r"""
case $1 in *-member-*) number=${1##*-} ;; *) number=$((3 + ${1##*-})) ;; esac
# All share one computer, so each listens on its own address alone.
sed 's/0\.0\.0\.0/$private_ipv4/; s/^  fleet:/&\n    listen-urls: http:\/\/$private_ipv4:49153/' "$2" >"$2.local"
start "$number" "$2.local"
""")
        self.assertEqual(run(str(seed)).returncode, 0)
        self.eventually(lambda: run("curl", "-sf", "http://127.79.0.9:2379/health").returncode == 0)
        ran = run(
            ANY_CLOUD, "--out", str(self.scratch / "out"), "--seed", "http://127.79.0.9:2379", "--workers", "1",
            "--create", str(create),
        )
        self.assertEqual(ran.returncode, 0, ran.stderr)
        worker = {"CORACLE_ENDPOINT": "http://127.79.0.4:2379", "PATH": os.environ["PATH"]}
        self.eventually(lambda: run(CORACLE, "machine", "list", "--no-legend", env=worker).stdout.count("127.79.0.") == 4)
        self.assertEqual(run(CORACLE, "cluster", "members", env=worker).stdout.count("coracle-member-"), 3)

    def eventually(self, condition, seconds=40):
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                logs = "\n".join(log.read_text()[-2_000:] for log in self.scratch.glob("*.log"))
                self.fail(f"waited {seconds} s; {logs}")
            time.sleep(0.1)


if __name__ == "__main__":
    unittest.main()
