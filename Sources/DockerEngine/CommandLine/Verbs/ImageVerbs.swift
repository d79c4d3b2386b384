// SPDX-License-Identifier: Apache-2.0

/// The verbs that act on images and their registries.
enum ImageVerbs {
  static let all: [VerbDefinition] = [
    pull, push, tag, remove, save, load, importImage, build, login, logout,
  ]

  private static let platform = FlagDefinition.value("platform", nil, "Platform as os[/arch[/variant]]")
  private static let untrusted = FlagDefinition.toggle("disable-content-trust")

  private static let pull = VerbDefinition(
    spellings: ["pull", "image pull"],
    usage: "NAME[:TAG|@DIGEST]",
    summary: "Download an image from a registry",
    flags: transferFlags("Download all tagged images of the repository"),
    arguments: .exactly(1),
    read: { words throws(DockerCommandLineError) in .pull(try transfer(words)) }
  )

  private static let push = VerbDefinition(
    spellings: ["push", "image push"],
    usage: "NAME[:TAG]",
    summary: "Upload an image to a registry",
    flags: transferFlags("Push all tags of the repository"),
    arguments: .exactly(1),
    read: { words throws(DockerCommandLineError) in .push(try transfer(words)) }
  )

  private static func transferFlags(_ allTags: String) -> [FlagDefinition] {
    [.toggle("all-tags", "a", allTags), untrusted, platform, .toggle("quiet", "q", "Print the name only")]
  }

  private static func transfer(_ words: VerbWords) throws(DockerCommandLineError) -> TransferOptions {
    let image = try words.image(0)
    let takesAllTags = try words.isOn("all-tags")
    guard !takesAllTags || (image.tag == nil && image.digest == nil) else {
      throw .refused("tag can't be used with --all-tags/-a")
    }
    return TransferOptions(
      image: image,
      platform: words.filledText("platform"),
      isQuiet: try words.isOn("quiet"),
      takesAllTags: takesAllTags
    )
  }

  private static let tag = VerbDefinition(
    spellings: ["tag", "image tag"],
    usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
    summary: "Give an image another name",
    flags: [.toggle("force", "f")],
    arguments: .exactly(2),
    read: { words throws(DockerCommandLineError) in
      .tag(image: words.arguments[0], name: try words.image(1))
    }
  )

  private static let remove = VerbDefinition(
    spellings: ["rmi", "image rm", "image remove"],
    usage: "IMAGE [IMAGE...]",
    summary: "Remove one or more images",
    flags: [
      .toggle("force", "f", "Remove it though something uses it"),
      .toggle("no-prune", nil, "Keep parents without a name"),
      platform,
    ],
    arguments: .atLeast(1),
    read: { words throws(DockerCommandLineError) in
      .removeImages(
        RemoveImagesOptions(
          images: words.arguments,
          isForced: try words.isOn("force"),
          keepsParents: try words.isOn("no-prune"),
          platforms: words.texts("platform")
        )
      )
    }
  )

  private static let save = VerbDefinition(
    spellings: ["save", "image save"],
    usage: "IMAGE [IMAGE...]",
    summary: "Save one or more images to a tar archive",
    flags: [.value("output", "o", "Write to a file instead of standard output"), platform],
    arguments: .atLeast(1),
    read: { words in
      .save(
        SaveOptions(
          images: words.arguments,
          file: words.filledText("output"),
          platform: words.filledText("platform")
        )
      )
    }
  )

  private static let load = VerbDefinition(
    spellings: ["load", "image load"],
    usage: "",
    summary: "Load images from a tar archive",
    flags: [
      .value("input", "i", "Read from a file instead of standard input"),
      platform,
      .toggle("quiet", "q", "Show no progress"),
    ],
    arguments: .exactly(0),
    read: { words throws(DockerCommandLineError) in
      .load(
        LoadOptions(
          file: words.filledText("input"),
          isQuiet: try words.isOn("quiet"),
          platform: words.filledText("platform")
        )
      )
    }
  )

  private static let importImage = VerbDefinition(
    spellings: ["import", "image import"],
    usage: "file|URL|- [REPOSITORY[:TAG]]",
    summary: "Create an image from a tar archive of a file system",
    flags: [
      .list("change", "c", "Apply a Dockerfile instruction to the image"),
      .value("message", "m", "Commit message"),
      platform,
    ],
    arguments: .between(1, 2),
    read: { words throws(DockerCommandLineError) in
      if words.arguments.count == 2 { _ = try words.image(1) }
      return .importImage(
        ImportOptions(
          source: words.arguments[0],
          image: words.arguments.count == 2 ? words.arguments[1] : nil,
          changes: words.texts("change"),
          message: words.filledText("message"),
          platform: words.filledText("platform")
        )
      )
    }
  )

  private static let build = VerbDefinition(
    spellings: ["build", "image build", "builder build"],
    usage: "PATH | URL | -",
    summary: "Build an image (by an installed docker program)",
    arguments: .atLeast(0),
    isVerbatim: true,
    read: { words in .build(words.arguments) }
  )

  private static let login = VerbDefinition(
    spellings: ["login"],
    usage: "[SERVER]",
    summary: "Keep a user name and password for a registry",
    flags: [
      .value("password", "p", "Password or token"),
      .toggle("password-stdin", nil, "Read the password from standard input"),
      .value("username", "u", "User name"),
      .value("email", "e"),
    ],
    arguments: .atMost(1),
    read: { words throws(DockerCommandLineError) in
      let options = LoginOptions(
        registry: words.arguments.first,
        user: words.filledText("username"),
        password: words.filledText("password"),
        readsPassword: try words.isOn("password-stdin")
      )
      guard !options.readsPassword || options.password == nil else {
        throw .refused("--password and --password-stdin are mutually exclusive")
      }
      guard !options.readsPassword || options.user != nil else {
        throw .refused("the --password-stdin option requires --username to be set")
      }
      if words.last("email") != nil { words.warnings.append("flag --email has no effect: registries ask for none") }
      return .login(options)
    }
  )

  private static let logout = VerbDefinition(
    spellings: ["logout"],
    usage: "[SERVER]",
    summary: "Forget the password for a registry",
    arguments: .atMost(1),
    read: { words in .logout(registry: words.arguments.first) }
  )
}
