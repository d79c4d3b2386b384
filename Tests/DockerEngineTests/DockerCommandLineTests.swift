// SPDX-License-Identifier: Apache-2.0
import Foundation
import Testing

@testable import DockerEngine

/// Specs: docker-driver.md §3, §5.
@Suite struct DockerCommandLineTests {
  func specification(_ words: String...) throws -> ContainerSpecification {
    switch try DockerCommandLine(parsing: words).command {
    case .run(let specification), .create(let specification): specification
    default: throw TestFailure("no run or create")
    }
  }

  func body(_ words: [String], caller: DockerCaller = DockerCaller()) throws -> JSONValue {
    guard case .run(let specification) = try DockerCommandLine(parsing: ["run"] + words).command else {
      throw TestFailure("no run")
    }
    return try ContainerCreation(specification, for: caller, version: .newest).body
  }

  func refusal(_ words: String...) -> DockerCommandLineError? {
    do throws(DockerCommandLineError) {
      _ = try DockerCommandLine(parsing: words)
      return nil
    } catch {
      return error
    }
  }

  @Test func `flags stop at the image and the rest is the command verbatim`() throws {
    let found = try specification(
      "run",
      "--name",
      "busybox1",
      "busybox",
      "/bin/sh",
      "-c",
      "while true; do echo Hello World; sleep 1; done"
    )
    #expect(found.name == "busybox1")
    #expect(found.image == "busybox")
    #expect(found.arguments == ["/bin/sh", "-c", "while true; do echo Hello World; sleep 1; done"])
    #expect(!found.isDetached && !found.removesOnExit)
  }

  @Test(arguments: [
    (["--name", "a"], "a"), (["--name=a"], "a"), (["-name", "a"], "a"), (["-name=a"], "a"), (["--name="], ""),
  ])
  func `a value comes after a space or an equals sign, also for the single dash of old`(
    words: [String],
    expected: String
  ) throws {
    guard case .run(let found) = try DockerCommandLine(parsing: ["run"] + words + ["img"]).command else {
      throw TestFailure("no run")
    }
    #expect(found.name == expected)
  }

  @Test func `short switches cluster, and the last one of a cluster may take a value`() throws {
    let found = try specification("run", "-ditP", "-eA=1", "-e=B=2", "-p8080:80", "img")
    #expect(found.isDetached && found.hasTerminal)
    #expect(found.environment == ["A=1", "B=2"])
    #expect(found.configuration["OpenStdin"] == .bool(true))
    #expect(found.hostConfiguration["PublishAllPorts"] == .bool(true))
    #expect(found.hostConfiguration["PortBindings"]?["80/tcp"] != nil)
    #expect(try specification("run", "-itv", "/a:/b", "img").binds == ["/a:/b"])
  }

  @Test(arguments: [("--rm", true), ("--rm=true", true), ("--rm=1", true), ("--rm=false", false), ("-rm", true)])
  func `a switch takes a value only after an equals sign`(word: String, expected: Bool) throws {
    #expect(try specification("run", word, "img").removesOnExit == expected)
  }

  @Test func `everything else of the engine's own language is refused by name`() {
    #expect(refusal("frobnicate", "x") == .unknownVerb("frobnicate"))
    #expect(refusal("image", "frobnicate") == .unknownVerb("image frobnicate"))
    for verb in ["swarm", "stats", "compose"] {
      guard case .unsupportedVerb(verb, _) = refusal(verb, "x") else {
        Issue.record("accepted \(verb)")
        continue
      }
    }
    #expect(refusal("run", "--nope", "img") == .unknownFlag("--nope", verb: "run"))
    #expect(refusal("run", "--nope=1", "img") == .unknownFlag("--nope", verb: "run"))
    #expect(refusal("run", "-X", "img") == .unknownFlag("-X", verb: "run"))
    #expect(refusal("run", "-tX", "img") == .unknownFlag("-X in -tX", verb: "run"))
    #expect(refusal("create", "-d", "img") == .unknownFlag("-d", verb: "create"))
    #expect(refusal("stop", "--force", "x") == .unknownFlag("--force", verb: "stop"))
    #expect(refusal("run", "--name") == .missingValue(flag: "--name", verb: "run"))
    #expect(refusal("run", "-e") == .missingValue(flag: "-e", verb: "run"))
    #expect(refusal("run", "--rm=maybe", "i") == .badValue("maybe", flag: "--rm", expected: "true or false"))
    #expect(refusal("start", "-a", "x", "y") == .refused("you cannot start and attach multiple containers at once"))
    #expect(
      refusal("run", "--rm", "--restart=always", "i")
        == .conflict("conflicting options: cannot specify both --restart and --rm")
    )
  }

  @Test(arguments: [
    ("run --rm", "requires at least 1 argument"), ("stop", "requires at least 1 argument"),
    ("exec x", "requires at least 2 arguments"), ("logs", "requires 1 argument"), ("tag a", "requires 2 arguments"),
    ("ps x", "accepts no arguments"), ("images a b", "requires at most 1 argument"),
    ("commit", "requires at least 1 and at most 2 arguments"),
  ])
  func `too few or too many words are refused with the verb`(line: String, demand: String) throws {
    let words = line.split(separator: " ").map(String.init)
    do throws(DockerCommandLineError) {
      _ = try DockerCommandLine(parsing: words)
      Issue.record("accepted \(line)")
    } catch {
      #expect(error.exitCode == 1)
      #expect(error.description.hasPrefix("docker: 'docker \(words[0])' \(demand); usage: docker \(words[0])"))
    }
  }

  @Test func `every verb has a help text, a group too, and no flag twice`() throws {
    for verb in VerbTable.verbs {
      for spelling in verb.spellings {
        let words = spelling.split(separator: " ").map(String.init) + ["--help"]
        guard verb.name != "build" else { continue }
        #expect(try DockerCommandLine(parsing: words).command == .help(verb.helpText), "\(spelling)")
      }
      #expect(Set(verb.flags.map(\.name)).count == verb.flags.count, "\(verb.name)")
      let letters = verb.flags.compactMap(\.letter)
      #expect(Set(letters).count == letters.count, "\(verb.name)")
    }
    for words in [[], ["--help"], ["help"]] {
      #expect(try DockerCommandLine(parsing: words).command == .help(HelpText.overview))
    }
    #expect(try DockerCommandLine(parsing: ["image"]).command == .help(HelpText.group("image")))
    let spellings = VerbTable.verbs.flatMap(\.spellings)
    #expect(Set(spellings).count == spellings.count)
  }

  @Test(arguments: [
    "-p abc", "-p 80:81:82:83", "-p 1-3:4-5", "-p 80/quic", "-m lots", "--cpus 1.2.3", "--ulimit nofile",
  ])
  func `a value of the wrong shape is refused with its flag`(words: String) {
    let words = words.split(separator: " ").map(String.init)
    guard case .badValue(let value, let flag, _) = refusal("run", words[0], words[1], "img") else {
      Issue.record("accepted \(words)")
      return
    }
    #expect(value == words[1])
    #expect(flag.hasPrefix("--"))
  }

  @Test func `the small verbs have their flags anywhere`() throws {
    #expect(
      try DockerCommandLine(parsing: ["rm", "a", "-fv", "b"]).command
        == .remove(RemoveOptions(containers: ["a", "b"], isForced: true, removesVolumes: true))
    )
    #expect(
      try DockerCommandLine(parsing: ["stop", "-t", "5", "a"]).command
        == .stop(StopOptions(containers: ["a"], timeoutSeconds: 5, signal: nil))
    )
    #expect(
      try DockerCommandLine(parsing: ["stop", "--time=0", "a"]).command
        == .stop(StopOptions(containers: ["a"], timeoutSeconds: 0, signal: nil))
    )
    #expect(
      try DockerCommandLine(parsing: ["kill", "-s", "HUP", "a"]).command
        == .kill(KillOptions(containers: ["a"], signal: "HUP"))
    )
    #expect(
      try DockerCommandLine(parsing: ["start", "-a", "haproxy"]).command
        == .start(StartOptions(containers: ["haproxy"], isAttached: true))
    )
    guard case .pull(let pull) = try DockerCommandLine(parsing: ["--debug=true", "pull", "reg:5000/a/b:1.2"]).command
    else { throw TestFailure("no pull") }
    #expect(pull.image.repository == "reg:5000/a/b" && pull.image.tag == "1.2")
  }

  @Test func `a command is in the foreground while its container runs`() throws {
    let foreground = ["run img", "run --rm img", "start -a x", "container run img"]
    let short = ["run -d img", "create img", "start x", "stop x", "pull img", "inspect x"]
    for (lines, expected) in [(foreground, true), (short, false)] {
      for line in lines {
        let words = line.split(separator: " ").map(String.init)
        #expect(try DockerCommandLine(parsing: words).command.isForeground == expected, "\(line)")
      }
    }
  }

  @Test func `flags without effect are told`() throws {
    let line = try DockerCommandLine(parsing: ["run", "--sig-proxy=false", "--restart=always", "img"])
    #expect(line.warnings.count == 2)
    #expect(line.warnings[0].contains("--sig-proxy"))
    #expect(line.warnings[1].contains("--restart always"))
  }

  @Test func `port ranges pair up or leave the choice to the engine`() throws {
    let found = try body([
      "-p", "8000-8001:80-81", "-p", "9000-9010:90", "-p", "published=53,target=5353,protocol=udp", "i",
    ])
    let bindings = found["HostConfig"]?["PortBindings"]
    #expect(bindings?["80/tcp"]?.elements.first?["HostPort"] == .string("8000"))
    #expect(bindings?["81/tcp"]?.elements.first?["HostPort"] == .string("8001"))
    #expect(bindings?["90/tcp"]?.elements.first?["HostPort"] == .string("9000-9010"))
    #expect(bindings?["5353/udp"]?.elements.first?["HostPort"] == .string("53"))
    #expect(found["ExposedPorts"]?.members.count == 4)
  }

  @Test func `two bindings of one port are both kept`() throws {
    let found = try body(["-p", "80:80", "-p", "81:80", "i"])
    #expect(
      found["HostConfig"]?["PortBindings"]?["80/tcp"]?.elements.map { $0["HostPort"] } == [
        .string("80"), .string("81"),
      ]
    )
  }

  @Test func `capabilities are upper case, sorted, unique, and ALL swallows the rest`() {
    #expect(
      CapabilityLists(added: ["sys_time", "CAP_NET_ADMIN", "net_admin"], dropped: []).added == [
        "CAP_NET_ADMIN", "CAP_SYS_TIME",
      ]
    )
    #expect(CapabilityLists(added: ["all", "chown"], dropped: ["mknod"]).added == ["ALL"])
    #expect(CapabilityLists(added: ["chown"], dropped: ["chown", "mknod"]).dropped == ["CAP_MKNOD"])
  }

  @Test func `the caller's environment, directory and labels are put in`() throws {
    let caller = DockerCaller(environment: ["HERE": "yes"], workingDirectory: "/srv/app", labels: ["unit": "a.service"])
    let found = try body(
      ["-e", "HERE", "-e", "GONE", "-v", "./data:/data", "-v", "../x:/x:ro", "-l", "mine=1", "i"],
      caller: caller
    )
    #expect(found["Env"] == .strings(["HERE=yes", "GONE"]))
    #expect(found["HostConfig"]?["Binds"] == .strings(["/srv/app/data:/data", "/srv/x:/x:ro"]))
    #expect(found["Labels"] == .object(JSONObject([("mine", .string("1")), ("unit", .string("a.service"))])))
  }

  @Test func `an environment file keeps quotes, skips comments and drops unset names`() throws {
    let entries = try KeyValueFile.entries(of: "# c\n\nA=1\n  B=\"x y\" # no comment\nBARE\nE=\r\n", path: "f")
    #expect(entries.map(\.key) == ["A", "B", "BARE", "E"])
    #expect(entries.map(\.value) == ["1", "\"x y\" # no comment", nil, ""])
    #expect(throws: DockerEngineError.self) { try KeyValueFile.entries(of: "A B=1", path: "f") }
  }

  @Test func `a missing environment file is an error that names it`() {
    #expect(throws: DockerEngineError.self) { try body(["--env-file", "/nonexistent/env", "i"]) }
  }

  @Test(arguments: [
    ("512", 512), ("1k", 1024), ("1.5g", 1_610_612_736), ("10MiB", 10_485_760), ("2gb", 2_147_483_648), ("3B", 3),
  ])
  func `sizes have suffixes of 1024`(text: String, expected: Int64) throws {
    #expect(try FoundFlag.sizeBytes(text, flag: "memory") == expected)
  }

  @Test(
    arguments: [
      ("busybox", "busybox", nil, nil), ("a/b:1", "a/b", "1", nil), ("r:5000/a", "r:5000/a", nil, nil),
      ("r:5000/a:2@sha256:ab", "r:5000/a", "2", "sha256:ab"),
    ] as [(String, String, String?, String?)]
  )
  func `an image's tag comes after the last slash`(text: String, repository: String, tag: String?, digest: String?)
    throws
  {
    let image = try #require(ImageReference(text))
    #expect(image.repository == repository && image.tag == tag && image.digest == digest)
    #expect(image.description == text)
  }
}

/// A test's own failure.
struct TestFailure: Error {
  var text: String
  init(_ text: String) { self.text = text }
}
