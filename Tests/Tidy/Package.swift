// swift-tools-version: 6.2
// SPDX-License-Identifier: Apache-2.0
import PackageDescription

/// The tidy tests alone, so that `make check` builds nothing else.
let package = Package(
  name: "tidy",
  targets: [
    .testTarget(name: "TidyTests", path: "TidyTests", swiftSettings: [.swiftLanguageMode(.v6)])
  ]
)
